//! The JSON chat's wire (seed 002), inwards: one text message, one JSON object, one thing asked for.
//!
//! What is wrong with a message is told in a sentence and changes nothing. Only the fields of the protocol are parsed;
//! what is in others is checked and left alone, so nothing a peer nests can use up a small stack.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use super::command::{Command, Query, Request, Target};
use super::json_notice::status_word;
use super::json_shape::Shape;
use super::name::Name;
use super::status::Status;

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

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// To be known by this name from now on.
    Register(&'a str),
    /// To leave, and to be told so.
    Disconnect,
    /// Anything a registered user may ask for.
    Request(Request<'a>),
}

/// What is wrong with a message, before any rule of the chat is asked. Displayed as the Spanish sentence that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A binary message.
    NotText,
    /// Text that is not UTF-8: the connection fails with 1007, as [RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1) wants.
    NotUtf8,
    /// Not a JSON text.
    NotJson,
    /// Arrays and objects nested more than 32 deep.
    TooDeep,
    /// JSON, but not an object.
    NotAnObject,
    /// A key that comes twice.
    RepeatedField,
    /// A field that is needed is absent or null.
    Missing(&'static str),
    /// A field is of another type.
    WrongType(&'static str),
    /// No message is of this type.
    UnknownType,
    /// Anything else before `register`.
    NotRegistered,
    /// A second `register`.
    AlreadyRegistered,
    /// A `sender` other than the registered name.
    NotTheSender,
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
    /// What the message asks for, from one registered by this name or not yet registered.
    ///
    /// Fields that a type has no use for are ignored, whatever they hold; null is the same as absent.
    ///
    /// # Errors
    ///
    /// A [`Fault`] from [`Fault::Missing`] on.
    pub fn meaning<'a>(&'a self, registered: Option<&'a Name>) -> Result<Meaning<'a>, Fault> {
        let kind = self.needed("type")?;
        if !TYPES.contains(&kind) {
            return Err(Fault::UnknownType);
        }
        let Some(name) = registered else {
            return match kind {
                "register" => Ok(Meaning::Register(self.needed("sender")?)),
                _ => Err(Fault::NotRegistered),
            };
        };
        if kind == "register" {
            return Err(Fault::AlreadyRegistered);
        }
        if self
            .text("sender")?
            .is_some_and(|sender| sender != name.as_str())
        {
            return Err(Fault::NotTheSender);
        }
        Ok(Meaning::Request(match kind {
            "broadcast" => Request::Command(Command::Say {
                to: Target::General,
                text: self.needed("content")?.as_bytes(),
            }),
            "private" => Request::Command(Command::Say {
                to: Target::User(self.needed("target")?.as_bytes()),
                text: self.needed("content")?.as_bytes(),
            }),
            "change_status" => Request::Command(Command::ChangeStatus {
                name: name.as_bytes(),
                status: status(self.needed("content")?),
            }),
            "list_users" => Request::Query(Query::Users),
            "user_info" => Request::Query(Query::User(self.needed("target")?.as_bytes())),
            "history" => Request::Query(Query::History {
                of: self
                    .text("target")?
                    .map_or(Target::General, |name| Target::User(name.as_bytes())),
                after: self.number("after")?,
            }),
            _ => return Ok(Meaning::Disconnect),
        }))
    }

    fn needed(&self, field: &'static str) -> Result<&str, Fault> {
        self.text(field)?.ok_or(Fault::Missing(field))
    }

    fn text(&self, field: &'static str) -> Result<Option<&str>, Fault> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::WrongType(field)),
        }
    }

    fn number(&self, field: &'static str) -> Result<Option<u64>, Fault> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(Fault::WrongType(field)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotText => "El mensaje no es de texto",
            Fault::NotUtf8 => "El mensaje no es UTF-8",
            Fault::NotJson => "El mensaje no es JSON válido",
            Fault::TooDeep => "El mensaje tiene demasiados niveles",
            Fault::NotAnObject => "El mensaje no es un objeto JSON",
            Fault::RepeatedField => "El mensaje repite un campo",
            Fault::Missing(field) => return write!(f, "Falta el campo {field}"),
            Fault::WrongType(field) => return write!(f, "El campo {field} es de otro tipo"),
            Fault::UnknownType => "El tipo de mensaje no existe",
            Fault::NotRegistered => "Primero hay que registrarse",
            Fault::AlreadyRegistered => "Ya hay un registro en esta conexión",
            Fault::NotTheSender => "El campo sender no es el nombre registrado",
        })
    }
}

