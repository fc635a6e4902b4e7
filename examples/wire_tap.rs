//! A proxy that draws what passes, the handshake and every frame, in both directions. Run it with
//! `cargo run --example wire_tap`: it taps a conversation of its own. Or put it in front of any server,
//! `cargo run --example wire_tap -- 127.0.0.1:8080`, and connect a client to the address that it prints.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use enchufe::protocol::{Event, MessageLimits, Receiver, Role, diagram};

fn main() -> Result<()> {
    let tap = TcpListener::bind("127.0.0.1:0")?;
    let tapped = tap.local_addr()?;
    println!("tapped: ws://{tapped}/");
    if let Some(target) = std::env::args().nth(1) {
        for client in tap.incoming() {
            let (client, server) = (client?, TcpStream::connect(&target)?);
            thread::spawn(|| forward(client, server));
        }
    }
    let server = enchufe::Server::bind("127.0.0.1:0")?.route("/", enchufe::services::echo::session);
    let target = server.local_addrs()[0];
    thread::spawn(|| server.run());
    thread::spawn(move || {
        let mut ws = enchufe::connect(&format!("ws://{tapped}/"))?;
        ws.send("hola")?;
        ws.read()
    });
    forward(tap.accept()?.0, TcpStream::connect(target)?)
}

/// Carries the bytes of one connection both ways, until both ends have closed.
fn forward(client: TcpStream, server: TcpStream) -> Result<()> {
    thread::scope(|scope| {
        // What a client sends is what a server receives, and the other way round.
        scope.spawn(|| carry(&client, &server, "client -> server", Role::Server));
        carry(&server, &client, "server -> client", Role::Client)
    })
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, way: &str, role: Role) -> Result<()> {
    let mut receiver = Receiver::new(role, MessageLimits::default());
    receiver.observe_frames(true);
    let (mut bytes, mut input, mut in_head) = ([0; 4096], Vec::new(), true);
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return to.shutdown(Shutdown::Write);
        }
        input.extend(&bytes[..count]);
        // 1.3: each side says one HTTP head, which ends with an empty line, and then only frames.
        if in_head && let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            println!("{way}\n{}", String::from_utf8_lossy(&input[..end + 2]));
            input.drain(..end + 4);
            in_head = false;
        }
        while !in_head && let Ok(received) = receiver.receive(&mut input) {
            match &received.event {
                Some(Event::Frame(header)) => {
                    let payload = receiver.payload(&input, &received);
                    println!("{way}\n{}", diagram::draw(header, payload));
                }
                None if received.used == 0 => break,
                _ => drop(input.drain(..received.used)),
            }
        }
        // The bytes go on as they came; only now, so that no answer is drawn before its question.
        to.write_all(&bytes[..count])?;
    }
}
