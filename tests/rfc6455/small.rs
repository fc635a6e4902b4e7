//! The short ways of receiver and sender lead where the long ones lead, for every first two octets that a frame can have.

use enchufe::protocol::{
    Event, MaskKey, MessageKind, MessageLimits, Receiver, Role, Sender, State, Step,
};

use crate::support::frames::masked;

fn server() -> Receiver {
    Receiver::new(Role::Server, MessageLimits::default())
}

/// What the long way makes of a frame: its kind, its payload, how much of the input it took.
fn the_long_way(receiver: &mut Receiver, wire: &[u8]) -> Option<(MessageKind, Vec<u8>, usize)> {
    let mut input = wire.to_vec();
    let received = receiver.receive(&mut input).ok()?;
    let Some(Event::Message(kind)) = received.event else {
        return None;
    };
    let payload = receiver.payload(&input, &received).to_vec();
    Some((kind, payload, received.used))
}

#[test]
fn a_small_message_is_received_the_short_way_as_the_long_way() {
    let mut short = 0;
    for head in 0..=u16::MAX {
        for there in [0, 5, 125, 140] {
            let mut wire = head.to_be_bytes().to_vec();
            wire.extend([1, 2, 3, 4]);
            wire.extend((0..there).map(|n: u8| (n % 20 + b'A') ^ [1, 2, 3, 4][usize::from(n) % 4]));
            let mut input = wire.clone();
            match server().receive_small(&mut input) {
                Some((kind, payload)) => {
                    let end = payload.end;
                    let got = Some((kind, input[payload].to_vec(), end));
                    assert_eq!(got, the_long_way(&mut server(), &wire), "{head:04x}");
                    short += 1;
                }
                None => assert_eq!(input, wire, "{head:04x} was touched"),
            }
        }
    }
    // Text and binary of every length that is there: 0, 0 to 5, and twice 0 to 125.
    assert_eq!(short, 2 * (1 + 6 + 126 + 126));
}

#[test]
fn what_is_no_utf_8_is_left_as_it_was_to_the_long_way() {
    let wire = masked("1 000 0001", b"\xff\xfe");
    let mut input = wire.clone();
    assert_eq!(server().receive_small(&mut input), None);
    assert_eq!(input, wire);
    assert!(server().receive(&mut input).is_err());

    let mut any_text = server();
    any_text.set_check_utf8(false);
    assert_eq!(
        any_text.receive_small(&mut input),
        Some((MessageKind::Text, 6..8))
    );
}

#[test]
fn who_is_in_the_middle_of_something_takes_no_short_way() {
    let small = || masked("1 000 0001", b"hola");
    let wait_for_more = |first: &str, cut: usize| {
        let mut receiver = server();
        let mut wire = masked(first, b"Hello");
        let end = wire.len() - cut;
        let _ends_two_of_them = receiver.receive(&mut wire[..end]);
        receiver
    };
    for mut busy in [
        wait_for_more("0 000 0001", 0),
        wait_for_more("0 000 0001", 2),
        wait_for_more("1 000 0001", 2),
        wait_for_more("1 000 0001", 10),
        wait_for_more("1 000 1000", 0),
        wait_for_more("1 000 0011", 0),
        Receiver::new(Role::Client, MessageLimits::default()),
    ] {
        assert_eq!(busy.receive_small(&mut small()), None, "{busy:?}");
    }

    let mut observing = server();
    observing.observe_frames(true);
    assert_eq!(observing.receive_small(&mut small()), None);

    let mut modest = server();
    modest.set_limits(MessageLimits {
        max_message: 3,
        ..MessageLimits::default()
    });
    assert_eq!(modest.receive_small(&mut small()), None);
}

#[test]
fn a_small_message_is_sent_the_short_way_as_the_long_way() {
    for kind in [MessageKind::Text, MessageKind::Binary] {
        for length in 0..=200 {
            let payload = vec![b'x'; length];
            let (mut short, mut long) = (Vec::new(), Vec::new());
            let taken = Sender::new(Role::Server).small(kind, &payload, &mut short);
            assert_eq!(taken, length <= 125);
            assert!(
                Sender::new(Role::Server)
                    .message(kind, &payload, None, &mut long)
                    .is_ok()
            );
            assert_eq!(short, if taken { long } else { Vec::new() });
        }
    }
}

#[test]
fn who_may_not_send_a_message_sends_none_the_short_way() {
    let mut out = Vec::new();
    let mut closed = Sender::new(Role::Server);
    assert!(closed.close(None, None, &mut out).is_ok());
    assert_eq!(closed.state(), State::Open.after(Step::CloseSent));
    out.clear();
    assert!(!closed.small(MessageKind::Text, b"hola", &mut out));
    assert!(!Sender::new(Role::Client).small(MessageKind::Text, b"hola", &mut out));
    assert!(out.is_empty());

    let key = Some(MaskKey([1, 2, 3, 4]));
    assert!(
        Sender::new(Role::Client)
            .message(MessageKind::Text, b"hola", key, &mut out)
            .is_ok()
    );
}
