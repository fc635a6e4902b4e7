//! How a connection ends when nothing is wrong: each side sends one Close
//! ([RFC 6455, 7.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1)).
//!
//! Run it with `cargo run --example close_handshake`. You see the two Closes on the wire, the state of both sides before
//! and after each, and what a side may no longer do.

use enchufe::protocol::{
    Decoder, Encoder, Event, MaskKey, MessageLimits, Role, Transition, diagram,
};
use enchufe::{CloseCode, CloseReason};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let key = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));
    let (mut client, mut server) = (Encoder::new(Role::Client), Encoder::new(Role::Server));
    let mut wire = Vec::new();
    show(&client, &server);

    let reason = CloseReason::new(CloseCode::NormalClosure, "adiós");
    client.close(Some(&reason), key, &mut wire)?;
    hear(Role::Server, &mut server, &mut wire)?;
    show(&client, &server);

    let refused = client.ping(b"one more thing", key, &mut wire).unwrap_err();
    println!("A Ping from the client now? Refused: {refused}.");
    println!("The server may finish its message, and owes a Close with the same code:\n");
    let answer = CloseReason::new(reason.code, "");
    server.close(Some(&answer), None, &mut wire)?;
    hear(Role::Client, &mut client, &mut wire)?;
    show(&client, &server);

    println!("Now the server closes the TCP connection, and the client waits for that (7.1.1).");
    Ok(())
}

fn show(client: &Encoder, server: &Encoder) {
    println!(
        "client: {:?}, server: {:?}\n",
        client.state(),
        server.state()
    );
}

/// The side `role`, whose sending half is `own`, receives what is on the wire.
fn hear(role: Role, own: &mut Encoder, wire: &mut Vec<u8>) -> Outcome {
    let mut receiver = Decoder::new(role, MessageLimits::default());
    receiver.observe_frames(true);
    while !wire.is_empty() {
        let received = receiver.receive(wire)?;
        let payload = receiver.payload(wire, &received);
        match &received.event {
            Some(Event::Frame(header)) => print!("{}", diagram::draw(header, payload)),
            Some(Event::Close(_)) => own.step(Transition::CloseReceived),
            _ => {}
        }
        wire.drain(..received.used);
    }
    Ok(())
}
