//! `cargo +nightly fuzz run head`: the code is `tests/corpus/head.rs`.
#![no_main]

#[path = "../../tests/corpus/head.rs"]
mod head;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| head::check(octets));
