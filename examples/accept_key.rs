//! Computes `Sec-WebSocket-Accept`, a server's proof that it read the handshake, step by step
//! ([RFC 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2), step 5.4).
//!
//! Run it with `cargo run --example accept_key`, or add a key after `--`: a browser's network panel shows the keys it
//! sends. You see the result of each step. Without a key, the example uses the one in the RFC.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enchufe::handshake::accept_key;
use sha1::{Digest as _, Sha1};

fn main() {
    let key = std::env::args().nth(1);
    let key = key.as_deref().unwrap_or("dGhlIHNhbXBsZSBub25jZQ==");
    let Ok(nonce) = STANDARD.decode(key) else {
        eprintln!("{key:?} is not base64.");
        std::process::exit(2);
    };
    println!("Sec-WebSocket-Key     {key}");
    println!("  decoded             {}", hex(&nonce));
    println!("  its length          {} bytes (must be 16)", nonce.len());

    let with_guid = format!("{key}{GUID}");
    println!("with the GUID         {with_guid}");
    let digest = Sha1::digest(&with_guid);
    println!("SHA-1 of that         {}", hex(&digest));
    let accept = STANDARD.encode(digest);
    println!("Sec-WebSocket-Accept  {accept}");

    // The library does the same in one call.
    assert_eq!(accept, accept_key(key));
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}

/// Constant from the RFC. No other protocol uses it, so the answer proves that the server speaks WebSocket.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
