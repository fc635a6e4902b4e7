//! One byte range of a file (RFC 9110, 14.1.2): what a `<video>` asks for when its viewer jumps.

/// What of a file to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: no range, one that is malformed, or more than one.
    Whole,
    /// From `first` to `last`, both included.
    Bytes { first: u64, last: u64 },
    /// A range that lies behind the end.
    Unsatisfiable,
}

/// The range a `Range` field asks for, of a file with `length` bytes.
pub fn parse(field: &str, length: u64) -> Part {
    let Some((unit, range)) = field.split_once('=') else {
        return Part::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Part::Whole;
    };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() => from(first, u64::MAX, length),
        (Some(first), Some(last)) if first <= last => from(first, last, length),
        // The last so many bytes.
        (None, Some(0)) if first.is_empty() => Part::Unsatisfiable,
        (None, Some(count)) if first.is_empty() => {
            from(length.saturating_sub(count), u64::MAX, length)
        }
        _ => Part::Whole,
    }
}

fn from(first: u64, last: u64, length: u64) -> Part {
    match length.checked_sub(1) {
        Some(end) if first <= end => Part::Bytes {
            first,
            last: last.min(end),
        },
        _ => Part::Unsatisfiable,
    }
}

/// Digits only; a number too large for the machine is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_range_is_cut_to_the_file() {
        assert_eq!(parse("bytes=0-9", 100), Part::Bytes { first: 0, last: 9 });
        assert_eq!(
            parse("bytes=90-", 100),
            Part::Bytes {
                first: 90,
                last: 99
            }
        );
        assert_eq!(
            parse("bytes=-10", 100),
            Part::Bytes {
                first: 90,
                last: 99
            }
        );
        assert_eq!(
            parse("bytes=-1000", 100),
            Part::Bytes { first: 0, last: 99 }
        );
        assert_eq!(
            parse("Bytes=50-999999999999999999999999", 100),
            Part::Bytes {
                first: 50,
                last: 99
            }
        );
    }

    #[test]
    fn what_is_malformed_or_more_than_one_gets_the_whole_file() {
        for field in [
            "bytes=5-2",
            "bytes=a-b",
            "bytes=",
            "bytes",
            "lines=1-2",
            "bytes=0-1,3-4",
            "bytes=--5",
            "bytes=-",
        ] {
            assert_eq!(parse(field, 100), Part::Whole, "{field}");
        }
        let many = format!("bytes={}", vec!["0-"; 1000].join(","));
        assert_eq!(parse(&many, 100), Part::Whole);
    }

    #[test]
    fn a_range_behind_the_end_cannot_be_had() {
        assert_eq!(parse("bytes=100-", 100), Part::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 100), Part::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Part::Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Part::Unsatisfiable);
    }
}
