//! When something is due on a connection: a Ping, the end of patience, the caller's own deadline.
//!
//! There is no timer thread. A connection's thread blocks in a read with a timeout, and the timeout is its clock.
//! Setting the timeout is a system call, so it is set only when something is due *sooner* than the read would wake
//! anyway: under steady traffic that is never.

use std::time::{Duration, Instant};

use crate::net::limits::Limits;

/// What the clock says when it is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet; block for at most this long.
    In(Option<Duration>),
    /// Nothing was heard for a while: ask whether the peer is there (5.5.2).
    Ping,
    /// It did not answer that.
    PongTimeout,
    /// A message began and did not end in time.
    MessageTimeout,
    /// The deadline the caller passed in.
    Deadline,
}

#[derive(Debug)]
pub(crate) struct ConnectionTimers {
    ping_interval: Option<Duration>,
    pong_timeout: Duration,
    incomplete_message: Duration,
    last_heard: Instant,
    pinged: Option<Instant>,
    message_began: Option<Instant>,
}

impl ConnectionTimers {
    pub(crate) fn start(limits: &Limits, now: Instant) -> Self {
        Self {
            ping_interval: limits.ping_interval,
            pong_timeout: limits.pong_timeout,
            incomplete_message: limits.incomplete_message,
            last_heard: now,
            pinged: None,
            message_began: None,
        }
    }

    /// Bytes came: whatever they are, the peer is alive.
    pub(crate) fn received_data(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// Whether the bytes held so far end in the middle of a message.
    pub(crate) fn in_message(&mut self, inside: bool, now: impl FnOnce() -> Instant) {
        if !inside {
            self.message_began = None;
        } else if self.message_began.is_none() {
            self.message_began = Some(now());
        }
    }

    /// A message ended; the next one has its own time.
    pub(crate) fn message_ended(&mut self) {
        self.message_began = None;
    }

    /// What is due now. A `Ping` is reported once and counts as sent.
    pub(crate) fn due(&mut self, now: Instant, deadline: Option<Instant>) -> Due {
        if deadline.is_some_and(|at| at <= now) {
            return Due::Deadline;
        }
        let message_ends = self
            .message_began
            .map(|began| began + self.incomplete_message);
        if message_ends.is_some_and(|at| at <= now) {
            return Due::MessageTimeout;
        }
        let keepalive = match (self.ping_interval, self.pinged) {
            (None, _) => None,
            (Some(_), Some(pinged)) => {
                let gone = pinged + self.pong_timeout;
                if gone <= now {
                    return Due::PongTimeout;
                }
                Some(gone)
            }
            (Some(every), None) => {
                let ask = self.last_heard + every;
                if ask <= now {
                    self.pinged = Some(now);
                    return Due::Ping;
                }
                Some(ask)
            }
        };
        let next = [deadline, message_ends, keepalive]
            .into_iter()
            .flatten()
            .min();
        Due::In(next.map(|at| at - now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timers(now: Instant) -> ConnectionTimers {
        ConnectionTimers::start(&Limits::default(), now)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_peer_is_asked_once_and_then_given_up() {
        let now = Instant::now();
        let mut timers = timers(now);
        assert_eq!(timers.due(now, None), Due::In(Some(20 * SECOND)));
        assert_eq!(timers.due(now + 20 * SECOND, None), Due::Ping);
        assert_eq!(
            timers.due(now + 20 * SECOND, None),
            Due::In(Some(20 * SECOND))
        );
        assert_eq!(timers.due(now + 40 * SECOND, None), Due::PongTimeout);
    }

    #[test]
    fn any_byte_shows_that_the_peer_is_alive() {
        let now = Instant::now();
        let mut timers = timers(now);
        assert_eq!(timers.due(now + 20 * SECOND, None), Due::Ping);
        timers.received_data(now + 21 * SECOND);
        assert_eq!(timers.due(now + 40 * SECOND, None), Due::In(Some(SECOND)));
    }

    #[test]
    fn pings_do_not_extend_the_time_of_an_incomplete_message() {
        let now = Instant::now();
        let mut timers = timers(now);
        timers.in_message(true, || now);
        timers.received_data(now + 29 * SECOND);
        timers.in_message(true, || now + 29 * SECOND);
        assert_eq!(timers.due(now + 29 * SECOND, None), Due::In(Some(SECOND)));
        assert_eq!(timers.due(now + 30 * SECOND, None), Due::MessageTimeout);
    }

    #[test]
    fn the_callers_deadline_comes_first() {
        let now = Instant::now();
        let mut timers = timers(now);
        assert_eq!(timers.due(now, Some(now + SECOND)), Due::In(Some(SECOND)));
        assert_eq!(timers.due(now + SECOND, Some(now + SECOND)), Due::Deadline);
    }

    #[test]
    fn without_keepalive_and_deadline_a_read_blocks_for_ever() {
        let limits = Limits {
            ping_interval: None,
            ..Limits::default()
        };
        let now = Instant::now();
        assert_eq!(
            ConnectionTimers::start(&limits, now).due(now + 900 * SECOND, None),
            Due::In(None)
        );
    }
}
