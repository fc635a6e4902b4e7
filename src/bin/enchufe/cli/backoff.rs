//! How long to wait before trying again: longer each time, and never the same for two clients, so that those a server
//! lost together do not come back together ([RFC 6455, 7.2.3](https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3)).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The waits of one series of attempts.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: somewhere in the upper half of a time that starts at one second, doubles each time and stops at
    /// [`LONGEST`]. `random` picks the place.
    pub fn next(&mut self, random: u64) -> Duration {
        let longest = FIRST
            .saturating_mul(1 << self.failures.min(MAX_DOUBLINGS))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = longest / 2;
        // At most 15,000 milliseconds, so neither the cast nor the sum loses anything.
        half + Duration::from_millis(random % (half.as_millis() as u64 + 1))
    }

    /// Starts over, after an attempt that worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A number nobody can foresee, good enough to spread clients: the standard library seeds its hash maps from the system.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// No wait is longer.
pub const LONGEST: Duration = Duration::from_secs(30);

const FIRST: Duration = Duration::from_secs(1);
const MAX_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, DefaultHasher};

    use super::*;

    #[test]
    fn waits_double_and_stop_at_thirty_seconds() {
        let mut backoff = Backoff::default();
        for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
            let mut least = Backoff {
                failures: backoff.failures,
            };
            assert_eq!(least.next(0), Duration::from_secs(expected) / 2);
            let half = expected * 1_000 / 2;
            assert_eq!(backoff.next(half), Duration::from_secs(expected));
        }
    }

    #[test]
    fn no_wait_leaves_its_bounds_however_often_it_fails() {
        let mut backoff = Backoff::default();
        for n in 0..1_000u64 {
            let wait = backoff.next(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(wait >= FIRST / 2 && wait <= LONGEST, "{wait:?}");
        }
        assert!(Backoff { failures: u32::MAX }.next(u64::MAX) <= LONGEST);
    }

    #[test]
    fn after_success_it_starts_over() {
        let mut backoff = Backoff { failures: 9 };
        backoff.reset();
        assert!(backoff.next(u64::MAX) <= FIRST);
    }

    #[test]
    fn two_clients_do_not_wait_the_same() {
        let waits: std::collections::HashSet<u64> = (0..8).map(|_| random()).collect();
        assert!(waits.len() > 1);
    }

    /// A tenth of a second is what a server needs to take in a thousand.
    #[test]
    fn five_thousand_that_lost_one_server_do_not_come_back_together() {
        let mut attempts = vec![0; 600]; // in each tenth of the first minute's seconds
        // Chance that is the same in every run; `random` is looked at above.
        let mut chance =
            (0_u64..).map(|n| BuildHasherDefault::<DefaultHasher>::default().hash_one(n));
        let mut random = || chance.next().unwrap_or_default();
        for _ in 0..5_000 {
            let (mut backoff, mut at) = (Backoff::default(), Duration::ZERO);
            loop {
                at += backoff.next(random());
                let Some(count) = attempts.get_mut(at.as_millis() as usize / 100) else {
                    break;
                };
                *count += 1;
            }
        }
        let most = |from: usize| attempts[from..].iter().max().copied().unwrap_or(0);
        assert!(most(0) < 1_200, "{attempts:?}");
        assert!(most(100) < 170, "after ten seconds: {attempts:?}");
        let all: u32 = attempts.iter().sum();
        assert!(all < 5_000 * 8, "{all} attempts in a minute");
    }
}
