//! One message in three frames, with a Ping in the middle of it
//! ([RFC 6455, 5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
//!
//! Run it with `cargo run --example fragmentation`. You see each frame, and what a receiver makes of it: the Ping comes out
//! at once, the message when its last fragment is there. The text is cut inside a character, which is allowed.

use enchufe::protocol::{Decoder, Encoder, Event, MessageKind, MessageLimits, Role, diagram};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "¿Qué tal?".as_bytes();
    let mut sender = Encoder::new(Role::Server);
    let mut wire = Vec::new();
    // "é" is c3 a9: the first fragment ends between the two.
    sender.fragment(MessageKind::Text, false, &text[..5], None, &mut wire)?;
    sender.ping(b"still there?", None, &mut wire)?;
    sender.fragment(MessageKind::Text, false, &text[5..6], None, &mut wire)?;
    // A second message may not begin now, and the sending half says so.
    let refused = sender.message(MessageKind::Text, b"no", None, &mut wire);
    println!("a message in between? {}\n", refused.unwrap_err());
    sender.fragment(MessageKind::Text, true, &text[6..], None, &mut wire)?;

    let mut receiver = Decoder::new(Role::Client, MessageLimits::default());
    receiver.observe_frames(true);
    while !wire.is_empty() {
        let received = receiver.receive(&mut wire)?;
        let payload = receiver.payload(&wire, &received);
        match &received.event {
            Some(Event::Frame(header)) => print!("{}", diagram::draw(header, payload)),
            Some(Event::Ping) => println!(
                "=> Ping: answer {:?} now\n",
                payload.escape_ascii().to_string()
            ),
            Some(Event::Message(_)) => println!("=> the message: {:?}", str::from_utf8(payload)?),
            _ => println!("=> no message yet\n"),
        }
        wire.drain(..received.used);
    }
    Ok(())
}
