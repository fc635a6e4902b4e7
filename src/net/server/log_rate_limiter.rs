//! Rate limit for log lines per client address. Without it, a client with many requests could fill the disk and hide
//! other lines. Lines over the limit are suppressed and counted, and a summary is logged.
//!
//! It applies to lines of level `info` and above. `debug` and `trace` are never limited.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::warn;

use crate::log_targets::NET;
use crate::net::counters::{self, Counters};
use crate::net::limits::Limits;

/// Token buckets for log lines, one per client address.
pub(crate) struct LogRateLimiter {
    /// Time in which an address earns one line. `None` means no limit.
    interval: Option<Duration>,
    /// Time of the burst: an address may be at most this far ahead of the rate.
    burst: Duration,
    buckets: Mutex<Buckets>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Buckets {
    each: HashMap<IpAddr, Bucket>,
    /// Bucket that addresses share when `each` is full.
    others: Bucket,
    /// Whether lines were suppressed since the last summary.
    has_suppressed: bool,
    /// Earliest time of the next summary.
    next_summary_at: Option<Instant>,
}

#[derive(Default)]
struct Bucket {
    /// Time at which the lines so far match the rate. It may lie in the future by at most the burst.
    next_free_at: Option<Instant>,
    suppressed: u64,
}

/// Lines suppressed since the last summary.
#[derive(Debug, PartialEq)]
struct Summary {
    lines: u64,
    addresses: usize,
    /// Address with the most suppressed lines. `None` if those belong to the shared bucket.
    most: Option<IpAddr>,
}

impl LogRateLimiter {
    pub(crate) fn new(limits: &Limits, counters: Arc<Counters>) -> Self {
        let interval = Duration::from_secs(1).checked_div(limits.log_rate);
        Self {
            burst: interval.unwrap_or_default() * limits.log_burst.saturating_sub(1),
            interval,
            buckets: Mutex::default(),
            counters,
        }
    }

    /// Whether the limit allows a line about this peer. Counts the line as suppressed otherwise.
    ///
    /// It is never inlined, because the caller's stack frame stays while its connection is idle.
    #[inline(never)]
    pub(crate) fn allows(&self, peer: IpAddr) -> bool {
        let now = Instant::now();
        let (allowed, due) = {
            let mut buckets = self.lock();
            let allowed = self.take_token(&mut buckets, peer, now);
            (allowed, buckets.due(now))
        };
        if !allowed {
            counters::add(&self.counters.log_lines_left_out, 1);
        }
        if due.is_some() {
            log_summary(due);
        }
        allowed
    }

    /// Logs a last summary when the server ends.
    pub(crate) fn flush_summary(&self) {
        let suppressed = self.lock().take_summary();
        log_summary(suppressed);
    }

    fn take_token(&self, buckets: &mut Buckets, peer: IpAddr, now: Instant) -> bool {
        let Some(interval) = self.interval else {
            return true;
        };
        let peer = network(peer);
        if buckets.each.len() >= MAX_BUCKETS && !buckets.each.contains_key(&peer) {
            buckets.evict(now);
        }
        let bucket = if buckets.each.len() < MAX_BUCKETS || buckets.each.contains_key(&peer) {
            buckets.each.entry(peer).or_default()
        } else {
            &mut buckets.others
        };
        let next_free_at = bucket.next_free_at.map_or(now, |at| at.max(now));
        let allowed = next_free_at - now <= self.burst;
        match allowed {
            true => bucket.next_free_at = Some(next_free_at + interval),
            false => {
                bucket.suppressed += 1;
                buckets.has_suppressed = true;
            }
        }
        allowed
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    /// Returns the summary to log now, at most one per [`SUMMARY_INTERVAL`].
    fn due(&mut self, now: Instant) -> Option<Summary> {
        if !self.has_suppressed || self.next_summary_at.is_some_and(|at| now < at) {
            return None;
        }
        let suppressed = self.take_summary()?;
        self.next_summary_at = Some(now + SUMMARY_INTERVAL);
        Some(suppressed)
    }

    /// Removes full buckets without suppressed lines.
    fn evict(&mut self, now: Instant) {
        self.each.retain(|_, bucket| {
            bucket.suppressed > 0
                || bucket
                    .next_free_at
                    .is_some_and(|next_free_at| next_free_at > now)
        });
    }

    /// Sums up the suppressed lines and resets their counts.
    fn take_summary(&mut self) -> Option<Summary> {
        self.has_suppressed = false;
        let counts = |(ip, bucket): (&IpAddr, &mut Bucket)| {
            let lines = std::mem::take(&mut bucket.suppressed);
            (lines > 0).then_some((lines, Some(*ip)))
        };
        let mut counts: Vec<_> = self.each.iter_mut().filter_map(counts).collect();
        let others = std::mem::take(&mut self.others.suppressed);
        if others > 0 {
            counts.push((others, None));
        }
        let (_, most) = *counts.iter().max()?;
        Some(Summary {
            lines: counts.iter().map(|(lines, _)| lines).sum(),
            addresses: counts.len(),
            most,
        })
    }
}

fn log_summary(suppressed: Option<Summary>) {
    let Some(suppressed) = suppressed else { return };
    let lines = suppressed.lines;
    match (suppressed.addresses, suppressed.most) {
        (1, Some(ip)) => warn!(target: NET, "suppressed {lines} log lines about {ip}"),
        (count, Some(ip)) => {
            warn!(target: NET, "suppressed {lines} log lines about {count} addresses, most of them about {ip}");
        }
        (_, None) => {
            warn!(target: NET, "suppressed {lines} log lines about more than {MAX_BUCKETS} addresses");
        }
    }
}

/// Returns the /64 network of an IPv6 address, because a client controls all addresses in it.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !0 << 64).into(),
        ip => ip,
    }
}

