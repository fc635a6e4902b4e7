//! Masking: XOR with four bytes, and why it is done
//! ([RFC 6455, 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3),
//! [10.3](https://www.rfc-editor.org/rfc/rfc6455#section-10.3)).
//!
//! Run it with `cargo run --example masking`. You see the key under the payload, byte by byte; that masking twice gives
//! the payload back; and that whoever chooses a text does not choose the bytes that a proxy on the way sees.

use enchufe::protocol::MaskKey;

fn main() {
    let payload = b"Hello, hello";
    let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
    let letters: Vec<String> = payload.iter().map(|&b| (b as char).to_string()).collect();
    println!("the payload             {:>2}", letters.join("  "));
    println!("its bytes               {}", hex(payload));
    println!("the key, over and over  {}", hex(&key.0.repeat(3)));

    let mut bytes = payload.to_vec();
    key.apply(0, &mut bytes);
    println!("XOR: on the wire        {}", hex(&bytes));

    // The same operation takes the mask off. A receiver does it as parts arrive; each says how many bytes came before.
    let (first, second) = bytes.split_at_mut(5);
    key.apply(0, first);
    key.apply(5, second);
    println!("XOR again, in two parts {}", hex(&bytes));
    assert_eq!(bytes, payload);

    // 10.3: a page can make a browser send this text, but not these bytes: each frame has a new, unpredictable key.
    let chosen = "GET /cache-me";
    println!("\na page chose {chosen:?}, and the bytes that left were");
    for key in [0x37fa_213d_u32, 0x9c01_b46e, 0].map(|key| MaskKey(key.to_be_bytes())) {
        let mut sent = chosen.as_bytes().to_vec();
        key.apply(0, &mut sent);
        println!("  with key {key}  \"{}\"", sent.escape_ascii());
    }
    println!("The last key is legal and hides nothing: a key has to be random.");
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}
