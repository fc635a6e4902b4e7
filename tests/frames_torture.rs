//! Raw frames and the answer each must get, on real sockets, in both roles: the server against a hostile client, the client
//! against a hostile server. Each row is sent whole and again one byte at a time.
//!
//! A row: section, what is special about it, bytes, the frames that must come back, and how it ends. Sections are of
//! [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) unless they are rows of our own limits.

mod support;

use std::thread;

use enchufe::protocol::MessageLimits;
use enchufe::{Client, Limits};

use support::host::Host;
use support::peer::{
    BINARY, BINARY_BEGINS, CLOSE, End, LAST, MASK, MORE, PING, PONG, Peer, TEXT, TEXT_BEGINS,
    header, masked, reason, unmasked,
};
use support::server::{TestServer, echo, limits};

/// Who is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tested {
    Server,
    Client,
}

/// What happens after the frames that come back.
#[derive(Debug, Clone)]
enum Then {
    /// The connection goes on: a Ping is still answered.
    Open,
    /// A Close with this code, and the end of the stream.
    Close(u16),
    /// A Close with exactly this payload, and the end of the stream.
    CloseWith(Vec<u8>),
}

struct Case {
    section: &'static str,
    name: &'static str,
    wire: Vec<u8>,
    frames: Vec<(u8, Vec<u8>)>,
    then: Then,
}

const MAX_MESSAGE: usize = 70_000;
const MAX_FRAGMENTS: u32 = 1_100;
const MAX_EMPTY_RUN: u32 = 20;

fn tight() -> Limits {
    Limits {
        message: MessageLimits {
            max_message: MAX_MESSAGE,
            max_fragments: MAX_FRAGMENTS,
            max_empty_run: MAX_EMPTY_RUN,
        },
        ..limits()
    }
}

/// All rows, as the peer of the tested side sends them.
fn cases(tested: Tested) -> Vec<Case> {
    let mut cases = framing(tested);
    cases.extend(masking(tested));
    cases.extend(fragmentation(tested));
    cases.extend(control(tested));
    cases.extend(closing(tested));
    cases.extend(text(tested));
    cases
}

macro_rules! rows {
    ($($section:literal, $name:expr, $wire:expr, [$($frame:expr),*], $then:expr;)*) => {
        vec![$(Case { section: $section, name: $name, wire: $wire.concat(), frames: vec![$($frame),*], then: $then }),*]
    };
}

use Then::{Close, CloseWith, Open};

/// A frame as the peer sends it.
fn from_peer(tested: Tested, first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    match tested {
        Tested::Server => masked(first, payload),
        Tested::Client => unmasked(first, payload),
    }
}

/// A header with a length of our own choice and form: 7, 16 or 64 bits.
fn long_form(tested: Tested, first: u8, bits: u32, length: u64) -> Vec<u8> {
    let mask = if tested == Tested::Server { 0x80 } else { 0 };
    let mut wire = vec![first];
    if bits == 16 {
        wire.push(mask | 126);
        wire.extend((length as u16).to_be_bytes());
    } else {
        wire.push(mask | 127);
        wire.extend(length.to_be_bytes());
    }
    if mask != 0 {
        wire.extend(MASK);
    }
    wire
}

fn said(first: u8, payload: impl AsRef<[u8]>) -> (u8, Vec<u8>) {
    (first, payload.as_ref().to_vec())
}

