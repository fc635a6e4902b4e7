//! `cargo +nightly fuzz run assembler`: the code is `tests/corpus/assembler.rs`.
#![no_main]

#[path = "../../tests/corpus/assembler.rs"]
mod assembler;
#[path = "../../tests/support/frames.rs"]
#[allow(dead_code)]
mod frames;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| assembler::check(octets));
