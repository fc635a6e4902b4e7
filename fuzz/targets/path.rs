//! `cargo +nightly fuzz run path`: the code is `tests/corpus/path.rs`.
#![no_main]

#[path = "../../tests/corpus/path.rs"]
mod path;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| path::check(octets));
