//! One message in three frames, with a Ping in the middle of it
//! ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
//!
//! Run it with `cargo run --example fragmentation`. You see each frame and the event it produces: the Ping at once, the
//! message after its last fragment. The text is cut inside a character, which is allowed.

use enchufe::protocol::{Decoder, Encoder, Event, MessageKind, MessageLimits, Role, diagram};

fn main() {
    if let Err(error) = run() {
        eprintln!("The example failed: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let text = "¿Qué tal?".as_bytes();
    let mut encoder = Encoder::new(Role::Server);
    let mut wire = Vec::new();
    // "é" is the bytes c3 a9. The first fragment ends between them.
    encoder.fragment(MessageKind::Text, false, &text[..5], None, &mut wire)?;
    encoder.ping(b"still there?", None, &mut wire)?;
    encoder.fragment(MessageKind::Text, false, &text[5..6], None, &mut wire)?;
    // A second message may not start before this one ends. The encoder returns an error.
    if let Err(error) = encoder.message(MessageKind::Text, b"no", None, &mut wire) {
        println!("a message in between? {error}\n");
    }
    encoder.fragment(MessageKind::Text, true, &text[6..], None, &mut wire)?;

    let mut decoder = Decoder::new(Role::Client, MessageLimits::default());
    decoder.observe_frames(true);
    while !wire.is_empty() {
        let received = decoder.decode(&mut wire)?;
        let payload = decoder.payload(&wire, &received);
        match &received.event {
            Some(Event::Frame(header)) => print!("{}", diagram::draw(header, payload)),
            Some(Event::Ping) => println!("=> Ping: answer \"{}\" now\n", payload.escape_ascii()),
            Some(Event::Message(_)) => println!("=> the message: {:?}", str::from_utf8(payload)?),
            _ => println!("=> no message yet\n"),
        }
        wire.drain(..received.used);
    }
    Ok(())
}