#[rustfmt::skip]
fn framing(tested: Tested) -> Vec<Case> {
    let f = |first, payload: &[u8]| from_peer(tested, first, payload);
    let long = |first, bits, length| long_form(tested, first, bits, length);
    let head = |first, length| header(first, tested == Tested::Server, length);
    let big = vec![b'x'; MAX_MESSAGE];
    let mut rows = rows![
        "5.6", "a text", [f(TEXT, b"Hello")], [said(TEXT, "Hello")], Open;
        "5.6", "an empty text", [f(TEXT, b"")], [said(TEXT, "")], Open;
        "5.6", "an empty binary message", [f(BINARY, b"")], [said(BINARY, "")], Open;
        "5.6", "every octet", [f(BINARY, &(0..=255).collect::<Vec<u8>>())], [said(BINARY, (0..=255).collect::<Vec<u8>>())], Open;
        "5.2", "125 octets, the last of 7 bits", [f(TEXT, &big[..125])], [said(TEXT, &big[..125])], Open;
        "5.2", "126 octets, the first of 16 bits", [f(TEXT, &big[..126])], [said(TEXT, &big[..126])], Open;
        "5.2", "127 octets", [f(TEXT, &big[..127])], [said(TEXT, &big[..127])], Open;
        "5.2", "65,535 octets, the last of 16 bits", [f(BINARY, &big[..65_535])], [said(BINARY, &big[..65_535])], Open;
        "5.2", "65,536 octets, the first of 64 bits", [f(BINARY, &big[..65_536])], [said(BINARY, &big[..65_536])], Open;
        "5.2", "three messages in a row", [f(TEXT, b"a"), f(BINARY, b"b"), f(TEXT, b"c")], [said(TEXT, "a"), said(BINARY, "b"), said(TEXT, "c")], Open;
        "5.2", "5 in 16 bits", [long(TEXT, 16, 5)], [], Close(1002);
        "5.2", "0 in 16 bits", [long(TEXT, 16, 0)], [], Close(1002);
        "5.2", "125 in 16 bits", [long(BINARY, 16, 125)], [], Close(1002);
        "5.2", "5 in 64 bits", [long(TEXT, 64, 5)], [], Close(1002);
        "5.2", "200 in 64 bits", [long(BINARY, 64, 200)], [], Close(1002);
        "5.2", "65,535 in 64 bits", [long(BINARY, 64, 65_535)], [], Close(1002);
        "5.2", "a ping with 5 in 16 bits", [long(PING, 16, 5)], [], Close(1002);
        "5.2", "2^63, the top bit", [long(BINARY, 64, 1 << 63)], [], Close(1002);
        "5.2", "2^64-1", [long(BINARY, 64, u64::MAX)], [], Close(1002);
        "5.2", "2^64-4, which wraps with a header added", [long(BINARY, 64, u64::MAX - 3)], [], Close(1002);
        "10.4", "2^63-1, the longest there is", [long(BINARY, 64, u64::MAX >> 1)], [], Close(1009);
        "10.4", "2^63-15, which wraps as a signed number", [long(BINARY, 64, (1 << 63) - 15)], [], Close(1009);
        "10.4", "2^32, nothing in 32 bits", [long(BINARY, 64, 1 << 32)], [], Close(1009);
        "10.4", "1 GiB", [long(TEXT, 64, 1 << 30)], [], Close(1009);
        "10.4", "one octet over the limit, refused at the header", [head(BINARY, MAX_MESSAGE as u64 + 1)], [], Close(1009);
        "10.4", "exactly the limit", [f(BINARY, &big)], [said(BINARY, &big)], Open;
        "5.2", "RSV1 without an extension", [f(TEXT | 0x40, b"x")], [], Close(1002);
        "5.2", "RSV2", [f(TEXT | 0x20, b"x")], [], Close(1002);
        "5.2", "RSV3", [f(BINARY | 0x10, b"x")], [], Close(1002);
        "5.2", "all three reserved bits", [f(TEXT | 0x70, b"x")], [], Close(1002);
        "5.2", "RSV1 on a ping", [f(PING | 0x40, b"")], [], Close(1002);
        "5.2", "RSV2 on a pong", [f(PONG | 0x20, b"")], [], Close(1002);
        "5.2", "RSV3 on a close", [f(CLOSE | 0x10, &reason(1000, ""))], [], Close(1002);
        "5.2", "RSV1 on a continuation", [f(TEXT_BEGINS, b"a"), f(LAST | 0x40, b"b")], [], Close(1002);
        "5.2", "a reserved bit behind good messages", [f(TEXT, b"good"), f(PING, b"!"), f(TEXT | 0x20, b"bad"), f(TEXT, b"never")], [said(TEXT, "good"), said(PONG, "!")], Close(1002);
        "5.2", "opcode 3 with 2 GiB, refused before its length matters", [head(0x83, 1 << 31)], [], Close(1002);
        "5.2", "opcode 11 with 2 GiB", [head(0x8b, 1 << 31)], [], Close(1002);
        "5.2", "opcode 15 inside a fragmented message", [f(TEXT_BEGINS, b"a"), f(0x8f, b"")], [], Close(1002);
        "5.2", "opcode 3 without FIN", [f(0x03, b"")], [], Close(1002);
        "5.2", "the first octet of a reserved opcode and no more", [vec![0x84]], [], Close(1002);
    ];
    for (name, opcode) in [("opcode 3", 0x3), ("opcode 4", 0x4), ("opcode 5", 0x5), ("opcode 6", 0x6), ("opcode 7", 0x7),
        ("opcode 11", 0xb), ("opcode 12", 0xc), ("opcode 13", 0xd), ("opcode 14", 0xe), ("opcode 15", 0xf)] {
        rows.extend(rows!["5.2", name, [f(0x80 | opcode, b"x")], [], Close(1002);]);
    }
    rows
}

