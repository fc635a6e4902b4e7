//! `cargo +nightly fuzz run json`: checks of `src/bin/enchufe/tests/json.rs`.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::module_inception,
    reason = "a target uses part of what it includes"
)]

#[path = "../../src/bin/enchufe/backoff.rs"]
mod backoff;
#[path = "../../src/bin/enchufe/calendar.rs"]
mod calendar;
#[path = "../../src/bin/enchufe/chat/mod.rs"]
mod chat;
#[path = "../../src/bin/enchufe/cluster/mod.rs"]
mod cluster;
#[path = "../../src/bin/enchufe/delivery.rs"]
mod delivery;
#[path = "../../src/bin/enchufe/json/mod.rs"]
mod json;
#[path = "../../src/bin/enchufe/log_targets.rs"]
mod log_targets;
#[path = "../../src/bin/enchufe/store/mod.rs"]
mod store;
#[path = "../../src/bin/enchufe/tests/json.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::check(bytes));
