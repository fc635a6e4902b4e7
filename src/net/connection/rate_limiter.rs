//! How often a connection may do a thing: a burst at once, then a steady rate.

use std::time::{Duration, Instant};

/// A bucket of `burst` tokens that refills at `rate` tokens a second.
///
/// The clock is read only when the bucket is empty: a well-behaved peer costs a subtraction per message.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    rate: u32,
    burst: u32,
    tokens: u32,
    refilled: Instant,
}

impl RateLimiter {
    /// `rate` 0 lets everything through.
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        let burst = burst.max(1);
        Self {
            rate,
            burst,
            tokens: burst,
            refilled: Instant::now(),
        }
    }

    /// Whether [`RateLimiter::try_acquire`] would succeed without looking at the clock.
    #[inline]
    pub(crate) const fn has_token(&self) -> bool {
        self.rate == 0 || self.tokens > 0
    }

    /// Takes a token; `Err` is how long until there is one.
    #[inline]
    pub(crate) fn try_acquire(&mut self) -> Result<(), Duration> {
        if self.rate == 0 {
            return Ok(());
        }
        if self.tokens == 0 {
            self.refill(Instant::now());
        }
        match self.tokens.checked_sub(1) {
            Some(left) => {
                self.tokens = left;
                Ok(())
            }
            None => Err(Duration::from_secs(1) / self.rate),
        }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled);
        let gained = elapsed.as_secs_f64() * f64::from(self.rate);
        if gained >= f64::from(self.burst) {
            self.tokens = self.burst;
            self.refilled = now;
        } else {
            let whole = gained as u32; // below `burst`, so it fits
            self.tokens += whole;
            self.refilled += Duration::from_secs_f64(f64::from(whole) / f64::from(self.rate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_applies() {
        let mut limiter = RateLimiter::new(100, 3);
        let start = limiter.refilled;
        limiter.tokens = 0;
        limiter.refill(start + Duration::from_millis(25));
        assert_eq!(limiter.tokens, 2);
        limiter.tokens = 0;
        limiter.refill(start + Duration::from_millis(29));
        assert_eq!(limiter.tokens, 0, "what was counted is not counted twice");
        limiter.refill(start + Duration::from_secs(60));
        assert_eq!(limiter.tokens, 3, "never more than the burst");
    }

    #[test]
    fn the_burst_is_counted_and_the_next_must_wait() {
        let mut limiter = RateLimiter::new(1, 2);
        assert_eq!(limiter.try_acquire(), Ok(()));
        assert_eq!(limiter.try_acquire(), Ok(()));
        assert_eq!(limiter.try_acquire(), Err(Duration::from_secs(1)));
    }

    #[test]
    fn rate_zero_is_no_limit() {
        let mut limiter = RateLimiter::new(0, 1);
        assert!((0..10_000).all(|_| limiter.try_acquire().is_ok()));
    }
}
