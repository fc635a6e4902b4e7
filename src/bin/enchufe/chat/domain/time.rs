//! Points in time: a monotonic one for durations, and a timestamp for users.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::calendar::UtcTime;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted; 0 for earlier times.
///
/// Displayed as ISO 8601 in UTC, to the second: `2025-03-16T09:05:00Z`. Date parsers of all clients accept that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// One point in time on both clocks. The state reads no clock: its callers pass this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time, for durations.
    pub instant: Instant,
    /// Wall-clock time, for users.
    pub timestamp: Timestamp,
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", UtcTime::from_unix(Duration::from_millis(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_iso_8601_in_utc_to_the_second() {
        assert_eq!(
            Timestamp(1_742_115_900_999).to_string(),
            "2025-03-16T09:05:00Z"
        );
    }

    #[test]
    fn times_before_1970_and_the_largest_one_have_a_text() {
        assert_eq!(
            Timestamp::from(UNIX_EPOCH - Duration::from_secs(5)),
            Timestamp(0)
        );
        assert!(Timestamp(u64::MAX).to_string().ends_with('Z'));
    }
}
