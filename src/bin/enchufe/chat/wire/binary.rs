//! The server's side of the binary wire (seed 001): decodes requests, and encodes notices.
//!
//! A message is `[id][fields…]`, and a string field is `[length u8][bytes]`. Decoding allocates nothing.

use crate::chat::domain::command::{Command, Query, Rejection, Request, Target};
use crate::chat::domain::event::{ClusterStatus, Notice};
use crate::chat::domain::message::Message;
use crate::chat::domain::name::{GENERAL, Name};
use crate::chat::domain::status::Status;
use crate::chat::wire::binary_fields::{
    CHANGE_STATUS, ERROR, FieldReader, GET_HISTORY, GET_USER, HISTORY, LIST_USERS, MESSAGE,
    NEW_USER, SEND_MESSAGE, STATUS_CHANGED, USER, USERS, push_string, split_text,
};

/// Decodes a message from a client. Returns `None` if it is empty, truncated or of an unknown kind.
///
/// Bytes after the last field are ignored.
pub fn decode(message: &[u8]) -> Option<Request<'_>> {
    let mut fields = FieldReader::new(message);
    Some(match fields.byte()? {
        LIST_USERS => Request::Query(Query::Users),
        GET_USER => Request::Query(Query::User(fields.string()?)),
        CHANGE_STATUS => Request::Command(Command::ChangeStatus {
            name: fields.string()?,
            status: Status::from_number(fields.byte()?),
        }),
        SEND_MESSAGE => Request::Command(Command::Send {
            to: target(fields.string()?),
            text: fields.string()?,
        }),
        GET_HISTORY => Request::Query(Query::History {
            of: target(fields.string()?),
            after: None,
        }),
        _ => return None,
    })
}

/// Encodes a notice, and calls `send` with each message, in order: usually one, several for a long text, none for a
/// notice that this wire does not have.
pub fn encode(notice: &Notice, mut send: impl FnMut(&[u8])) {
    match notice {
        Notice::Rejected(rejection) => {
            if let Some(code) = error_code(*rejection) {
                send(&[ERROR, code]);
            }
        }
        Notice::Welcome(_) => {}
        Notice::Users { asker, users } => send(&users_message(asker, users)),
        Notice::User { name, status, .. } => send(&status_message(USER, name, *status)),
        Notice::Joined { name, new } => {
            let id = if *new { NEW_USER } else { STATUS_CHANGED };
            send(&status_message(id, name, Status::Active));
        }
        Notice::StatusChanged { name, status } => {
            send(&status_message(STATUS_CHANGED, name, *status));
        }
        Notice::Left(name) => send(&status_message(STATUS_CHANGED, name, Status::Disconnected)),
        Notice::Message(message) => {
            for piece in split_text(&message.text) {
                let mut said = vec![MESSAGE];
                push_string(&mut said, message.from.as_bytes());
                push_string(&mut said, piece);
                send(&said);
            }
        }
        Notice::NotPersisted => send(&[ERROR, NOT_PERSISTED]),
        Notice::ClusterStatus(status) => send(&[ERROR, cluster_status_code(*status)]),
        Notice::History { messages, .. } => send(&history_message(messages)),
    }
}

fn target(name: &[u8]) -> Target<'_> {
    if name == GENERAL.as_bytes() {
        Target::General
    } else {
        Target::User(name)
    }
}

fn error_code(rejection: Rejection) -> Option<u8> {
    match rejection {
        Rejection::NoSuchUser => Some(1),
        Rejection::InvalidStatus => Some(2),
        Rejection::EmptyMessage => Some(3),
        Rejection::RecipientDisconnected => Some(4),
        // Names are rejected before the upgrade, with an HTTP response.
        Rejection::NameEmpty
        | Rejection::NameTooLong
        | Rejection::NameNotUtf8
        | Rejection::NameHasControlCharacter
        | Rejection::NameReserved
        | Rejection::NameTaken
        | Rejection::InvalidState
        | Rejection::ClusterUnavailable => None,
    }
}

