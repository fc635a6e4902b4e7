//! A proxy that draws the handshake and every frame, in both directions. Run it with `cargo run --example wire_tap`: it
//! taps a conversation of its own. Or put it in front of any server, `cargo run --example wire_tap -- 127.0.0.1:8080`, and
//! connect a client to the address that it prints.

use enchufe::{
    Error, Server, WebSocket,
    protocol::{Header, diagram},
};
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

fn main() {
    if let Err(error) = run() {
        eprintln!("The tap stops: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let tap = TcpListener::bind("127.0.0.1:0")?;
    let address = tap.local_addr()?;
    println!("tapped: ws://{address}/");
    if let Some(target) = std::env::args().nth(1) {
        for client in tap.incoming() {
            let (client, server) = (client?, TcpStream::connect(&target)?);
            thread::spawn(|| forward(client, server));
        }
    }
    let server = Server::bind("127.0.0.1:0")?.route("/", echo).start();
    thread::spawn(move || {
        let mut ws = enchufe::connect(&format!("ws://{address}/"))?;
        ws.send("hola")?;
        ws.read()
    });
    forward(tap.accept()?.0, TcpStream::connect(server.local_addrs())?)
}

fn echo(mut ws: WebSocket) -> std::result::Result<(), Error> {
    while let Some(message) = ws.read()? {
        ws.send(message)?;
    }
    Ok(())
}

/// Carries the bytes of one connection both ways, until both ends have closed.
fn forward(client: TcpStream, server: TcpStream) -> Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| carry(&client, &server, "client -> server"));
        carry(&server, &client, "server -> client")
    })
}

fn carry(from: &TcpStream, mut to: &TcpStream, direction: &str) -> Result<()> {
    // 1.3: each side sends one HTTP head, which ends with an empty line, and then only frames.
    let (mut from, mut head, mut frames) = (BufReader::new(from), Vec::new(), Vec::new());
    while !head.ends_with(b"\r\n\r\n") && from.read_until(b'\n', &mut head)? > 0 {}
    print!("{direction}\n{}", String::from_utf8_lossy(&head));
    to.write_all(&head)?;
    let mut bytes = [0; 4096];
    while let count @ 1.. = from.read(&mut bytes)? {
        frames.extend(&bytes[..count]);
        while let Ok(Some((header, start))) = Header::decode(&frames)
            && let Some(payload) = frames[start..].get_mut(..header.length as usize)
        {
            header.mask.iter().for_each(|key| key.apply(0, payload));
            println!("{direction}\n{}", diagram::draw(&header, payload));
            frames.drain(..start + header.length as usize);
        }
        // The bytes leave as they came, after the drawing, so no answer is drawn before its request.
        to.write_all(&bytes[..count])?;
    }
    to.shutdown(Shutdown::Write)
}
