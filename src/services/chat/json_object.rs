//! A text message as a JSON object with the fields the JSON chat knows.
//!
//! Only those are parsed; what is in others is checked and left alone. Together with a limit on depth and a refusal of
//! repeated keys this means: nothing a peer nests or repeats costs stack, or can be understood in two ways.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json_fault::Fault;
use super::json_shape::Shape;

/// A message that is a JSON object: those of its fields that the protocol knows.
#[derive(Debug)]
pub struct Object(BTreeMap<&'static str, Value>);

/// What a field may hold; null is the same as absent.
#[derive(Debug)]
enum Value {
    Text(String),
    Number(u64),
    Other,
}

/// Parses a text message. It ends at the first NUL: clients written in C send what follows in their buffer.
///
/// # Errors
///
/// A [`Fault`] from [`Fault::NotUtf8`] to [`Fault::RepeatedField`].
pub fn parse(message: &[u8]) -> Result<Object, Fault> {
    let end = message
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(message.len());
    let text = std::str::from_utf8(&message[..end]).map_err(|_| Fault::NotUtf8)?;
    let shape = Shape::of(text);
    if shape.depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    if !text.trim_ascii_start().starts_with('{') {
        let valid = serde_json::from_str::<&RawValue>(text).is_ok();
        return Err(if valid {
            Fault::NotAnObject
        } else {
            Fault::NotJson
        });
    }
    let raw: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_| Fault::NotJson)?;
    if raw.len() < shape.members {
        return Err(Fault::RepeatedField);
    }
    let mut fields = BTreeMap::new();
    for key in FIELDS {
        if let Some(raw) = raw.get(key)
            && let Some(value) = value(raw.get())?
        {
            fields.insert(key, value);
        }
    }
    Ok(Object(fields))
}

impl Object {
    /// A text field that has to be there.
    ///
    /// # Errors
    ///
    /// [`Fault::Missing`] or [`Fault::WrongType`].
    pub fn needed(&self, field: &'static str) -> Result<&str, Fault> {
        self.text(field)?.ok_or(Fault::Missing(field))
    }

    /// A text field that may be left out.
    ///
    /// # Errors
    ///
    /// [`Fault::WrongType`].
    pub fn text(&self, field: &'static str) -> Result<Option<&str>, Fault> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::WrongType(field)),
        }
    }

    /// A field with a whole number from 0 on that may be left out.
    ///
    /// # Errors
    ///
    /// [`Fault::WrongType`].
    pub fn number(&self, field: &'static str) -> Result<Option<u64>, Fault> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(Fault::WrongType(field)),
        }
    }
}

/// A value that is JSON but is not parsed yet.
fn value(raw: &str) -> Result<Option<Value>, Fault> {
    match raw.as_bytes() {
        b"null" => Ok(None),
        // What is left to be wrong with a string is half a surrogate pair.
        [b'"', ..] => serde_json::from_str(raw)
            .map(|text| Some(Value::Text(text)))
            .map_err(|_| Fault::NotJson),
        _ => Ok(Some(
            serde_json::from_str(raw).map_or(Value::Other, Value::Number),
        )),
    }
}

const FIELDS: [&str; 5] = ["type", "sender", "target", "content", "after"];

/// No message needs more than 1.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a message, `None` if it has none.
    fn content(message: impl AsRef<[u8]>) -> Result<Option<String>, Fault> {
        Ok(parse(message.as_ref())?.text("content")?.map(str::to_owned))
    }

    fn found(text: &str) -> Result<Option<String>, Fault> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn null_is_the_same_as_absent() {
        assert_eq!(content("{}"), Ok(None));
        assert_eq!(content(r#"{"content":null}"#), Ok(None));
        assert_eq!(content(r#" {"content" : "x"} "#), found("x"));
    }

    #[test]
    fn a_number_is_whole_and_from_0_on() {
        let after =
            |value: &str| parse(format!(r#"{{"after":{value}}}"#).as_bytes())?.number("after");
        assert_eq!(after("0"), Ok(Some(0)));
        assert_eq!(after("18446744073709551615"), Ok(Some(u64::MAX)));
        for value in [
            "-1",
            "1.5",
            "\"1\"",
            "true",
            "[]",
            "{}",
            "1e2",
            "1e999",
            "18446744073709551616",
        ] {
            assert_eq!(after(value), Err(Fault::WrongType("after")), "{value}");
        }
    }

    #[test]
    fn a_message_ends_at_the_first_nul() {
        assert_eq!(content(b"{\"content\":\"x\"}\0\x01\xff{"), found("x"));
        assert_eq!(content(b"\0{\"content\":\"x\"}"), Err(Fault::NotJson));
        assert_eq!(
            content(r#"{"content":"a\u0000b"}"#),
            found("a\0b"),
            "a NUL that is meant is kept"
        );
    }

    #[test]
    fn numbers_and_surrogates_that_are_none_are_no_json() {
        let of = |value: &str| content(format!(r#"{{"content":{value}}}"#));
        assert_eq!(of("0x1"), Err(Fault::NotJson));
        assert_eq!(of("01"), Err(Fault::NotJson));
        assert_eq!(of("1e999"), Err(Fault::WrongType("content")));
        for lone in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud83e x""#,
        ] {
            assert_eq!(of(lone), Err(Fault::NotJson), "{lone}");
        }
        assert_eq!(of(r#""\ud83e\udd80""#), found("🦀"));
    }

    #[test]
    fn a_key_that_comes_twice_is_told_so() {
        assert_eq!(
            content(r#"{"content":"a","content":"b"}"#),
            Err(Fault::RepeatedField)
        );
        assert_eq!(
            content(r#"{"content":"a","c\u006fntent":"b"}"#),
            Err(Fault::RepeatedField)
        );
        assert_eq!(
            content(r#"{"x":{"a":1,"b":[{"a":2}]},"y:\":":"::","a":0}"#),
            Ok(None)
        );
    }

    #[test]
    fn depth_has_a_limit_that_costs_no_stack() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"content":"x","y":{open}{close}}}"#)
        };
        let on_a_small_stack = move || {
            assert_eq!(content(nested(32)), found("x"));
            assert_eq!(content(nested(33)), Err(Fault::TooDeep));
            assert_eq!(content(nested(100_000)), Err(Fault::TooDeep));
            assert_eq!(content("[".repeat(100_000)), Err(Fault::TooDeep));
            assert_eq!(content("{\"a\":".repeat(100_000)), Err(Fault::TooDeep));
            let brackets = "[".repeat(99);
            assert_eq!(
                content(format!(r#"{{"content":"{brackets}"}}"#)),
                found(&brackets)
            );
        };
        let thread = std::thread::Builder::new().stack_size(64 * 1024);
        thread.spawn(on_a_small_stack).unwrap().join().unwrap();
    }

    #[test]
    fn a_long_key_is_ignored_like_any_other() {
        assert_eq!(
            content(format!(
                r#"{{"content":"x","{}":1}}"#,
                "k".repeat(64 * 1024)
            )),
            found("x")
        );
    }
}
