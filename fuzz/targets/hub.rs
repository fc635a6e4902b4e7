//! `cargo +nightly fuzz run hub`: the code is `tests/corpus/hub.rs`.
#![no_main]

#[path = "../../tests/corpus/hub.rs"]
mod hub;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| hub::check(octets));
