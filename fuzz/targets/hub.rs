//! `cargo +nightly fuzz run hub`: checks of `src/bin/enchufe/tests/hub.rs`.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::module_inception,
    reason = "a target uses part of what it includes"
)]

#[path = "../../src/bin/enchufe/auth.rs"]
mod auth;
#[path = "../../src/bin/enchufe/json/mod.rs"]
mod json;
#[path = "../../src/bin/enchufe/signalr/mod.rs"]
mod signalr;
#[path = "../../src/bin/enchufe/tests/hub.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::check(bytes));
