//! Two windows in step: a thousand messages of every kind, some of them uncompressed, some incompressible, each intact at the
//! other end, which is no code of the library's.

use std::io::Write;
use std::process::{Command, Stdio};

use enchufe::protocol::{Compressor, Decompressor, Encoder, MessageKind, Role};
use flate2::{Compress, Compression, Decompress};

use super::words::{BINARY, Dice, compressed, deflate, ear_with, inflate, sent};
use crate::support::frames::{Said, from_peer_of};

/// Messages that repeat each other, and messages that repeat nothing; short, long and empty.
fn messages(seed: u64) -> Vec<Vec<u8>> {
    let mut dice = Dice(seed);
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for number in 0..1000 {
        let length = match dice.roll(8) {
            0 => 0,
            1..5 => dice.roll(300),
            5..7 => dice.roll(5000),
            _ => dice.roll(30_000),
        };
        let message = match dice.roll(5) {
            0 => dice.octets(length),
            1 if !messages.is_empty() => messages[dice.roll(messages.len())].clone(),
            2 => vec![dice.roll(256) as u8; length],
            _ => format!(
                "{{\"number\":{number},\"text\":\"message {}\"}}",
                dice.roll(50)
            )
            .into_bytes()
            .repeat(length / 40 + 1),
        };
        messages.push(message);
    }
    messages
}

#[test]
fn what_we_compress_a_peer_inflates() {
    for (seed, bits, takeover) in [
        (1, 15, true),
        (2, 15, false),
        (3, 9, true),
        (4, 9, false),
        (5, 12, true),
    ] {
        let mut dice = Dice(seed);
        let mut sender = Encoder::new(Role::Server);
        let compressor = Compressor::new(bits).level(1 + seed as u32 % 6);
        sender.set_compressor(match takeover {
            true => compressor,
            false => compressor.without_context_takeover(),
        });
        let mut stream = Decompress::new(false);
        let mut compressed = 0;
        for message in messages(seed) {
            let (first, payload) = sent(&mut sender, &message);
            if first == 0x82 {
                assert!(payload == message);
                continue;
            }
            compressed += 1;
            assert!(inflate(&mut stream, &payload, message.len()) == message);
            if !takeover {
                stream.reset(false);
            }
            // An idle connection frees its window; the peer keeps its own and notices nothing.
            if dice.roll(50) == 0 {
                sender.release_buffers();
            }
        }
        assert!(compressed > 400, "{compressed}");
    }
}

#[test]
fn what_a_peer_compresses_we_inflate() {
    for (seed, bits, takeover) in [(6, 15, true), (7, 15, false), (8, 9, true), (9, 9, false)] {
        let mut dice = Dice(seed);
        let decompressor = match takeover {
            true => Decompressor::new(),
            false => Decompressor::new().without_context_takeover(),
        };
        let mut ear = ear_with(Role::Client, decompressor, 1 << 20);
        let mut stream = Compress::new_with_window_bits(Compression::new(6), false, bits);
        for message in messages(seed) {
            if dice.roll(4) == 0 {
                ear.feed(&from_peer_of(Role::Client, "1 000 0010", &message));
            } else if message.is_empty() {
                ear.feed(&compressed(Role::Client, BINARY, &[0x00]));
            } else {
                let payload = deflate(&mut stream, &message);
                let wire = compressed(Role::Client, BINARY, &payload);
                let cut = dice.roll(wire.len());
                ear.feed(&wire[..cut]).feed(&wire[cut..]);
                if !takeover {
                    stream.reset();
                }
            }
            assert!(std::mem::take(&mut ear.said) == [Said::Binary(message)]);
            if dice.roll(50) == 0 {
                ear.receiver.release_buffers();
            }
        }
    }
}

/// Both halves, both roles: what one compresses the other inflates, whatever else goes on.
#[test]
fn our_two_halves_understand_each_other() {
    let key = enchufe::protocol::MaskKey([1, 2, 3, 4]);
    for (role, mask) in [(Role::Client, Some(key)), (Role::Server, None)] {
        let mut sender = Encoder::new(role);
        sender.set_compressor(Compressor::new(11).min_message(20));
        let mut ear = ear_with(role.peer(), Decompressor::new(), 1 << 20);
        for message in messages(10) {
            let mut wire = Vec::new();
            let sent = sender.message(MessageKind::Binary, &message, mask, &mut wire);
            assert_eq!(sent, Ok(()));
            ear.feed(&wire);
            assert!(std::mem::take(&mut ear.said) == [Said::Binary(message)]);
        }
    }
}

/// zlib in C, which refuses a reference that does not fit its window, where zlib-rs does not look.
#[test]
fn no_message_refers_further_back_than_the_window() {
    if !crate::support::tools::available("python3", &["-c", "import zlib"]) {
        return;
    }
    for bits in 9..=15u8 {
        for level in [1, 3, 9] {
            let mut sender = Encoder::new(Role::Server);
            sender.set_compressor(Compressor::new(bits).level(level));
            let mut script = Command::new("python3")
                .args(["-c", INFLATE, &bits.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("python3 starts");
            let mut input = script.stdin.take().expect("a pipe");
            let mut expected = 0usize;
            for message in messages(11).into_iter().take(200) {
                let (first, payload) = sent(&mut sender, &message);
                if first == 0xc2 {
                    input
                        .write_all(&(payload.len() as u32).to_be_bytes())
                        .expect("python3 reads");
                    input.write_all(&payload).expect("python3 reads");
                    expected += message
                        .iter()
                        .map(|&octet| usize::from(octet) + 1)
                        .sum::<usize>();
                }
            }
            drop(input);
            let output = script.wait_with_output().expect("python3 ends");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(
                said.trim(),
                expected.to_string(),
                "{bits} bits, level {level}"
            );
        }
    }
}

/// Inflates length-prefixed messages in one window and prints the sum of all bytes plus one each.
const INFLATE: &str = "
import sys, struct, zlib
stream, total, source = zlib.decompressobj(-int(sys.argv[1])), 0, sys.stdin.buffer
while head := source.read(4):
    message = stream.decompress(source.read(struct.unpack('>I', head)[0]) + b'\\0\\0\\xff\\xff')
    total += sum(message) + len(message)
print(total)
";