/// Error codes beyond the seed's.
fn cluster_status_code(status: ClusterStatus) -> u8 {
    match status {
        ClusterStatus::Unavailable => 6,
        ClusterStatus::Available => 7,
        ClusterStatus::NotSent => 8,
        ClusterStatus::Restarted => 9,
    }
}

fn status_message(id: u8, name: &Name, status: Status) -> Vec<u8> {
    let mut message = vec![id];
    push_string(&mut message, name.as_bytes());
    message.push(status.number());
    message
}

/// Encodes at most 255 users. The requesting user is always among them, in place of the last one if necessary.
fn users_message(asker: &Name, users: &[(Name, Status)]) -> Vec<u8> {
    let (mut first, rest) = users.split_at(users.len().min(MAX_COUNT));
    let asker = rest.iter().find(|(name, _)| name == asker);
    if asker.is_some() {
        first = &first[..MAX_COUNT - 1];
    }
    let mut message = vec![USERS, count(first.len() + usize::from(asker.is_some()))];
    for (name, status) in first.iter().chain(asker) {
        push_string(&mut message, name.as_bytes());
        message.push(status.number());
    }
    message
}

/// Encodes the last messages, at most 255. Each piece of a long text counts.
fn history_message(messages: &[Message]) -> Vec<u8> {
    // A message has at least one piece, so no earlier message can fit.
    let last = &messages[messages.len().saturating_sub(MAX_COUNT)..];
    let all: Vec<(&Name, &[u8])> = last
        .iter()
        .flat_map(|message| split_text(&message.text).map(|piece| (&message.from, piece)))
        .collect();
    let last = &all[all.len().saturating_sub(MAX_COUNT)..];
    let mut message = vec![HISTORY, count(last.len())];
    for (author, piece) in last {
        push_string(&mut message, author.as_bytes());
        push_string(&mut message, piece);
    }
    message
}

