//! The binary chat's wire (seed 001), the client's side: requests out, the server's messages in.

use crate::chat::domain::name::GENERAL;
use crate::chat::domain::status::Status;
use crate::chat::wire::binary_fields::{
    CHANGE_STATUS, ERROR, Fields, GET_HISTORY, GET_USER, HISTORY, LIST, NEW_USER, SAID, SAY,
    STATUS_CHANGED, USER, USERS, pieces, push_string,
};

/// The message that asks who is connected.
pub fn list() -> Vec<u8> {
    vec![LIST]
}

/// The message that asks for one user. Names have at most 255 bytes; here and below the rest is left off.
pub fn get_user(name: &str) -> Vec<u8> {
    with_string(GET_USER, name)
}

/// The message that sets a status; the server takes only one's own.
pub fn change_status(name: &str, status: Status) -> Vec<u8> {
    let mut message = with_string(CHANGE_STATUS, name);
    message.push(status.number());
    message
}

/// The messages that send a text to a user, or to everybody if `to` is `None`: one for each 255 bytes, cut between
/// characters. An empty text is one message, which the server will refuse.
pub fn say(to: Option<&str>, text: &str) -> Vec<Vec<u8>> {
    let message = |piece: &[u8]| {
        let mut message = with_string(SAY, to.unwrap_or(GENERAL));
        push_string(&mut message, piece);
        message
    };
    if text.is_empty() {
        return vec![message(b"")];
    }
    pieces(text.as_bytes()).map(message).collect()
}

/// The message that asks for the chat with a user, or for everybody's if `with` is `None`.
pub fn get_history(with: Option<&str>) -> Vec<u8> {
    with_string(GET_HISTORY, with.unwrap_or(GENERAL))
}

/// What the server says. Names and texts are as received: a server may send any bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// Something asked for does not happen; the code is 1 to 4 in seed 001.
    Error(u8),
    /// Who is connected.
    Users(Vec<(&'a [u8], u8)>),
    /// One user, by name and status.
    User(&'a [u8], u8),
    /// Somebody connected for the first time.
    NewUser(&'a [u8], u8),
    /// Somebody's status was set, or somebody came back or left.
    StatusChanged(&'a [u8], u8),
    /// A chat message: its sender and text.
    Said(&'a [u8], &'a [u8]),
    /// The messages of a chat, oldest first: each author and text.
    History(Vec<(&'a [u8], &'a [u8])>),
}

/// Reads a message from the server; `None` if it is empty, truncated or of an unknown kind.
///
/// Bytes after the last field are ignored.
pub fn decode(message: &[u8]) -> Option<ServerMessage<'_>> {
    let mut fields = Fields::of(message);
    Some(match fields.byte()? {
        ERROR => ServerMessage::Error(fields.byte()?),
        USERS => {
            let count = fields.byte()?;
            let user = |_| Some((fields.string()?, fields.byte()?));
            ServerMessage::Users((0..count).map(user).collect::<Option<_>>()?)
        }
        USER => ServerMessage::User(fields.string()?, fields.byte()?),
        NEW_USER => ServerMessage::NewUser(fields.string()?, fields.byte()?),
        STATUS_CHANGED => ServerMessage::StatusChanged(fields.string()?, fields.byte()?),
        SAID => ServerMessage::Said(fields.string()?, fields.string()?),
        HISTORY => {
            let count = fields.byte()?;
            let message = |_| Some((fields.string()?, fields.string()?));
            ServerMessage::History((0..count).map(message).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn with_string(id: u8, string: &str) -> Vec<u8> {
    let mut message = vec![id];
    push_string(&mut message, string.as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::domain::command::{Command, Query, Request, Target};
    use crate::chat::wire::binary;

    #[test]
    fn the_server_reads_what_the_client_writes() {
        let command = |command| Some(Request::Command(command));
        let query = |query| Some(Request::Query(query));
        assert_eq!(binary::decode(&list()), query(Query::Users));
        assert_eq!(binary::decode(&get_user("kou")), query(Query::User(b"kou")));
        let status = Some(Status::Busy);
        let change = command(Command::ChangeStatus {
            name: b"jo",
            status,
        });
        assert_eq!(binary::decode(&change_status("jo", Status::Busy)), change);
        let (to, text) = (Target::User(b"Jo"), &b"elo"[..]);
        assert_eq!(
            binary::decode(&say(Some("Jo"), "elo")[0]),
            command(Command::Say { to, text })
        );
        let history = Query::History {
            of: Target::General,
            after: None,
        };
        assert_eq!(binary::decode(&get_history(None)), query(history));
    }

    #[test]
    fn the_examples_of_the_protocol_are_written_as_drawn() {
        assert_eq!(get_user("kou"), b"\x02\x03kou");
        assert_eq!(say(None, "elo"), [b"\x04\x01~\x03elo"]);
        assert_eq!(say(Some("Jo"), "elo"), [b"\x04\x02Jo\x03elo"]);
        assert_eq!(change_status("jo", Status::Busy), b"\x03\x02jo\x02");
        assert_eq!(say(None, ""), [b"\x04\x01~\x00"]);
    }

    #[test]
    fn a_long_text_is_several_messages() {
        let messages = say(None, &"é".repeat(200));
        let lengths: Vec<_> = messages.iter().map(|message| message[3]).collect();
        assert_eq!(lengths, [254, 146]);
    }

    fn every_message() -> [(&'static [u8], ServerMessage<'static>); 7] {
        [
            (b"\x32\x04", ServerMessage::Error(4)),
            (
                b"\x33\x02\x02Jo\x01\x03Elo\x02",
                ServerMessage::Users(vec![(b"Jo", 1), (b"Elo", 2)]),
            ),
            (b"\x34\x02jo\x03", ServerMessage::User(b"jo", 3)),
            (b"\x35\x02jo\x01", ServerMessage::NewUser(b"jo", 1)),
            (b"\x36\x02jo\x00", ServerMessage::StatusChanged(b"jo", 0)),
            (b"\x37\x02jo\x03elo", ServerMessage::Said(b"jo", b"elo")),
            (
                b"\x38\x01\x02jo\x03elo",
                ServerMessage::History(vec![(b"jo", b"elo")]),
            ),
        ]
    }

    #[test]
    fn each_message_of_the_server_is_read() {
        for (bytes, message) in every_message() {
            assert_eq!(decode(bytes), Some(message.clone()));
            assert_eq!(decode(&[bytes, b"more"].concat()), Some(message));
        }
        assert_eq!(decode(b"\x33\x00"), Some(ServerMessage::Users(vec![])));
        assert_eq!(decode(b"\x38\x00"), Some(ServerMessage::History(vec![])));
    }

    #[test]
    fn a_message_cut_at_any_byte_or_of_an_unknown_kind_is_none() {
        for (bytes, _) in every_message() {
            for length in 0..bytes.len() {
                assert_eq!(decode(&bytes[..length]), None, "{:?}", &bytes[..length]);
            }
        }
        assert_eq!(decode(b"\x39\x00"), None);
        assert_eq!(decode(b"\x01"), None);
        assert_eq!(decode(b"\x33\xff\x02Jo\x01"), None);
    }
}
