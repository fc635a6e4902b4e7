//! A stream has no message borders: each vector is cut at every byte and fed in parts, and says the same as in one piece.

use enchufe::protocol::{MessageLimits, Role};

use crate::support::frames::{Ear, ROLES, Said, close_payload, from_peer_of, header_from_peer_of};

/// Streams that the peer of `role` might send, good ones and bad ones.
fn vectors(role: Role) -> Vec<Vec<u8>> {
    let frame = |first, payload: &[u8]| from_peer_of(role, first, payload);
    let other = |first, payload: &[u8]| from_peer_of(role.peer(), first, payload);
    let header = |first, length| header_from_peer_of(role, first, length);
    let long: Vec<u8> = (0..300).map(|i| i as u8).collect();
    let close =
        |code, reason: &[u8]| from_peer_of(role, "1 000 1000", &close_payload(code, reason));
    let join = |frames: &[Vec<u8>]| frames.concat();
    vec![
        // Whole messages, one behind the other.
        join(&[
            frame("1 000 0001", b"Hello"),
            frame("1 000 0001", b""),
            frame("1 000 0010", b"\xff"),
        ]),
        join(&[
            frame("1 000 0001", "aé€😀z".as_bytes()),
            frame("1 000 0001", "ñ".as_bytes()),
        ]),
        join(&[
            frame("1 000 0010", &long),
            frame("1 000 0010", &long[..126]),
        ]),
        // Fragments, with control frames between them.
        join(&[
            frame("0 000 0001", "a€".as_bytes().split_at(2).0),
            frame("1 000 1001", b"ping"),
            frame("0 000 0000", b""),
            frame("0 000 0000", "a€".as_bytes().split_at(2).1),
            frame("1 000 1010", b""),
            frame("1 000 0000", "😀".as_bytes()),
            frame("1 000 0001", b"after"),
        ]),
        join(&[
            frame("0 000 0010", &long[..130]),
            frame("1 000 0000", &long[..127]),
            frame("0 000 0010", b""),
            frame("1 000 0000", b""),
        ]),
        // Closing, and what comes after it.
        join(&[
            close(1000, "adiós".as_bytes()),
            frame("1 000 0001", b"unheard"),
        ]),
        join(&[
            frame("0 000 0001", b"never"),
            frame("1 000 1000", b""),
            vec![0xff; 9],
        ]),
        close(4999, &[b'x'; 123]),
        close(1005, b""),
        close(1000, b"\xff"),
        frame("1 000 1000", b"x"),
        // Bad headers, each behind something good.
        join(&[
            frame("1 000 0001", b"ok"),
            frame("1 000 0011", b"bad"),
            frame("1 000 0001", b"no"),
        ]),
        join(&[frame("1 000 0001", b"ok"), header("1 000 1011", 1 << 40)]),
        join(&[frame("1 000 0001", b"ok"), frame("1 010 0001", b"bad")]),
        join(&[frame("1 000 0001", b"ok"), other("1 000 0001", b"bad")]),
        join(&[frame("1 000 0001", b"ok"), frame("1 000 0000", b"bad")]),
        join(&[frame("0 000 0001", b"ok"), frame("1 000 0010", b"bad")]),
        join(&[frame("1 000 1001", b"ok"), frame("0 000 1001", b"bad")]),
        join(&[frame("1 000 1001", b"ok"), header("1 000 1001", 126)]),
        join(&[
            frame("1 000 1001", b"ok"),
            b"\x82\x7e\x00\x05\x82\xfe\x00\x05".to_vec(),
        ]),
        join(&[
            frame("1 000 1001", b"ok"),
            b"\x82\x7f\0\0\0\0\0\0\x01\0".to_vec(),
        ]),
        join(&[
            frame("1 000 1001", b"ok"),
            b"\x82\xff\x80\0\0\0\0\x01\0\0".to_vec(),
        ]),
        join(&[
            frame("1 000 1001", b"ok"),
            header("1 000 0010", 401),
            vec![0; 9],
        ]),
        join(&[
            frame("0 000 0010", &long),
            header("0 000 0000", 101),
            vec![0; 9],
        ]),
        // Texts that are none, in one frame and in two.
        join(&[
            frame("1 000 0001", b"ok"),
            frame("1 000 0001", b"\xf4\x90\x80\x80..."),
        ]),
        join(&[frame("1 000 0001", b"ok"), frame("1 000 0001", b"\xe2\x82")]),
        join(&[
            frame("0 000 0001", b"a\xed"),
            frame("0 000 0000", b"\xa0\x80b"),
        ]),
        join(&[frame("0 000 0001", b"a\xe2"), frame("1 000 0000", b"\x82")]),
        // The end is missing.
        header("1 000 0010", 400),
        join(&[
            frame("0 000 0001", b"begun"),
            frame("1 000 0001", b"")[..1].to_vec(),
        ]),
    ]
}

