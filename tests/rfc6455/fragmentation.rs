//! [RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4): one message in many frames.

use enchufe::protocol::ProtocolError;

use crate::support::frames::{Ear, ROLES, Said, fails_1002, from_peer_of, heard, text};

/// The frames `(first octet, payload)` as the peer of `role` sends them, one behind the other.
macro_rules! wire {
    ($role:expr, $(($first:literal, $payload:expr)),+ $(,)?) => {
        [$(from_peer_of($role, $first, $payload)),+].concat()
    };
}

#[test]
fn fragments_become_one_message_of_the_first_ones_kind() {
    for role in ROLES {
        let words = wire!(
            role,
            ("0 000 0001", b"a"),
            ("0 000 0000", b"b"),
            ("1 000 0000", b"c")
        );
        assert_eq!(heard(role, &words), [text("abc")]);
        let octets = wire!(role, ("0 000 0010", b"\xff"), ("1 000 0000", b"\xfe"));
        assert_eq!(heard(role, &octets), [Said::Binary(b"\xff\xfe".to_vec())]);
    }
}

#[test]
fn any_fragment_may_be_empty_the_first_and_the_last_too() {
    for role in ROLES {
        let empty = wire!(
            role,
            ("0 000 0001", b""),
            ("0 000 0000", b""),
            ("1 000 0000", b"")
        );
        assert_eq!(heard(role, &empty), [text("")]);
        let around = wire!(
            role,
            ("0 000 0001", b""),
            ("0 000 0000", b"x"),
            ("1 000 0000", b"")
        );
        assert_eq!(heard(role, &around), [text("x")]);
    }
}

/// "Control frames MAY be injected in the middle of a fragmented message."
#[test]
fn control_frames_between_fragments_are_heard_at_once_and_leave_the_message_whole() {
    for role in ROLES {
        let wire = wire!(
            role,
            ("0 000 0001", b"Hel"),
            ("1 000 1001", b"ping"),
            ("1 000 1010", b"pong"),
            ("0 000 0000", b"l"),
            ("1 000 1001", b""),
            ("1 000 0000", b"o"),
        );
        let expected = [
            Said::Ping(b"ping".to_vec()),
            Said::Pong(b"pong".to_vec()),
            Said::Ping(Vec::new()),
            text("Hello"),
        ];
        assert_eq!(heard(role, &wire), expected);
    }
}

#[test]
fn both_fail_1002_when_a_continuation_continues_nothing() {
    for role in ROLES {
        for first in ["1 000 0000", "0 000 0000"] {
            let wire = from_peer_of(role, first, b"x");
            fails_1002(role, &wire, ProtocolError::UnexpectedContinuation);
        }
        let after_a_message = wire!(
            role,
            ("0 000 0001", b"a"),
            ("1 000 0000", b"b"),
            ("1 000 0000", b"c")
        );
        let expected = [
            text("ab"),
            Said::Failed(ProtocolError::UnexpectedContinuation),
        ];
        assert_eq!(heard(role, &after_a_message), expected);
    }
}

/// "The fragments of one message MUST NOT be interleaved between the fragments of another message".
#[test]
fn both_fail_1002_when_a_message_begins_inside_another() {
    for role in ROLES {
        for second in ["1 000 0001", "0 000 0001", "1 000 0010", "0 000 0010"] {
            let mut ear = Ear::new(role);
            ear.feed(&from_peer_of(role, "0 000 0001", b"a"));
            ear.feed(&from_peer_of(role, second, b"b"));
            assert_eq!(
                ear.said,
                [Said::Failed(ProtocolError::ExpectedContinuation)]
            );
        }
    }
}

#[test]
fn nothing_of_one_message_is_left_in_the_next() {
    for role in ROLES {
        let wire = wire!(
            role,
            ("0 000 0001", &[b'x'; 300]),
            ("1 000 0000", &[b'y'; 70_000]),
            ("0 000 0010", b"a"),
            ("1 000 0000", b"\xff"),
            ("1 000 0001", b"b"),
            ("0 000 0001", b""),
            ("1 000 0000", b""),
        );
        let long = ["x".repeat(300), "y".repeat(70_000)].concat();
        let expected = [
            text(&long),
            Said::Binary(b"a\xff".to_vec()),
            text("b"),
            text(""),
        ];
        assert_eq!(heard(role, &wire), expected);
    }
}
