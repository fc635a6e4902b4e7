//! Bytes as a script of fragments, Pings and Pongs by the book, with any text in them: what is heard is what was said, up to
//! the first byte that no UTF-8 has.

use enchufe::protocol::{Encoder, MaskKey, MessageKind, MessageLimits, ProtocolError, Role};

use crate::frames::{Ear, ROLES, Said};

/// The first byte says who listens and how the stream is cut; then each step is an byte for what it is, one for how long,
/// and so many of payload.
pub(crate) fn check(octets: &[u8]) {
    let Some((first, script)) = octets.split_first() else {
        return;
    };
    let role = ROLES[usize::from(first & 1)];
    let (wire, meant) = play(role.peer(), script);
    let mut ear = Ear::with_limits(role, LIMITS);
    for piece in wire.chunks(usize::from(first >> 1) + 1) {
        ear.feed(piece);
    }
    assert_eq!(ear.said, meant);
}

/// What goes over the wire, and what the other side is to hear of it.
fn play(role: Role, mut script: &[u8]) -> (Vec<u8>, Vec<Said>) {
    let (mut wire, mut meant) = (Vec::new(), Vec::new());
    let mut sender = Encoder::new(role);
    let mut message: Option<(MessageKind, Vec<u8>)> = None;
    while let [step, length, rest @ ..] = script {
        let mask = role
            .masks()
            .then_some(MaskKey([*step, *length, 0x55, 0xaa]));
        let (piece, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        script = rest;
        if step & 0b10 != 0 {
            let piece = &piece[..piece.len().min(125)];
            let sent = match step & 1 {
                0 => sender.ping(piece, mask, &mut wire),
                _ => sender.pong(piece, mask, &mut wire),
            };
            sent.expect("it is short");
            meant.push(match step & 1 {
                0 => Said::Ping(piece.to_vec()),
                _ => Said::Pong(piece.to_vec()),
            });
            continue;
        }
        let begins = match step & 0b100 {
            0 => MessageKind::Text,
            _ => MessageKind::Binary,
        };
        let (kind, mut payload) = message.take().unwrap_or((begins, Vec::new()));
        let last = step & 1 == 0;
        sender
            .fragment(kind, last, piece, mask, &mut wire)
            .expect("of the same kind");
        payload.extend_from_slice(piece);
        if kind == MessageKind::Text && is_impossible(&payload, last) {
            meant.push(Said::Failed(ProtocolError::InvalidUtf8));
            break;
        }
        match (last, kind) {
            (false, _) => message = Some((kind, payload)),
            (true, MessageKind::Text) => meant.push(Said::Text(payload)),
            (true, MessageKind::Binary) => meant.push(Said::Binary(payload)),
        }
    }
    (wire, meant)
}

/// Not UTF-8, and with more bytes neither; at its end a text has no more.
fn is_impossible(text: &[u8], whole: bool) -> bool {
    std::str::from_utf8(text).is_err_and(|error| whole || error.error_len().is_some())
}

/// So high that no script passes them.
const LIMITS: MessageLimits = MessageLimits {
    max_message: 1 << 24,
    max_fragments: u32::MAX,
    max_empty_run: u32::MAX,
};
