//! An echo server in a few lines.
//!
//! Run it with `cargo run --release --example echo_server` and talk to it from another terminal with
//! `cargo run --release -- send ws://127.0.0.1:9001/`. Whatever you type comes back.

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    println!("echo server on ws://{address}/");
    enchufe::serve(address, |mut ws| {
        while let Some(message) = ws.read()? {
            ws.send(message)?;
        }
        Ok(())
    })
}
