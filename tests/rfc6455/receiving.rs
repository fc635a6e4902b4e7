//! [RFC 6455, 6.2](https://www.rfc-editor.org/rfc/rfc6455#section-6.2): how the caller and the receiver share one buffer.

use enchufe::protocol::{Decoder, Event, MessageKind, MessageLimits, Role};

use crate::support::frames::{Ear, ROLES, Said, from_peer_of, masked, text};

fn server() -> Decoder {
    Decoder::new(Role::Server, MessageLimits::default())
}

#[test]
fn a_whole_frame_is_lent_out_of_the_input_where_it_lies() {
    let mut receiver = server();
    let mut input = masked("1 000 0001", b"Hello");
    input.extend(masked("1 000 0001", b"next"));
    let received = receiver.decode(&mut input).unwrap();
    assert_eq!(
        (received.used, &received.event),
        (11, &Some(Event::Message(MessageKind::Text)))
    );
    assert_eq!(receiver.payload(&input, &received), b"Hello");
    assert!(std::ptr::eq(
        receiver.payload(&input, &received),
        &input[6..11]
    ));
    // The header and what follows are as they came.
    assert_eq!(input[..6], masked("1 000 0001", b"Hello")[..6]);
    assert_eq!(input[11..], masked("1 000 0001", b"next"));
}

#[test]
fn need_more_uses_nothing_and_says_how_much_is_wanted_once_the_header_is_there() {
    let wire = masked("1 000 0010", &[7; 300]);
    for there in 0..wire.len() {
        let mut input = wire[..there].to_vec();
        let mut receiver = server();
        let received = receiver.decode(&mut input).unwrap();
        assert_eq!((received.used, received.event), (0, None));
        assert_eq!(
            receiver.bytes_needed(),
            if there < 8 { 0 } else { wire.len() }
        );
        assert_eq!(receiver.in_message(), there > 0);
    }
    let mut receiver = server();
    let received = receiver.decode(&mut wire.clone()).unwrap();
    assert_eq!(received.used, wire.len());
    assert_eq!((receiver.bytes_needed(), receiver.in_message()), (0, false));
}

#[test]
fn octets_of_a_fragment_are_used_as_they_come() {
    let mut receiver = server();
    let mut input = masked("0 000 0001", b"Hello");
    let received = receiver.decode(&mut input[..8]).unwrap();
    assert_eq!((received.used, received.event), (8, None));
    assert_eq!((receiver.bytes_needed(), receiver.in_message()), (0, true));
    let received = receiver.decode(&mut input[8..]).unwrap();
    assert_eq!((received.used, received.event), (3, None));
    assert!(receiver.in_message());

    let mut last = masked("1 000 0000", b", hola");
    let received = receiver.decode(&mut last).unwrap();
    assert_eq!(received.event, Some(Event::Message(MessageKind::Text)));
    assert_eq!(receiver.payload(&last, &received), b"Hello, hola");
    assert!(!receiver.in_message());
}

/// Pings do not complete a message.
#[test]
fn a_message_in_fragments_is_in_progress_until_its_last_one_whatever_comes_between() {
    for role in ROLES {
        let mut ear = Ear::new(role);
        assert!(!ear.receiver.in_message());
        ear.feed(&from_peer_of(role, "0 000 0001", b""));
        for _ in 0..3 {
            ear.feed(&from_peer_of(role, "1 000 1001", b""));
            assert!(ear.receiver.in_message());
        }
        ear.feed(&from_peer_of(role, "1 000 0000", b""));
        assert!(!ear.receiver.in_message());
        ear.feed(&from_peer_of(role, "1 000 0001", b"x")[..1]);
        assert!(ear.receiver.in_message());
    }
}

/// A control frame or a fragment may be followed by nothing for long: it is no reason to put anything off.
#[test]
fn one_can_see_whether_another_whole_message_waits() {
    let receiver = server();
    let text = masked("1 000 0001", b"hola");
    assert!(receiver.has_complete_message(&text));
    assert!(receiver.has_complete_message(&[&text[..], b"x"].concat()));
    assert!(!receiver.has_complete_message(b""));
    assert!(!receiver.has_complete_message(&text[..text.len() - 1]));
    for first in [
        "0 000 0001",
        "1 000 0000",
        "1 000 1000",
        "1 000 1001",
        "1 000 1010",
        "1 000 0011",
    ] {
        assert!(
            !receiver.has_complete_message(&masked(first, b"")),
            "{first}"
        );
    }
}

#[test]
fn an_observer_sees_each_frame_and_then_what_it_means() {
    for role in ROLES {
        let mut ear = Ear::observing(role);
        let frames = [
            ("1 000 0001", &b"whole"[..]),
            ("0 000 0001", b"Hel"),
            ("1 000 1001", b"?"),
            ("0 000 0000", b""),
            ("1 000 0000", b"lo"),
            ("1 000 1000", b""),
        ];
        for (first, payload) in frames {
            ear.feed(&from_peer_of(role, first, payload));
        }
        let expected = [
            Said::Frame(1, b"whole".to_vec()),
            text("whole"),
            Said::Frame(1, b"Hel".to_vec()),
            Said::Frame(9, b"?".to_vec()),
            Said::Ping(b"?".to_vec()),
            Said::Frame(0, Vec::new()),
            Said::Frame(0, b"lo".to_vec()),
            text("Hello"),
            Said::Frame(8, Vec::new()),
            Said::Close(None),
        ];
        assert_eq!(ear.said, expected);
    }
}

#[test]
fn an_observed_frame_uses_nothing_and_wants_all_of_itself() {
    let mut receiver = server();
    receiver.observe_frames(true);
    let mut input = masked("0 000 0001", b"Hello");
    let partial = receiver.decode(&mut input[..8]).unwrap();
    assert_eq!((partial.used, partial.event), (0, None));
    assert_eq!(receiver.bytes_needed(), 11);
    let shown = receiver.decode(&mut input).unwrap();
    assert!(matches!(shown.event, Some(Event::Frame(header)) if header.length == 5 && !header.fin));
    assert_eq!(
        (shown.used, receiver.payload(&input, &shown)),
        (0, &b"Hello"[..])
    );
    let taken = receiver.decode(&mut input).unwrap();
    assert_eq!((taken.used, taken.event), (11, None));
}