fn count(number: usize) -> u8 {
    // The callers pass at most MAX_COUNT.
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Error code beyond the seed's: the next message is delivered, but not on disk.
const NOT_PERSISTED: u8 = 5;

/// Maximum number of items in a list: its count is one byte.
const MAX_COUNT: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::domain::time::Timestamp;
    use crate::tests::random::XorShift;

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn said(from: &str, text: &[u8]) -> Message {
        Message {
            sequence: 1,
            at: Timestamp(0),
            from: name(from),
            to: None,
            text: text.into(),
        }
    }

    fn encoded(notice: &Notice) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        encode(notice, |message| messages.push(message.to_vec()));
        messages
    }

    fn one(notice: &Notice) -> Vec<u8> {
        let mut messages = encoded(notice);
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    const EVERY_REQUEST: [(&[u8], Request<'static>); 7] = [
        (b"\x01", Request::Query(Query::Users)),
        (b"\x02\x03kou", Request::Query(Query::User(b"kou"))),
        (
            b"\x03\x02jo\x02",
            Request::Command(Command::ChangeStatus {
                name: b"jo",
                status: Some(Status::Busy),
            }),
        ),
        (
            b"\x04\x01~\x03elo",
            Request::Command(Command::Send {
                to: Target::General,
                text: b"elo",
            }),
        ),
        (
            b"\x04\x02Jo\x03elo",
            Request::Command(Command::Send {
                to: Target::User(b"Jo"),
                text: b"elo",
            }),
        ),
        (
            b"\x05\x01~",
            Request::Query(Query::History {
                of: Target::General,
                after: None,
            }),
        ),
        (
            b"\x05\x02Jo",
            Request::Query(Query::History {
                of: Target::User(b"Jo"),
                after: None,
            }),
        ),
    ];

    #[test]
    fn each_message_of_a_client_is_a_request() {
        for (bytes, request) in EVERY_REQUEST {
            assert_eq!(decode(bytes), Some(request));
        }
    }

    #[test]
    fn a_message_truncated_at_any_byte_is_ignored() {
        for (bytes, _) in EVERY_REQUEST {
            for length in 0..bytes.len() {
                assert_eq!(decode(&bytes[..length]), None, "{:?}", &bytes[..length]);
            }
        }
    }

    #[test]
    fn bytes_after_the_last_field_are_ignored() {
        for (bytes, request) in EVERY_REQUEST {
            assert_eq!(decode(&[bytes, b"\xff\x00more"].concat()), Some(request));
        }
    }

    #[test]
    fn an_unknown_id_is_ignored() {
        for id in (0..=255).filter(|id| !(1..=5).contains(id)) {
            assert_eq!(decode(&[id, 1, b'a', 1, b'a']), None);
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_a_truncated_message() {
        assert_eq!(decode(b"\x02\xffkou"), None);
        assert_eq!(decode(b"\x04\x01~\xffelo"), None);
        assert_eq!(decode(b"\x04\xff~\x03elo"), None);
    }

    #[test]
    fn a_field_may_be_empty_or_255_bytes_and_need_not_be_utf_8() {
        assert_eq!(decode(b"\x02\x00"), Some(Request::Query(Query::User(b""))));
        let say = |to, text| Some(Request::Command(Command::Send { to, text }));
        assert_eq!(decode(b"\x04\x01~\x00"), say(Target::General, b""));
        let long = [&b"\x04\x01~\xff"[..], &[0xff; 255]].concat();
        assert_eq!(decode(&long), say(Target::General, &[0xff; 255]));
    }

    #[test]
    fn a_status_above_3_is_invalid() {
        let request = Command::ChangeStatus {
            name: b"jo",
            status: None,
        };
        assert_eq!(decode(b"\x03\x02jo\x04"), Some(Request::Command(request)));
    }

    #[test]
    fn random_bytes_never_panic() {
        // Small bytes are valid ids and short lengths, which reach more code.
        let alphabet = b"\0\x01\x02\x03\x04\x05\x06\x07\x08~a\x7f\x80\xff";
        let mut random = XorShift(0x2545_f491_4f6c_dd1d);
        for round in 0..50_000 {
            decode(&random.bytes(round % 40, alphabet));
        }
    }

    #[test]
    fn an_error_is_50_with_its_code() {
        let code = |rejection| encoded(&Notice::Rejected(rejection));
        assert_eq!(code(Rejection::NoSuchUser), [[50, 1]]);
        assert_eq!(code(Rejection::InvalidStatus), [[50, 2]]);
        assert_eq!(code(Rejection::EmptyMessage), [[50, 3]]);
        assert_eq!(code(Rejection::RecipientDisconnected), [[50, 4]]);
        assert!(code(Rejection::InvalidState).is_empty());
    }

    #[test]
    fn a_list_is_51_with_each_name_and_status() {
        let users = vec![(name("Elo"), Status::Busy), (name("Jo"), Status::Active)];
        assert_eq!(
            one(&Notice::Users {
                asker: name("Jo"),
                users
            }),
            b"\x33\x02\x03Elo\x02\x02Jo\x01"
        );
    }

    #[test]
    fn a_list_has_at_most_255_users_and_always_the_requesting_one() {
        let users: Vec<_> = (0..300)
            .map(|n| (name(&format!("{n:03}")), Status::Active))
            .collect();
        let names = |asker: &str, users: &[(Name, Status)]| {
            let list = one(&Notice::Users {
                asker: name(asker),
                users: users.to_vec(),
            });
            assert_eq!(list.len(), 2 + 5 * usize::from(list[1]));
            list[2..]
                .chunks(5)
                .map(|user| String::from_utf8(user[1..4].into()).unwrap())
                .collect::<Vec<_>>()
        };
        let list = names("007", &users);
        assert_eq!(
            (list.len(), list[0].as_str(), list[254].as_str()),
            (255, "000", "254")
        );
        let list = names("299", &users);
        assert_eq!(
            (list.len(), list[253].as_str(), list[254].as_str()),
            (255, "253", "299")
        );
        assert_eq!(names("254", &users[..255]).len(), 255);
        assert_eq!(names("255", &users[..256])[254], "255");
        assert_eq!(names("254", &users[..256])[254], "254");
    }

    #[test]
    fn a_user_is_52_a_new_user_53_and_a_status_54() {
        let (jo, status) = (name("jo"), Status::Inactive);
        let user = Notice::User {
            name: jo.clone(),
            status,
            address: "::1".into(),
        };
        assert_eq!(one(&user), b"\x34\x02jo\x03");
        assert_eq!(
            one(&Notice::Joined {
                name: jo.clone(),
                new: true
            }),
            b"\x35\x02jo\x01"
        );
        assert_eq!(
            one(&Notice::Joined {
                name: jo.clone(),
                new: false
            }),
            b"\x36\x02jo\x01"
        );
        assert_eq!(
            one(&Notice::StatusChanged {
                name: jo.clone(),
                status
            }),
            b"\x36\x02jo\x03"
        );
        assert_eq!(one(&Notice::Left(jo)), b"\x36\x02jo\x00");
    }

    #[test]
    fn a_name_of_255_bytes_fits() {
        let long = "x".repeat(255);
        let message = one(&Notice::Left(name(&long)));
        assert_eq!(
            message,
            [&b"\x36\xff"[..], long.as_bytes(), b"\x00"].concat()
        );
    }

    #[test]
    fn a_message_is_55_with_its_sender_and_bytes() {
        assert_eq!(
            one(&Notice::Message(said("jo", b"elo"))),
            b"\x37\x02jo\x03elo"
        );
        assert_eq!(
            one(&Notice::Message(said("jo", b"\xff\xfe"))),
            b"\x37\x02jo\x02\xff\xfe"
        );
    }

    #[test]
    fn a_text_over_255_bytes_is_several_messages_in_order() {
        let text = [&[b'a'; 255][..], &[b'b'; 255], b"c"].concat();
        let messages = encoded(&Notice::Message(said("jo", &text)));
        let texts: Vec<_> = messages.iter().map(|message| &message[5..]).collect();
        assert_eq!(texts, [&[b'a'; 255][..], &[b'b'; 255], b"c"]);
        assert!(
            messages
                .iter()
                .all(|message| message.starts_with(b"\x37\x02jo"))
        );
    }

    fn history(messages: Vec<Message>) -> Vec<u8> {
        one(&Notice::History {
            with: None,
            continued: false,
            messages,
        })
    }

    #[test]
    fn a_history_is_56_with_each_author_and_text() {
        assert_eq!(history(vec![]), b"\x38\x00");
        let messages = vec![said("jo", b"elo"), said("kou", b"\xff")];
        assert_eq!(history(messages), b"\x38\x02\x02jo\x03elo\x03kou\x01\xff");
    }

    #[test]
    fn a_history_has_the_last_255_messages() {
        let messages = (0..300)
            .map(|n| said("jo", format!("{n:03}").as_bytes()))
            .collect();
        let history = history(messages);
        assert_eq!(history[1], 255);
        assert_eq!(history.len(), 2 + 255 * 7);
        assert_eq!(&history[2..9], b"\x02jo\x03045");
        assert_eq!(&history[history.len() - 3..], b"299");
    }

    #[test]
    fn a_long_text_in_a_history_is_split_and_each_piece_counts() {
        let long = [b'x'; 600];
        let bytes = history(vec![said("jo", b"first"), said("jo", &long)]);
        assert_eq!(bytes[1], 4);
        let messages = (0..255).map(|_| said("jo", &long)).collect();
        let bytes = history(messages);
        assert_eq!(bytes[1], 255);
        let mut fields = FieldReader::new(&bytes[2..]);
        let lengths: Vec<_> = std::iter::from_fn(|| fields.string())
            .skip(1)
            .step_by(2)
            .map(<[u8]>::len)
            .collect();
        assert_eq!(lengths.len(), 255);
        assert!(lengths.chunks(3).all(|piece| piece == [255, 255, 90]));
    }
}
