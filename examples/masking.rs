//! Masking: XOR with four bytes, and the reason for it
//! ([RFC 6455, 5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3),
//! [10.3](https://www.rfc-editor.org/rfc/rfc6455#section-10.3)).
//!
//! Run it with `cargo run --example masking`. You see the key under the payload, byte by byte, and the payload again after
//! a second XOR. Then you see that a web page that chooses a text cannot choose the bytes that a proxy sees.

use enchufe::protocol::MaskKey;

fn main() {
    let payload = b"Hello, hello";
    let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
    let letters: Vec<String> = payload.iter().map(|&b| (b as char).to_string()).collect();
    println!("the payload             {:>2}", letters.join("  "));
    println!("its bytes               {}", hex(payload));
    println!("the key, repeated       {}", hex(&key.0.repeat(3)));

    let mut bytes = payload.to_vec();
    key.apply(0, &mut bytes);
    println!("XOR: on the wire        {}", hex(&bytes));

    // The same operation removes the mask. A receiver applies it to each part, at the offset of that part in the payload.
    let (first, second) = bytes.split_at_mut(5);
    key.apply(0, first);
    key.apply(5, second);
    println!("XOR again, in two parts {}", hex(&bytes));
    assert_eq!(bytes, payload);

    // 10.3: a page can make a browser send this text, but not these bytes. Each frame has a new, unpredictable key.
    let chosen = "GET /cache-me";
    println!("\nA page chose {chosen:?}. The bytes on the wire are");
    for key in [0x37fa_213d_u32, 0x9c01_b46e, 0].map(|key| MaskKey(key.to_be_bytes())) {
        let mut sent = chosen.as_bytes().to_vec();
        key.apply(0, &mut sent);
        println!("  with key {key}  \"{}\"", sent.escape_ascii());
    }
    println!("The last key is legal and hides nothing. A key must be random.");
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}
