//! CONNECT and the opening handshake, blocking; what comes after it does not block.

use std::io::{self, ErrorKind};

use crate::link::{Link, ROOM};
use crate::options::Options;

/// Connects number `index`, and opens a WebSocket on it unless the server is a raw one. What came behind the
/// handshake is returned too.
pub fn open(options: &Options, index: usize) -> io::Result<(Link, Vec<u8>)> {
    let mut link = Link::connect(options)?;
    let mut rest = Vec::new();
    if !options.raw {
        ask(&mut link, options, index)?;
        rest = read_head(&mut link)?;
    }
    Ok((link, rest))
}

/// The opening handshake of connection number `index`.
pub fn ask(link: &mut Link, options: &Options, index: usize) -> io::Result<()> {
    let path = options.path.replace("{}", &index.to_string());
    let extensions = if options.deflate {
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    } else {
        ""
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n",
        options.addr
    );
    send_all(link, request.as_bytes())
}

/// The answer to it, and what came behind.
pub fn read_head(link: &mut Link) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = vec![0; ROOM];
    loop {
        let count = link.read(&mut chunk)?.ok_or(ErrorKind::TimedOut)?;
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

/// While it still blocks.
pub fn send_all(link: &mut Link, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[link.write(bytes)?..];
    }
    Ok(())
}
