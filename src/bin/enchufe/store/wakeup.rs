//! Wakes the store thread when there is work, or when it should stop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Wakes the store thread.
#[derive(Debug, Default)]
pub struct Wakeup {
    flags: Mutex<Flags>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Flags {
    has_work: bool,
    stop: bool,
}

impl Wakeup {
    /// Wakes the thread because there is work.
    pub fn notify(&self) {
        let mut flags = self.lock();
        if !flags.has_work {
            flags.has_work = true;
            self.changed.notify_one();
        }
    }

    /// Wakes the thread because it should stop.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_one();
    }

    /// Waits for work, a stop or the deadline. Returns whether the thread should stop.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut flags = self.lock();
        while !flags.has_work && !flags.stop {
            flags = match deadline {
                None => self
                    .changed
                    .wait(flags)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let timeout = deadline.saturating_duration_since(Instant::now());
                    if timeout.is_zero() {
                        break;
                    }
                    let waited = self.changed.wait_timeout(flags, timeout);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        flags.has_work = false;
        flags.stop
    }

    fn lock(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
