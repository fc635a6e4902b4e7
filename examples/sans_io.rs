//! A whole connection without a socket: the protocol is bytes in, bytes out.
//!
//! Run it with `cargo run --example sans_io`. You see the handshake and a message each way between a client and a server
//! that are values in one thread. The bytes of the messages arrive one at a time, and nobody minds.

use enchufe::handshake::{ClientHandshake, Url, server};
use enchufe::http::{HeadLimits, RequestParser, ResponseParser};
use enchufe::protocol::{Decoder, Encoder, Event, MaskKey, MessageKind, MessageLimits, Role};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    // 4.1: the client asks. Its nonce should be random.
    let url = Url::parse("ws://example.org/echo")?;
    let handshake = ClientHandshake::new(&url, *b"the sample nonce", &[], &[])?;
    let asked = handshake.request();
    print!("{}", String::from_utf8_lossy(&asked));

    // 4.2: the server checks what it is asked, and answers.
    let mut parser = RequestParser::new(HeadLimits::default());
    let (request, _) = parser.feed(&asked)?.ok_or("the request goes on")?;
    let answered = server::response(&server::check(&request)?, None, None, &[])?;
    print!("{}", String::from_utf8_lossy(&answered));

    // 4.1 again: the client believes the answer once it has checked it.
    let mut parser = ResponseParser::new(HeadLimits::default());
    let (answer, _) = parser.feed(&answered)?.ok_or("the answer goes on")?;
    handshake.check(&answer)?;

    // 5: frames, there and back.
    let (mut client, mut server) = (Encoder::new(Role::Client), Encoder::new(Role::Server));
    let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
    let (mut there, mut back) = (Vec::new(), Vec::new());
    client.message(MessageKind::Text, b"hola", Some(key), &mut there)?;
    let heard = hear(Role::Server, &there)?;
    server.message(MessageKind::Text, heard.as_bytes(), None, &mut back)?;
    hear(Role::Client, &back)?;
    Ok(())
}

/// Receives one message, a byte at a time.
fn hear(role: Role, wire: &[u8]) -> Outcome<String> {
    let mut receiver = Decoder::new(role, MessageLimits::default());
    let mut input = Vec::new();
    for &byte in wire {
        input.push(byte);
        let received = receiver.receive(&mut input)?;
        if let Some(Event::Message(kind)) = received.event {
            let text = str::from_utf8(receiver.payload(&input, &received))?;
            println!(
                "{role:?}: {kind:?} message after {} bytes: {text}",
                input.len()
            );
            return Ok(text.to_owned());
        }
    }
    Err("the message is not complete".into())
}
