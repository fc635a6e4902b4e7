//! `cargo +nightly fuzz run path`: checks of `src/bin/enchufe/tests/path.rs`.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::module_inception,
    reason = "a target uses part of what it includes"
)]

#[path = "../../src/bin/enchufe/files/mod.rs"]
mod files;
#[path = "../../src/bin/enchufe/tests/path.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::check(bytes));
