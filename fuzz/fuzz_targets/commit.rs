//! A commit object that parses is the one its parts encode to, byte for byte.
#![no_main]

use ledger::store::commit::{ObjectFormat, SignedCommit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        if let Ok(signed) = SignedCommit::parse(bytes, format) {
            assert_eq!(signed.commit.with_signature(&signed.armor, format), bytes);
            assert_eq!(signed.commit.payload(), signed.payload);
        }
    }
});