#[rustfmt::skip]
fn masking(tested: Tested) -> Vec<Case> {
    // What only the other side may send.
    let wrong = |first, payload: &[u8]| match tested {
        Tested::Server => unmasked(first, payload),
        Tested::Client => masked(first, payload),
    };
    let good = |first, payload: &[u8]| from_peer(tested, first, payload);
    let mut rows = rows![
        "5.1", "a text with the mask of the other side", [wrong(TEXT, b"Hello")], [], Close(1002);
        "5.1", "an empty text with it", [wrong(TEXT, b"")], [], Close(1002);
        "5.1", "a ping with it", [wrong(PING, b"x")], [], Close(1002);
        "5.1", "a close with it", [wrong(CLOSE, &reason(1000, ""))], [], Close(1002);
        "5.1", "a continuation with it", [good(TEXT_BEGINS, b"a"), wrong(LAST, b"b")], [], Close(1002);
        "5.1", "a long one with it, refused at the header", [header(BINARY, tested == Tested::Client, 60_000)], [], Close(1002);
    ];
    if tested == Tested::Server {
        let keyed = |key: [u8; 4], payload: &[u8]| {
            let mut wire = vec![TEXT, 0x80 | payload.len() as u8];
            wire.extend(key);
            wire.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
            wire
        };
        rows.extend(rows![
            "5.3", "a key of zeros", [keyed([0; 4], b"Hello")], [said(TEXT, "Hello")], Open;
            "5.3", "a key of ones", [keyed([0xff; 4], b"Hello")], [said(TEXT, "Hello")], Open;
            "5.3", "another key for each frame", [keyed([1, 2, 3, 4], b"one"), keyed([5, 6, 7, 8], b"two")], [said(TEXT, "one"), said(TEXT, "two")], Open;
            "5.3", "a key that makes the payload look like a frame", [keyed([0x81 ^ b'H', 0x85 ^ b'e', 0, 0], b"Hello")], [said(TEXT, "Hello")], Open;
        ]);
    }
    rows
}

