//! How many lines of the log one peer may cause. A fast client could otherwise fill a disk with the answers, and
//! bury what others did. Past its quota lines are left out, counted, and the count is told.
//!
//! It is for the lines at `info` and above, which everybody writes; `debug` and `trace` show everything to those who ask
//! for it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::warn;

use crate::log_targets::NET;
use crate::net::counters::{self, Counters};
use crate::net::limits::Limits;

/// The lines that each address has caused, as far back as they matter.
pub(crate) struct LogRateLimiter {
    /// What one line takes of an address's time; `None` without a bound.
    line: Option<Duration>,
    /// How far an address may be ahead of its time.
    ahead: Duration,
    accounts: Mutex<Buckets>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Buckets {
    each: HashMap<IpAddr, Account>,
    /// All for whom there is no place above.
    others: Account,
    /// Something was left out since it was last told, and it is not to be told before then.
    untold: bool,
    tell_at: Option<Instant>,
}

#[derive(Default)]
struct Account {
    /// When the lines so far are paid for.
    next_free_at: Option<Instant>,
    suppressed: u64,
}

/// What was left out since it was last told.
#[derive(Debug, PartialEq)]
struct LeftOut {
    lines: u64,
    addresses: usize,
    /// The address that caused most of it, if it has a place of its own.
    most: Option<IpAddr>,
}

impl LogRateLimiter {
    pub(crate) fn new(limits: &Limits, counters: Arc<Counters>) -> Self {
        let line = Duration::from_secs(1).checked_div(limits.log_rate);
        Self {
            ahead: line.unwrap_or_default() * limits.log_burst.saturating_sub(1),
            line,
            accounts: Mutex::default(),
            counters,
        }
    }

    /// Whether a line about this peer is to be written. If not, it is counted.
    ///
    /// Never inlined: the caller's frame stays while its connection is idle.
    #[inline(never)]
    pub(crate) fn allows(&self, peer: IpAddr) -> bool {
        let now = Instant::now();
        let (allowed, due) = {
            let mut accounts = self.lock();
            let allowed = self.account(&mut accounts, peer, now);
            (allowed, accounts.due(now))
        };
        if !allowed {
            counters::add(&self.counters.log_lines_left_out, 1);
        }
        if due.is_some() {
            log_summary(due);
        }
        allowed
    }

    /// Tells what has not been told yet, because nothing comes after it.
    pub(crate) fn flush_summary(&self) {
        let suppressed = self.lock().suppressed();
        log_summary(suppressed);
    }

    fn account(&self, accounts: &mut Buckets, peer: IpAddr, now: Instant) -> bool {
        let Some(line) = self.line else { return true };
        let peer = network(peer);
        if accounts.each.len() >= ADDRESSES && !accounts.each.contains_key(&peer) {
            accounts.forget(now);
        }
        let account = if accounts.each.len() < ADDRESSES || accounts.each.contains_key(&peer) {
            accounts.each.entry(peer).or_default()
        } else {
            &mut accounts.others
        };
        let next_free_at = account.next_free_at.map_or(now, |at| at.max(now));
        let allowed = next_free_at - now <= self.ahead;
        match allowed {
            true => account.next_free_at = Some(next_free_at + line),
            false => {
                account.suppressed += 1;
                accounts.untold = true;
            }
        }
        allowed
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    /// What is to be told now: something, once in a while.
    fn due(&mut self, now: Instant) -> Option<LeftOut> {
        if !self.untold || self.tell_at.is_some_and(|at| now < at) {
            return None;
        }
        let suppressed = self.suppressed()?;
        self.tell_at = Some(now + TELL_EVERY);
        Some(suppressed)
    }

    /// Forgets those who owe nothing and of whom there is nothing to tell.
    fn forget(&mut self, now: Instant) {
        self.each.retain(|_, account| {
            account.suppressed > 0
                || account
                    .next_free_at
                    .is_some_and(|next_free_at| next_free_at > now)
        });
    }

    fn suppressed(&mut self) -> Option<LeftOut> {
        self.untold = false;
        let counts = |(ip, account): (&IpAddr, &mut Account)| {
            let lines = std::mem::take(&mut account.suppressed);
            (lines > 0).then_some((lines, Some(*ip)))
        };
        let mut counts: Vec<_> = self.each.iter_mut().filter_map(counts).collect();
        let others = std::mem::take(&mut self.others.suppressed);
        if others > 0 {
            counts.push((others, None));
        }
        let (_, most) = *counts.iter().max()?;
        Some(LeftOut {
            lines: counts.iter().map(|(lines, _)| lines).sum(),
            addresses: counts.len(),
            most,
        })
    }
}

fn log_summary(suppressed: Option<LeftOut>) {
    let Some(suppressed) = suppressed else { return };
    let lines = suppressed.lines;
    match (suppressed.addresses, suppressed.most) {
        (1, Some(ip)) => warn!(target: NET, "{lines} lines about {ip} left out"),
        (count, Some(ip)) => {
            warn!(target: NET, "{lines} lines about {count} addresses left out, most of them about {ip}");
        }
        (_, None) => {
            warn!(target: NET, "{lines} lines about more than {ADDRESSES} addresses left out");
        }
    }
}

/// A client with one IPv6 address has its whole network.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !0 << 64).into(),
        ip => ip,
    }
}

