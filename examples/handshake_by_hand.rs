//! The opening handshake and a frame, byte by byte into a plain TCP socket
//! ([RFC 6455, 1.2](https://www.rfc-editor.org/rfc/rfc6455#section-1.2)).
//!
//! Run it with `cargo run --example handshake_by_hand`: it starts an echo server of its own; or give it an address and a
//! path, `cargo run --example handshake_by_hand -- 127.0.0.1:8080 /echo`. You see the request, the answer, and the frames
//! in hexadecimal. All of the client is in here, except `accept_key`, which checks the answer.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().map_or_else(start_server, Ok)?;
    let path = args.next().unwrap_or_else(|| "/".to_owned());
    let mut tcp = TcpStream::connect(&address)?;

    // 4.1: an HTTP request that asks for something else than HTTP. The key should be 16 random bytes in base64.
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    print!("{request}");
    tcp.write_all(request.as_bytes())?;

    // The answer ends with an empty line; what follows it is frames.
    let mut input = BufReader::new(tcp.try_clone()?);
    let lines = input.by_ref().lines().map_while(Result::ok);
    let answer: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    println!("{}\n", answer.join("\n"));
    let accept = enchufe::handshake::accept_key(key);
    assert!(answer.contains(&format!("Sec-WebSocket-Accept: {accept}")));

    // 5.2: FIN and opcode 1; mask bit and length 4; the key (5.3); "hola", each byte XORed with one of the key's.
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = [&[0x81, 0x84], &key[..]].concat();
    frame.extend(b"hola".iter().zip(key).map(|(byte, key)| byte ^ key));
    println!("> {frame:02x?}");
    tcp.write_all(&frame)?;

    // The echo has no mask, so it is four bytes shorter.
    let mut echo = [0; 6];
    input.read_exact(&mut echo)?;
    println!("< {echo:02x?} {:?}", String::from_utf8_lossy(&echo[2..]));

    // 5.5.1: a Close with the code 1000, which is 03 e8. A key of zeros is legal.
    tcp.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])?;
    let mut rest = Vec::new();
    input.read_to_end(&mut rest)?;
    println!("< {rest:02x?} and the end: the server closes first");
    Ok(())
}

fn start_server() -> Result<String> {
    let server = enchufe::Server::bind("127.0.0.1:0")?.route("/", |mut ws| {
        while let Some(message) = ws.read()? {
            ws.send(message)?;
        }
        Ok(())
    });
    let address = server.local_addrs()[0].to_string();
    std::thread::spawn(|| server.run());
    Ok(address)
}
