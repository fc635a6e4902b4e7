//! `cargo +nightly fuzz run json`: the code is `tests/corpus/json.rs`.
#![no_main]

#[path = "../../tests/corpus/json.rs"]
mod json;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| json::check(octets));
