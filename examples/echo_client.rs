//! A client in a few lines: connect, send, read, close.
//!
//! Run it with `cargo run --example echo_client`: it starts an echo server of its own. Or give it a URL and what to say,
//! `cargo run --example echo_client -- ws://127.0.0.1:9001/ hola adiós`. You see what was sent, what came back and how long
//! each round trip took.

use std::time::Instant;

use enchufe::{CloseCode, Error, Message, Server};

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let url = args.next().map_or_else(start_server, Ok)?;
    let mut say: Vec<Message> = args.map(Message::from).collect();
    if say.is_empty() {
        say = vec!["hola".into(), "¿qué tal?".into(), vec![0xca, 0xfe].into()];
    }

    let mut ws = enchufe::connect(&url)?;
    println!("connected to {url}");
    for message in say {
        println!("> {message:?}");
        let sent = Instant::now();
        ws.send(&message)?;
        match ws.read()? {
            Some(answer) => println!("< {answer:?} after {:?}", sent.elapsed()),
            None => break,
        }
    }
    ws.close(CloseCode::NormalClosure, "that was all")?;
    if let Some(why) = ws.close_reason() {
        println!("closed: {why}");
    }
    Ok(())
}

fn start_server() -> Result<String, Error> {
    let server = Server::bind("127.0.0.1:0")?.route("/", enchufe::services::echo::session);
    let url = format!("ws://{}/", server.local_addrs()[0]);
    std::thread::spawn(|| server.run());
    Ok(url)
}
