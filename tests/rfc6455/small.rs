//! The short ways of receiver and sender lead where the long ones lead, for every first two bytes that a frame can have, and
//! for those that two bytes of length may follow.

use enchufe::protocol::{
    Decoder, Encoder, Event, MaskKey, MessageKind, MessageLimits, Role, State, Transition,
};

use crate::support::frames::masked;

fn server() -> Decoder {
    Decoder::new(Role::Server, MessageLimits::default())
}

/// What the long way makes of a frame: its kind, its payload, how much of the input it took.
fn the_long_way(receiver: &mut Decoder, wire: &[u8]) -> Option<(MessageKind, Vec<u8>, usize)> {
    let mut input = wire.to_vec();
    let received = receiver.decode(&mut input).ok()?;
    let Some(Event::Message(kind)) = received.event else {
        return None;
    };
    let payload = receiver.payload(&input, &received).to_vec();
    Some((kind, payload, received.used))
}

/// A header as far as the key, then a key, then so many bytes of letters.
fn frame(header: &[u8], there: usize) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let letters = (0..there).map(|n| (n % 20) as u8 + b'A');
    let masked = letters.zip(key.into_iter().cycle());
    let masked: Vec<u8> = masked.map(|(letter, key)| letter ^ key).collect();
    [header, &key, &masked].concat()
}

/// Whether a frame is received the short way. Then it is received as on the long way, and otherwise it is as it was.
#[track_caller]
fn goes_the_short_way(wire: &[u8]) -> bool {
    let head = &wire[..wire.len().min(8)];
    let mut input = wire.to_vec();
    let Some((kind, payload)) = server().decode_small(&mut input) else {
        assert!(input == wire, "{head:02x?} was touched");
        return false;
    };
    let end = payload.end;
    let got = Some((kind, input[payload].to_vec(), end));
    assert!(got == the_long_way(&mut server(), wire), "{head:02x?}");
    true
}

#[test]
fn a_small_message_is_received_the_short_way_as_the_long_way() {
    let mut short = 0;
    for head in 0..=u16::MAX {
        for there in [0, 5, 125, 140] {
            short += usize::from(goes_the_short_way(&frame(&head.to_be_bytes(), there)));
        }
    }
    // Text and binary of every length that is there: 0, 0 to 5, and twice 0 to 125.
    assert_eq!(short, 2 * (1 + 6 + 126 + 126));
}

#[test]
fn so_is_one_whose_length_takes_two_octets_and_no_length_that_fewer_would_do_for() {
    let lengths = [0, 1, 125, 126, 127, 256, 1_024, 0x7fff, 0x8000, 0xffff];
    let mut short = 0;
    for first in 0..=u8::MAX {
        for second in [0x7e, 0xfe] {
            for length in lengths {
                let [high, low] = u16::to_be_bytes(length);
                let there = usize::from(length);
                for there in [there, there.saturating_sub(1), there + 3] {
                    let wire = frame(&[first, second, high, low], there);
                    short += usize::from(goes_the_short_way(&wire));
                }
            }
        }
    }
    // Text and binary, masked, of the seven lengths from 126 on, when all of it is there and when there is more.
    assert_eq!(short, 2 * 7 * 2);
}

#[test]
fn a_length_of_which_not_all_octets_are_there_is_none_yet() {
    for first in [0x81, 0x82] {
        let wire = frame(&[first, 0xfe, 0x00, 0x7e], 126);
        for end in 0..wire.len() {
            assert!(!goes_the_short_way(&wire[..end]), "{end}");
        }
        assert!(goes_the_short_way(&wire));
    }
}

#[test]
fn what_is_no_utf_8_is_left_as_it_was_to_the_long_way() {
    let long = [b"a".repeat(200), b"\xff\xfe".to_vec()].concat();
    for payload in [long, b"\xff\xfe".to_vec()] {
        let wire = masked("1 000 0001", &payload);
        let mut input = wire.clone();
        assert_eq!(server().decode_small(&mut input), None);
        assert_eq!(input, wire);
        assert!(server().decode(&mut input).is_err());
    }

    let mut input = masked("1 000 0001", b"\xff\xfe");
    let mut any_text = server();
    any_text.set_check_utf8(false);
    assert_eq!(
        any_text.decode_small(&mut input),
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
        let _ends_two_of_them = receiver.decode(&mut wire[..end]);
        receiver
    };
    for mut busy in [
        wait_for_more("0 000 0001", 0),
        wait_for_more("0 000 0001", 2),
        wait_for_more("1 000 0001", 2),
        wait_for_more("1 000 0001", 10),
        wait_for_more("1 000 1000", 0),
        wait_for_more("1 000 0011", 0),
        Decoder::new(Role::Client, MessageLimits::default()),
    ] {
        assert_eq!(busy.decode_small(&mut small()), None, "{busy:?}");
    }

    let mut observing = server();
    observing.observe_frames(true);
    assert_eq!(observing.decode_small(&mut small()), None);

    let mut modest = server();
    modest.set_limits(MessageLimits {
        max_message: 3,
        ..MessageLimits::default()
    });
    assert_eq!(modest.decode_small(&mut small()), None);

    let mut exact = server();
    exact.set_limits(MessageLimits {
        max_message: 300,
        ..MessageLimits::default()
    });
    let of = |length: usize| masked("1 000 0010", &vec![b'x'; length]);
    assert!(exact.decode_small(&mut of(300)).is_some());
    assert_eq!(exact.decode_small(&mut of(301)), None);
}

#[test]
fn a_small_message_is_sent_the_short_way_as_the_long_way() {
    for kind in [MessageKind::Text, MessageKind::Binary] {
        for length in (0..=300).chain([0xffff, 0x1_0000]) {
            let payload = vec![b'x'; length];
            let (mut short, mut long) = (Vec::new(), Vec::new());
            let taken = Encoder::new(Role::Server).small_message(kind, &payload, &mut short);
            assert_eq!(taken, length <= 0xffff);
            assert!(
                Encoder::new(Role::Server)
                    .message(kind, &payload, None, &mut long)
                    .is_ok()
            );
            assert!(short == if taken { long } else { Vec::new() }, "{length}");
        }
    }
}

#[test]
fn who_may_not_send_a_message_sends_none_the_short_way() {
    let mut out = Vec::new();
    let mut closed = Encoder::new(Role::Server);
    assert!(closed.close(None, None, &mut out).is_ok());
    assert_eq!(closed.state(), State::Open.after(Transition::CloseSent));
    out.clear();
    assert!(!closed.small_message(MessageKind::Text, b"hola", &mut out));
    assert!(!Encoder::new(Role::Client).small_message(MessageKind::Text, b"hola", &mut out));
    assert!(out.is_empty());

    let key = Some(MaskKey([1, 2, 3, 4]));
    assert!(
        Encoder::new(Role::Client)
            .message(MessageKind::Text, b"hola", key, &mut out)
            .is_ok()
    );
}
