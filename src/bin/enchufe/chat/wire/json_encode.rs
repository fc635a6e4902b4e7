//! The JSON chat's wire (seed 002), outwards: one notice, one compact JSON object.
//!
//! Objects are written member by member, so that keys come in the seed's order; strings are escaped by the JSON
//! library. The time of a chat message is when it was accepted, also in a history; that of anything else is now.

use std::fmt;

use crate::chat::domain::event::Notice;
use crate::chat::domain::message::Message;
use crate::chat::domain::name::{Name, SERVER};
use crate::chat::domain::status::Status;
use crate::chat::domain::time::Timestamp;
use crate::chat::wire::messages_es::{UNKEPT, sentence, standing};

/// The text message that tells the notice.
pub fn encode(notice: &Notice, now: Timestamp) -> Vec<u8> {
    match notice {
        Notice::Refused(rejection) => error(sentence(*rejection), now),
        Notice::Welcome(users) => from_server("register_success")
            .text("content", "Registro exitoso")
            .member("userList", |out| {
                array(out, users, |out, name| string(out, name.as_str()));
            })
            .end(now),
        Notice::Users { users, .. } => from_server("list_users_response")
            .member("content", |out| {
                array(out, users, |out, (name, _)| string(out, name.as_str()));
            })
            .end(now),
        Notice::User {
            name,
            status,
            address,
        } => {
            let content = Object::new()
                .text("ip", address)
                .text("status", status_word(*status));
            from_server("user_info_response")
                .text("target", name.as_str())
                .member("content", |out| out.extend(content.close()))
                .end(now)
        }
        Notice::Joined { name, .. } => status_update(name, Status::Active, now),
        Notice::StatusChanged { name, status } => status_update(name, *status, now),
        Notice::Left(name) => from_server("user_disconnected")
            .text("content", &format!("{name} ha salido"))
            .end(now),
        Notice::Said(message) => said(message),
        Notice::NotPersisted => error(UNKEPT, now),
        Notice::ClusterStatus(how) => error(standing(*how), now),
        Notice::History {
            with,
            onward,
            messages,
        } => {
            let mut object = from_server("history_response");
            if let Some(with) = with {
                object = object.text("target", with.as_str());
            }
            object
                .member("content", |out| history(out, *onward, messages))
                .end(now)
        }
    }
}

/// The text message that tells an error, in a sentence.
pub fn error(sentence: &str, now: Timestamp) -> Vec<u8> {
    from_server("error").text("content", sentence).end(now)
}

/// How a status is called on this wire.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Disconnected => "DESCONECTADO",
        Status::Active => "ACTIVO",
        Status::Busy => "OCUPADO",
        Status::Inactive => "INACTIVO",
    }
}

fn from_server(kind: &str) -> Object {
    Object::new().text("type", kind).text("sender", SERVER)
}

fn status_update(name: &Name, status: Status, now: Timestamp) -> Vec<u8> {
    let content = Object::new()
        .text("user", name.as_str())
        .text("status", status_word(status));
    from_server("status_update")
        .member("content", |out| out.extend(content.close()))
        .end(now)
}

fn said(message: &Message) -> Vec<u8> {
    let kind = if message.to.is_some() {
        "private"
    } else {
        "broadcast"
    };
    let mut object = Object::new()
        .text("type", kind)
        .text("sender", message.from.as_str());
    if let Some(to) = &message.to {
        object = object.text("target", to.as_str());
    }
    // Texts of the binary chat need not be UTF-8.
    object
        .text("content", &String::from_utf8_lossy(&message.text))
        .end(message.at)
}

/// As many messages as fit; there is more where a client reads on from the last one.
fn history(out: &mut Vec<u8>, onward: bool, messages: &[Message]) {
    let (mut bytes, mut kept) = (0, Vec::new());
    let mut keep = |message: &Message| {
        let entry = entry(message);
        bytes += entry.len();
        let fits = bytes <= MAX_HISTORY || kept.is_empty();
        if fits {
            kept.push(entry);
        }
        fits
    };
    if onward {
        let _all_fit = messages.iter().all(&mut keep);
    } else {
        let _all_fit = messages.iter().rev().all(&mut keep);
        kept.reverse();
    }
    array(out, &kept, |out, entry| out.extend_from_slice(entry));
}

