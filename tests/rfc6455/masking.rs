//! [RFC 6455, 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1) and
//! [5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3): who masks, and what masking is.

use enchufe::protocol::{Encoder, MaskKey, MessageKind, Opcode, ProtocolError, Role, encode_frame};

use crate::support::frames::{Ear, KEY, Said, fails_1002, frame, heard, masked, text};

const KINDS: [&str; 5] = [
    "1 000 0001",
    "1 000 0010",
    "1 000 1000",
    "1 000 1001",
    "1 000 1010",
];

/// "The server MUST close the connection upon receiving a frame that is not masked."
#[test]
fn server_fails_1002_when_a_client_frame_is_unmasked() {
    for kind in KINDS {
        fails_1002(
            Role::Server,
            &frame(kind, b""),
            ProtocolError::UnmaskedFrame,
        );
    }
}

/// "A client MUST close a connection if it detects a masked frame."
#[test]
fn client_fails_1002_when_a_server_frame_is_masked() {
    for kind in KINDS {
        fails_1002(Role::Client, &masked(kind, b""), ProtocolError::MaskedFrame);
    }
}

#[test]
fn an_unmasked_fragment_fails_inside_a_masked_message() {
    let mut ear = Ear::new(Role::Server);
    ear.feed(&masked("0 000 0001", b"Hel"))
        .feed(&frame("1 000 0000", b"lo"));
    assert_eq!(ear.said, [Said::Failed(ProtocolError::UnmaskedFrame)]);
}

#[test]
fn a_key_of_zeros_is_a_key() {
    let wire = b"\x81\x85\0\0\0\0Hello";
    assert_eq!(heard(Role::Server, wire), [text("Hello")]);
}

#[test]
fn each_frame_is_unmasked_with_its_own_key_from_its_own_beginning() {
    let mut wire = Vec::new();
    let keys = [[1, 2, 3, 4], [0xff, 0, 0xff, 0], [0x80, 0x40, 0x20, 0x10]];
    for (i, key) in keys.into_iter().enumerate() {
        let opcode = if i == 0 {
            Opcode::Binary
        } else {
            Opcode::Continuation
        };
        encode_frame(i == 2, opcode, b"abcde", Some(MaskKey(key)), &mut wire);
    }
    assert_eq!(
        heard(Role::Server, &wire),
        [Said::Binary(b"abcdeabcdeabcde".to_vec())]
    );
}

#[test]
fn what_a_client_sends_is_what_the_server_hears_at_every_length() {
    let payload: Vec<u8> = (0..=255).cycle().take(700).collect();
    for length in 0..payload.len() {
        let mut wire = Vec::new();
        let mut sender = Encoder::new(Role::Client);
        let payload = &payload[..length];
        assert_eq!(
            sender.message(MessageKind::Binary, payload, Some(MaskKey(KEY)), &mut wire),
            Ok(())
        );
        assert_eq!(wire, masked("1 000 0010", payload));
        assert_eq!(heard(Role::Server, &wire), [Said::Binary(payload.to_vec())]);
    }
}
