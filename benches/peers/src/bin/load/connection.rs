//! CONNECT and the opening handshake, blocking; then bytes without blocking.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::options::Options;

/// Connects number `index`, and opens a WebSocket on it unless the server is a raw one. What came behind the
/// handshake is returned too.
pub fn open(options: &Options, index: usize) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(options.addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut rest = Vec::new();
    if !options.raw {
        stream.write_all(request(options, index).as_bytes())?;
        rest = read_head(&mut stream)?;
    }
    Ok((stream, rest))
}

/// The opening handshake of connection number `index`.
pub fn request(options: &Options, index: usize) -> String {
    let path = options.path.replace("{}", &index.to_string());
    let extensions = if options.deflate {
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    } else {
        ""
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n",
        options.addr
    )
}

/// The answer to it, and what came behind.
pub fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&chunk[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            // 1.3: the accept value of the key above.
            let text = String::from_utf8_lossy(&head[..end]);
            if !text.starts_with("HTTP/1.1 101") || !text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
                return Err(io::Error::other(format!("refused: {text}")));
            }
            return Ok(head.split_off(end + 4));
        }
    }
}

/// As [`Read::read`]; `None` when there is nothing now.
pub fn read(mut stream: &TcpStream, into: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(into) {
        Ok(0) => Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the server closed a connection",
        )),
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// As [`Write::write`]; 0 when the socket takes nothing now.
pub fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
