//! How a connection ends: the hub says why in a record of its own, a Close or the error that answers a handshake, and then
//! the WebSocket is closed with a code that means the same.
//! [SignalR hub protocol, Close](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#close-message-encoding),
//! [RFC 6455, 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)

use crate::signalr::handshake::{self, HandshakeRefusal};
use crate::signalr::messages;
use crate::signalr::records::RecordError;
use enchufe::protocol::CloseCode;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The client said Close.
    Left,
    /// No handshake within [`HANDSHAKE_TIMEOUT`](crate::signalr::keep_alive::HANDSHAKE_TIMEOUT).
    NoHandshake,
    /// The first record was no handshake for this server.
    Refused(HandshakeRefusal),
    /// Nothing came from the client for [`CLIENT_TIMEOUT`](crate::signalr::keep_alive::CLIENT_TIMEOUT).
    Silent,
    /// What came was no message of the protocol.
    BadRecord(RecordError),
}

impl EndReason {
    /// The last record, before the WebSocket closes. It says no more than the client needs.
    pub fn record(self) -> Option<String> {
        match self {
            EndReason::Left => None,
            EndReason::NoHandshake => Some(handshake::response(Some(HandshakeRefusal::TooLate))),
            EndReason::Refused(rejection) => Some(handshake::response(Some(rejection))),
            EndReason::Silent => Some(messages::close(
                "Nothing was heard from you for too long.",
                true,
            )),
            EndReason::BadRecord(_) => Some(messages::close(
                "What you sent is not the SignalR JSON hub protocol.",
                false,
            )),
        }
    }

    /// How the WebSocket is closed: code and reason.
    pub fn close(self) -> (CloseCode, &'static str) {
        match self {
            EndReason::Left => (CloseCode::NormalClosure, ""),
            EndReason::NoHandshake => (CloseCode::PolicyViolation, "no handshake in time"),
            EndReason::Silent => (CloseCode::PolicyViolation, "silent for too long"),
            EndReason::Refused(HandshakeRefusal::OtherProtocol) => {
                (CloseCode::UnsupportedData, "only the protocol json")
            }
            EndReason::BadRecord(RecordError::TooLong) => {
                (CloseCode::MessageTooBig, "the record is too long")
            }
            // 7.4.1: data that is not what it has to be.
            EndReason::Refused(_) | EndReason::BadRecord(_) => {
                (CloseCode::InvalidFramePayloadData, "not a SignalR record")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_tells_nothing_about_the_inside() {
        let expected =
            "{\"type\":7,\"error\":\"What you sent is not the SignalR JSON hub protocol.\"}\x1e";
        for error in [
            RecordError::NotJson,
            RecordError::TooDeep,
            RecordError::TooLong,
        ] {
            assert_eq!(EndReason::BadRecord(error).record().unwrap(), expected);
        }
        assert_eq!(EndReason::Left.record(), None);
    }

    #[test]
    fn every_end_has_a_close_code() {
        let cases = [
            (EndReason::Left, 1000),
            (EndReason::Refused(HandshakeRefusal::OtherProtocol), 1003),
            (EndReason::Refused(HandshakeRefusal::NotAHandshake), 1007),
            (EndReason::BadRecord(RecordError::NotJson), 1007),
            (EndReason::NoHandshake, 1008),
            (EndReason::Silent, 1008),
            (EndReason::BadRecord(RecordError::TooLong), 1009),
        ];
        for (end, code) in cases {
            assert_eq!(u16::from(end.close().0), code, "{end:?}");
        }
    }
}
