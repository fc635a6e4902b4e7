//! One byte stands for up to a thousand, so every limit is kept while inflating.

use enchufe::protocol::{CloseCode, Decompressor, ProtocolError, Role};
use flate2::{Compress, Compression, FlushCompress};

use super::words::{BINARY, BINARY_BEGINS, MORE, TEXT, compressed, deflate, deflated, ear_with};
use crate::support::frames::{ROLES, Said, header_from_peer_of};

const TOO_BIG: Said = Said::Failed(ProtocolError::MessageTooBig);

/// 16 MiB of zeros in 16 KB: 1028 to 1.
fn bomb() -> Vec<u8> {
    let payload = deflated(&vec![0; 16 << 20]);
    assert!(payload.len() < 17_000, "{}", payload.len());
    payload
}

#[test]
fn a_bomb_is_1009_and_what_it_takes_is_the_limit() {
    assert_eq!(
        ProtocolError::MessageTooBig.close_code(),
        CloseCode::MessageTooBig
    );
    let bomb = bomb();
    for limit in [0, 1, 1000, 65_536, 1 << 20, (16 << 20) - 1] {
        let mut out = Vec::new();
        let inflated = Decompressor::new().inflate(&bomb, limit, &mut out);
        assert_eq!(inflated, Err(ProtocolError::MessageTooBig), "{limit}");
        assert_eq!(out.len(), limit + 1);
        assert!(out.capacity() <= limit + 1024, "{}", out.capacity());
    }
    for role in ROLES {
        let mut ear = ear_with(role, Decompressor::new(), 1 << 20);
        ear.feed(&compressed(role, BINARY, &bomb));
        assert_eq!(ear.said, [TOO_BIG]);
    }
}

#[test]
fn a_bomb_in_fragments_and_in_many_blocks_goes_off_no_later() {
    let mut stream = Compress::new(Compression::best(), false);
    let mut ear = ear_with(Role::Server, Decompressor::new(), 1 << 20);
    ear.feed(&compressed(Role::Server, BINARY_BEGINS, b""));
    let mut fed = 0;
    while ear.said.is_empty() {
        let mut block = Vec::with_capacity(1000);
        let status = stream.compress_vec(&[0; 50_000], &mut block, FlushCompress::Sync);
        assert!(status.is_ok());
        for half in block.chunks(block.len().div_ceil(2)) {
            ear.feed(&compressed(Role::Server, MORE, half));
        }
        fed += 50_000;
    }
    assert_eq!(ear.said, [TOO_BIG]);
    assert_eq!(fed, (1 << 20) / 50_000 * 50_000 + 50_000);
}

#[test]
fn a_message_of_exactly_the_limit_is_heard() {
    for length in [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, 200_000] {
        for message in [vec![b'a'; length], super::words::Dice(9).octets(length)] {
            let payload = deflated(&message);
            let mut ear = ear_with(Role::Client, Decompressor::new(), length);
            ear.feed(&compressed(Role::Client, BINARY, &payload));
            assert_eq!(ear.said, [Said::Binary(message)], "{length}");
            if length > 0 {
                let mut ear = ear_with(Role::Client, Decompressor::new(), length - 1);
                ear.feed(&compressed(Role::Client, BINARY, &payload));
                assert_eq!(ear.said, [TOO_BIG], "{length}");
            }
        }
    }
}

/// Compressing may make a message longer, but not much; a header that promises more fails at once.
#[test]
fn the_octets_on_the_wire_have_a_limit_too() {
    let fails_at = |length| {
        let mut ear = ear_with(Role::Client, Decompressor::new(), 8000);
        ear.feed(&header_from_peer_of(Role::Client, TEXT, length));
        ear.said == [TOO_BIG]
    };
    assert!(!fails_at(9064));
    assert!(fails_at(9065));
    assert!(fails_at(u64::MAX >> 1));

    // Blocks of nothing, without an end.
    let mut ear = ear_with(Role::Client, Decompressor::new(), 8000);
    let nothing = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(20);
    ear.feed(&compressed(Role::Client, BINARY_BEGINS, &nothing));
    let mut octets = nothing.len();
    while ear.said.is_empty() {
        ear.feed(&compressed(Role::Client, MORE, &nothing));
        octets += nothing.len();
    }
    assert_eq!(ear.said, [TOO_BIG]);
    assert_eq!(octets, 9100);
}

#[test]
fn limits_that_are_no_limits_do_not_overflow() {
    for role in ROLES {
        let mut ear = ear_with(role, Decompressor::new(), usize::MAX);
        let payload = deflate(&mut Compress::new(Compression::fast(), false), b"hola");
        ear.feed(&compressed(role, BINARY, &payload));
        assert_eq!(ear.said, [Said::Binary(b"hola".to_vec())]);
        ear.feed(&header_from_peer_of(role, BINARY_BEGINS, u64::MAX >> 1));
        assert_eq!(ear.said.len(), 1);
    }
}
