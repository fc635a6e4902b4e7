//! The SignalR JSON hub protocol, version 1, after the handshake: records to messages, messages to records.
//! It knows the protocol, not the hub: which methods exist is the business of `methods`.
//! [SignalR hub protocol](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md)

use std::borrow::Cow;
use std::fmt;

use serde_json::json;

use crate::json::{Object, Value};
use crate::signalr::records::{RecordError, SEPARATOR, parse_object};

/// What a client says once the handshake is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// Types 1 and 4: call a method.
    Invocation(Invocation<'a>),
    /// Type 7: the client is about to leave.
    Close,
    /// Nothing to do beyond noting that the client is there: pings (6), cancelling what is already
    /// complete (5), stream items and completions nobody waits for (2, 3), the bookkeeping of a
    /// reconnect nobody offered (8, 9), and types a later version may bring.
    Nothing,
}

/// A call of a method. Only its `invocationId` is checked: everything else that can be wrong with
/// it is answered under that id.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation<'a> {
    /// Asks for a completion under this id. None: no answer must be sent, not even an error.
    pub id: Option<String>,
    /// The method. Empty when it was missing or not a string: no method is called so.
    pub target: Cow<'a, str>,
    /// `None` when it was something else than an array, or came with streams. A missing or null
    /// array is an empty one.
    pub arguments: Option<Vec<Value<'a>>>,
    /// The caller expects a stream of results (type 4).
    pub streaming: bool,
}

/// Why a call was not carried out, in words for the caller. They tell nothing about the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The hub has no such method.
    UnknownMethod,
    /// The wrong number of arguments, or a wrong type.
    WrongArguments,
    /// Called as a stream: no method here gives more than one result.
    NoStream,
    /// The `invocationId` was used by an earlier invocation.
    IdUsedBefore,
    /// The server was cut off from its cluster, and the change did not get there.
    Dropped,
}

/// Reads a record after the handshake.
///
/// # Errors
/// When it is not a message at all: the connection cannot go on.
pub fn parse(record: &[u8], max_depth: usize) -> Result<Message<'_>, RecordError> {
    let object = parse_object(record, max_depth)?;
    let kind: Option<u64> = object.get("type").and_then(Value::whole);
    match kind.ok_or(RecordError::NoType)? {
        kind @ (INVOCATION | STREAM_INVOCATION) => Ok(Message::Invocation(Invocation {
            id: id(&object)?,
            target: object
                .get("target")
                .and_then(Value::text)
                .unwrap_or_default(),
            arguments: arguments(&object),
            streaming: kind == STREAM_INVOCATION,
        })),
        CLOSE => Ok(Message::Close),
        _ => Ok(Message::Nothing),
    }
}

/// An invocation for the client, without id: no answer is wanted. `target` is a plain word and
/// `argument` is JSON already; both come from this program.
pub fn invocation(target: &'static str, argument: &str) -> String {
    end(format!(
        r#"{{"type":{INVOCATION},"target":"{target}","arguments":[{argument}]}}"#
    ))
}

/// The end of an invocation: `result` null, or an error.
pub fn completion(id: &str, outcome: Result<(), CallError>) -> String {
    match outcome {
        Ok(()) => record(&json!({ "type": COMPLETION, "invocationId": id, "result": null })),
        Err(error) => {
            record(&json!({ "type": COMPLETION, "invocationId": id, "error": error.to_string() }))
        }
    }
}

/// A ping.
pub fn ping() -> String {
    record(&json!({ "type": PING }))
}

/// The last record before the WebSocket closes. `reconnect` invites the client to come again by itself.
pub fn close(error: &str, reconnect: bool) -> String {
    let mut close = json!({ "type": CLOSE, "error": error });
    if reconnect {
        close["allowReconnect"] = true.into();
    }
    record(&close)
}

fn id(object: &Object<'_>) -> Result<Option<String>, RecordError> {
    let Some(id) = object.get("invocationId") else {
        return Ok(None);
    };
    match id.text() {
        Some(id) if id.len() <= MAX_ID => Ok(Some(id.into_owned())),
        _ => Err(RecordError::BadInvocationId),
    }
}

fn arguments<'a>(object: &Object<'a>) -> Option<Vec<Value<'a>>> {
    let streams = object.get("streamIds").and_then(Value::array);
    match object.get("arguments") {
        _ if streams.is_some_and(|ids| !ids.is_empty()) => None,
        None => Some(Vec::new()),
        Some(arguments) => arguments.array(),
    }
}

/// A value as a record.
pub fn record(value: &serde_json::Value) -> String {
    end(value.to_string())
}

fn end(mut record: String) -> String {
    record.push(char::from(SEPARATOR));
    record
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CallError::UnknownMethod => "There is no such method.",
            CallError::WrongArguments => "The method takes other arguments.",
            CallError::NoStream => "The method gives no stream.",
            CallError::IdUsedBefore => "The invocationId was used before.",
            CallError::Dropped => "The server was cut off, and nothing was changed.",
        })
    }
}

impl std::error::Error for CallError {}

/// Longest `invocationId` in bytes. The protocol lets a server set a limit; clients count 0, 1, 2.
pub const MAX_ID: usize = 128;

