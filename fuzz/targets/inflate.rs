//! `cargo +nightly fuzz run inflate`: the code is `tests/corpus/inflate.rs`.
#![no_main]

#[path = "../../tests/corpus/inflate.rs"]
mod inflate;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| inflate::check(octets));
