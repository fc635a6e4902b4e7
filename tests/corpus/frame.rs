//! Any bytes as frames: one header, then all of them as either role hears them, however they are cut.

use enchufe::protocol::{Extensions, Header, MessageLimits, Role, diagram};

use crate::frames::{Ear, ROLES, Said};

pub(crate) fn check(octets: &[u8]) {
    header(octets);
    for role in ROLES {
        for observe in [false, true] {
            let whole = heard(role, observe, octets, octets.len());
            for size in [1, 7] {
                assert_eq!(heard(role, observe, octets, size), whole, "{role:?}");
            }
            let failures = whole.iter().filter(|it| matches!(it, Said::Failed(_)));
            assert!(failures.count() <= 1, "it fails once");
        }
    }
}

/// A header that is accepted is in its only form, needs all its bytes, and can be drawn.
fn header(octets: &[u8]) {
    let Ok(Some((header, used))) = Header::decode(octets) else {
        return;
    };
    assert_eq!(header.to_bytes().as_ref(), &octets[..used]);
    for end in 0..used {
        assert_eq!(Header::decode(&octets[..end]), Ok(None));
    }
    for role in ROLES {
        for in_message in [false, true] {
            let _ = header.check(role, in_message, Extensions::default());
        }
    }
    let payload = &octets[used..];
    let whole = Header {
        length: payload.len() as u64,
        ..header
    };
    let drawing = diagram::draw(&whole, payload);
    assert!(!drawing.contains(|it: char| it.is_control() && it != '\n'));
    assert!(!diagram::line(&whole, payload).contains(char::is_control));
}

fn heard(role: Role, observe: bool, octets: &[u8], size: usize) -> Vec<Said> {
    let mut ear = Ear::with_limits(role, LIMITS);
    ear.receiver.observe_frames(observe);
    for piece in octets.chunks(size.max(1)) {
        ear.feed(piece);
    }
    ear.said
}

/// So low that a short input can pass them.
const LIMITS: MessageLimits = MessageLimits {
    max_message: 300,
    max_fragments: 6,
    max_empty_run: 2,
};
