//! What a connection holds that may compress: resident memory of the release server, by what was agreed on and by what the
//! connection is doing.
//!
//! `cargo bench --features deflate --bench deflate` opens 200 connections to `/echo` for each row, and prints KiB for each
//! connection, over what the server holds without any:
//!
//! - *open*: after the handshake, before any message;
//! - *in a message*: half of a compressed message of 1 KiB has come;
//! - *after it*: its echo went out compressed;
//! - *at rest*: nothing came for longer than `--ping-every`.

#[path = "support/server.rs"]
#[allow(dead_code, reason = "memory is all that counts here")]
mod server;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};

use server::Server;

fn main() -> io::Result<()> {
    // `cargo test --all-targets` runs benches too, without this argument.
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("this is a benchmark: cargo bench --features deflate --bench deflate");
        return Ok(());
    }
    println!(
        "{:36} {:>9} {:>12} {:>9} {:>9}",
        "KiB for each connection", "open", "in a message", "after it", "at rest"
    );
    let forgets = "; server_no_context_takeover; client_no_context_takeover";
    let mut rows = vec![("not compressed".to_owned(), None)];
    for bits in [15, 12, 9] {
        let windows = format!("; server_max_window_bits={bits}; client_max_window_bits={bits}");
        let offer = format!("permessage-deflate{windows}");
        rows.push((format!("{bits} bits"), Some(offer.clone())));
        let offer = format!("{offer}{forgets}");
        rows.push((format!("{bits} bits, no context takeover"), Some(offer)));
    }
    for (name, offer) in rows {
        let [open, in_message, after, at_rest] = row(offer.as_deref())?;
        println!("{name:36} {open:9.1} {in_message:12.1} {after:9.1} {at_rest:9.1}");
    }
    Ok(())
}

/// What a connection of each stage holds.
fn row(offer: Option<&str>) -> io::Result<[f64; 4]> {
    let server = Server::start(&["--deflate", "--ping-every", IDLE, "--max-per-ip", "0"]);
    // After the first connections all that the server holds by itself is there.
    drop(connect(&server, None)?);
    thread::sleep(SETTLED);
    let before = server.usage().resident;
    let each = || (server.usage().resident as f64 - before as f64) / CONNECTIONS as f64;

    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(&server, offer)?);
    }
    let open = each();
    let (rsv1, message) = match offer {
        Some(_) => (RSV1, deflated(&json())),
        None => (0, json()),
    };
    let (first, last) = message.split_at(message.len() / 2);
    for socket in &mut connections {
        socket.write_all(&frame(TEXT | rsv1, first))?;
        // The Pong says that what stands before the Ping was worked off.
        socket.write_all(&frame(FIN | PING, b""))?;
        assert_eq!(answer(socket)?, FIN | PONG);
    }
    let in_message = each();
    for socket in &mut connections {
        socket.write_all(&frame(FIN, last))?;
        assert_eq!(answer(socket)?, FIN | rsv1 | TEXT);
    }
    let after = each();
    thread::sleep(RESTED);
    Ok([open, in_message, after, each()])
}

fn connect(server: &Server, offer: Option<&str>) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(&server.address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let extensions = offer.map_or(String::new(), |offer| {
        format!("Sec-WebSocket-Extensions: {offer}\r\n")
    });
    let request = format!(
        "GET /echo HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n",
        server.address
    );
    socket.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        socket.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let agreed = String::from_utf8_lossy(&head).contains("Extensions: permessage-deflate");
    assert_eq!(agreed, offer.is_some(), "what the server agreed on");
    Ok(socket)
}

/// A masked frame; the key is zero, which changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(MASK | length as u8),
        length => {
            frame.push(MASK | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The first byte of the next frame that is no Ping, the rest of which is taken.
fn answer(socket: &mut TcpStream) -> io::Result<u8> {
    let mut head = [0; 2];
    socket.read_exact(&mut head)?;
    while head == [FIN | PING, 0] {
        socket.read_exact(&mut head)?;
    }
    let mut length = usize::from(head[1]);
    if length == 126 {
        let mut longer = [0; 2];
        socket.read_exact(&mut longer)?;
        length = usize::from(u16::from_be_bytes(longer));
    }
    socket.read_exact(&mut vec![0; length])?;
    Ok(head[0])
}

/// About 1 KiB as programs send it.
fn json() -> Vec<u8> {
    let users: Vec<String> = (0..16)
        .map(|n| {
            format!(
                r#"{{"id":{},"name":"user {n}","status":"ACTIVE","seen":{}}}"#,
                n * 7919,
                n * 104_729
            )
        })
        .collect();
    format!(r#"{{"type":"users","users":[{}]}}"#, users.join(",")).into_bytes()
}

/// The message of [RFC 7692, 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1), with a window that any may have.
fn deflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * message.len());
    let mut stream = Compress::new_with_window_bits(Compression::fast(), false, 9);
    let status = stream.compress_vec(message, &mut out, FlushCompress::Sync);
    assert!(status.is_ok() && out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

const CONNECTIONS: usize = 200;
const SETTLED: Duration = Duration::from_secs(1);
/// In seconds; to be at rest takes a little more.
const IDLE: &str = "8";
const RESTED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASK: u8 = 0x80;
const TEXT: u8 = 1;
const PING: u8 = 9;
const PONG: u8 = 10;
