//! Errors of reading and starting a store.

use crate::store::record::DecodeError;
use crate::store::tests::fake_backend::{FakeBackend, Fault, TABLE};
use crate::store::writer::StoreBuilder;

#[test]
fn an_invalid_row_is_named_in_the_error() {
    let backend = FakeBackend::default();
    backend.set(|state| {
        for key in [4, 5, 6] {
            state.rows.insert((TABLE, key), vec![]);
        }
    });
    let store = StoreBuilder::new(backend, "the/path");
    let error = store.read(TABLE, |key, _| match key {
        4 => Ok(()),
        _ => Err(DecodeError::UnknownVersion(7)),
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot read the/path: row 5 of table: unknown version 7, expected 1; use the version of this program that wrote \
         it, or a later one"
    );
}

#[test]
fn a_backend_that_cannot_be_written_to_fails_the_start() {
    let backend = FakeBackend::default();
    backend.set(|state| state.fault = Fault::Full);
    let error = StoreBuilder::new(backend, "the/path").start().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot store history in the/path: "),
        "{error}"
    );
}
