//! Policies are read or refused with findings that lie inside the text; a roster that is read can be
//! written for stock git and read back.
#![no_main]

use ledger::policy::{lint, parse};
use ledger::sign::{PublicKey, Roster};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse::parse(text) {
        Ok(policy) => {
            assert_eq!(Roster::parse(text).as_ref().ok(), Some(&policy.roster));
            let _ = lint::lint(&policy);
            let keys = policy.roster.allowed_signers();
            let read = keys.lines().map(|line| PublicKey::parse(line.split_once("\"git\" ").unwrap().1).unwrap());
            let written: Vec<PublicKey> = policy.roster.people().flat_map(|person| person.keys.clone()).collect();
            assert_eq!(read.collect::<Vec<_>>(), written);
        }
        Err(findings) => {
            assert!(!findings.is_empty());
            let _ = findings.render("ledger.toml", text);
        }
    }
});
