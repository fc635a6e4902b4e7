//! A bot for the binary chat. It greets each new user and repeats what users ask it to.
//!
//! Start the server with `cargo run`, then the bot with `cargo run --example chat_bot`. A different server goes after `--`,
//! as in `cargo run --example chat_bot -- 'ws://127.0.0.1:8080/?name=bot'`. Open <http://127.0.0.1:8080/> and write
//! `bot echo hello`: the bot answers `hello`. The terminal shows what the bot hears and says.

use enchufe::{Error, Sender};

fn main() {
    let url = std::env::args().nth(1);
    if let Err(error) = run(url.as_deref().unwrap_or("ws://127.0.0.1:8080/?name=bot")) {
        eprintln!("The bot stops: {error}.");
        std::process::exit(1);
    }
}

fn run(url: &str) -> Result<(), Error> {
    let (mut reader, sender) = enchufe::connect(url)?.split();
    println!("connected to {url}");
    // The reader lends each message out of its buffer, so decoding copies nothing.
    while let Some(message) = reader.read()? {
        match message.payload().split_first() {
            Some((&NEW_USER, fields)) => {
                let name = decode_string(fields).map_or("", |(name, _status)| name);
                say(&sender, &format!("hello, {name}!"))?;
            }
            Some((&MESSAGE, fields)) => {
                let text = decode_string(fields).and_then(|(_author, rest)| decode_string(rest));
                let text = text.map_or("", |(text, _)| text);
                println!("hears {text:?}");
                if let Some(answer) = text.strip_prefix("bot echo ") {
                    say(&sender, answer)?;
                }
            }
            _ => {} // other notices, such as a changed status
        }
    }
    Ok(())
}

/// Sends a text to all users: the request's code, then the recipient and the text.
fn say(sender: &Sender, text: &str) -> Result<(), Error> {
    // A field has at most 255 bytes; a character is not cut.
    let end = (0..=text.len().min(255))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    let text = &text[..end.unwrap_or(0)];
    println!("says  {text:?}");
    let header = [SEND_MESSAGE, 1, b'~', text.len() as u8];
    sender.send([&header, text.as_bytes()].concat())
}

/// Splits a string field off: one byte for its length, then its bytes. Returns it and the fields that follow.
fn decode_string(fields: &[u8]) -> Option<(&str, &[u8])> {
    let (&length, rest) = fields.split_first()?;
    let (string, rest) = rest.split_at_checked(length.into())?;
    Some((str::from_utf8(string).ok()?, rest))
}

const SEND_MESSAGE: u8 = 4;
const NEW_USER: u8 = 53;
const MESSAGE: u8 = 55;
