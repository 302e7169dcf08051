//! An armor that is read has one spelling; verifying with it never panics.
#![no_main]

use ledger::sign::sshsig::SshSignature;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(armor) = std::str::from_utf8(bytes) else { return };
    if let Some(signature) = SshSignature::from_armor(armor) {
        assert_eq!(signature.to_armor(), armor);
        assert!(!signature.verifies(b"nobody signed this"));
        let _ = signature.key.check_enrolment();
    }
});
