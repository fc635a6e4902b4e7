//! Messages at fixed times, when a rate was asked for. Latency counts from that time, not from when we got to it, so a
//! server that stalls cannot hide it by stalling us too.

use std::time::{Duration, Instant};

/// Nothing is ever due without a rate.
pub struct Schedule {
    every: Option<Duration>,
    start: Instant,
    turn: usize,
}

impl Schedule {
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            every: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            start: Instant::now(),
            turn: 0,
        }
    }

    fn due(&self) -> Option<Instant> {
        self.every
            .map(|every| self.start + every.mul_f64(self.turn as f64))
    }

    /// How long to wait for other things.
    pub fn wait(&self) -> Duration {
        self.due().map_or(TICK, |at| {
            at.saturating_duration_since(Instant::now()).min(TICK)
        })
    }

    /// A message that is due: its number, and when it should have left.
    pub fn next(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let at = self.due().filter(|at| *at <= now)?;
        self.turn += 1;
        Some((self.turn - 1, at))
    }
}

const TICK: Duration = Duration::from_millis(20);