fn entry(message: &Message) -> Vec<u8> {
    Object::new()
        .member("seq", |out| {
            out.extend_from_slice(message.sequence.to_string().as_bytes());
        })
        .text("sender", message.from.as_str())
        .text("content", &String::from_utf8_lossy(&message.text))
        .end(message.at)
}

/// A JSON object that is being written.
struct Object(Vec<u8>);

impl Object {
    fn new() -> Object {
        Object(vec![b'{'])
    }

    /// `key` needs no escapes: every key is one of ours.
    fn member(mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) -> Object {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        value(&mut self.0);
        self
    }

    fn text(self, key: &str, value: &str) -> Object {
        self.member(key, |out| string(out, value))
    }

    fn end(self, at: Timestamp) -> Vec<u8> {
        self.member("timestamp", |out| display(out, at)).close()
    }

    fn close(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

fn array<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn string(out: &mut Vec<u8>, text: &str) {
    // A string always has a JSON form, and a Vec takes every byte: there is no error to see.
    let _never_fails = serde_json::to_writer(out, text);
}

/// A string that needs no escapes.
fn display(out: &mut Vec<u8>, value: impl fmt::Display) {
    out.extend_from_slice(format!("\"{value}\"").as_bytes());
}

/// The most bytes of messages in one history, unless the first alone has more: a quarter of what may wait for a peer.
const MAX_HISTORY: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::domain::command::Rejection;

    const NOW: Timestamp = Timestamp(1_742_115_900_000);

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn message(sequence: u64, to: Option<&str>, text: &[u8]) -> Message {
        let at = Timestamp(NOW.0 - 60_000);
        Message {
            sequence,
            at,
            from: name("ana"),
            to: to.map(name),
            text: text.into(),
        }
    }

    fn encoded(notice: &Notice) -> String {
        String::from_utf8(encode(notice, NOW)).unwrap()
    }

    #[test]
    fn answers_have_the_seed_s_keys_in_the_seed_s_order() {
        assert_eq!(
            encoded(&Notice::Welcome(vec![name("ana"), name("bo")])),
            r#"{"type":"register_success","sender":"server","content":"Registro exitoso","userList":["ana","bo"],"timestamp":"2025-03-16T09:05:00Z"}"#
        );
        let users = vec![(name("ana"), Status::Active), (name("bo"), Status::Busy)];
        assert_eq!(
            encoded(&Notice::Users {
                asker: name("ana"),
                users
            }),
            r#"{"type":"list_users_response","sender":"server","content":["ana","bo"],"timestamp":"2025-03-16T09:05:00Z"}"#
        );
        let (status, address) = (Status::Inactive, "10.0.0.1".into());
        assert_eq!(
            encoded(&Notice::User {
                name: name("bo"),
                status,
                address
            }),
            r#"{"type":"user_info_response","sender":"server","target":"bo","content":{"ip":"10.0.0.1","status":"INACTIVO"},"timestamp":"2025-03-16T09:05:00Z"}"#
        );
        assert_eq!(
            encoded(&Notice::Refused(Rejection::NoSuchUser)),
            r#"{"type":"error","sender":"server","content":"Usuario no encontrado","timestamp":"2025-03-16T09:05:00Z"}"#
        );
    }

    #[test]
    fn who_comes_changes_and_goes_is_told_to_all() {
        let update = |status| {
            format!(
                r#"{{"type":"status_update","sender":"server","content":{{"user":"ana","status":"{status}"}},"timestamp":"2025-03-16T09:05:00Z"}}"#
            )
        };
        for new in [true, false] {
            assert_eq!(
                encoded(&Notice::Joined {
                    name: name("ana"),
                    new
                }),
                update("ACTIVO")
            );
        }
        for (status, word) in [
            (Status::Disconnected, "DESCONECTADO"),
            (Status::Active, "ACTIVO"),
            (Status::Busy, "OCUPADO"),
            (Status::Inactive, "INACTIVO"),
        ] {
            assert_eq!(
                encoded(&Notice::StatusChanged {
                    name: name("ana"),
                    status
                }),
                update(word)
            );
        }
        assert_eq!(
            encoded(&Notice::Left(name("ana"))),
            r#"{"type":"user_disconnected","sender":"server","content":"ana ha salido","timestamp":"2025-03-16T09:05:00Z"}"#
        );
    }

    #[test]
    fn a_message_has_its_sender_and_the_time_it_was_accepted() {
        assert_eq!(
            encoded(&Notice::Said(message(1, None, b"hola"))),
            r#"{"type":"broadcast","sender":"ana","content":"hola","timestamp":"2025-03-16T09:04:00Z"}"#
        );
        assert_eq!(
            encoded(&Notice::Said(message(1, Some("bo"), b"psst"))),
            r#"{"type":"private","sender":"ana","target":"bo","content":"psst","timestamp":"2025-03-16T09:04:00Z"}"#
        );
    }

    #[test]
    fn a_history_has_each_message_with_its_sequence_number() {
        let history = |with: Option<&str>, messages| {
            encoded(&Notice::History {
                with: with.map(name),
                onward: false,
                messages,
            })
        };
        assert_eq!(
            history(
                None,
                vec![message(3, None, b"hola"), message(5, None, b"adi\xc3\xb3s")]
            ),
            r#"{"type":"history_response","sender":"server","content":[{"seq":3,"sender":"ana","content":"hola","timestamp":"2025-03-16T09:04:00Z"},{"seq":5,"sender":"ana","content":"adiós","timestamp":"2025-03-16T09:04:00Z"}],"timestamp":"2025-03-16T09:05:00Z"}"#
        );
        assert_eq!(
            history(Some("bo"), vec![]),
            r#"{"type":"history_response","sender":"server","target":"bo","content":[],"timestamp":"2025-03-16T09:05:00Z"}"#
        );
    }

    #[test]
    fn a_history_that_is_too_long_keeps_what_the_asker_needs() {
        let sequences = |onward, size: usize| {
            let messages = (1..=100)
                .map(|n| message(n, None, &vec![b'x'; size]))
                .collect();
            let encoded = encode(
                &Notice::History {
                    with: None,
                    onward,
                    messages,
                },
                NOW,
            );
            assert!(encoded.len() < MAX_HISTORY + size + 200);
            let value: serde_json::Value = serde_json::from_slice(&encoded).unwrap();
            let content = value["content"].as_array().unwrap();
            content
                .iter()
                .map(|entry| entry["seq"].as_u64().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(sequences(true, 10_000), (1..=26).collect::<Vec<_>>());
        assert_eq!(sequences(false, 10_000), (75..=100).collect::<Vec<_>>());
        assert_eq!(sequences(true, 300_000), [1], "reading on always gets on");
        assert_eq!(sequences(false, 300_000), [100]);
        assert_eq!(sequences(true, 10).len(), 100);
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_replacement_characters() {
        assert!(
            encoded(&Notice::Said(message(1, None, b"a\xffb")))
                .contains("\"content\":\"a\u{fffd}b\"")
        );
    }

    #[test]
    fn strings_are_escaped_as_json_wants() {
        let text = "\"\\\n\0\u{7f}<img src=x onerror=1></script>";
        let encoded = encode(
            &Notice::Said(message(1, Some("\"},{\""), text.as_bytes())),
            NOW,
        );
        let value: serde_json::Value = serde_json::from_slice(&encoded).unwrap();
        assert_eq!(
            (value["content"].as_str(), value["target"].as_str()),
            (Some(text), Some("\"},{\""))
        );
    }
}