#[rustfmt::skip]
fn fragmentation(tested: Tested) -> Vec<Case> {
    let f = |first, payload: &[u8]| from_peer(tested, first, payload);
    let head = |first, length| header(first, tested == Tested::Server, length);
    let half = vec![b'x'; MAX_MESSAGE / 2];
    let repeat = |frame: Vec<u8>, count: u32| frame.repeat(count as usize);
    rows![
        "5.4", "two fragments", [f(TEXT_BEGINS, b"Hel"), f(LAST, b"lo")], [said(TEXT, "Hello")], Open;
        "5.4", "five fragments", [f(BINARY_BEGINS, b"a"), f(MORE, b"b"), f(MORE, b"c"), f(MORE, b"d"), f(LAST, b"e")], [said(BINARY, "abcde")], Open;
        "5.4", "empty first and last fragments", [f(TEXT_BEGINS, b""), f(MORE, b"x"), f(LAST, b"")], [said(TEXT, "x")], Open;
        "5.4", "nothing but empty fragments", [f(BINARY_BEGINS, b""), f(MORE, b""), f(LAST, b"")], [said(BINARY, "")], Open;
        "5.4", "two fragmented messages", [f(TEXT_BEGINS, b"a"), f(LAST, b"b"), f(BINARY_BEGINS, b"c"), f(LAST, b"d")], [said(TEXT, "ab"), said(BINARY, "cd")], Open;
        "5.4", "fragments longer than 125 and 65,535", [f(BINARY_BEGINS, &half[..200]), f(LAST, &vec![b'x'; 65_536])], [said(BINARY, vec![b'x'; 65_736])], Open;
        "5.5", "a ping between fragments", [f(TEXT_BEGINS, b"Hel"), f(PING, b"now"), f(LAST, b"lo")], [said(PONG, "now"), said(TEXT, "Hello")], Open;
        "5.5", "pings between all fragments", [f(TEXT_BEGINS, b"a"), f(PING, b"1"), f(MORE, b"b"), f(PING, b"2"), f(LAST, b"c")], [said(PONG, "1"), said(PONG, "2"), said(TEXT, "abc")], Open;
        "5.5", "a pong between fragments", [f(TEXT_BEGINS, b"Hel"), f(PONG, b""), f(LAST, b"lo")], [said(TEXT, "Hello")], Open;
        "5.5", "a close between fragments", [f(TEXT_BEGINS, b"Hel"), f(CLOSE, &reason(1001, "")), f(LAST, b"lo")], [], Close(1001);
        "5.4", "a continuation of nothing", [f(LAST, b"x")], [], Close(1002);
        "5.4", "a continuation of nothing, not the last", [f(MORE, b"x")], [], Close(1002);
        "5.4", "a continuation behind a whole message", [f(TEXT, b"whole"), f(LAST, b"x")], [said(TEXT, "whole")], Close(1002);
        "5.4", "a continuation behind the last fragment", [f(TEXT_BEGINS, b"a"), f(LAST, b"b"), f(LAST, b"c")], [said(TEXT, "ab")], Close(1002);
        "5.4", "a text inside a fragmented text", [f(TEXT_BEGINS, b"a"), f(TEXT, b"b")], [], Close(1002);
        "5.4", "a binary message inside a fragmented text", [f(TEXT_BEGINS, b"a"), f(BINARY, b"b")], [], Close(1002);
        "5.4", "a fragmented text that begins twice", [f(TEXT_BEGINS, b"a"), f(TEXT_BEGINS, b"b")], [], Close(1002);
        "5.4", "a fragmented binary message that goes on as text", [f(BINARY_BEGINS, b"a"), f(TEXT_BEGINS, b"b")], [], Close(1002);
        "10.4", "fragments up to the limit of a message", [f(BINARY_BEGINS, &half), f(LAST, &half)], [said(BINARY, vec![b'x'; MAX_MESSAGE])], Open;
        "10.4", "fragments beyond it, refused at the header", [f(BINARY_BEGINS, &half), head(LAST, MAX_MESSAGE as u64 / 2 + 1)], [], Close(1009);
        "10.4", "a second fragment of 2^63-1", [f(BINARY_BEGINS, b"x"), head(MORE, u64::MAX >> 1)], [], Close(1009);
        "10.4", "endless fragments", [f(BINARY_BEGINS, &half), repeat(f(MORE, &half[..1000]), 40)], [], Close(1009);
        "limits", "as many fragments as there may be", [f(TEXT_BEGINS, b"."), repeat(f(MORE, b"."), MAX_FRAGMENTS - 2), f(LAST, b".")], [said(TEXT, ".".repeat(MAX_FRAGMENTS as usize))], Open;
        "limits", "one fragment more", [f(TEXT_BEGINS, b"."), repeat(f(MORE, b"."), MAX_FRAGMENTS)], [], Close(1008);
        "limits", "as many empty fragments in a row as there may be", [f(TEXT_BEGINS, b"a"), repeat(f(MORE, b""), MAX_EMPTY_RUN), f(MORE, b"b"), repeat(f(MORE, b""), MAX_EMPTY_RUN), f(LAST, b"c")], [said(TEXT, "abc")], Open;
        "limits", "one empty fragment more", [f(TEXT_BEGINS, b"a"), repeat(f(MORE, b""), MAX_EMPTY_RUN + 1)], [], Close(1008);
        "limits", "empty fragments with pings between them", [f(TEXT_BEGINS, b"a"), repeat([f(MORE, b""), f(PONG, b"")].concat(), MAX_EMPTY_RUN + 1)], [], Close(1008);
    ]
}

