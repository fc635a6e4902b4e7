//! The bytes of a frame, bit by bit ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
//!
//! Run it with `cargo run --example frame_anatomy`: you see one frame of each shape, every field with its section. Or add
//! bytes in hexadecimal, `cargo run --example frame_anatomy -- 81 85 37 fa 21 3d 7f 9f 4d 51 58`. The example draws them,
//! or names the rule they break and the close code.

use enchufe::protocol::{Extensions, Header, MaskKey, Opcode, ProtocolError, Role, diagram};

fn main() {
    let digits: String = std::env::args().skip(1).collect();
    if !digits.is_empty() {
        let Some(bytes) = decode_hex(digits.as_bytes()) else {
            eprintln!("{digits:?} is not hexadecimal: each byte is two digits, such as 81.");
            std::process::exit(2);
        };
        return print(&bytes);
    }
    let key = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));
    print(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    for (opcode, key, payload) in [
        (Opcode::Binary, None, vec![7; 300]),
        (Opcode::Binary, None, vec![7; 70_000]),
        (Opcode::Ping, key, b"there?".to_vec()),
        (Opcode::Close, None, vec![]),
    ] {
        let mut frame = Vec::new();
        Header::whole(opcode, key, payload.len() as u64).encode(&mut frame);
        let start = frame.len();
        frame.extend(payload);
        key.iter().for_each(|key| key.apply(0, &mut frame[start..]));
        print(&frame);
    }
}

fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |&digit: &u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
    digits.chunks(2).map(byte).collect()
}

fn print(frame: &[u8]) {
    if let Err(error) = dissect(frame) {
        println!("error: {error}; close {}\n", error.close_code());
    }
}

/// Decodes a frame and draws it, then checks it against the rules.
fn dissect(frame: &[u8]) -> Result<(), ProtocolError> {
    let Some((header, start)) = Header::decode(frame)? else {
        println!(
            "incomplete: the header has more bytes than these {}\n",
            frame.len()
        );
        return Ok(());
    };
    // Only clients mask, so the mask shows which side sent the frame, and the other side checks it.
    let (sender, receiver) = match header.mask {
        Some(_) => ("client", Role::Server),
        None => ("server", Role::Client),
    };
    let (wanted, present) = (header.length, (frame.len() - start) as u64);
    let whole = usize::try_from(wanted)
        .ok()
        .and_then(|length| frame[start..].get(..length));
    let mut payload = whole.unwrap_or_default().to_vec();
    header
        .mask
        .iter()
        .for_each(|key| key.apply(0, &mut payload));
    println!("from a {sender}:\n{}", diagram::draw(&header, &payload));
    if present < wanted {
        println!(
            "incomplete: {present} of {wanted} payload bytes, {} missing\n",
            wanted - present
        );
    } else if present > wanted {
        println!("{} more bytes follow the frame\n", present - wanted);
    }
    header.check(receiver, false, Extensions::default())
}
