//! Concurrency tests of connections and rooms, under a scheduler that tries thousands of thread interleavings:
//!
//! ```sh
//! RUSTFLAGS='--cfg model' cargo test --no-default-features --lib net::room::model
//! ```
//!
//! `send_queue` tests one connection and its senders, `room` tests a room and its members. The scheduler
//! ([shuttle](https://docs.rs/shuttle)) decides before every step on what threads share, `crate::net::connection::sync`, which of them takes
//! the next one; a thread that waits for ever, and two that wait for each other, fail the test. It prints the schedule that
//! failed: `shuttle::replay` runs that one again.
//!
//! The scheduler does not model time: timeouts never expire.

mod peer;
mod room;
mod send_queue;

/// Runs a test under `schedules` random schedules, and as many with few thread switches at random points.
fn check(schedules: usize, play: fn()) {
    shuttle::check_random(play, schedules);
    shuttle::check_pct(play, schedules, 3);
}
