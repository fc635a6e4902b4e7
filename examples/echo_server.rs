//! An echo server: whatever you send comes back.
//!
//! Run it with `cargo run --example echo_server`, or with an address of your own behind `--`, and talk to it from another
//! terminal with `cargo run --example echo_client -- ws://127.0.0.1:9001/`. You see who comes, what they say, and how
//! they leave. Each connection has a thread; stop the server with Ctrl-C.

use enchufe::{Error, Server, WebSocket};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let server = Server::bind(address.as_deref().unwrap_or("127.0.0.1:9001"))?.route("/", echo);
    for address in server.local_addrs() {
        println!("echo server on ws://{address}/");
    }
    server.run();
    Ok(())
}

fn echo(mut ws: WebSocket) -> Result<(), Error> {
    let peer = ws
        .peer_addr()
        .map_or_else(|| "somebody".to_owned(), |peer| peer.to_string());
    println!("{peer} is here");
    while let Some(message) = ws.read()? {
        println!("{peer} says {message:?}");
        ws.send(message)?;
    }
    match ws.close_reason() {
        Some(why) => println!("{peer} left: {why}"),
        None => println!("{peer} left"),
    }
    Ok(())
}