/// Addresses with an account of their own, a hundred bytes each; the rest shares one.
const ADDRESSES: usize = 1_024;
/// What was left out is told at most so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

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

    /// How many of so many lines about this peer are written at this moment.
    fn written(log_limiter: &LogRateLimiter, peer: IpAddr, lines: u32, now: Instant) -> usize {
        let mut accounts = log_limiter.lock();
        let write = |_: &u32| log_limiter.account(&mut accounts, peer, now);
        (0..lines).filter(write).count()
    }

    #[test]
    fn after_the_burst_lines_come_at_their_rate() {
        let log_limiter = log_limiter(10, 100);
        let now = Instant::now();
        assert_eq!(written(&log_limiter, ip(1), 1_000, now), 100);
        assert_eq!(
            written(&log_limiter, ip(2), 50, now),
            50,
            "others have their own"
        );
        let later = now + Duration::from_secs(2);
        assert_eq!(written(&log_limiter, ip(1), 1_000, later), 20);
        let rested = later + Duration::from_secs(3_600);
        assert_eq!(written(&log_limiter, ip(1), 1_000, rested), 100);
        assert_eq!(
            written(&log_limiter, ip(1), 1, rested + Duration::from_millis(99)),
            0
        );
        assert_eq!(
            written(&log_limiter, ip(1), 2, rested + Duration::from_millis(100)),
            1
        );
    }

    #[test]
    fn rate_0_is_no_bound_and_burst_0_still_lets_one_through() {
        let now = Instant::now();
        assert_eq!(written(&log_limiter(0, 0), ip(1), 1_000, now), 1_000);
        assert_eq!(written(&log_limiter(1, 0), ip(1), 1_000, now), 1);
        assert_eq!(written(&log_limiter(1, 1), ip(1), 1_000, now), 1);
    }

    #[test]
    fn what_is_left_out_is_told_once_in_a_while_and_every_line_counts() {
        let log_limiter = log_limiter(10, 100);
        let now = Instant::now();
        assert_eq!(log_limiter.lock().due(now), None);
        written(&log_limiter, ip(1), 101, now);
        written(&log_limiter, ip(2), 107, now);
        let both = LeftOut {
            lines: 8,
            addresses: 2,
            most: Some(ip(2)),
        };
        assert_eq!(log_limiter.lock().due(now), Some(both));
        written(&log_limiter, ip(1), 3, now);
        assert_eq!(
            log_limiter
                .lock()
                .due(now + TELL_EVERY - Duration::from_millis(1)),
            None
        );
        let one = LeftOut {
            lines: 3,
            addresses: 1,
            most: Some(ip(1)),
        };
        assert_eq!(log_limiter.lock().due(now + TELL_EVERY), Some(one));
        assert_eq!(log_limiter.lock().suppressed(), None);
    }

    #[test]
    fn the_accounts_are_bounded_and_forgotten() {
        let log_limiter = log_limiter(1, 10);
        let now = Instant::now();
        for number in 0..5_000 {
            written(&log_limiter, ip(number), 1, now);
        }
        assert_eq!(log_limiter.lock().each.len(), ADDRESSES);
        assert_eq!(
            log_limiter.lock().suppressed().map(|it| it.most),
            Some(None)
        );
        assert_eq!(
            written(&log_limiter, ip(9_999), 1, now),
            0,
            "they share one account"
        );
        let later = now + Duration::from_secs(60);
        assert_eq!(written(&log_limiter, ip(9_999), 1, later), 1);
        assert_eq!(log_limiter.lock().each.len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            network(ip("2001:db8::1")),
            network(ip("2001:db8::ffff:0:0:2"))
        );
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_eq!(network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
