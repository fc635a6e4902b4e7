//! The client's side of the binary wire (seed 001): encodes requests, and decodes the server's messages.

use crate::chat::domain::name::GENERAL;
use crate::chat::domain::status::Status;
use crate::chat::wire::binary_fields::{
    CHANGE_STATUS, ERROR, FieldReader, GET_HISTORY, GET_USER, HISTORY, LIST_USERS, MESSAGE,
    NEW_USER, SEND_MESSAGE, STATUS_CHANGED, USER, USERS, push_string, split_text,
};

/// Encodes a request for the list of connected users.
pub fn list_users() -> Vec<u8> {
    vec![LIST_USERS]
}

/// Encodes a request for one user. Here and below, names are truncated to 255 bytes.
pub fn get_user(name: &str) -> Vec<u8> {
    with_string(GET_USER, name)
}

/// Encodes a change of status. The server accepts it only for the client's own user.
pub fn change_status(name: &str, status: Status) -> Vec<u8> {
    let mut message = with_string(CHANGE_STATUS, name);
    message.push(status.number());
    message
}

/// Encodes a text to a user, or to the general chat if `to` is `None`: one message per 255 bytes, split between
/// characters. An empty text is one message, which the server rejects.
pub fn send_message(to: Option<&str>, text: &str) -> Vec<Vec<u8>> {
    let message = |piece: &[u8]| {
        let mut message = with_string(SEND_MESSAGE, to.unwrap_or(GENERAL));
        push_string(&mut message, piece);
        message
    };
    if text.is_empty() {
        return vec![message(b"")];
    }
    split_text(text.as_bytes()).map(message).collect()
}

/// Encodes a request for the history of the chat with a user, or of the general chat if `with` is `None`.
pub fn get_history(with: Option<&str>) -> Vec<u8> {
    with_string(GET_HISTORY, with.unwrap_or(GENERAL))
}

/// A message from the server. Names and texts may be any bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// An error. The protocol has the codes 1 to 4; this server also sends 5 to 9.
    Error(u8),
    /// Connected users: name and status of each.
    Users(Vec<(&'a [u8], u8)>),
    /// Name and status of one user.
    User(&'a [u8], u8),
    /// A user connected for the first time.
    NewUser(&'a [u8], u8),
    /// A user's status was set, or the user connected again or left.
    StatusChanged(&'a [u8], u8),
    /// Sender and text of a chat message.
    Message(&'a [u8], &'a [u8]),
    /// Messages of a chat, oldest first: author and text of each.
    History(Vec<(&'a [u8], &'a [u8])>),
}

/// Decodes a message from the server. Returns `None` if it is empty, truncated or of an unknown kind.
///
/// Bytes after the last field are ignored.
pub fn decode(message: &[u8]) -> Option<ServerMessage<'_>> {
    let mut fields = FieldReader::new(message);
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
        MESSAGE => ServerMessage::Message(fields.string()?, fields.string()?),
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
        assert_eq!(binary::decode(&list_users()), query(Query::Users));
        assert_eq!(binary::decode(&get_user("kou")), query(Query::User(b"kou")));
        let status = Some(Status::Busy);
        let change = command(Command::ChangeStatus {
            name: b"jo",
            status,
        });
        assert_eq!(binary::decode(&change_status("jo", Status::Busy)), change);
        let (to, text) = (Target::User(b"Jo"), &b"elo"[..]);
        assert_eq!(
            binary::decode(&send_message(Some("Jo"), "elo")[0]),
            command(Command::Send { to, text })
        );
        let history = Query::History {
            of: Target::General,
            after: None,
        };
        assert_eq!(binary::decode(&get_history(None)), query(history));
    }

    #[test]
    fn the_examples_of_the_protocol_are_encoded_as_documented() {
        assert_eq!(get_user("kou"), b"\x02\x03kou");
        assert_eq!(send_message(None, "elo"), [b"\x04\x01~\x03elo"]);
        assert_eq!(send_message(Some("Jo"), "elo"), [b"\x04\x02Jo\x03elo"]);
        assert_eq!(change_status("jo", Status::Busy), b"\x03\x02jo\x02");
        assert_eq!(send_message(None, ""), [b"\x04\x01~\x00"]);
    }

    #[test]
    fn a_long_text_is_several_messages() {
        let messages = send_message(None, &"é".repeat(200));
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
            (b"\x37\x02jo\x03elo", ServerMessage::Message(b"jo", b"elo")),
            (
                b"\x38\x01\x02jo\x03elo",
                ServerMessage::History(vec![(b"jo", b"elo")]),
            ),
        ]
    }

    #[test]
    fn each_message_of_the_server_is_decoded() {
        for (bytes, message) in every_message() {
            assert_eq!(decode(bytes), Some(message.clone()));
            assert_eq!(decode(&[bytes, b"more"].concat()), Some(message));
        }
        assert_eq!(decode(b"\x33\x00"), Some(ServerMessage::Users(vec![])));
        assert_eq!(decode(b"\x38\x00"), Some(ServerMessage::History(vec![])));
    }

    #[test]
    fn a_truncated_or_unknown_message_is_none() {
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
