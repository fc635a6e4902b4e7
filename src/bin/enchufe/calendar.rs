//! Dates and times of day in UTC, for the log and the chat.

use std::fmt;
use std::time::Duration;

/// A second in the Gregorian calendar. Displayed as ISO 8601 without a zone: `2025-03-16T09:05:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcTime {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
}

impl UtcTime {
    /// Converts a time since 1970-01-01T00:00:00Z, leap seconds not counted.
    pub fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs();
        let (year, month, day) = civil_date(seconds / SECONDS_PER_DAY);
        Self {
            year,
            month,
            day,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )
    }
}

/// Returns year, month and day of the date `days` after 1970-01-01.
///
/// Years are counted from March: the leap day is then the last of its year, and every month begins on a fixed day.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (eras, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    // Subtracts the leap days before this day of the era: one in 4 years, not in 100, but in 400.
    let year_of_era = (day_of_era - day_of_era / (4 * 365) + day_of_era / (100 * 365 + 24)
        - day_of_era / (DAYS_PER_ERA - 1))
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

const SECONDS_PER_DAY: u64 = 86_400;

/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: u64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_displayed_as_iso_8601() {
        let shown = |seconds| UtcTime::from_unix(Duration::from_secs(seconds)).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00");
        assert_eq!(shown(951_782_399), "2000-02-28T23:59:59");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(shown(951_868_800), "2000-03-01T00:00:00");
        assert_eq!(shown(1_000_000_000), "2001-09-09T01:46:40");
        assert_eq!(shown(1_742_115_900), "2025-03-16T09:05:00");
        assert_eq!(shown(4_107_542_399), "2100-02-28T23:59:59");
        assert_eq!(shown(4_107_542_400), "2100-03-01T00:00:00");
    }

    #[test]
    fn each_day_of_five_centuries_follows_the_previous_day() {
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
    fn the_largest_time_does_not_overflow() {
        assert!(UtcTime::from_unix(Duration::MAX).year > 2100);
    }
}
