//! What threads do with one another in here, under a scheduler that tries thousands of orders in which they can meet:
//!
//! ```sh
//! RUSTFLAGS='--cfg model' cargo test --no-default-features --lib net::model
//! ```
//!
//! `outbox` is one connection and everybody who sends to it, `room` is a room and its members. The scheduler
//! ([shuttle](https://docs.rs/shuttle)) decides before every step on what threads share, `crate::net::connection::sync`, which of them takes
//! the next one; a thread that waits for ever, and two that wait for each other, fail the test. It prints the schedule that
//! failed: `shuttle::replay` runs that one again.
//!
//! It does not know time. Deadlines are far away, and waiting with a timeout is waiting.

mod peer;
mod room;
mod send_queue;

/// Runs a play under many schedules: so many at random, and as many in which few switches, at moments drawn by lot, do harm
/// that hides among many.
fn check(schedules: usize, play: fn()) {
    shuttle::check_random(play, schedules);
    shuttle::check_pct(play, schedules, 3);
}
