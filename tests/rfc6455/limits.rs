//! [RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4): limits, each compared with what a header claims
//! before any of its payload is kept.

use enchufe::protocol::{CloseCode, MessageLimits, ProtocolError, Role};

use crate::support::frames::{Ear, ROLES, Said, fails, from_peer_of, header_from_peer_of, masked};

fn ten() -> MessageLimits {
    MessageLimits {
        max_message: 10,
        ..MessageLimits::default()
    }
}

/// What `role` hears under these limits.
fn heard(role: Role, limits: MessageLimits, frames: &[(&str, &[u8])]) -> Vec<Said> {
    let mut ear = Ear::with_limits(role, limits);
    for (first, payload) in frames {
        ear.feed(&from_peer_of(role, first, payload));
    }
    ear.said
}

#[test]
fn a_header_that_claims_too_much_fails_1009_before_any_payload() {
    for role in ROLES {
        for length in [(1 << 20) + 1, 1 << 32, (1 << 63) - 1] {
            for first in ["1 000 0001", "0 000 0001", "1 000 0010", "0 000 0010"] {
                let wire = header_from_peer_of(role, first, length);
                fails(
                    role,
                    &wire,
                    ProtocolError::MessageTooBig,
                    CloseCode::MessageTooBig,
                );
            }
        }
    }
}

#[test]
fn a_message_of_the_limit_is_heard_in_one_frame_or_in_many() {
    for role in ROLES {
        let whole = heard(role, ten(), &[("1 000 0010", b"0123456789")]);
        assert_eq!(whole, [Said::Binary(b"0123456789".to_vec())]);
        let parts = [
            ("0 000 0010", &b"01234"[..]),
            ("0 000 0000", b"56789"),
            ("1 000 0000", b""),
        ];
        assert_eq!(heard(role, ten(), &parts), whole);
    }
}

#[test]
fn fragments_count_together_and_the_last_header_fails_before_its_payload() {
    for role in ROLES {
        let mut ear = Ear::with_limits(role, ten());
        ear.feed(&from_peer_of(role, "0 000 0010", b"01234"));
        ear.feed(&from_peer_of(role, "0 000 0000", b"5678"));
        assert_eq!(ear.said, []);
        ear.feed(&header_from_peer_of(role, "1 000 0000", 2));
        assert_eq!(ear.said, [Said::Failed(ProtocolError::MessageTooBig)]);
    }
}

#[test]
fn a_small_limit_leaves_control_frames_alone() {
    for role in ROLES {
        let limits = MessageLimits {
            max_message: 0,
            ..MessageLimits::default()
        };
        let frames = [("1 000 1001", &[1; 125][..]), ("1 000 0001", b"")];
        assert_eq!(
            heard(role, limits, &frames),
            [Said::Ping(vec![1; 125]), Said::Text(vec![])]
        );
    }
}

#[test]
fn limits_can_change_between_two_messages() {
    let mut ear = Ear::new(Role::Server);
    ear.feed(&masked("1 000 0010", &[0; 11]));
    ear.receiver.set_limits(ten());
    ear.feed(&masked("1 000 0010", &[0; 11]));
    assert_eq!(
        ear.said,
        [
            Said::Binary(vec![0; 11]),
            Said::Failed(ProtocolError::MessageTooBig)
        ]
    );
}

/// Without a limit, the longest lengths there are overflow nothing and allocate nothing.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_longest_length_is_only_waited_for_when_no_limit_forbids_it() {
    let limits = MessageLimits {
        max_message: usize::MAX,
        ..MessageLimits::default()
    };
    for role in ROLES {
        let longest = (1 << 63) - 1;
        let mut ear = Ear::with_limits(role, limits.clone());
        ear.feed(&header_from_peer_of(role, "1 000 0010", longest))
            .feed(b"ten octets");
        assert_eq!(ear.said, []);
        assert!(ear.receiver.in_message());

        let mut ear = Ear::with_limits(role, limits.clone());
        ear.feed(&from_peer_of(role, "0 000 0010", b"x"));
        ear.feed(&header_from_peer_of(role, "0 000 0000", longest))
            .feed(b"ten octets");
        assert_eq!(ear.said, []);
        assert_eq!(ear.waiting(), 0);
    }
}

#[test]
fn a_message_has_131072_fragments_and_not_one_more() {
    let fragment = masked("0 000 0000", b"x");
    let mut ear = Ear::new(Role::Server);
    ear.feed(&masked("0 000 0010", b"x"));
    ear.feed(&fragment.repeat(131_070));
    ear.feed(&masked("1 000 0000", b"x"));
    assert_eq!(ear.said, [Said::Binary(vec![b'x'; 131_072])]);

    ear.said.clear();
    ear.feed(&masked("0 000 0010", b"x"));
    ear.feed(&fragment.repeat(131_071));
    assert_eq!(ear.said, []);
    ear.feed(&masked("1 000 0000", b"x"));
    assert_eq!(ear.said, [Said::Failed(ProtocolError::TooManyFragments)]);
    assert_eq!(
        ProtocolError::TooManyFragments.close_code(),
        CloseCode::PolicyViolation
    );
}

#[test]
fn a_run_of_1024_empty_fragments_is_borne_and_1025_fail_1008() {
    for role in ROLES {
        let first = from_peer_of(role, "0 000 0001", b"");
        let empty = from_peer_of(role, "0 000 0000", b"");
        let mut ear = Ear::new(role);
        ear.feed(&first).feed(&empty.repeat(1023));
        // One byte ends the run, and another may begin.
        ear.feed(&from_peer_of(role, "0 000 0000", b"x"))
            .feed(&empty.repeat(1024));
        assert_eq!(ear.said, []);
        ear.feed(&empty);
        assert_eq!(
            ear.said,
            [Said::Failed(ProtocolError::TooManyEmptyFragments)]
        );
        assert_eq!(
            ProtocolError::TooManyEmptyFragments.close_code(),
            CloseCode::PolicyViolation
        );
    }
}

#[test]
fn a_run_ends_with_its_message_and_pings_do_not_end_it() {
    for role in ROLES {
        let first = from_peer_of(role, "0 000 0001", b"");
        let empty = from_peer_of(role, "0 000 0000", b"");
        let last = from_peer_of(role, "1 000 0000", b"");
        let mut ear = Ear::new(role);
        for _ in 0..3 {
            ear.feed(&first).feed(&empty.repeat(1022)).feed(&last);
        }
        assert_eq!(ear.said, [const { Said::Text(Vec::new()) }; 3]);
        ear.said.clear();
        ear.feed(&first).feed(&empty.repeat(1023));
        ear.feed(&from_peer_of(role, "1 000 1001", b"x"))
            .feed(&empty);
        let expected = [
            Said::Ping(b"x".to_vec()),
            Said::Failed(ProtocolError::TooManyEmptyFragments),
        ];
        assert_eq!(ear.said, expected);
    }
}
