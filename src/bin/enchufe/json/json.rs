//! Checked JSON values, read on demand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::json::check::{JsonError, check, unquote};

/// A checked JSON value: a slice of the text, parsed further on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a>(&'a str);

/// The members of a JSON object, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a>(BTreeMap<String, Value<'a>>);

/// Checks that a text is JSON, nested at most `max_depth` deep (1 is an object with plain members), without anything that
/// two parsers could read differently.
///
/// Takes linear time and constant stack.
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

    /// Returns the string, if it is one.
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

    /// Returns the integer, if it is written as one (`1.0` and `1e0` are not) and fits.
    #[must_use]
    pub fn whole<N: TryFrom<i128>>(self) -> Option<N> {
        N::try_from(self.0.parse().ok()?).ok()
    }

    /// Returns the values of the array, if it is one.
    #[must_use]
    pub fn array(self) -> Option<Vec<Self>> {
        let values: Vec<&RawValue> = serde_json::from_str(self.0).ok()?;
        Some(values.into_iter().map(Self::from).collect())
    }

    /// Returns the members of the object, if it is one.
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
    /// Returns the member with this key; `None` also if it is `null`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.0.get(key).copied().filter(|value| !value.is_null())
    }
}

impl<'a> From<&'a RawValue> for Value<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

/// Default maximum nesting of arrays and objects; the messages of the services need at most 2.
pub const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::random::XorShift;

    fn parsed(text: &str) -> Result<Value<'_>, JsonError> {
        parse(text, MAX_DEPTH)
    }

    fn nested(depth: usize) -> String {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"x":{open}{close}}}"#)
    }

    #[test]
    fn a_value_converts_only_to_its_own_type() {
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
    fn a_null_member_counts_as_absent() {
        let object = parsed(r#"{"a":null,"b":1}"#).unwrap().object().unwrap();
        assert_eq!(object.get("a"), None);
        assert_eq!(object.get("c"), None);
        assert_eq!(object.get("b").unwrap().whole(), Some(1));
    }

    #[test]
    fn text_that_is_not_json_is_rejected() {
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
    fn any_depth_is_checked_on_a_64_kib_stack() {
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
    fn every_prefix_is_rejected_and_random_bytes_never_panic() {
        let text = r#" {"a":[1,-2.5e3,"\"\u00e9\ud83e\udd80",{"b":{}}],"ñ":null} "#;
        assert!(parsed(text).is_ok());
        for (end, _) in text.trim_end().char_indices() {
            assert_eq!(parsed(&text[..end]), Err(JsonError::NotJson), "{end}");
        }
        let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
        let alphabet: Vec<char> = "{}[]\",:\\ud8n1e-.\0 ñ".chars().collect();
        for _ in 0..50_000 {
            let text: String = (0..random.below(30))
                .map(|_| alphabet[random.below(alphabet.len())])
                .collect();
            if let Ok(value) = parsed(&text) {
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
