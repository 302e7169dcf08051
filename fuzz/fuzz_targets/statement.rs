//! A statement that decodes has one spelling: composed again from what was read, it is the same bytes.
#![no_main]

use ledger::entry::Statement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = Statement::decode(bytes.to_vec()) {
        let again = Statement::compose(statement.subject.clone(), statement.predicate.clone()).unwrap();
        assert_eq!(again.bytes(), bytes);
        assert_eq!(again.id(), statement.id());
        assert_eq!(Statement::recall(bytes.to_vec(), statement.predicate.kind(), statement.id()), Some(statement));
    }
});
