//! Exponential backoff: each wait before another attempt is twice as long as the previous one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Waits of a series of attempts.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// Returns the next wait.
    pub fn next(&mut self) -> Duration {
        let factor = 1 << self.failures.min(MAX_DOUBLINGS);
        self.failures = self.failures.saturating_add(1);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// Returns the next wait, shortened by up to a half. Clients that lose a server at the same moment then reconnect at
    /// different moments ([RFC 6455, 7.2.3](https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3)).
    pub fn next_jittered(&mut self, random: u64) -> Duration {
        let half = self.next() / 2;
        let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX - 1);
        half + Duration::from_millis(random % (millis + 1))
    }

    /// Whether an attempt has failed since the last reset.
    pub const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Starts a new series, after an attempt that succeeded.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Waits from 1 s to 30 s.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(30))
    }
}

/// Returns an unpredictable number: the standard library seeds its hash maps from the operating system.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

const MAX_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, DefaultHasher};

    use super::*;

    #[test]
    fn waits_double_and_stop_at_thirty_seconds() {
        let mut backoff = Backoff::default();
        for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
            let mut shortest = backoff;
            assert_eq!(shortest.next_jittered(0), Duration::from_secs(expected) / 2);
            let half = expected * 1_000 / 2;
            let mut longest = backoff;
            assert_eq!(longest.next_jittered(half), Duration::from_secs(expected));
            assert_eq!(backoff.next(), Duration::from_secs(expected));
        }
    }

    #[test]
    fn waits_stay_within_their_limits_after_any_number_of_failures() {
        let mut backoff = Backoff::default();
        for n in 0..1_000u64 {
            let wait = backoff.next_jittered(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(
                wait >= backoff.first / 2 && wait <= backoff.longest,
                "{wait:?}"
            );
        }
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(), backoff.longest);
    }

    #[test]
    fn a_reset_starts_again_with_the_first_wait() {
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
        assert!(!backoff.has_failed());
        assert_eq!(backoff.next(), Duration::from_millis(20));
        assert_eq!(backoff.next(), Duration::from_millis(40));
        assert!(backoff.has_failed());
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_millis(20));
    }

    #[test]
    fn two_clients_wait_for_different_times() {
        let waits: std::collections::HashSet<u64> = (0..8).map(|_| random()).collect();
        assert!(waits.len() > 1);
    }

    /// A server needs a tenth of a second to accept a thousand connections.
    #[test]
    fn five_thousand_clients_of_a_lost_server_reconnect_at_different_times() {
        let mut attempts = vec![0; 600]; // per tenth of a second, in the first minute
        // Numbers that are the same in every run; `random` is tested above.
        let mut numbers =
            (0_u64..).map(|n| BuildHasherDefault::<DefaultHasher>::default().hash_one(n));
        let mut random = || numbers.next().unwrap_or_default();
        for _ in 0..5_000 {
            let (mut backoff, mut at) = (Backoff::default(), Duration::ZERO);
            loop {
                at += backoff.next_jittered(random());
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
