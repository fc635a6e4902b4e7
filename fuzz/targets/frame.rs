//! `cargo +nightly fuzz run frame`: the code is `tests/corpus/frame.rs`.
#![no_main]

#[path = "../../tests/corpus/frame.rs"]
mod frame;
#[path = "../../tests/support/frames.rs"]
#[allow(dead_code)]
mod frames;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| frame::check(octets));
