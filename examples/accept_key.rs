//! How a server proves that it read the handshake: Sec-WebSocket-Accept, step by step
//! ([RFC 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2), step 5.4).
//!
//! Run it with `cargo run --example accept_key`, or with a key of your own behind `--`: browsers show theirs in the
//! network panel. You see what each step makes of the key, for the RFC's own example if you gave none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enchufe::handshake::accept_key;
use sha1::{Digest as _, Sha1};

fn main() -> Result<(), base64::DecodeError> {
    let key = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "dGhlIHNhbXBsZSBub25jZQ==".to_owned());
    let nonce = STANDARD.decode(&key)?;
    println!("Sec-WebSocket-Key     {key}");
    println!("  which stands for    {}", hex(&nonce));
    println!("  {} bytes, there must be 16", nonce.len());

    let with_guid = format!("{key}{GUID}");
    println!("with the GUID         {with_guid}");
    let digest = Sha1::digest(&with_guid);
    println!("SHA-1 of that         {}", hex(&digest));
    let accept = STANDARD.encode(digest);
    println!("Sec-WebSocket-Accept  {accept}");

    // The library does it in one call.
    assert_eq!(accept, accept_key(&key));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}

/// Any fixed string would do, as long as no other protocol uses it: it shows that WebSocket is what was understood.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
