//! An echo server: it sends every message back.
//!
//! Run it with `cargo run --example echo_server`, or add an address after `--`. Talk to it from another terminal with
//! `cargo run --example echo_client -- ws://127.0.0.1:9001/`. You see each client connect, its messages, and its close
//! reason. Each connection has a thread of its own. Ctrl-C stops the server.

use enchufe::{Error, Server, WebSocket};

fn main() {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let server = match Server::bind(address) {
        Ok(server) => server.route("/", echo),
        Err(error) => {
            eprintln!("Cannot listen on {address}: {error}.");
            std::process::exit(1);
        }
    };
    for address in server.local_addrs() {
        println!("echo server on ws://{address}/");
    }
    server.run();
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    let peer = ws.peer_addr();
    let peer = peer.map_or_else(|| "a client".to_owned(), |peer| peer.to_string());
    println!("{peer} connected");
    while let Some(message) = ws.read()? {
        println!("{peer} sent {message:?}");
        ws.send(message)?;
    }
    match ws.close_reason() {
        Some(reason) => println!("{peer} closed: {reason}"),
        None => println!("{peer} closed"),
    }
    Ok(())
}