/// Maximum number of addresses with their own bucket, about 100 bytes each. Further addresses share one bucket.
const MAX_BUCKETS: usize = 1_024;
/// Minimum interval between summaries of suppressed log lines.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn log_limiter(log_rate: u32, log_burst: u32) -> LogRateLimiter {
        let limits = Limits {
            log_rate,
            log_burst,
            ..Limits::default()
        };
        LogRateLimiter::new(&limits, Arc::default())
    }

    fn ip(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    /// Returns the number of `lines` about this peer that are allowed at `now`.
    fn allowed(log_limiter: &LogRateLimiter, peer: IpAddr, lines: u32, now: Instant) -> usize {
        let mut buckets = log_limiter.lock();
        let write = |_: &u32| log_limiter.take_token(&mut buckets, peer, now);
        (0..lines).filter(write).count()
    }

    #[test]
    fn lines_after_the_burst_are_limited_to_the_rate() {
        let log_limiter = log_limiter(10, 100);
        let now = Instant::now();
        assert_eq!(allowed(&log_limiter, ip(1), 1_000, now), 100);
        assert_eq!(
            allowed(&log_limiter, ip(2), 50, now),
            50,
            "each address has its own bucket"
        );
        let later = now + Duration::from_secs(2);
        assert_eq!(allowed(&log_limiter, ip(1), 1_000, later), 20);
        let rested = later + Duration::from_secs(3_600);
        assert_eq!(allowed(&log_limiter, ip(1), 1_000, rested), 100);
        assert_eq!(
            allowed(&log_limiter, ip(1), 1, rested + Duration::from_millis(99)),
            0
        );
        assert_eq!(
            allowed(&log_limiter, ip(1), 2, rested + Duration::from_millis(100)),
            1
        );
    }

    #[test]
    fn rate_0_means_no_limit_and_burst_0_allows_one_line() {
        let now = Instant::now();
        assert_eq!(allowed(&log_limiter(0, 0), ip(1), 1_000, now), 1_000);
        assert_eq!(allowed(&log_limiter(1, 0), ip(1), 1_000, now), 1);
        assert_eq!(allowed(&log_limiter(1, 1), ip(1), 1_000, now), 1);
    }

    #[test]
    fn suppressed_lines_are_summarized_at_intervals_and_all_are_counted() {
        let log_limiter = log_limiter(10, 100);
        let now = Instant::now();
        assert_eq!(log_limiter.lock().due(now), None);
        allowed(&log_limiter, ip(1), 101, now);
        allowed(&log_limiter, ip(2), 107, now);
        let both = Summary {
            lines: 8,
            addresses: 2,
            most: Some(ip(2)),
        };
        assert_eq!(log_limiter.lock().due(now), Some(both));
        allowed(&log_limiter, ip(1), 3, now);
        assert_eq!(
            log_limiter
                .lock()
                .due(now + SUMMARY_INTERVAL - Duration::from_millis(1)),
            None
        );
        let one = Summary {
            lines: 3,
            addresses: 1,
            most: Some(ip(1)),
        };
        assert_eq!(log_limiter.lock().due(now + SUMMARY_INTERVAL), Some(one));
        assert_eq!(log_limiter.lock().take_summary(), None);
    }

    #[test]
    fn the_number_of_buckets_is_limited_and_full_ones_are_evicted() {
        let log_limiter = log_limiter(1, 10);
        let now = Instant::now();
        for number in 0..5_000 {
            allowed(&log_limiter, ip(number), 1, now);
        }
        assert_eq!(log_limiter.lock().each.len(), MAX_BUCKETS);
        assert_eq!(
            log_limiter.lock().take_summary().map(|it| it.most),
            Some(None)
        );
        assert_eq!(
            allowed(&log_limiter, ip(9_999), 1, now),
            0,
            "further addresses share one bucket"
        );
        let later = now + Duration::from_secs(60);
        assert_eq!(allowed(&log_limiter, ip(9_999), 1, later), 1);
        assert_eq!(log_limiter.lock().each.len(), 1);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_peer() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            network(ip("2001:db8::1")),
            network(ip("2001:db8::ffff:0:0:2"))
        );
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_eq!(network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
