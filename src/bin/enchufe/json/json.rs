//! Checked JSON values, read on demand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::json::check::check;

/// A JSON value that has been checked and is looked at no further than somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a>(&'a str);

/// The members of a JSON object, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a>(BTreeMap<String, Value<'a>>);

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// No JSON text ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), or a string or a number in it is none that
    /// everybody understands alike: half a surrogate pair, a number that no `f64` holds
    /// ([RFC 7493, 2.1 and 2.2](https://www.rfc-editor.org/rfc/rfc7493#section-2.1)).
    NotJson,
    /// Arrays and objects nested deeper than allowed.
    TooDeep,
    /// An object, at any depth, has a key twice: which of them counts would be a guess
    /// ([RFC 7493, 2.3](https://www.rfc-editor.org/rfc/rfc7493#section-2.3)).
    RepeatedKey,
}

/// Checks a text: JSON, nested at most `max_depth` deep (1 is an object with plain members), and nothing in it that two
/// readers could understand in two ways.
///
/// Linear in the length of the text, for any depth on any stack.
///
/// # Errors
///
/// [`JsonError`].
pub fn parse(text: &str, max_depth: usize) -> Result<Value<'_>, JsonError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| JsonError::NotJson)?;
    check(raw.get(), max_depth)?;
    Ok(Value(raw.get()))
}

impl<'a> Value<'a> {
    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The string that it is.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        if self.0.starts_with('"') {
            unquote(self.0)
        } else {
            None
        }
    }

    /// Whether it is a number.
    #[must_use]
    pub fn is_number(self) -> bool {
        self.0
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// The whole number that it is, if it is written as one (`1.0` and `1e0` are not) and fits.
    #[must_use]
    pub fn whole<N: TryFrom<i128>>(self) -> Option<N> {
        N::try_from(self.0.parse().ok()?).ok()
    }

    /// The values of the array that it is.
    #[must_use]
    pub fn array(self) -> Option<Vec<Value<'a>>> {
        let values: Vec<&RawValue> = serde_json::from_str(self.0).ok()?;
        Some(values.into_iter().map(Value::from).collect())
    }

    /// The members of the object that it is.
    #[must_use]
    pub fn object(self) -> Option<Object<'a>> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(self.0).ok()?;
        let members = members.into_iter();
        Some(Object(
            members.map(|(key, raw)| (key, raw.into())).collect(),
        ))
    }
}

impl<'a> Object<'a> {
    /// The member with this key. One that is `null` is as good as absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.0.get(key).copied().filter(|value| !value.is_null())
    }
}

impl<'a> From<&'a RawValue> for Value<'a> {
    fn from(raw: &'a RawValue) -> Value<'a> {
        Value(raw.get())
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JsonError::NotJson => "not JSON",
            JsonError::TooDeep => "nested too deep",
            JsonError::RepeatedKey => "an object has a key twice",
        })
    }
}

impl std::error::Error for JsonError {}

/// What a string with its quotes means; `None` for half a surrogate pair.
pub fn unquote(string: &str) -> Option<Cow<'_, str>> {
    if string.contains('\\') {
        return serde_json::from_str(string).map(Cow::Owned).ok();
    }
    Some(Cow::Borrowed(string.get(1..string.len() - 1)?))
}

