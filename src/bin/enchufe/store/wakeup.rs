//! Wakes the store thread: there is work, or it is time to end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Wakes the store thread.
#[derive(Debug, Default)]
pub struct Wakeup {
    rung: Mutex<Flags>,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct Flags {
    work: bool,
    end: bool,
}

impl Wakeup {
    /// There is something to do.
    pub fn notify(&self) {
        let mut rung = self.lock();
        if !rung.work {
            rung.work = true;
            self.heard.notify_one();
        }
    }

    pub fn end(&self) {
        self.lock().end = true;
        self.heard.notify_one();
    }

    /// Waits for a ring, at most until `until`. True if it was the last.
    pub fn wait(&self, until: Option<Instant>) -> bool {
        let mut rung = self.lock();
        while !rung.work && !rung.end {
            rung = match until {
                None => self
                    .heard
                    .wait(rung)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.heard.wait_timeout(rung, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        rung.work = false;
        rung.end
    }

    fn lock(&self) -> MutexGuard<'_, Flags> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
