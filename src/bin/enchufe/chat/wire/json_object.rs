//! Parses messages of the JSON wire into the fields that the protocol has. Other fields must be valid JSON, and are
//! ignored.

use std::collections::BTreeMap;

use crate::chat::wire::json_error::RequestError;
use crate::json::{self, JsonError};
use enchufe::protocol::MessageKind;

/// A message that is a JSON object, with the fields that the protocol has.
#[derive(Debug)]
pub struct JsonMessage(BTreeMap<&'static str, FieldValue>);

/// Value of a field. Null is the same as absent.
#[derive(Debug)]
enum FieldValue {
    Text(String),
    Number(u64),
    Other,
}

/// Reads a message of either kind.
///
/// # Errors
///
/// Any [`RequestError`] from [`RequestError::NotText`] to [`RequestError::RepeatedField`].
pub fn read(
    kind: MessageKind,
    message: &[u8],
    max_depth: usize,
) -> Result<JsonMessage, RequestError> {
    match kind {
        MessageKind::Text => parse(message, max_depth),
        MessageKind::Binary => Err(RequestError::NotText),
    }
}

/// Parses a text message, nested at most `max_depth` deep. The message ends at the first NUL: clients written in C also
/// send the bytes after it in their buffer.
///
/// # Errors
///
/// Any [`RequestError`] from [`RequestError::NotUtf8`] to [`RequestError::RepeatedField`].
pub fn parse(message: &[u8], max_depth: usize) -> Result<JsonMessage, RequestError> {
    let end = message
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(message.len());
    let text = std::str::from_utf8(&message[..end]).map_err(|_| RequestError::NotUtf8)?;
    let value = json::parse(text, max_depth)?;
    let object = value.object().ok_or(RequestError::NotAnObject)?;
    let fields = FIELDS
        .into_iter()
        .filter_map(|key| Some((key, FieldValue::from(object.get(key)?))));
    Ok(JsonMessage(fields.collect()))
}

impl JsonMessage {
    /// Returns a required text field.
    ///
    /// # Errors
    ///
    /// [`RequestError::Missing`] or [`RequestError::WrongType`].
    pub fn required(&self, field: &'static str) -> Result<&str, RequestError> {
        self.text(field)?.ok_or(RequestError::Missing(field))
    }

    /// Returns an optional text field.
    ///
    /// # Errors
    ///
    /// [`RequestError::WrongType`].
    pub fn text(&self, field: &'static str) -> Result<Option<&str>, RequestError> {
        match self.0.get(field) {
            None => Ok(None),
            Some(FieldValue::Text(text)) => Ok(Some(text)),
            Some(_) => Err(RequestError::WrongType(field)),
        }
    }

    /// Returns an optional field with an integer from 0.
    ///
    /// # Errors
    ///
    /// [`RequestError::WrongType`].
    pub fn number(&self, field: &'static str) -> Result<Option<u64>, RequestError> {
        match self.0.get(field) {
            None => Ok(None),
            Some(FieldValue::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(RequestError::WrongType(field)),
        }
    }
}

impl From<json::Value<'_>> for FieldValue {
    fn from(value: json::Value<'_>) -> Self {
        match (value.text(), value.whole()) {
            (Some(text), _) => Self::Text(text.into_owned()),
            (None, Some(number)) => Self::Number(number),
            (None, None) => Self::Other,
        }
    }
}

impl From<JsonError> for RequestError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::NotJson => Self::NotJson,
            JsonError::TooDeep => Self::TooDeep,
            JsonError::RepeatedKey => Self::RepeatedField,
        }
    }
}

const FIELDS: [&str; 5] = ["type", "sender", "target", "content", "after"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    /// Parses a message, and returns its field `content`.
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
    fn a_number_is_an_integer_from_0() {
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
            "an escaped NUL is part of the text"
        );
    }

    #[test]
    fn invalid_numbers_and_lone_surrogates_are_not_json() {
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
    fn a_repeated_key_is_an_error() {
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
    fn nesting_has_a_limit() {
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
    fn a_private_key_of_the_parser_is_ignored() {
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
    fn a_long_unknown_key_is_ignored() {
        assert_eq!(
            content(format!(
                r#"{{"content":"x","{}":1}}"#,
                "k".repeat(64 * 1024)
            )),
            found("x")
        );
    }
}