/// What is heard when the stream comes in these parts.
fn heard(role: Role, observe: bool, parts: &[&[u8]]) -> Vec<Said> {
    let limits = MessageLimits {
        max_message: 400,
        max_fragments: 4,
        max_empty_run: 2,
    };
    let mut ear = Ear::with_limits(role, limits);
    ear.receiver.observe_frames(observe);
    for part in parts {
        ear.feed(part);
    }
    ear.said
}

fn one_by_one(wire: &[u8]) -> Vec<&[u8]> {
    wire.chunks(1).collect()
}

#[test]
fn a_cut_at_any_octet_changes_nothing() {
    for role in ROLES {
        for observe in [false, true] {
            for (i, wire) in vectors(role).iter().enumerate() {
                let whole = heard(role, observe, &[wire]);
                for cut in 0..=wire.len() {
                    let (before, after) = wire.split_at(cut);
                    let parts = heard(role, observe, &[before, after]);
                    assert_eq!(parts, whole, "{role:?}, vector {i} cut at {cut}");
                }
            }
        }
    }
}

#[test]
fn two_cuts_at_any_octets_change_nothing() {
    for role in ROLES {
        for observe in [false, true] {
            for (i, wire) in vectors(role)
                .iter()
                .enumerate()
                .filter(|(_, wire)| wire.len() < 80)
            {
                let whole = heard(role, observe, &[wire]);
                for first in 0..=wire.len() {
                    for second in first..=wire.len() {
                        let parts = [&wire[..first], &wire[first..second], &wire[second..]];
                        let parts = heard(role, observe, &parts);
                        assert_eq!(
                            parts, whole,
                            "{role:?}, vector {i} cut at {first}, {second}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn octet_by_octet_says_the_same_as_all_at_once() {
    for role in ROLES {
        for observe in [false, true] {
            for (i, wire) in vectors(role).iter().enumerate() {
                let whole = heard(role, observe, &[wire]);
                let parts = heard(role, observe, &one_by_one(wire));
                assert_eq!(parts, whole, "{role:?}, vector {i}");
            }
        }
    }
}

/// What an observer hears besides the frames is what everybody hears.
#[test]
fn observing_changes_nothing_but_what_is_shown() {
    for role in ROLES {
        for (i, wire) in vectors(role).iter().enumerate() {
            let mut shown = heard(role, true, &[wire]);
            shown.retain(|said| !matches!(said, Said::Frame(..)));
            assert_eq!(shown, heard(role, false, &[wire]), "{role:?}, vector {i}");
        }
    }
}

/// The vectors with bytes changed at random, always the same ones: whatever they say now, cuts do not change it.
#[test]
fn damaged_streams_say_the_same_in_one_piece_and_in_many() {
    let mut state = 0x853c_49e6_748f_ea9b_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for role in ROLES {
        for vector in vectors(role) {
            for _ in 0..300 {
                let mut wire = vector.clone();
                for _ in 0..=random(3) {
                    let at = random(wire.len());
                    wire[at] = random(256) as u8;
                }
                let observe = random(2) == 0;
                let cut = random(wire.len() + 1);
                let whole = heard(role, observe, &[&wire]);
                let halves = [&wire[..cut], &wire[cut..]];
                assert_eq!(
                    heard(role, observe, &halves),
                    whole,
                    "{wire:02x?} cut at {cut}"
                );
                let octets = one_by_one(&wire);
                assert_eq!(heard(role, observe, &octets), whole, "{wire:02x?}");
            }
        }
    }
}
