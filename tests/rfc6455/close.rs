//! [RFC 6455, 7](https://www.rfc-editor.org/rfc/rfc6455#section-7) and
//! [5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1): the payload of a Close, and what comes after one.

use enchufe::protocol::{
    CloseCode, CloseReason, Encoder, MaskKey, ProtocolError, Role, State, Transition,
};

use crate::support::frames::{
    Ear, KEY, ROLES, Said, close_payload, fails, fails_1002, frame, from_peer_of, heard,
};

#[test]
fn a_close_may_be_empty() {
    for role in ROLES {
        let wire = from_peer_of(role, "1 000 1000", b"");
        assert_eq!(heard(role, &wire), [Said::Close(None)]);
    }
}

/// "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
#[test]
fn both_fail_1002_on_a_close_of_one_octet() {
    for role in ROLES {
        let wire = from_peer_of(role, "1 000 1000", b"\x03");
        fails_1002(role, &wire, ProtocolError::CloseTooShort);
    }
}

/// 7.4: codes that the registry has, and 3000 to 4999. 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close".
#[test]
fn every_code_is_heard_or_fails_1002() {
    for role in ROLES {
        for code in (0..=5000).chain([5001, 9999, 0x8000, u16::MAX]) {
            let wire = from_peer_of(role, "1 000 1000", &close_payload(code, b"why"));
            match code {
                1000..=1003 | 1007..=1014 | 3000..=4999 => {
                    let expected = [Said::Close(Some((code, "why".to_owned())))];
                    assert_eq!(heard(role, &wire), expected);
                }
                _ => fails_1002(role, &wire, ProtocolError::InvalidCloseCode(code)),
            }
        }
    }
}

#[test]
fn both_fail_1007_on_a_reason_that_is_not_utf8() {
    for role in ROLES {
        for reason in [
            &b"\xff"[..],
            b"caf\xc3",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
        ] {
            let wire = from_peer_of(role, "1 000 1000", &close_payload(1000, reason));
            let code = CloseCode::InvalidFramePayloadData;
            fails(role, &wire, ProtocolError::InvalidCloseReason, code);
        }
    }
}

#[test]
fn a_reason_is_checked_even_when_texts_are_not() {
    let mut ear = Ear::new(Role::Client);
    ear.receiver.set_check_utf8(false);
    ear.feed(&frame("1 000 1000", &close_payload(1000, b"\xff")));
    assert_eq!(ear.said, [Said::Failed(ProtocolError::InvalidCloseReason)]);
}

/// 1.4: "any further data received is discarded" after a Close.
#[test]
fn whatever_follows_a_close_is_used_and_means_nothing() {
    for role in ROLES {
        let mut ear = Ear::new(role);
        ear.feed(&from_peer_of(role, "1 000 1000", &close_payload(1001, b"")));
        let after = [
            from_peer_of(role, "1 000 0001", b"data"),
            from_peer_of(role, "1 000 1000", b""),
            from_peer_of(role, "1 000 1001", b"ping"),
            vec![0xff; 100],
        ];
        for wire in after {
            ear.feed(&wire);
        }
        assert_eq!(ear.said, [Said::Close(Some((1001, String::new())))]);
        assert_eq!(ear.waiting(), 0);
        assert!(!ear.receiver.in_message());
    }
}

/// 7.1.7: after failing, "an endpoint MUST NOT continue to attempt to process data".
#[test]
fn whatever_follows_an_error_is_used_and_means_nothing() {
    for role in ROLES {
        let mut ear = Ear::new(role);
        ear.feed(&from_peer_of(role, "1 000 0011", b""));
        ear.feed(&from_peer_of(role, "1 000 0001", b"data"));
        ear.feed(&from_peer_of(role, "1 000 1000", b""));
        assert_eq!(ear.said, [Said::Failed(ProtocolError::ReservedOpcode(3))]);
        assert_eq!(ear.waiting(), 0);
    }
}

#[test]
fn a_close_inside_a_fragmented_message_ends_it_unheard() {
    for role in ROLES {
        let mut ear = Ear::new(role);
        ear.feed(&from_peer_of(role, "0 000 0001", b"never"));
        ear.feed(&from_peer_of(
            role,
            "1 000 1000",
            &close_payload(1000, b"bye"),
        ));
        ear.feed(&from_peer_of(role, "1 000 0000", b"whole"));
        assert_eq!(ear.said, [Said::Close(Some((1000, "bye".to_owned())))]);
    }
}

#[test]
fn what_one_side_closes_with_is_what_the_other_hears() {
    for (role, mask) in [(Role::Server, None), (Role::Client, Some(MaskKey(KEY)))] {
        for reason in [
            None,
            Some(CloseReason::new(CloseCode::GoingAway, "a las doce, ñ")),
        ] {
            let mut sender = Encoder::new(role);
            let mut wire = Vec::new();
            assert_eq!(sender.close(reason.as_ref(), mask, &mut wire), Ok(()));
            let expected = reason.map(|reason| (1001, reason.reason));
            assert_eq!(heard(role.peer(), &wire), [Said::Close(expected)]);
        }
    }
}

/// 5.5.1: "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed".
#[test]
fn the_connection_is_closed_when_each_side_has_sent_a_close() {
    let mut first = Encoder::new(Role::Server);
    assert_eq!(first.close(None, None, &mut Vec::new()), Ok(()));
    assert_eq!(first.state(), State::CloseSent);
    first.apply(Transition::CloseReceived);
    assert_eq!(first.state(), State::Closed);

    let mut second = Encoder::new(Role::Server);
    second.apply(Transition::CloseReceived);
    // It may finish what it was saying before it answers.
    let mut out = Vec::new();
    assert_eq!(
        second.message(
            enchufe::protocol::MessageKind::Text,
            b"last",
            None,
            &mut out
        ),
        Ok(())
    );
    assert_eq!(second.close(None, None, &mut out), Ok(()));
    assert_eq!(second.state(), State::Closed);
}

/// The text of each error fits in a Close, so the peer can be told.
#[test]
fn every_error_fits_in_the_reason_of_its_close() {
    let errors = [
        ProtocolError::ReservedOpcode(15),
        ProtocolError::ReservedBit,
        ProtocolError::NonMinimalLength,
        ProtocolError::LengthTopBit,
        ProtocolError::UnmaskedFrame,
        ProtocolError::MaskedFrame,
        ProtocolError::FragmentedControl,
        ProtocolError::ControlTooLong,
        ProtocolError::UnexpectedContinuation,
        ProtocolError::ExpectedContinuation,
        ProtocolError::CloseTooShort,
        ProtocolError::InvalidCloseCode(65535),
        ProtocolError::InvalidCloseReason,
        ProtocolError::InvalidUtf8,
        ProtocolError::MessageTooBig,
        ProtocolError::TooManyFragments,
        ProtocolError::TooManyEmptyFragments,
    ];
    for error in errors {
        let reason = CloseReason::new(error.close_code(), error.to_string());
        let sent = Encoder::new(Role::Server).close(Some(&reason), None, &mut Vec::new());
        assert_eq!(sent, Ok(()), "{error}");
    }
}
