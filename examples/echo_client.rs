//! A client in a few lines: connect, send, read, close.
//!
//! Run it with `cargo run --example echo_client`; it starts an echo server of its own. Or give it a URL and messages:
//! `cargo run --example echo_client -- ws://127.0.0.1:9001/ hola adiós`. You see each message sent, its echo, and the time
//! of the round trip.

use std::time::Instant;

use enchufe::{CloseCode, Error, Message, Server};

fn main() {
    if let Err(error) = run() {
        eprintln!("The client stops: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let url = args.next().map_or_else(start_server, Ok)?;
    let mut messages: Vec<Message> = args.map(Message::from).collect();
    if messages.is_empty() {
        messages = vec!["hola".into(), "¿qué tal?".into(), vec![0xca, 0xfe].into()];
    }

    let mut ws = enchufe::connect(&url)?;
    println!("connected to {url}");
    for message in messages {
        println!("> {message:?}");
        let sent = Instant::now();
        ws.send(&message)?;
        match ws.read()? {
            Some(answer) => println!("< {answer:?} after {:?}", sent.elapsed()),
            None => break, // the server closed the connection
        }
    }
    ws.close(CloseCode::NormalClosure, "done")?;
    if let Some(reason) = ws.close_reason() {
        println!("closed: {reason}");
    }
    Ok(())
}

fn start_server() -> Result<String, Error> {
    let server = Server::bind("127.0.0.1:0")?.route("/", |mut ws| {
        while let Some(message) = ws.read()? {
            ws.send(message)?;
        }
        Ok(())
    });
    let url = format!("ws://{}/", server.local_addrs()[0]);
    std::thread::spawn(|| server.run());
    Ok(url)
}
