//! Every reader reads any bytes or refuses them; what it takes fits into a statement and is the same twice.
#![no_main]

use ledger::entry::statement::MAX_STATEMENT;
use ledger::evidence::readers::{Input, READERS, Wanted, guess, read_all};
use libfuzzer_sys::fuzz_target;

/// Take names and headings from the file at any length: their entry is refused when it is composed.
const UNBOUNDED: &[&str] = &["checksums", "checklist", "document", "tasks"];

fuzz_target!(|bytes: &[u8]| {
    let wanted = Wanted { phrase: Some("Next Stage Ready"), template: Some(bytes), ..Wanted::default() };
    let input = || Input { wanted, ..Input::plain("build.md", bytes) };
    let _ = guess(&input());
    for reader in READERS {
        let _ = (reader.looks_like)(&input());
        let read = (reader.read)(&input());
        assert_eq!(read, (reader.read)(&input()), "{}", reader.format);
        match read {
            Ok(facts) => {
                let text = serde_json::to_string(&facts).unwrap();
                assert!(text.len() < MAX_STATEMENT || UNBOUNDED.contains(&reader.format), "{}", reader.format);
                let _ = read_all(reader, &[input(), input()]);
            }
            Err(error) => assert!(error.to_string().len() < 1024, "{}: {error}", reader.format),
        }
    }
});