#[rustfmt::skip]
fn control(tested: Tested) -> Vec<Case> {
    let f = |first, payload: &[u8]| from_peer(tested, first, payload);
    let head = |first, length| header(first, tested == Tested::Server, length);
    rows![
        "5.5.2", "an empty ping", [f(PING, b"")], [said(PONG, "")], Open;
        "5.5.2", "a ping with every octet from 131 on", [f(PING, &(131..=255).collect::<Vec<u8>>())], [said(PONG, (131..=255).collect::<Vec<u8>>())], Open;
        "5.5.2", "three pings", [f(PING, b"1"), f(PING, b"2"), f(PING, b"3")], [said(PONG, "1"), said(PONG, "2"), said(PONG, "3")], Open;
        "5.5.2", "a ping, a text, a ping", [f(PING, b"1"), f(TEXT, b"x"), f(PING, b"2")], [said(PONG, "1"), said(TEXT, "x"), said(PONG, "2")], Open;
        "5.5.2", "a long ping and then a short one: nothing of the first is left", [f(PING, &[b'x'; 125]), f(PING, b"y")], [said(PONG, [b'x'; 125]), said(PONG, "y")], Open;
        "5.5.3", "a pong that nobody asked for", [f(PONG, b"x")], [], Open;
        "5.5.3", "an empty pong", [f(PONG, b"")], [], Open;
        "5.5", "a ping of 126 octets", [head(PING, 126)], [], Close(1002);
        "5.5", "a pong of 126 octets", [head(PONG, 126)], [], Close(1002);
        "5.5", "a close of 126 octets", [head(CLOSE, 126)], [], Close(1002);
        "5.5", "a ping of 2^62 octets", [head(PING, 1 << 62)], [], Close(1002);
        "5.5", "a ping in fragments", [f(0x09, b"a"), f(LAST, b"b")], [], Close(1002);
        "5.5", "a pong in fragments", [f(0x0a, b"a")], [], Close(1002);
        "5.5", "a close in fragments", [f(0x08, &reason(1000, ""))], [], Close(1002);
        "5.5", "a ping in fragments inside a message", [f(TEXT_BEGINS, b"a"), f(0x09, b"a")], [], Close(1002);
    ]
}

#[rustfmt::skip]
fn closing(tested: Tested) -> Vec<Case> {
    let f = |first, payload: &[u8]| from_peer(tested, first, payload);
    let close = |code, text: &[u8]| from_peer(tested, CLOSE, reason(code, text));
    let mut rows = rows![
        "5.5.1", "an empty close", [f(CLOSE, b"")], [], CloseWith(Vec::new());
        "5.5.1", "a close with a reason", [close(1000, b"bye")], [], CloseWith(reason(1000, "bye"));
        "5.5.1", "a reason of 123 octets", [close(1000, &[b'x'; 123])], [], CloseWith(reason(1000, [b'x'; 123]));
        "5.5.1", "a reason in UTF-8", [close(1001, "ñandú 😀".as_bytes())], [], CloseWith(reason(1001, "ñandú 😀"));
        "5.5.1", "a close of one octet", [f(CLOSE, &[3])], [], Close(1002);
        "5.5.1", "a reason that is not UTF-8", [close(1000, b"\xff")], [], Close(1007);
        "5.5.1", "a reason that ends in the middle of a character", [close(1000, b"a\xe2\x82")], [], Close(1007);
        "5.5.1", "a text behind a close", [close(1000, b""), f(TEXT, b"x")], [], Close(1000);
        "5.5.1", "a ping behind a close", [close(1000, b""), f(PING, b"x")], [], Close(1000);
        "5.5.1", "two closes", [close(1000, b""), close(1001, b"")], [], Close(1000);
        "5.5.1", "no frames at all behind a close", [close(1000, b""), vec![0xff; 40]], [], Close(1000);
        "5.5.1", "a message and a close in one segment", [f(TEXT, b"last words"), close(1000, b"")], [said(TEXT, "last words")], Close(1000);
        "7.1.7", "whatever follows a failure is not looked at", [f(0x83, b""), f(TEXT, b"x"), close(1000, b"")], [], Close(1002);
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        rows.extend(rows!["7.4", "a code that may be sent", [close(code, b"")], [], CloseWith(reason(code, ""));]);
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32_768, 65_535] {
        rows.extend(rows!["7.4", "a code that must not be sent", [close(code, b"")], [], Close(1002);]);
    }
    rows
}

