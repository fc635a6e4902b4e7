//! A program that takes part in the binary chat: it greets whoever is new, and repeats what it is asked to.
//!
//! Run it with `cargo run --example chat_bot`: it opens a chat of its own, where Ana talks to it. Or let it into a real one,
//! `cargo run --example chat_bot -- 'ws://127.0.0.1:8080/?name=bot'`, and say `bot echo hello` there. You see what it hears.

use enchufe::services::chat::binary_client::{ServerMessage, decode, say};
use enchufe::services::{Router, Settings};
use enchufe::{Error, Sender, Server, WebSocket};

fn main() -> Result<(), Error> {
    if let Some(url) = std::env::args().nth(1) {
        return take_part(enchufe::connect(&url)?);
    }
    let router = Router::new(Settings::default());
    let server = Server::bind("127.0.0.1:0")?.service(router).start();
    let url = server.url("/?name=");
    // Whoever is connected is in the chat: the bot will see Ana come.
    let bot = enchufe::connect(&format!("{url}bot"))?;
    std::thread::spawn(|| take_part(bot));

    let (mut reader, ana) = enchufe::connect(&format!("{url}Ana"))?.split();
    let mut questions = ["bot echo ¿qué tal?", "bot echo adiós"].iter();
    while let Some(message) = reader.read()? {
        if let Some(ServerMessage::Said(b"bot", text)) = decode(message.payload()) {
            println!("Ana reads: {}", String::from_utf8_lossy(text));
            let Some(question) = questions.next() else {
                break;
            };
            say_to_all(&ana, question)?;
        }
    }
    Ok(())
}

/// Names and texts are lent out of the read buffer: nothing is copied to be looked at.
fn take_part(ws: WebSocket) -> Result<(), Error> {
    let (mut reader, sender) = ws.split();
    while let Some(message) = reader.read()? {
        match decode(message.payload()) {
            Some(ServerMessage::NewUser(who, _)) => {
                let hello = format!("hello, {}!", String::from_utf8_lossy(who));
                say_to_all(&sender, &hello)?;
            }
            Some(ServerMessage::Said(_, text)) => {
                let text = String::from_utf8_lossy(text);
                println!("bot hears: {text}");
                if let Some(rest) = text.strip_prefix("bot echo ") {
                    say_to_all(&sender, rest)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn say_to_all(sender: &Sender, text: &str) -> Result<(), Error> {
    let mut messages = say(None, text).into_iter();
    messages.try_for_each(|message| sender.send(message))
}
