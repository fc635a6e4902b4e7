//! Messages of the binary chat, as the server and as the client reads them, and any text said through it.

use crate::chat::domain::command::{Command, Request, Target};
use crate::chat::wire::binary;
use crate::chat::wire::binary_client::{self, ServerMessage};

pub(crate) fn check(bytes: &[u8]) {
    let more = [bytes, b"more"].concat();
    if let Some(request) = binary::decode(bytes) {
        let again = binary::decode(&more);
        assert_eq!(again, Some(request), "what is behind the last field");
    }
    if let Some(message) = binary_client::decode(bytes) {
        assert_eq!(binary_client::decode(&more), Some(message));
    }
    for end in (0..bytes.len()).rev().take(300) {
        // Less of it has not more in it.
        if binary::decode(&bytes[..end]).is_some() {
            assert!(binary::decode(bytes).is_some());
        }
        if let Some(ServerMessage::History(messages)) = binary_client::decode(&bytes[..end]) {
            assert!(messages.len() * 2 <= end);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        say(text);
    }
}

/// A text, however long, arrives whole in messages that are each a text.
fn say(text: &str) {
    for (to, target) in [
        (None, Target::General),
        (Some("ana"), Target::User(&b"ana"[..])),
    ] {
        let mut heard = Vec::new();
        for message in binary_client::send_message(to, text) {
            match binary::decode(&message) {
                Some(Request::Command(Command::Send { to, text })) => {
                    assert_eq!(to, target);
                    assert!(std::str::from_utf8(text).is_ok(), "a character is cut");
                    heard.extend_from_slice(text);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, text.as_bytes());
    }
}