// Message types, in the numbers of the JSON encoding.
const INVOCATION: u64 = 1;
const COMPLETION: u64 = 3;
const STREAM_INVOCATION: u64 = 4;
const PING: u64 = 6;
const CLOSE: u64 = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{self, MAX_DEPTH};

    fn parse(record: &[u8]) -> Result<Message<'_>, RecordError> {
        super::parse(record, MAX_DEPTH)
    }

    fn invocation_of(record: &str) -> Invocation<'_> {
        match parse(record.as_bytes()) {
            Ok(Message::Invocation(invocation)) => invocation,
            other => panic!("{record}: {other:?}"),
        }
    }

    #[test]
    fn an_invocation_has_an_id_a_target_and_arguments() {
        let record = r#"{"type":1,"invocationId":"7","target":"CrearCama","arguments":[3],"headers":{"a":"b"}}"#;
        let expected = Invocation {
            id: Some("7".into()),
            target: "CrearCama".into(),
            arguments: json::parse("[3]", 1).unwrap().array(),
            streaming: false,
        };
        assert_eq!(invocation_of(record), expected);
    }

    #[test]
    fn an_invocation_without_id_wants_no_answer() {
        for record in [
            r#"{"type":1,"target":"x","arguments":[]}"#,
            r#"{"type":1,"invocationId":null,"target":"x"}"#,
        ] {
            assert_eq!(invocation_of(record).id, None);
        }
    }

    #[test]
    fn missing_arguments_are_no_arguments() {
        for record in [
            r#"{"type":1,"target":"x"}"#,
            r#"{"type":1,"target":"x","arguments":null}"#,
        ] {
            assert_eq!(invocation_of(record).arguments, Some(vec![]));
        }
    }

    #[test]
    fn arguments_that_are_no_array_or_come_with_streams_are_told_apart() {
        let records = [
            r#"{"type":1,"target":"x","arguments":{}}"#,
            r#"{"type":1,"target":"x","arguments":"a"}"#,
            r#"{"type":1,"target":"x","arguments":[],"streamIds":["1"]}"#,
        ];
        for record in records {
            assert_eq!(invocation_of(record).arguments, None, "{record}");
        }
        let none = r#"{"type":1,"target":"x","arguments":[],"streamIds":[]}"#;
        assert_eq!(invocation_of(none).arguments, Some(vec![]));
    }

    #[test]
    fn a_target_that_is_no_string_is_no_method() {
        for record in [
            r#"{"type":1}"#,
            r#"{"type":1,"target":5}"#,
            r#"{"type":1,"target":null}"#,
        ] {
            assert_eq!(invocation_of(record).target, "");
        }
    }

    #[test]
    fn a_stream_invocation_is_an_invocation_that_wants_a_stream() {
        let record = r#"{"type":4,"invocationId":"1","target":"VerEstadoActual","arguments":[]}"#;
        assert!(invocation_of(record).streaming);
    }

    #[test]
    fn an_invocation_id_is_a_string_of_at_most_128_bytes() {
        let with = |id: &str| {
            let record = format!(r#"{{"type":1,"invocationId":{id},"target":"x"}}"#);
            parse(record.as_bytes()).map(drop)
        };
        assert!(with(&format!("\"{}\"", "i".repeat(128))).is_ok());
        for bad in [
            format!("\"{}\"", "i".repeat(129)),
            "7".into(),
            "{}".into(),
            "true".into(),
        ] {
            assert_eq!(with(&bad), Err(RecordError::BadInvocationId), "{bad}");
        }
    }

    #[test]
    fn close_is_close() {
        for record in [
            r#"{"type":7}"#,
            r#"{"type":7,"error":"x","allowReconnect":true}"#,
        ] {
            assert_eq!(parse(record.as_bytes()), Ok(Message::Close));
        }
    }

    #[test]
    fn other_types_are_nothing_to_do() {
        for kind in [0, 2, 3, 5, 6, 8, 9, 10, u64::MAX] {
            let record =
                format!(r#"{{"type":{kind},"invocationId":"9","sequenceId":1,"item":{{}}}}"#);
            assert_eq!(parse(record.as_bytes()), Ok(Message::Nothing), "{record}");
        }
    }

    #[test]
    fn a_record_without_a_whole_type_is_no_message() {
        for record in [
            "{}",
            r#"{"type":"1"}"#,
            r#"{"type":1.0}"#,
            r#"{"type":-1}"#,
            r#"{"type":null}"#,
            r#"{"Type":6}"#,
        ] {
            assert_eq!(
                parse(record.as_bytes()),
                Err(RecordError::NoType),
                "{record}"
            );
        }
    }

    #[test]
    fn every_prefix_of_a_message_is_an_error() {
        let record =
            r#"{"type":1,"invocationId":"7","target":"CrearHospital","arguments":["ñ€😀"]}"#
                .as_bytes();
        for end in 0..record.len() {
            assert_eq!(parse(&record[..end]), Err(RecordError::NotJson), "{end}");
        }
        assert!(parse(record).is_ok());
    }

    #[test]
    fn records_are_written_compact_and_end_in_the_separator() {
        assert_eq!(ping(), "{\"type\":6}\x1e");
        assert_eq!(
            invocation("CamaCreada", "-1"),
            "{\"type\":1,\"target\":\"CamaCreada\",\"arguments\":[-1]}\x1e"
        );
        assert_eq!(close("Bye.", false), "{\"type\":7,\"error\":\"Bye.\"}\x1e");
        assert_eq!(
            close("Bye.", true),
            "{\"type\":7,\"error\":\"Bye.\",\"allowReconnect\":true}\x1e"
        );
    }

    #[test]
    fn a_completion_has_a_result_or_an_error_and_never_both() {
        assert_eq!(
            completion("7", Ok(())),
            "{\"type\":3,\"invocationId\":\"7\",\"result\":null}\x1e"
        );
        assert_eq!(
            completion("7", Err(CallError::UnknownMethod)),
            "{\"type\":3,\"invocationId\":\"7\",\"error\":\"There is no such method.\"}\x1e"
        );
    }

    #[test]
    fn a_separator_in_an_id_is_escaped() {
        let record = completion("a\x1e\"b", Ok(()));
        assert_eq!(record.matches('\x1e').count(), 1);
        assert!(record.contains(r#""a\u001e\"b""#));
    }
}
