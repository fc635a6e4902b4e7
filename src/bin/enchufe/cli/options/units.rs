//! Sizes, times and counts on the command line: `64KiB`, `30s`, `1000`.
//!
//! [`size`] and [`time`] parse the output of [`show_size`] and [`show_time`] to the same value, so the output of
//! `--print-config` can be used in a command.

use std::time::Duration;

/// Parses a size in bytes: `4096`, `64KiB` (or `64K`) in powers of 1024, `64KB` in powers of 1000.
pub fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("'{text}' is not a size: write bytes, or a unit as in 64KiB or 1MiB");
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let bytes: u64 = number.parse().map_err(|_| wrong())?;
    bytes
        .checked_mul(factor)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| format!("'{text}' is more bytes than this machine can count"))
}

/// Formats a size in the largest unit that needs no fraction.
pub fn show_size(bytes: usize) -> String {
    match bytes {
        0 => "0".to_owned(),
        n if n % (1 << 30) == 0 => format!("{}GiB", n >> 30),
        n if n % (1 << 20) == 0 => format!("{}MiB", n >> 20),
        n if n % (1 << 10) == 0 => format!("{}KiB", n >> 10),
        n => n.to_string(),
    }
}

/// Parses a duration: `30` and `30s` are seconds, also `500ms`, `5m` and `2h`.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("'{text}' is not a time: write seconds, or a unit as in 30s, 500ms or 5m");
    let (number, unit) = split(text);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit.to_ascii_lowercase().as_str() {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" | "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(wrong()),
    };
    // Limited to a century, so that adding it to the current time cannot overflow.
    match milliseconds {
        Some(ms) if ms <= CENTURY_MS => Ok(Duration::from_millis(ms)),
        _ => Err(format!("'{text}' is too long: at most a hundred years")),
    }
}

/// Formats a duration in seconds, or in milliseconds if it is not a whole number of seconds.
pub fn show_time(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

/// Parses a number that fits in `N`. `1_000` is `1000`.
pub fn count<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number: u64 = text
        .replace('_', "")
        .parse()
        .map_err(|_| format!("'{text}' is not a whole number"))?;
    N::try_from(number).map_err(|_| format!("'{text}' is too large"))
}

/// Splits a text into its digits, without underscores, and its unit.
fn split(text: &str) -> (String, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    (text[..end].replace('_', ""), text[end..].trim_start())
}

const CENTURY_MS: u64 = 100 * 365 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("64KiB", 65_536),
            ("64kib", 65_536),
            ("64 KiB", 65_536),
            ("64K", 65_536),
            ("64KB", 64_000),
            ("1MiB", 1_048_576),
            ("2g", 2 << 30),
            ("10B", 10),
            ("1_000", 1_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn wrong_sizes_say_how_to_write_one() {
        for text in ["", "KiB", "-1", "1.5MiB", "64KiBs", "0x10", "lots", "1e6"] {
            assert!(size(text).unwrap_err().contains("64KiB"), "{text}");
        }
        assert!(
            size("18446744073709551615KiB")
                .unwrap_err()
                .contains("more bytes")
        );
    }

    #[test]
    fn times_are_seconds_unless_a_unit_says_otherwise() {
        for (text, ms) in [
            ("60", 60_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("2h", 7_200_000),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "1.5s", "-3", "5 weeks"] {
            assert!(time(text).unwrap_err().contains("30s"), "{text}");
        }
        assert!(time("99999999999h").unwrap_err().contains("too long"));
        assert!(
            time("18446744073709551615h")
                .unwrap_err()
                .contains("too long")
        );
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        for bytes in [0, 1, 1_000, 1_024, 65_536, 1_048_576, 1_048_577, 3 << 30] {
            assert_eq!(size(&show_size(bytes)), Ok(bytes));
        }
        for ms in [0, 1, 999, 1_000, 1_500, 60_000, 7_200_000] {
            let time_ = Duration::from_millis(ms);
            assert_eq!(time(&show_time(time_)), Ok(time_));
        }
        assert_eq!(show_size(65_536), "64KiB");
        assert_eq!(show_time(Duration::from_secs(30)), "30s");
    }

    #[test]
    fn counts_must_fit_their_type() {
        assert_eq!(count::<u32>("131_072"), Ok(131_072));
        assert!(count::<u8>("256").unwrap_err().contains("too large"));
        assert!(count::<u32>("ten").unwrap_err().contains("whole number"));
    }
}
