//! Decodes requests of the JSON wire (seed 002).

use crate::chat::domain::command::{Command, Query, Request, Target};
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;
use crate::chat::wire::json_encode::status_word;
use crate::chat::wire::json_error::RequestError;
use crate::chat::wire::json_object::JsonMessage;

/// A request of a JSON connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonRequest<'a> {
    /// Registers the connection under this name.
    Register(&'a str),
    /// Disconnects, with a notice to the leaving user too.
    Disconnect,
    /// Any request that both wires have.
    Request(Request<'a>),
}

/// Decodes a message of a connection that is registered under this name, or not registered yet.
///
/// Fields that the type does not use are ignored. Null is the same as absent.
///
/// # Errors
///
/// Any [`RequestError`] from [`RequestError::Missing`] on.
pub fn decode<'a>(
    object: &'a JsonMessage,
    registered: Option<&'a Name>,
) -> Result<JsonRequest<'a>, RequestError> {
    let kind = object.required("type")?;
    if !TYPES.contains(&kind) {
        return Err(RequestError::UnknownType);
    }
    let Some(name) = registered else {
        return match kind {
            "register" => Ok(JsonRequest::Register(object.required("sender")?)),
            _ => Err(RequestError::NotRegistered),
        };
    };
    if kind == "register" {
        return Err(RequestError::AlreadyRegistered);
    }
    if object
        .text("sender")?
        .is_some_and(|sender| sender != name.as_str())
    {
        return Err(RequestError::NotTheSender);
    }
    Ok(JsonRequest::Request(match kind {
        "broadcast" => Request::Command(Command::Send {
            to: Target::General,
            text: object.required("content")?.as_bytes(),
        }),
        "private" => Request::Command(Command::Send {
            to: Target::User(object.required("target")?.as_bytes()),
            text: object.required("content")?.as_bytes(),
        }),
        "change_status" => Request::Command(Command::ChangeStatus {
            name: name.as_bytes(),
            status: status(object.required("content")?),
        }),
        "list_users" => Request::Query(Query::Users),
        "user_info" => Request::Query(Query::User(object.required("target")?.as_bytes())),
        "history" => Request::Query(Query::History {
            of: object
                .text("target")?
                .map_or(Target::General, |name| Target::User(name.as_bytes())),
            after: object.number("after")?,
        }),
        // The last one of TYPES.
        _ => return Ok(JsonRequest::Disconnect),
    }))
}

