//! `fastwebsockets` on one tokio thread. Its handshake is done here, so that no HTTP server stands between it and the
//! socket.
#![forbid(unsafe_code)]

use std::io;

use enchufe_peers::{Service, listen};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tungstenite::handshake::derive_accept_key;

fn main() -> io::Result<()> {
    let (listener, service) = listen()?;
    if service != Service::Echo {
        return Err(io::ErrorKind::Unsupported.into());
    }
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(echo(stream));
        }
    })
}

async fn echo(mut stream: TcpStream) {
    if handshake(&mut stream).await.is_err() {
        return;
    }
    let mut ws = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    while let Ok(frame) = ws.read_frame().await {
        let data = matches!(frame.opcode, OpCode::Text | OpCode::Binary);
        if !data || ws.write_frame(frame).await.is_err() {
            break;
        }
    }
}

/// Enough of the opening handshake for our own load generator.
async fn handshake(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await
}
