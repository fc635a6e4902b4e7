//! The normal end of a connection: each side sends one Close frame
//! ([RFC 6455, 7.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1)).
//!
//! Run it with `cargo run --example close_handshake`. You see the two Close frames on the wire, the state of both sides
//! before and after each, and an error: a side that has sent its Close may send nothing else.

use enchufe::protocol::{
    Decoder, Encoder, Event, MaskKey, MessageLimits, Role, Transition, diagram,
};
use enchufe::{CloseCode, CloseReason};

fn main() {
    if let Err(error) = run() {
        eprintln!("The example failed: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let key = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));
    let (mut client, mut server) = (Encoder::new(Role::Client), Encoder::new(Role::Server));
    let mut wire = Vec::new();
    show(&client, &server);

    let reason = CloseReason::new(CloseCode::NormalClosure, "adiós");
    client.close(Some(&reason), key, &mut wire)?;
    receive(Role::Server, &mut server, &mut wire)?;
    show(&client, &server);

    if let Err(error) = client.ping(b"one more thing", key, &mut wire) {
        println!("A Ping from the client now? Error: {error}.");
    }
    println!("The server may finish its message. Then it sends a Close with the same code:\n");
    server.close(Some(&CloseReason::new(reason.code, "")), None, &mut wire)?;
    receive(Role::Client, &mut client, &mut wire)?;
    show(&client, &server);

    println!("Now the server closes the TCP connection, and the client waits for that (7.1.1).");
    Ok(())
}

fn show(client: &Encoder, server: &Encoder) {
    let (client, server) = (client.state(), server.state());
    println!("client: {client:?}, server: {server:?}\n");
}

/// Receives the bytes on the wire as the side `role`, and updates `own`, the sending half of that side.
fn receive(role: Role, own: &mut Encoder, wire: &mut Vec<u8>) -> Result<(), enchufe::Error> {
    let mut decoder = Decoder::new(role, MessageLimits::default());
    decoder.observe_frames(true);
    while !wire.is_empty() {
        let received = decoder.decode(wire)?;
        let payload = decoder.payload(wire, &received);
        match &received.event {
            Some(Event::Frame(header)) => print!("{}", diagram::draw(header, payload)),
            Some(Event::Close(_)) => own.apply(Transition::CloseReceived),
            _ => {}
        }
        wire.drain(..received.used);
    }
    Ok(())
}