/// Decodes a status that a user may choose. `DESCONECTADO` is not one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::wire::json_object;
    use crate::json::MAX_DEPTH;
    use crate::tests::random::XorShift;

    fn parse(message: &[u8]) -> Result<JsonMessage, RequestError> {
        json_object::parse(message, MAX_DEPTH)
    }

    fn ana() -> Name {
        Name::parse(b"ana").unwrap()
    }

    /// Decodes a message of `ana`, and formats the request for comparison.
    fn decoded(message: &[u8]) -> Result<String, RequestError> {
        let name = ana();
        decode(&parse(message)?, Some(&name)).map(|request| format!("{request:?}"))
    }

    fn request(request: Request<'_>) -> Result<String, RequestError> {
        Ok(format!("{:?}", JsonRequest::Request(request)))
    }

    fn command(command: Command<'_>) -> Result<String, RequestError> {
        request(Request::Command(command))
    }

    fn query(query: Query<'_>) -> Result<String, RequestError> {
        request(Request::Query(query))
    }

    fn first(message: &[u8]) -> Result<String, RequestError> {
        let object = parse(message)?;
        match decode(&object, None)? {
            JsonRequest::Register(name) => Ok(name.to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_type_is_a_request() {
        assert_eq!(
            decoded(br#"{"type":"broadcast","sender":"ana","content":"hola","timestamp":"x"}"#),
            command(Command::Send {
                to: Target::General,
                text: b"hola"
            })
        );
        assert_eq!(
            decoded(br#"{"type":"private","sender":"ana","target":"bo","content":"psst"}"#),
            command(Command::Send {
                to: Target::User(b"bo"),
                text: b"psst"
            })
        );
        assert_eq!(
            decoded(br#"{"type":"list_users","sender":"ana"}"#),
            query(Query::Users)
        );
        assert_eq!(
            decoded(br#"{"type":"user_info","sender":"ana","target":"bo"}"#),
            query(Query::User(b"bo"))
        );
        assert_eq!(
            decoded(br#"{"type":"disconnect","sender":"ana","content":"Cierre de sesi\u00f3n"}"#),
            Ok("Disconnect".to_owned())
        );
    }

    #[test]
    fn a_user_may_choose_three_statuses() {
        let decoded = |word: &str| {
            decoded(format!(r#"{{"type":"change_status","content":"{word}"}}"#).as_bytes())
        };
        let status = |status| {
            command(Command::ChangeStatus {
                name: b"ana",
                status,
            })
        };
        assert_eq!(decoded("ACTIVO"), status(Some(Status::Active)));
        assert_eq!(decoded("OCUPADO"), status(Some(Status::Busy)));
        assert_eq!(decoded("INACTIVO"), status(Some(Status::Inactive)));
        for word in ["DESCONECTADO", "activo", "", " ACTIVO"] {
            assert_eq!(decoded(word), status(None));
        }
    }

    #[test]
    fn a_history_has_an_optional_user_and_an_optional_position() {
        let history = |of, after| query(Query::History { of, after });
        assert_eq!(
            decoded(br#"{"type":"history"}"#),
            history(Target::General, None)
        );
        assert_eq!(
            decoded(br#"{"type":"history","target":null,"after":null}"#),
            history(Target::General, None)
        );
        assert_eq!(
            decoded(br#"{"type":"history","target":"bo","after":17}"#),
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
                decoded(message.as_bytes()),
                Err(RequestError::WrongType("after")),
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
            Err(RequestError::NotJson)
        );
    }

    #[test]
    fn a_message_that_is_not_a_json_object_is_an_error() {
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
                decoded(message.as_bytes()),
                Err(RequestError::NotJson),
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
                decoded(message.as_bytes()),
                Err(RequestError::NotAnObject),
                "{message:?}"
            );
        }
        assert_eq!(decoded(b"{\"type\":\"\xff\"}"), Err(RequestError::NotUtf8));
    }

    #[test]
    fn a_missing_wrong_or_unknown_type_is_an_error() {
        assert_eq!(decoded(b"{}"), Err(RequestError::Missing("type")));
        assert_eq!(
            decoded(br#"{"type":null}"#),
            Err(RequestError::Missing("type"))
        );
        assert_eq!(
            decoded(br#"{"type":5}"#),
            Err(RequestError::WrongType("type"))
        );
        assert_eq!(decoded(br#"{"type":""}"#), Err(RequestError::UnknownType));
        assert_eq!(
            decoded(br#"{"type":"BROADCAST"}"#),
            Err(RequestError::UnknownType)
        );
        assert_eq!(
            decoded(br#"{"type":"register_success"}"#),
            Err(RequestError::UnknownType)
        );
    }

    #[test]
    fn a_missing_field_or_one_of_another_type_is_an_error() {
        assert_eq!(
            decoded(br#"{"type":"broadcast"}"#),
            Err(RequestError::Missing("content"))
        );
        assert_eq!(
            decoded(br#"{"type":"broadcast","content":null}"#),
            Err(RequestError::Missing("content"))
        );
        assert_eq!(
            decoded(br#"{"type":"broadcast","content":5}"#),
            Err(RequestError::WrongType("content"))
        );
        assert_eq!(
            decoded(br#"{"type":"private","content":"a"}"#),
            Err(RequestError::Missing("target"))
        );
        let target = br#"{"type":"private","content":"a","target":["bo"]}"#;
        assert_eq!(decoded(target), Err(RequestError::WrongType("target")));
        assert_eq!(
            decoded(br#"{"type":"user_info"}"#),
            Err(RequestError::Missing("target"))
        );
        assert_eq!(
            decoded(br#"{"type":"change_status","content":{}}"#),
            Err(RequestError::WrongType("content"))
        );
        assert_eq!(
            decoded(br#"{"type":"history","target":1}"#),
            Err(RequestError::WrongType("target"))
        );
        assert_eq!(
            decoded(br#"{"type":"list_users","sender":7}"#),
            Err(RequestError::WrongType("sender"))
        );
    }

    #[test]
    fn the_sender_is_the_registered_name_or_absent() {
        assert_eq!(decoded(br#"{"type":"list_users"}"#), query(Query::Users));
        assert_eq!(
            decoded(br#"{"type":"list_users","sender":null}"#),
            query(Query::Users)
        );
        assert_eq!(
            decoded(br#"{"type":"list_users","sender":"bo"}"#),
            Err(RequestError::NotTheSender)
        );
        assert_eq!(
            decoded(br#"{"type":"disconnect","sender":""}"#),
            Err(RequestError::NotTheSender)
        );
    }

    #[test]
    fn register_is_the_first_request_and_only_the_first() {
        assert_eq!(
            first(br#"{"type":"register","sender":"ana","content":null}"#),
            Ok("ana".to_owned())
        );
        assert_eq!(
            first(br#"{"type":"register"}"#),
            Err(RequestError::Missing("sender"))
        );
        assert_eq!(
            first(br#"{"type":"register","sender":1}"#),
            Err(RequestError::WrongType("sender"))
        );
        assert_eq!(
            decoded(br#"{"type":"register","sender":"ana"}"#),
            Err(RequestError::AlreadyRegistered)
        );
        for kind in TYPES.iter().filter(|kind| **kind != "register") {
            let message =
                format!(r#"{{"type":"{kind}","sender":"ana","content":"x","target":"bo"}}"#);
            assert_eq!(first(message.as_bytes()), Err(RequestError::NotRegistered));
        }
        assert_eq!(first(br#"{"type":"x"}"#), Err(RequestError::UnknownType));
    }

    #[test]
    fn a_truncated_message_is_an_error_and_random_bytes_never_panic() {
        let message =
            r#"{"type":"private","sender":"ana","target":"bo","content":"¿qué? \"\u00e9\""}"#;
        assert!(decoded(message.as_bytes()).is_ok());
        for length in 0..message.len() {
            assert!(decoded(&message.as_bytes()[..length]).is_err(), "{length}");
        }
        let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
        for round in 0..50_000 {
            let _ = decoded(&random.bytes(round % 30, b"{}[]\",:\\ud8n1e-\0\xff \xc3\xa9"));
        }
    }
}
