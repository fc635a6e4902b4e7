//! Client frames, made before they are needed, and what must come back for them
//! ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).

use crate::options::Payload;

/// A whole masked frame.
pub fn masked(opcode: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), MASK);
    frame.extend_from_slice(&key);
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(octet, key)| octet ^ key),
    );
    frame
}

/// A whole unmasked frame, as a server sends it.
pub fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

/// A server frame at the front of `bytes`: its opcode, where its payload begins and where it ends. `None` if the header
/// is not all there; the payload may not be either.
pub fn parse(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (start, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?) as usize),
        length => (2, usize::from(length)),
    };
    Some((first & 0x0f, start, start + length))
}

/// Whether the payload of the frame at the front of `bytes` is compressed
/// ([RFC 7692, 6](https://www.rfc-editor.org/rfc/rfc7692#section-6)).
pub fn is_compressed(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & RSV1 != 0)
}

/// A payload of `size` bytes that differs from connection to connection.
pub fn payload(kind: Payload, size: usize, connection: usize) -> Vec<u8> {
    match kind {
        Payload::Binary => (0..size)
            .map(|at| (at * 31 + connection * 7 + (at >> 8)) as u8)
            .collect(),
        Payload::Ascii => text(
            "the quick brown fox jumps over the lazy dog; ",
            size,
            connection,
        ),
        Payload::Json => json(size, connection),
        Payload::Mixed => text(
            "¿Qué tal, señor? Mañana más 🎉🚀 ¡adiós, corazón! 😀 ",
            size,
            connection,
        ),
    }
}

pub fn opcode(kind: Payload) -> u8 {
    match kind {
        Payload::Binary => BINARY,
        Payload::Ascii | Payload::Mixed | Payload::Json => TEXT,
    }
}

/// `sample` over and over, from another character for each connection, filled up with spaces to exactly `size` bytes.
fn text(sample: &str, size: usize, connection: usize) -> Vec<u8> {
    let mut text = String::with_capacity(size);
    for character in sample
        .chars()
        .cycle()
        .skip(connection % sample.chars().count())
    {
        if text.len() + character.len_utf8() > size {
            break;
        }
        text.push(character);
    }
    let mut text = text.into_bytes();
    text.resize(size, b' ');
    text
}

/// A list of users, with numbers that differ from connection to connection, filled up with spaces to exactly `size` bytes.
fn json(size: usize, connection: usize) -> Vec<u8> {
    let mut json = br#"{"type":"users","users":["#.to_vec();
    for number in 0.. {
        let id = (connection + number) * 7919;
        let user = format!(
            r#"{{"id":{id},"name":"user {number}","status":"ACTIVE","seen":{}}},"#,
            id * 104_729 % 1_000_003
        );
        if json.len() + user.len() + 1 > size {
            break;
        }
        json.extend(user.into_bytes());
    }
    json.pop();
    json.extend(b"]}");
    json.resize(size, b' ');
    json
}

fn header(opcode: u8, length: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![FIN | opcode];
    match length {
        0..=125 => header.push(mask | length as u8),
        126..=0xffff => {
            header.push(mask | 126);
            header.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    header
}

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
const MASK: u8 = 0x80;
