//! Checks beyond JSON syntax, in one pass without recursion: depth, duplicate keys, and strings and numbers that parsers
//! read differently. Text that passes is I-JSON
//! ([RFC 7493](https://www.rfc-editor.org/rfc/rfc7493)).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// Reason to reject a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), or it has half a surrogate pair or a number that no
    /// `f64` holds, which parsers read differently
    /// ([RFC 7493, 2.1 and 2.2](https://www.rfc-editor.org/rfc/rfc7493#section-2.1)).
    NotJson,
    /// Arrays and objects nested deeper than allowed.
    TooDeep,
    /// An object, at any depth, has a key twice, so its value is ambiguous
    /// ([RFC 7493, 2.3](https://www.rfc-editor.org/rfc/rfc7493#section-2.3)).
    RepeatedKey,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "not JSON",
            Self::TooDeep => "nested too deep",
            Self::RepeatedKey => "an object has a key twice",
        })
    }
}

impl std::error::Error for JsonError {}

/// Checks `text`, which must be valid JSON.
pub fn check(text: &str, max_depth: usize) -> Result<(), JsonError> {
    // Keys seen in each open object; empty for arrays.
    let mut open: Vec<BTreeSet<Cow<'_, str>>> = Vec::new();
    let mut rest = text;
    while let Some(byte) = rest.bytes().next() {
        let mut token = 1;
        match byte {
            b'{' | b'[' => {
                open.push(BTreeSet::new());
                if open.len() > max_depth {
                    return Err(JsonError::TooDeep);
                }
            }
            b'}' | b']' => {
                open.pop();
            }
            b'"' => {
                token = string_length(rest);
                let string = &rest[..token];
                if rest[token..].trim_ascii_start().starts_with(':') {
                    let key = unquote(string).ok_or(JsonError::NotJson)?;
                    if !open.last_mut().is_none_or(|keys| keys.insert(key)) {
                        return Err(JsonError::RepeatedKey);
                    }
                } else if string.contains(r"\u") {
                    unquote(string).ok_or(JsonError::NotJson)?;
                }
            }
            b'-' | b'0'..=b'9' => {
                let belongs = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
                token = rest.bytes().take_while(|&byte| belongs(byte)).count();
                let number: Result<f64, _> = rest[..token].parse();
                if !number.is_ok_and(f64::is_finite) {
                    return Err(JsonError::NotJson);
                }
            }
            // White space, commas, colons, and the letters of true, false and null.
            _ => {}
        }
        rest = &rest[token..];
    }
    Ok(())
}

/// Decodes a string with its quotes; `None` if it has half a surrogate pair.
pub fn unquote(string: &str) -> Option<Cow<'_, str>> {
    if string.contains('\\') {
        return serde_json::from_str(string).map(Cow::Owned).ok();
    }
    Some(Cow::Borrowed(string.get(1..string.len() - 1)?))
}

/// Returns the length in bytes of the string at the start of `text`, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let inside = text.bytes().skip(1).take_while(|&byte| {
        let inside = byte != b'"' || escaped;
        escaped = byte == b'\\' && !escaped;
        inside
    });
    // Valid JSON has a closing quote.
    (inside.count() + 2).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), JsonError> {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok());
        check(text, 32)
    }

    #[test]
    fn a_duplicate_key_is_rejected_at_any_depth_and_in_any_escaping() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1 , "\u0061" :2}"#,
            r#"{"x":[{"y":{"a":1,"b":[{"a":3}],"a":2}}]}"#,
            r#"{"":1,"":1}"#,
        ] {
            assert_eq!(checked(text), Err(JsonError::RepeatedKey), "{text}");
        }
        for text in [
            r#"{"a":1,"b":{"a":1}}"#,
            r#"{"a":":","b":"\":\\","c":[{"a":1},{"a":2}]}"#,
            r#"["a","a",{"a":"a"}]"#,
            r#"{"a":1,"A":1,"a ":1}"#,
        ] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_rejected_at_any_depth() {
        for half in [
            r"\ud800",
            r"\udc00",
            r"\ud800\ud800",
            r"\ud83e x",
            r"\\\ud83e",
        ] {
            for text in [
                format!(r#""{half}""#),
                format!(r#"{{"{half}":1}}"#),
                format!(r#"{{"a":[{{"b":"{half}"}}]}}"#),
            ] {
                // serde_json does not check escapes in strings that it skips.
                assert_eq!(check(&text, 32), Err(JsonError::NotJson), "{text}");
            }
        }
        assert_eq!(checked(r#"["\ud83e\udd80","\\ud800"]"#), Ok(()));
    }

    #[test]
    fn a_number_that_no_f64_holds_is_rejected() {
        for number in ["1e999", "-1e999", &"9".repeat(400)] {
            assert_eq!(
                check(&format!(r#"{{"a":[{number}]}}"#), 32),
                Err(JsonError::NotJson),
                "{number}"
            );
        }
        assert_eq!(
            checked("[1e308,-0,0.1E-999,18446744073709551616,1]"),
            Ok(())
        );
    }

    #[test]
    fn depth_counts_objects_and_arrays_outside_strings() {
        assert_eq!(check(r#"{"a":[{}],"b":[[]]}"#, 3), Ok(()));
        assert_eq!(check(r#"{"a":[{}],"b":[[]]}"#, 2), Err(JsonError::TooDeep));
        assert_eq!(check(r#"{"[[[":"\\\"[[["}"#, 1), Ok(()));
        assert_eq!(check("[[],[],[]]", 2), Ok(()));
        assert_eq!(check("1", 0), Ok(()));
    }

    #[test]
    fn a_hundred_thousand_keys_are_checked_quickly() {
        let members: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":1")).collect();
        assert_eq!(checked(&format!("{{{}}}", members.join(","))), Ok(()));
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(64 * 1024));
        assert_eq!(checked(&long), Ok(()));
    }
}
