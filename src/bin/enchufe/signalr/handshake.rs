//! The handshake of SignalR: the first record of a connection names the protocol, and the answer is empty or says why not.
//! It is not the opening handshake of WebSocket, which is over by then.
//! [SignalR hub protocol, Overview](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#overview)

use std::fmt;

use serde_json::json;

use crate::json::Value;
use crate::signalr::messages::record;
use crate::signalr::records::parse_object;

/// Why a handshake was refused, in words for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeRefusal {
    /// The first record was no handshake request.
    NotAHandshake,
    /// A protocol other than `json`, or a version other than 1.
    OtherProtocol,
    /// Nothing came in time.
    TooLate,
}

/// Checks the first record of a connection: `{"protocol":"json","version":1}`.
///
/// # Errors
/// Says why, for [`response`].
pub fn check(record: &[u8], max_depth: usize) -> Result<(), HandshakeRefusal> {
    let request = parse_object(record, max_depth).map_err(|_| HandshakeRefusal::NotAHandshake)?;
    let protocol = request.get("protocol").and_then(Value::text);
    let version = request.get("version").filter(|version| version.is_number());
    match (protocol.as_deref(), version) {
        (Some("json"), Some(version)) if version.whole() == Some(1) => Ok(()),
        (Some(_), Some(_)) => Err(HandshakeRefusal::OtherProtocol),
        _ => Err(HandshakeRefusal::NotAHandshake),
    }
}

/// The answer to the handshake: `{}`, or why not.
pub fn response(rejection: Option<HandshakeRefusal>) -> String {
    match rejection {
        None => record(&json!({})),
        Some(rejection) => record(&json!({ "error": rejection.to_string() })),
    }
}

impl fmt::Display for HandshakeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandshakeRefusal::NotAHandshake => "The first record must be a handshake request.",
            HandshakeRefusal::OtherProtocol => "Only the protocol json, version 1, is spoken here.",
            HandshakeRefusal::TooLate => "No handshake request came in time.",
        })
    }
}

impl std::error::Error for HandshakeRefusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    fn check(record: &[u8]) -> Result<(), HandshakeRefusal> {
        super::check(record, MAX_DEPTH)
    }

    #[test]
    fn the_handshake_is_json_version_1() {
        for request in [
            r#"{"protocol":"json","version":1}"#,
            r#"{ "version": 1, "protocol": "json", "more": [] }"#,
        ] {
            assert_eq!(check(request.as_bytes()), Ok(()), "{request}");
        }
    }

    #[test]
    fn another_protocol_or_version_is_refused() {
        let others = [
            r#"{"protocol":"messagepack","version":1}"#,
            r#"{"protocol":"json","version":2}"#,
            r#"{"protocol":"json","version":0}"#,
            r#"{"protocol":"json","version":-1}"#,
            r#"{"protocol":"json","version":1.5}"#,
            r#"{"protocol":"","version":1}"#,
        ];
        for request in others {
            assert_eq!(
                check(request.as_bytes()),
                Err(HandshakeRefusal::OtherProtocol),
                "{request}"
            );
        }
    }

    #[test]
    fn a_first_record_that_is_no_handshake_is_refused() {
        let others = [
            "{}",
            "[]",
            "",
            "hello",
            r#"{"type":6}"#,
            r#"{"protocol":"json"}"#,
            r#"{"version":1}"#,
            r#"{"protocol":"json","version":"1"}"#,
            r#"{"protocol":null,"version":1}"#,
            r#"{"protocol":"json","protocol":"json","version":1}"#,
        ];
        for request in others {
            assert_eq!(
                check(request.as_bytes()),
                Err(HandshakeRefusal::NotAHandshake),
                "{request}"
            );
        }
    }

    #[test]
    fn every_prefix_of_a_handshake_is_refused() {
        let request = br#"{"protocol":"json","version":1}"#;
        for end in 0..request.len() {
            assert!(check(&request[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn the_handshake_is_answered_with_an_empty_object_or_an_error() {
        assert_eq!(response(None), "{}\x1e");
        let rejection = response(Some(HandshakeRefusal::OtherProtocol));
        assert_eq!(
            rejection,
            "{\"error\":\"Only the protocol json, version 1, is spoken here.\"}\x1e"
        );
    }
}
