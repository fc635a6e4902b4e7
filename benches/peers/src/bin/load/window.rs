//! The time that counts: after a warm-up, with the server's processor time and memory read at both ends.

use std::time::{Duration, Instant};

use crate::options::Options;
use crate::process;

pub struct Window {
    pid: Option<u32>,
    opens: Instant,
    measure: Duration,
    open: Option<Reading>,
}

struct Reading {
    at: Instant,
    server: Duration,
    own: Duration,
}

/// Where the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    WarmUp,
    /// The window opens now: forget what was counted.
    Opens,
    Measuring,
    Over,
}

impl Window {
    pub fn new(options: &Options) -> Self {
        Self {
            pid: options.pid,
            opens: Instant::now() + options.warm_up,
            measure: options.measure,
            open: None,
        }
    }

    pub fn phase(&mut self, now: Instant) -> Phase {
        match &self.open {
            None if now < self.opens => Phase::WarmUp,
            None => {
                self.open = Some(self.read());
                Phase::Opens
            }
            Some(reading) if now < reading.at + self.measure => Phase::Measuring,
            Some(_) => Phase::Over,
        }
    }

    /// Prints what `messages` of the window cost.
    pub fn print(&self, messages: u64) {
        let Some(start) = &self.open else { return };
        let end = self.read();
        let seconds = (end.at - start.at).as_secs_f64();
        let server = (end.server - start.server).as_secs_f64();
        println!("messages {messages}");
        println!("seconds {seconds:.3}");
        println!("per_second {:.0}", messages as f64 / seconds);
        println!(
            "cpu_per_million {:.4}",
            server / messages.max(1) as f64 * 1e6
        );
        println!("server_share {:.3}", server / seconds);
        println!(
            "load_share {:.3}",
            (end.own - start.own).as_secs_f64() / seconds
        );
        if let Some(resident) = self.pid.and_then(process::resident) {
            println!("resident_kib {resident}");
        }
    }

    fn read(&self) -> Reading {
        Reading {
            at: Instant::now(),
            server: self
                .pid
                .and_then(process::processor_time)
                .unwrap_or_default(),
            own: process::processor_time(std::process::id()).unwrap_or_default(),
        }
    }
}