#[rustfmt::skip]
fn text(tested: Tested) -> Vec<Case> {
    let f = |first, payload: &[u8]| from_peer(tested, first, payload);
    let head = |first, length| header(first, tested == Tested::Server, length);
    // Only the beginning of a long text has come: the bytes that follow the header are masked from the key's start.
    let begun = |octets: &[u8]| {
        let whole = f(TEXT, octets);
        [head(TEXT, 125), whole[whole.len() - octets.len()..].to_vec()].concat()
    };
    let mut rows = rows![
        "8.1", "octets that are no text in a binary message", [f(BINARY, b"\xff\xc0\xaf")], [said(BINARY, b"\xff\xc0\xaf")], Open;
        "8.1", "a character cut by a fragment border", [f(TEXT_BEGINS, b"\xf0\x9f"), f(LAST, b"\x98\x80")], [said(TEXT, "😀")], Open;
        "8.1", "a character in four fragments with pings between", [f(TEXT_BEGINS, b"\xf0"), f(PING, b""), f(MORE, b"\x9f"), f(MORE, b"\x98"), f(PING, b""), f(LAST, b"\x80")], [said(PONG, ""), said(PONG, ""), said(TEXT, "😀")], Open;
        "8.1", "a character cut by an empty fragment", [f(TEXT_BEGINS, b"\xe2\x82"), f(MORE, b""), f(LAST, b"\xac")], [said(TEXT, "€")], Open;
        "8.1", "a character that never ends", [f(TEXT, b"\xe2\x82")], [], Close(1007);
        "8.1", "a character that never ends, in fragments", [f(TEXT_BEGINS, b"\xe2"), f(LAST, b"\x82")], [], Close(1007);
        "8.1", "the next message does not end it", [f(TEXT_BEGINS, b"a"), f(LAST, b"\xe2\x82"), f(TEXT, b"\xac")], [], Close(1007);
        "8.1", "an impossible octet in the first of two fragments", [f(TEXT_BEGINS, b"\xff")], [], Close(1007);
        "8.1", "an impossible octet in the second", [f(TEXT_BEGINS, b"a"), f(MORE, b"\xc0")], [], Close(1007);
        "8.1", "an impossible octet in a frame that is not whole", [begun(b"a\xff")], [], Close(1007);
        "8.1", "a surrogate in a frame that is not whole", [begun(b"\xed\xa0")], [], Close(1007);
        "8.1", "above U+10FFFF in a frame that is not whole", [begun(b"\xf4\x90")], [], Close(1007);
        "8.1", "good text, then bad", [f(TEXT, b"good"), f(TEXT, b"b\x80d")], [said(TEXT, "good")], Close(1007);
    ];
    for (name, octets) in [
        ("a tail without a head", &b"\x80"[..]),
        ("an overlong slash of two octets", b"\xc0\xaf"),
        ("an overlong slash of three", b"\xe0\x80\xaf"),
        ("an overlong slash of four", b"\xf0\x80\x80\xaf"),
        ("an overlong NUL", b"\xc0\x80"),
        ("the highest overlong of two", b"\xc1\xbf"),
        ("the highest overlong of three", b"\xe0\x9f\xbf"),
        ("the highest overlong of four", b"\xf0\x8f\xbf\xbf"),
        ("the first surrogate", b"\xed\xa0\x80"),
        ("the last surrogate", b"\xed\xbf\xbf"),
        ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
        ("U+110000", b"\xf4\x90\x80\x80"),
        ("a head of five octets", b"\xf8\x88\x80\x80\x80"),
        ("octet FE", b"\xfe"),
        ("octet FF", b"\xff"),
        ("a head and no tail", b"\xc3("),
        ("Latin-1", b"caf\xe9 con leche"),
    ] {
        rows.extend(rows!["8.1", name, [f(TEXT, octets)], [], Close(1007);]);
    }
    for (name, text) in [
        ("NUL", "\0"), ("the last of one octet", "\u{7f}"), ("the first of two", "\u{80}"), ("the last of two", "\u{7ff}"),
        ("the first of three", "\u{800}"), ("before the surrogates", "\u{d7ff}"), ("behind them", "\u{e000}"),
        ("a byte order mark", "\u{feff}"), ("noncharacters", "\u{fffe}\u{ffff}\u{fdd0}"), ("the first of four", "\u{10000}"),
        ("the last there is", "\u{10ffff}"),
    ] {
        rows.extend(rows!["8.1", name, [f(TEXT, text.as_bytes())], [said(TEXT, text)], Open;]);
    }
    rows
}

