//! Encodes notices for the JSON wire (seed 002): one compact JSON object each.
//!
//! Members are written one by one, which keeps the seed's order of keys. The `timestamp` of a chat message is the time at
//! which it was accepted; that of any other notice is the current time.

use std::fmt;

use crate::chat::domain::event::Notice;
use crate::chat::domain::message::Message;
use crate::chat::domain::name::{Name, SERVER};
use crate::chat::domain::status::Status;
use crate::chat::domain::time::Timestamp;
use crate::chat::wire::messages_es::{NOT_PERSISTED, cluster_status_text, rejection_text};

/// Encodes a notice as a text message.
pub fn encode(notice: &Notice, now: Timestamp) -> Vec<u8> {
    match notice {
        Notice::Rejected(rejection) => error(rejection_text(*rejection), now),
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
            let content = ObjectWriter::new()
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
        Notice::Message(message) => message_object(message),
        Notice::NotPersisted => error(NOT_PERSISTED, now),
        Notice::ClusterStatus(status) => error(cluster_status_text(*status), now),
        Notice::History {
            with,
            continued,
            messages,
        } => {
            let mut object = from_server("history_response");
            if let Some(with) = with {
                object = object.text("target", with.as_str());
            }
            object
                .member("content", |out| history(out, *continued, messages))
                .end(now)
        }
    }
}

/// Encodes an error as a text message.
pub fn error(text: &str, now: Timestamp) -> Vec<u8> {
    from_server("error").text("content", text).end(now)
}

/// Returns the name of a status on this wire.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Disconnected => "DESCONECTADO",
        Status::Active => "ACTIVO",
        Status::Busy => "OCUPADO",
        Status::Inactive => "INACTIVO",
    }
}

fn from_server(kind: &str) -> ObjectWriter {
    ObjectWriter::new()
        .text("type", kind)
        .text("sender", SERVER)
}

fn status_update(name: &Name, status: Status, now: Timestamp) -> Vec<u8> {
    let content = ObjectWriter::new()
        .text("user", name.as_str())
        .text("status", status_word(status));
    from_server("status_update")
        .member("content", |out| out.extend(content.close()))
        .end(now)
}

fn message_object(message: &Message) -> Vec<u8> {
    let kind = if message.to.is_some() {
        "private"
    } else {
        "broadcast"
    };
    let mut object = ObjectWriter::new()
        .text("type", kind)
        .text("sender", message.from.as_str());
    if let Some(to) = &message.to {
        object = object.text("target", to.as_str());
    }
    // Texts from the binary chat need not be UTF-8.
    object
        .text("content", &String::from_utf8_lossy(&message.text))
        .end(message.at)
}

/// Writes as many messages as fit: the first ones if the client reads on from a position, otherwise the last ones.
fn history(out: &mut Vec<u8>, continued: bool, messages: &[Message]) {
    let (mut bytes, mut entries) = (0, Vec::new());
    let mut add = |message: &Message| {
        let entry = entry(message);
        bytes += entry.len();
        let fits = bytes <= MAX_HISTORY || entries.is_empty();
        if fits {
            entries.push(entry);
        }
        fits
    };
    if continued {
        let _ = messages.iter().all(&mut add); // stops at the first that does not fit
    } else {
        let _ = messages.iter().rev().all(&mut add);
        entries.reverse();
    }
    array(out, &entries, |out, entry| out.extend_from_slice(entry));
}

fn entry(message: &Message) -> Vec<u8> {
    ObjectWriter::new()
        .member("seq", |out| {
            out.extend_from_slice(message.sequence.to_string().as_bytes());
        })
        .text("sender", message.from.as_str())
        .text("content", &String::from_utf8_lossy(&message.text))
        .end(message.at)
}

/// Writes a JSON object.
struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    fn new() -> Self {
        Self(vec![b'{'])
    }

    /// Adds a member. `key` is not escaped: every key is a constant.
    fn member(mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        value(&mut self.0);
        self
    }

    fn text(self, key: &str, value: &str) -> Self {
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
    let _ = serde_json::to_writer(out, text); // writing a string to a Vec cannot fail
}

/// Writes a string that needs no escapes.
fn display(out: &mut Vec<u8>, value: impl fmt::Display) {
    out.extend_from_slice(format!("\"{value}\"").as_bytes());
}

/// Maximum bytes of messages in one history, unless the first alone has more: a quarter of the default send queue.
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
    fn responses_have_the_seed_s_keys_in_the_seed_s_order() {
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
            encoded(&Notice::Rejected(Rejection::NoSuchUser)),
            r#"{"type":"error","sender":"server","content":"Usuario no encontrado","timestamp":"2025-03-16T09:05:00Z"}"#
        );
    }

    #[test]
    fn connecting_changing_and_leaving_are_status_updates_and_user_disconnected() {
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
            encoded(&Notice::Message(message(1, None, b"hola"))),
            r#"{"type":"broadcast","sender":"ana","content":"hola","timestamp":"2025-03-16T09:04:00Z"}"#
        );
        assert_eq!(
            encoded(&Notice::Message(message(1, Some("bo"), b"psst"))),
            r#"{"type":"private","sender":"ana","target":"bo","content":"psst","timestamp":"2025-03-16T09:04:00Z"}"#
        );
    }

    #[test]
    fn a_history_has_each_message_with_its_sequence_number() {
        let history = |with: Option<&str>, messages| {
            encoded(&Notice::History {
                with: with.map(name),
                continued: false,
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
    fn a_history_that_is_too_long_continues_forwards_or_ends_with_the_last_message() {
        let sequences = |continued, size: usize| {
            let messages = (1..=100)
                .map(|n| message(n, None, &vec![b'x'; size]))
                .collect();
            let encoded = encode(
                &Notice::History {
                    with: None,
                    continued,
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
        assert_eq!(
            sequences(true, 300_000),
            [1],
            "reading on always makes progress"
        );
        assert_eq!(sequences(false, 300_000), [100]);
        assert_eq!(sequences(true, 10).len(), 100);
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_replacement_characters() {
        assert!(
            encoded(&Notice::Message(message(1, None, b"a\xffb")))
                .contains("\"content\":\"a\u{fffd}b\"")
        );
    }

    #[test]
    fn strings_are_escaped_for_json() {
        let text = "\"\\\n\0\u{7f}<img src=x onerror=1></script>";
        let encoded = encode(
            &Notice::Message(message(1, Some("\"},{\""), text.as_bytes())),
            NOW,
        );
        let value: serde_json::Value = serde_json::from_slice(&encoded).unwrap();
        assert_eq!(
            (value["content"].as_str(), value["target"].as_str()),
            (Some(text), Some("\"},{\""))
        );
    }
}
