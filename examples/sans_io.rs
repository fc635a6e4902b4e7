//! A whole connection without a socket: the protocol is bytes in, bytes out.
//!
//! Run it with `cargo run --example sans_io`. You see the handshake and a message each way between a client and a server
//! that are values in one thread. The bytes of the messages arrive one at a time; the result is the same.

use enchufe::handshake::{ClientHandshake, Url, check_request, upgrade_response};
use enchufe::http::{HeadLimits, RequestParser, ResponseParser};
use enchufe::protocol::{Decoder, Encoder, Event, MaskKey, MessageKind, MessageLimits, Role};

fn main() {
    if let Err(error) = run() {
        eprintln!("The example failed: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    // 4.1: the client sends a request. A real client uses a random nonce.
    let url = Url::parse("ws://example.org/echo")?;
    let handshake = ClientHandshake::new(&url, *b"the sample nonce", &[], &[])?;
    let request_bytes = handshake.request();
    print!("{}", String::from_utf8_lossy(&request_bytes));

    // 4.2: the server checks the request and answers.
    let mut parser = RequestParser::new(HeadLimits::default());
    let (request, _) = parser
        .feed(&request_bytes)?
        .ok_or("the request is incomplete")?;
    let answer_bytes = upgrade_response(&check_request(&request)?, None, None, &[])?;
    print!("{}", String::from_utf8_lossy(&answer_bytes));

    // 4.1 again: the client checks the answer. The connection is open.
    let mut parser = ResponseParser::new(HeadLimits::default());
    let (answer, _) = parser
        .feed(&answer_bytes)?
        .ok_or("the answer is incomplete")?;
    handshake.check(&answer)?;

    // 5: frames in both directions.
    let (mut client, mut server) = (Encoder::new(Role::Client), Encoder::new(Role::Server));
    let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
    let (mut request, mut echo) = (Vec::new(), Vec::new());
    client.message(MessageKind::Text, b"hola", Some(key), &mut request)?;
    let text = receive(Role::Server, &request)?;
    server.message(MessageKind::Text, text.as_bytes(), None, &mut echo)?;
    receive(Role::Client, &echo)?;
    Ok(())
}

/// Receives one message, a byte at a time.
fn receive(role: Role, wire: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
    let mut decoder = Decoder::new(role, MessageLimits::default());
    let mut input = Vec::new();
    for &byte in wire {
        input.push(byte);
        let received = decoder.decode(&mut input)?;
        if let Some(Event::Message(kind)) = received.event {
            let text = str::from_utf8(decoder.payload(&input, &received))?;
            let count = input.len();
            println!("{role:?}: {kind:?} message after {count} bytes: {text}");
            return Ok(text.to_owned());
        }
    }
    Err("the message is not complete".into())
}
