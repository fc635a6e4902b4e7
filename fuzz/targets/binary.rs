//! `cargo +nightly fuzz run binary`: the code is `tests/corpus/binary.rs`.
#![no_main]

#[path = "../../tests/corpus/binary.rs"]
mod binary;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| binary::check(octets));
