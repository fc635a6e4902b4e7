//! Points in time as a person reads them: ISO 8601, UTC, `2025-03-16T09:05:00Z`.
//!
//! The calendar is the whole of what the chat needs, so it is written here. Years are counted from March:
//! then the leap day is the last of its year and every month before it begins on a fixed day.

use std::fmt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Earlier times are that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// One point in time on both clocks. The state reads neither: it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For durations: it never goes back.
    pub instant: Instant,
    /// For people.
    pub timestamp: Timestamp,
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Timestamp {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// To the second: what every client's date parser takes.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        let (year, month, day) = civil_date(seconds / DAY);
        let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (eras, day_of_era) = (days / ERA, days % ERA);
    // The leap days that this day of the era has behind it: one in 4 years, not in 100, but in 400.
    let year_of_era = (day_of_era - day_of_era / (4 * 365) + day_of_era / (100 * 365 + 24)
        - day_of_era / (ERA - 1))
        / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, five months have 153 days: 31 30 31 30 31.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = 400 * eras + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Days in 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of_seconds(seconds: u64) -> String {
        Timestamp(seconds * 1000 + 999).to_string()
    }

    #[test]
    fn a_timestamp_is_iso_8601_in_utc_with_t_and_z() {
        assert_eq!(of_seconds(0), "1970-01-01T00:00:00Z");
        assert_eq!(of_seconds(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(of_seconds(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(of_seconds(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(of_seconds(1_000_000_000), "2001-09-09T01:46:40Z");
        assert_eq!(of_seconds(1_742_115_900), "2025-03-16T09:05:00Z");
        assert_eq!(of_seconds(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(of_seconds(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn every_day_of_five_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..500 * 366 {
            assert_eq!(civil_date(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn no_time_is_too_far_away_to_be_written() {
        assert_eq!(
            Timestamp::from(UNIX_EPOCH - Duration::from_secs(5)),
            Timestamp(0)
        );
        assert!(Timestamp(u64::MAX).to_string().ends_with('Z'));
    }
}
