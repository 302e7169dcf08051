//! A message whose trailers parse is the one they encode to: behind headers that are in order, so that
//! the search is spent on the message.
#![no_main]

use ledger::store::commit::{ObjectFormat, SignedCommit};
use libfuzzer_sys::fuzz_target;

const HEADERS: &str = "tree 7bc1ec6d7d5acd1fc27e3cd3e0bbfd9e0dbb1f15\n\
    parent 0a4d55a8d778e5022fab701977c5d840bbc486d0\n\
    author Kim <kim@acme.example> 1759536000 +0000\n\
    committer Kim <kim@acme.example> 1759536000 +0000\n\
    gpgsig -----BEGIN SSH SIGNATURE-----\n U1NIU0lH\n -----END SSH SIGNATURE-----\n\n";

fuzz_target!(|message: &[u8]| {
    let bytes = [HEADERS.as_bytes(), message].concat();
    if let Ok(signed) = SignedCommit::parse(&bytes, ObjectFormat::Sha1) {
        assert_eq!(signed.commit.with_signature(&signed.armor, ObjectFormat::Sha1), bytes);
    }
});