/// How deep arrays and objects may nest unless told otherwise; no message of ours needs more than 2.
pub const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Value<'_>, JsonError> {
        parse(text, MAX_DEPTH)
    }

    fn nested(depth: usize) -> String {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"x":{open}{close}}}"#)
    }

    #[test]
    fn a_value_is_what_it_is_asked_for_or_nothing() {
        let value = |text| parsed(text).unwrap();
        assert_eq!(
            value(r#""a\n\u00f1\ud83e\udd80""#).text().unwrap(),
            "a\nñ🦀"
        );
        assert_eq!(value(r#" "ñ" "#).text().unwrap(), "ñ");
        assert_eq!(value(r#""""#).text().unwrap(), "");
        assert_eq!(value("-7").whole::<i32>(), Some(-7));
        assert_eq!(value("18446744073709551615").whole(), Some(u64::MAX));
        assert_eq!(
            value(" [1, \"b\"] ").array().unwrap(),
            [value("1"), value("\"b\"")]
        );
        assert!(value("null").is_null());
        for text in ["null", "1", "true", "[]", "{}"] {
            assert_eq!(value(text).text(), None, "{text}");
        }
        for text in [
            "null",
            "\"1\"",
            "[1]",
            "1.0",
            "1e0",
            "1.5",
            "-1",
            "4294967296",
        ] {
            assert_eq!(value(text).whole::<u32>(), None, "{text}");
        }
        for text in ["null", "1", "\"[]\"", "{}"] {
            assert_eq!(value(text).array(), None, "{text}");
        }
        for text in ["null", "1", "\"{}\"", "[]"] {
            assert_eq!(value(text).object(), None, "{text}");
        }
    }

    #[test]
    fn a_member_that_is_null_is_as_good_as_absent() {
        let object = parsed(r#"{"a":null,"b":1}"#).unwrap().object().unwrap();
        assert_eq!(object.get("a"), None);
        assert_eq!(object.get("c"), None);
        assert_eq!(object.get("b").unwrap().whole(), Some(1));
    }

    #[test]
    fn what_is_not_json_is_not_taken() {
        for text in [
            "",
            " ",
            "nonsense",
            "{",
            "}",
            "{]",
            "{'a':1}",
            r#"{"a":1,}"#,
            r#"{"a":1}{}"#,
            r#"{"a":1} x"#,
            "\u{feff}{}",
            "01",
            "0x1",
            "+1",
            "NaN",
            "\"line\nend\"",
            "\"nul\0\"",
        ] {
            assert_eq!(parsed(text), Err(JsonError::NotJson), "{text:?}");
        }
    }

    #[test]
    fn a_key_of_the_parser_is_a_key_like_any_other_and_its_string_stays_a_string() {
        let bomb = "[".repeat(100_000);
        for key in [
            "$serde_json::private::RawValue",
            "$serde_json::private::Number",
            r"\u0024serde_json::private\u003a:RawValue",
        ] {
            for text in [
                format!(r#"{{"{key}":"{bomb}"}}"#),
                format!(r#"{{"a":[{{"{key}":"{bomb}"}}]}}"#),
            ] {
                assert!(parsed(&text).unwrap().object().is_some(), "{key}");
            }
        }
        let text = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let object = parsed(text).unwrap().object().unwrap();
        let value = object.get("$serde_json::private::RawValue").unwrap();
        assert_eq!(
            (value.text().unwrap().as_ref(), value.array()),
            ("[1]", None)
        );
    }

    #[test]
    fn any_depth_is_seen_on_a_stack_of_64_kib() {
        let on_a_small_stack = || {
            for (text, max_depth, expected) in [
                (nested(32), 32, Ok(())),
                (nested(33), 32, Err(JsonError::TooDeep)),
                (r#"{"x":1}"#.to_owned(), 1, Ok(())),
                (nested(2), 1, Err(JsonError::TooDeep)),
                (nested(100_000), 32, Err(JsonError::TooDeep)),
                (nested(100_000), usize::MAX, Ok(())),
                ("[".repeat(100_000), 32, Err(JsonError::NotJson)),
                ("{\"a\":".repeat(100_000), 32, Err(JsonError::NotJson)),
            ] {
                let outcome = parse(&text, max_depth).map(|value| {
                    assert!(value.object().is_some());
                });
                assert_eq!(outcome, expected, "{max_depth}");
            }
        };
        let thread = std::thread::Builder::new().stack_size(64 * 1024);
        thread.spawn(on_a_small_stack).unwrap().join().unwrap();
    }

    #[test]
    fn every_prefix_is_refused_and_random_bytes_never_panic() {
        let text = r#" {"a":[1,-2.5e3,"\"\u00e9\ud83e\udd80",{"b":{}}],"ñ":null} "#;
        assert!(parsed(text).is_ok());
        for (end, _) in text.trim_end().char_indices() {
            assert_eq!(parsed(&text[..end]), Err(JsonError::NotJson), "{end}");
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let alphabet: Vec<char> = "{}[]\",:\\ud8n1e-.\0 ñ".chars().collect();
        for _ in 0..50_000 {
            let noise: String = (0..random % 30)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    alphabet[(random % alphabet.len() as u64) as usize]
                })
                .collect();
            if let Ok(value) = parsed(&noise) {
                let _ = (
                    value.text(),
                    value.whole::<i64>(),
                    value.array(),
                    value.object(),
                );
            }
        }
    }
}
