//! A text message as a JSON object with the fields the JSON chat knows.
//!
//! Only those are looked at. What is in others has been checked, as the whole message has, and is left alone.

use std::collections::BTreeMap;

use crate::chat::wire::json_error::RequestError;
use crate::json::{self, JsonError};
use enchufe::protocol::MessageKind;

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

/// Reads a message of any kind.
///
/// # Errors
///
/// A [`RequestError`] from [`RequestError::NotText`] to [`RequestError::RepeatedField`].
pub fn read(kind: MessageKind, message: &[u8], max_depth: usize) -> Result<Object, RequestError> {
    match kind {
        MessageKind::Text => parse(message, max_depth),
        MessageKind::Binary => Err(RequestError::NotText),
    }
}

/// Parses a text message, nested at most `max_depth` deep. It ends at the first NUL: clients written in C send what
/// follows in their buffer.
///
/// # Errors
///
/// A [`RequestError`] from [`RequestError::NotUtf8`] to [`RequestError::RepeatedField`].
pub fn parse(message: &[u8], max_depth: usize) -> Result<Object, RequestError> {
    let end = message
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(message.len());
    let text = std::str::from_utf8(&message[..end]).map_err(|_| RequestError::NotUtf8)?;
    let value = json::parse(text, max_depth)?;
    let object = value.object().ok_or(RequestError::NotAnObject)?;
    let fields = FIELDS
        .into_iter()
        .filter_map(|key| Some((key, Value::from(object.get(key)?))));
    Ok(Object(fields.collect()))
}

impl Object {
    /// A text field that has to be there.
    ///
    /// # Errors
    ///
    /// [`RequestError::Missing`] or [`RequestError::WrongType`].
    pub fn needed(&self, field: &'static str) -> Result<&str, RequestError> {
        self.text(field)?.ok_or(RequestError::Missing(field))
    }

    /// A text field that may be left out.
    ///
    /// # Errors
    ///
    /// [`RequestError::WrongType`].
    pub fn text(&self, field: &'static str) -> Result<Option<&str>, RequestError> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(RequestError::WrongType(field)),
        }
    }

    /// A field with a whole number from 0 on that may be left out.
    ///
    /// # Errors
    ///
    /// [`RequestError::WrongType`].
    pub fn number(&self, field: &'static str) -> Result<Option<u64>, RequestError> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(RequestError::WrongType(field)),
        }
    }
}

impl From<json::Value<'_>> for Value {
    fn from(value: json::Value<'_>) -> Value {
        match (value.text(), value.whole()) {
            (Some(text), _) => Value::Text(text.into_owned()),
            (None, Some(number)) => Value::Number(number),
            (None, None) => Value::Other,
        }
    }
}

impl From<JsonError> for RequestError {
    fn from(error: JsonError) -> RequestError {
        match error {
            JsonError::NotJson => RequestError::NotJson,
            JsonError::TooDeep => RequestError::TooDeep,
            JsonError::RepeatedKey => RequestError::RepeatedField,
        }
    }
}

const FIELDS: [&str; 5] = ["type", "sender", "target", "content", "after"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    /// The content of a message, `None` if it has none.
    fn content(message: impl AsRef<[u8]>) -> Result<Option<String>, RequestError> {
        let object = parse(message.as_ref(), MAX_DEPTH)?;
        Ok(object.text("content")?.map(str::to_owned))
    }

    fn found(text: &str) -> Result<Option<String>, RequestError> {
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
        let after = |value: &str| {
            let message = format!(r#"{{"after":{value}}}"#);
            parse(message.as_bytes(), MAX_DEPTH)?.number("after")
        };
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
            "18446744073709551616",
        ] {
            assert_eq!(
                after(value),
                Err(RequestError::WrongType("after")),
                "{value}"
            );
        }
    }

    #[test]
    fn a_message_ends_at_the_first_nul() {
        assert_eq!(content(b"{\"content\":\"x\"}\0\x01\xff{"), found("x"));
        assert_eq!(
            content(b"\0{\"content\":\"x\"}"),
            Err(RequestError::NotJson)
        );
        assert_eq!(
            content(r#"{"content":"a\u0000b"}"#),
            found("a\0b"),
            "a NUL that is meant is kept"
        );
    }

    #[test]
    fn numbers_and_surrogates_that_are_none_are_no_json() {
        let of = |value: &str| content(format!(r#"{{"content":{value}}}"#));
        assert_eq!(of("0x1"), Err(RequestError::NotJson));
        assert_eq!(of("01"), Err(RequestError::NotJson));
        assert_eq!(of("1e999"), Err(RequestError::NotJson));
        for lone in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud83e x""#,
        ] {
            assert_eq!(of(lone), Err(RequestError::NotJson), "{lone}");
            let elsewhere = format!(r#"{{"content":"x","y":[{lone}]}}"#);
            assert_eq!(content(elsewhere), Err(RequestError::NotJson), "{lone}");
        }
        assert_eq!(of(r#""\ud83e\udd80""#), found("🦀"));
    }

    #[test]
    fn a_key_that_comes_twice_is_told_so() {
        assert_eq!(
            content(r#"{"content":"a","content":"b"}"#),
            Err(RequestError::RepeatedField)
        );
        assert_eq!(
            content(r#"{"content":"a","c\u006fntent":"b"}"#),
            Err(RequestError::RepeatedField)
        );
        assert_eq!(
            content(r#"{"content":"a","y":[{"a":1,"a":2}]}"#),
            Err(RequestError::RepeatedField)
        );
        assert_eq!(
            content(r#"{"x":{"a":1,"b":[{"a":2}]},"y:\":":"::","a":0}"#),
            Ok(None)
        );
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"content":"x","y":{open}{close}}}"#)
        };
        assert_eq!(content(nested(32)), found("x"));
        assert_eq!(content(nested(33)), Err(RequestError::TooDeep));
        assert_eq!(content(nested(100_000)), Err(RequestError::TooDeep));
        let brackets = "[".repeat(99);
        assert_eq!(
            content(format!(r#"{{"content":"{brackets}"}}"#)),
            found(&brackets)
        );
    }

    #[test]
    fn a_key_of_the_parser_is_ignored_like_any_other() {
        assert_eq!(
            content(r#"{"content":"x","$serde_json::private::RawValue":"[[[["}"#),
            found("x")
        );
        assert_eq!(
            content(r#"{"$serde_json::private::RawValue":"{\"content\":\"x\"}"}"#),
            Ok(None)
        );
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
