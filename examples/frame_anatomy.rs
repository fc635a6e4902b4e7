//! What the bytes of a frame mean, bit by bit ([RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
//!
//! Run it with `cargo run --example frame_anatomy`: you see one frame of each shape, every field with its section. Give it
//! bytes of your own in hexadecimal, `cargo run --example frame_anatomy -- 81 85 37 fa 21 3d 7f 9f 4d 51 58`, and it draws
//! those, or says which rule they break and with which code the connection would be closed.

use enchufe::protocol::{
    Encoder, Extensions, Header, MaskKey, MessageKind, ProtocolError, Role, diagram,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits: Vec<char> = std::env::args()
        .skip(1)
        .collect::<String>()
        .chars()
        .collect();
    if !digits.is_empty() {
        let pairs = digits.chunks(2).map(String::from_iter);
        let bytes: Result<Vec<u8>, _> = pairs.map(|pair| u8::from_str_radix(&pair, 16)).collect();
        print(&bytes?);
        return Ok(());
    }
    let key = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));
    let (mut client, mut server) = (Encoder::new(Role::Client), Encoder::new(Role::Server));
    let mut frames = [const { Vec::new() }; 5];
    client.message(MessageKind::Text, b"Hello", key, &mut frames[0])?;
    server.message(MessageKind::Binary, &[7; 300], None, &mut frames[1])?;
    server.message(MessageKind::Binary, &[7; 70_000], None, &mut frames[2])?;
    client.ping(b"there?", key, &mut frames[3])?;
    server.close(None, None, &mut frames[4])?;
    frames.iter().for_each(|frame| print(frame));
    Ok(())
}

fn print(frame: &[u8]) {
    if let Err(error) = dissect(frame) {
        println!("refused: {error}; close {}\n", error.close_code());
    }
}

/// Decodes, then checks: first what the bits are, then whether they may be so.
fn dissect(frame: &[u8]) -> Result<(), ProtocolError> {
    let Some((header, start)) = Header::decode(frame)? else {
        println!("the header goes on: more bytes are needed\n");
        return Ok(());
    };
    // Only clients mask, so the mask tells who sent it and who has to judge.
    let (sender, judge) = match header.mask {
        Some(_) => ("client", Role::Server),
        None => ("server", Role::Client),
    };
    let mut payload = frame[start..].to_vec();
    payload.truncate(usize::try_from(header.length).unwrap_or(usize::MAX));
    if let Some(key) = header.mask {
        key.apply(0, &mut payload);
    }
    println!("from a {sender}:\n{}", diagram::draw(&header, &payload));
    header.check(judge, false, Extensions::default())
}