/// Sends a row and looks at all that comes back.
fn check(tested: Tested, case: &Case, peer: &mut Peer, dribble: bool) {
    let Case {
        section,
        name,
        wire,
        frames,
        then,
    } = case;
    println!(
        "{tested:?}, {section}: {name}{}",
        if dribble { ", octet by octet" } else { "" }
    );
    if dribble {
        for octet in wire {
            peer.try_send([*octet]); // a row that fails may be refused before its end
        }
    } else {
        peer.try_send(wire);
    }
    let expect = |peer: &mut Peer, first: u8, payload: &[u8]| {
        let frame = peer.frame();
        assert!(
            frame.first == first && frame.payload == payload,
            "{:#04x} {:?}",
            frame.first,
            &frame.payload[..frame.payload.len().min(99)]
        );
        // 5.1: "a server MUST NOT mask any frames", a client all.
        assert_eq!(frame.key.is_some(), tested == Tested::Client);
    };
    for (first, payload) in frames {
        expect(peer, *first, payload);
    }
    match then {
        Open => {
            peer.send(from_peer(tested, PING, "still there?"));
            expect(peer, PONG, b"still there?");
        }
        CloseWith(payload) => expect(peer, CLOSE, payload),
        Close(code) => {
            let close = peer.frame();
            assert_eq!(close.first, CLOSE);
            assert_eq!(
                close.payload.get(..2),
                Some(&code.to_be_bytes()[..]),
                "{:?}",
                String::from_utf8_lossy(&close.payload)
            );
            assert!(std::str::from_utf8(&close.payload[2..]).is_ok());
        }
    }
    if !matches!(then, Open) {
        assert_eq!(peer.end(), End::Orderly);
    }
}

#[test]
fn the_server_answers_every_row_as_the_rfc_asks() {
    let server = TestServer::echo(tight());
    let cases = cases(Tested::Server);
    assert!(cases.len() >= 80);
    for case in &cases {
        check(Tested::Server, case, &mut server.open("/"), false);
    }
}

#[test]
fn the_server_answers_every_row_octet_by_octet() {
    let server = TestServer::echo(tight());
    for case in cases(Tested::Server)
        .iter()
        .filter(|case| case.wire.len() < 600)
    {
        check(Tested::Server, case, &mut server.open("/"), true);
    }
}

/// Runs the rows against our client, which echoes what it is sent.
fn against_the_client(dribble: bool) {
    let host = Host::new();
    for case in cases(Tested::Client)
        .iter()
        .filter(|case| !dribble || case.wire.len() < 600)
    {
        let client = Client::new(host.url()).limits(tight());
        let session = thread::spawn(move || {
            let mut ws = client.connect().expect("a connection");
            // The error is the point of many rows; here it only ends the session.
            while let Ok(Some(message)) = ws.read() {
                if ws.send(message).is_err() {
                    break;
                }
            }
        });
        let mut peer = host.upgrade("");
        check(Tested::Client, case, &mut peer, dribble);
        drop(peer);
        session.join().expect("no panic");
    }
}

#[test]
fn the_client_answers_every_row_as_the_rfc_asks() {
    against_the_client(false);
}

#[test]
fn the_client_answers_every_row_octet_by_octet() {
    against_the_client(true);
}

/// The frames may come in the same segment as the end of the handshake.
#[test]
fn the_client_answers_every_row_glued_behind_the_101() {
    let host = Host::new();
    for case in &cases(Tested::Client) {
        let client = Client::new(host.url()).limits(tight());
        let session = thread::spawn(move || client.connect().map(echo));
        let mut peer = host.upgrade(&case.wire);
        let rest = Case {
            wire: Vec::new(),
            frames: case.frames.clone(),
            then: case.then.clone(),
            ..*case
        };
        check(Tested::Client, &rest, &mut peer, false);
        drop(peer);
        let _ = session.join().expect("no panic").expect("a connection"); // the error is the point of many rows
    }
}