impl std::error::Error for Fault {}

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

/// The statuses a user may choose here; 0 is told, never asked for.
fn status(word: &str) -> Option<Status> {
    let choices = [Status::Active, Status::Busy, Status::Inactive];
    choices
        .into_iter()
        .find(|status| status_word(*status) == word)
}

const TYPES: [&str; 8] = [
    "register",
    "broadcast",
    "private",
    "list_users",
    "user_info",
    "change_status",
    "disconnect",
    "history",
];

const FIELDS: [&str; 5] = ["type", "sender", "target", "content", "after"];

/// No message needs more than 1.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Name {
        Name::parse(b"ana").unwrap()
    }

    /// What the registered `ana` asks for, printed so that it can be compared.
    fn asked(message: &[u8]) -> Result<String, Fault> {
        let name = ana();
        parse(message)?
            .meaning(Some(&name))
            .map(|meaning| format!("{meaning:?}"))
    }

    fn request(request: Request<'_>) -> Result<String, Fault> {
        Ok(format!("{:?}", Meaning::Request(request)))
    }

    fn command(command: Command<'_>) -> Result<String, Fault> {
        request(Request::Command(command))
    }

    fn query(query: Query<'_>) -> Result<String, Fault> {
        request(Request::Query(query))
    }

    fn first(message: &[u8]) -> Result<String, Fault> {
        let object = parse(message)?;
        match object.meaning(None)? {
            Meaning::Register(name) => Ok(name.to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_type_is_a_request() {
        assert_eq!(
            asked(br#"{"type":"broadcast","sender":"ana","content":"hola","timestamp":"x"}"#),
            command(Command::Say {
                to: Target::General,
                text: b"hola"
            })
        );
        assert_eq!(
            asked(br#"{"type":"private","sender":"ana","target":"bo","content":"psst"}"#),
            command(Command::Say {
                to: Target::User(b"bo"),
                text: b"psst"
            })
        );
        assert_eq!(
            asked(br#"{"type":"list_users","sender":"ana"}"#),
            query(Query::Users)
        );
        assert_eq!(
            asked(br#"{"type":"user_info","sender":"ana","target":"bo"}"#),
            query(Query::User(b"bo"))
        );
        assert_eq!(
            asked(br#"{"type":"disconnect","sender":"ana","content":"Cierre de sesi\u00f3n"}"#),
            Ok("Disconnect".to_owned())
        );
    }

    #[test]
    fn a_user_may_choose_three_statuses() {
        let asked = |word: &str| {
            asked(format!(r#"{{"type":"change_status","content":"{word}"}}"#).as_bytes())
        };
        let status = |status| {
            command(Command::ChangeStatus {
                name: b"ana",
                status,
            })
        };
        assert_eq!(asked("ACTIVO"), status(Some(Status::Active)));
        assert_eq!(asked("OCUPADO"), status(Some(Status::Busy)));
        assert_eq!(asked("INACTIVO"), status(Some(Status::Inactive)));
        for word in ["DESCONECTADO", "activo", "", " ACTIVO"] {
            assert_eq!(asked(word), status(None));
        }
    }

    #[test]
    fn a_history_is_of_the_general_chat_or_of_one_with_a_user_from_a_position_on() {
        let history = |of, after| query(Query::History { of, after });
        assert_eq!(
            asked(br#"{"type":"history"}"#),
            history(Target::General, None)
        );
        assert_eq!(
            asked(br#"{"type":"history","target":null,"after":null}"#),
            history(Target::General, None)
        );
        assert_eq!(
            asked(br#"{"type":"history","target":"bo","after":17}"#),
            history(Target::User(b"bo"), Some(17))
        );
        for after in [
            "-1",
            "1.5",
            "\"1\"",
            "true",
            "[]",
            "1e2",
            "18446744073709551616",
        ] {
            let message = format!(r#"{{"type":"history","after":{after}}}"#);
            assert_eq!(
                asked(message.as_bytes()),
                Err(Fault::WrongType("after")),
                "{after}"
            );
        }
    }

    #[test]
    fn a_message_ends_at_the_first_nul() {
        let sent_by_the_seed_s_client =
            b"{\"type\": \"register\", \"sender\": \"usuario1\"}\0\x01\xff{";
        assert_eq!(first(sent_by_the_seed_s_client), Ok("usuario1".to_owned()));
        assert_eq!(
            first(b"\0{\"type\":\"register\",\"sender\":\"a\"}"),
            Err(Fault::NotJson)
        );
    }

    #[test]
    fn what_is_not_a_json_object_is_told_so() {
        for message in [
            "",
            " ",
            "hola",
            "{",
            "{\"type\":}",
            "{} {}",
            "{}x",
            "{'type':1}",
            "\u{feff}{}",
            "NaN",
        ] {
            assert_eq!(
                asked(message.as_bytes()),
                Err(Fault::NotJson),
                "{message:?}"
            );
        }
        for message in [
            "null",
            "1",
            "\"broadcast\"",
            "[]",
            "[{\"type\":\"list_users\"}]",
        ] {
            assert_eq!(
                asked(message.as_bytes()),
                Err(Fault::NotAnObject),
                "{message:?}"
            );
        }
        assert_eq!(asked(b"{\"type\":\"\xff\"}"), Err(Fault::NotUtf8));
    }

    #[test]
    fn numbers_and_surrogates_that_are_none_are_no_json() {
        let broadcast = |content: &str| {
            asked(format!(r#"{{"type":"broadcast","content":{content}}}"#).as_bytes())
        };
        assert_eq!(broadcast("1e999"), Err(Fault::WrongType("content")));
        assert_eq!(broadcast("0x1"), Err(Fault::NotJson));
        for lone in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud83e x""#,
        ] {
            assert_eq!(broadcast(lone), Err(Fault::NotJson), "{lone}");
        }
        let crab = Command::Say {
            to: Target::General,
            text: "🦀".as_bytes(),
        };
        assert_eq!(broadcast(r#""\ud83e\udd80""#), command(crab));
    }

    #[test]
    fn a_key_that_comes_twice_is_told_so() {
        let twice = br#"{"type":"broadcast","content":"a","content":"b"}"#;
        assert_eq!(asked(twice), Err(Fault::RepeatedField));
        let escaped = br#"{"type":"broadcast","content":"a","c\u006fntent":"b"}"#;
        assert_eq!(asked(escaped), Err(Fault::RepeatedField));
        let colons_elsewhere = br#"{"type":"list_users","x":{"a":1,"b":[{"c":2}]},"y:\":":"::"}"#;
        assert_eq!(asked(colons_elsewhere), query(Query::Users));
    }

    #[test]
    fn depth_has_a_limit_that_costs_no_stack() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"type":"list_users","x":{open}{close}}}"#).into_bytes()
        };
        let on_a_small_stack = move || {
            assert_eq!(asked(&nested(32)), query(Query::Users));
            assert_eq!(asked(&nested(33)), Err(Fault::TooDeep));
            assert_eq!(asked(&nested(100_000)), Err(Fault::TooDeep));
            assert_eq!(asked("[".repeat(100_000).as_bytes()), Err(Fault::TooDeep));
            assert_eq!(
                asked("{\"a\":".repeat(100_000).as_bytes()),
                Err(Fault::TooDeep)
            );
            let brackets_in_a_string =
                format!(r#"{{"type":"list_users","x":"\"{}"}}"#, "[".repeat(99));
            assert_eq!(asked(brackets_in_a_string.as_bytes()), query(Query::Users));
        };
        let thread = std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(on_a_small_stack);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn a_long_key_is_ignored_like_any_other() {
        let message = format!(r#"{{"type":"list_users","{}":1}}"#, "k".repeat(64 * 1024));
        assert_eq!(asked(message.as_bytes()), query(Query::Users));
    }

    #[test]
    fn a_type_that_is_missing_wrong_or_unknown_is_told_so() {
        assert_eq!(asked(b"{}"), Err(Fault::Missing("type")));
        assert_eq!(asked(br#"{"type":null}"#), Err(Fault::Missing("type")));
        assert_eq!(asked(br#"{"type":5}"#), Err(Fault::WrongType("type")));
        assert_eq!(asked(br#"{"type":""}"#), Err(Fault::UnknownType));
        assert_eq!(asked(br#"{"type":"BROADCAST"}"#), Err(Fault::UnknownType));
        assert_eq!(
            asked(br#"{"type":"register_success"}"#),
            Err(Fault::UnknownType)
        );
    }

    #[test]
    fn a_field_that_is_missing_or_of_another_type_is_told_so() {
        assert_eq!(
            asked(br#"{"type":"broadcast"}"#),
            Err(Fault::Missing("content"))
        );
        assert_eq!(
            asked(br#"{"type":"broadcast","content":null}"#),
            Err(Fault::Missing("content"))
        );
        assert_eq!(
            asked(br#"{"type":"broadcast","content":5}"#),
            Err(Fault::WrongType("content"))
        );
        assert_eq!(
            asked(br#"{"type":"private","content":"a"}"#),
            Err(Fault::Missing("target"))
        );
        let target = br#"{"type":"private","content":"a","target":["bo"]}"#;
        assert_eq!(asked(target), Err(Fault::WrongType("target")));
        assert_eq!(
            asked(br#"{"type":"user_info"}"#),
            Err(Fault::Missing("target"))
        );
        assert_eq!(
            asked(br#"{"type":"change_status","content":{}}"#),
            Err(Fault::WrongType("content"))
        );
        assert_eq!(
            asked(br#"{"type":"history","target":1}"#),
            Err(Fault::WrongType("target"))
        );
        assert_eq!(
            asked(br#"{"type":"list_users","sender":7}"#),
            Err(Fault::WrongType("sender"))
        );
    }

    #[test]
    fn the_sender_is_the_registered_name_or_is_left_out() {
        assert_eq!(asked(br#"{"type":"list_users"}"#), query(Query::Users));
        assert_eq!(
            asked(br#"{"type":"list_users","sender":null}"#),
            query(Query::Users)
        );
        assert_eq!(
            asked(br#"{"type":"list_users","sender":"bo"}"#),
            Err(Fault::NotTheSender)
        );
        assert_eq!(
            asked(br#"{"type":"disconnect","sender":""}"#),
            Err(Fault::NotTheSender)
        );
    }

    #[test]
    fn registering_comes_first_and_once() {
        assert_eq!(
            first(br#"{"type":"register","sender":"ana","content":null}"#),
            Ok("ana".to_owned())
        );
        assert_eq!(
            first(br#"{"type":"register"}"#),
            Err(Fault::Missing("sender"))
        );
        assert_eq!(
            first(br#"{"type":"register","sender":1}"#),
            Err(Fault::WrongType("sender"))
        );
        assert_eq!(
            asked(br#"{"type":"register","sender":"ana"}"#),
            Err(Fault::AlreadyRegistered)
        );
        for kind in TYPES.iter().filter(|kind| **kind != "register") {
            let message =
                format!(r#"{{"type":"{kind}","sender":"ana","content":"x","target":"bo"}}"#);
            assert_eq!(first(message.as_bytes()), Err(Fault::NotRegistered));
        }
        assert_eq!(first(br#"{"type":"x"}"#), Err(Fault::UnknownType));
    }

    #[test]
    fn a_message_cut_at_any_byte_is_an_error_and_random_bytes_never_panic() {
        let message =
            r#"{"type":"private","sender":"ana","target":"bo","content":"¿qué? \"\u00e9\""}"#;
        assert!(asked(message.as_bytes()).is_ok());
        for length in 0..message.len() {
            assert!(asked(&message.as_bytes()[..length]).is_err(), "{length}");
        }
        let alphabet = b"{}[]\",:\\ud8n1e-\0\xff \xc3\xa9";
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..50_000 {
            let bytes: Vec<u8> = (0..round % 30)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    alphabet[random as usize % alphabet.len()]
                })
                .collect();
            let _ = asked(&bytes);
        }
    }
}
