//! Both directions at once, each at its own pace, with two threads and no async: one half reads, the other sends.
//!
//! Run it with `cargo run --example full_duplex`. You see a client that counts up while the server counts down. Neither
//! waits for the other. Each side splits its connection into a reader and a sender.

use std::thread;
use std::time::{Duration, Instant};

use enchufe::{CloseCode, Error, Sender, Server, WebSocket};

fn main() {
    if let Err(error) = run() {
        eprintln!("The connection failed: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Error> {
    let server = Server::bind("127.0.0.1:0")?.route("/", count_down).start();
    let (mut reader, sender) = enchufe::connect(&server.url("/"))?.split();
    let start = Instant::now();
    let reading = thread::spawn(move || {
        // The reader lends each message out of its buffer, without a copy.
        while let Some(message) = reader.read()? {
            let text = message.text().unwrap_or("not text");
            let time = start.elapsed().as_millis();
            println!("{time:4} ms                < {text}");
        }
        Ok::<_, Error>(())
    });
    for n in 1..=5 {
        println!("{:4} ms  client {n} >", start.elapsed().as_millis());
        sender.send(format!("client {n}"))?;
        thread::sleep(Duration::from_millis(40));
    }
    sender.close(CloseCode::NormalClosure, "counted")?;
    reading.join().expect("the reader does not panic")?;
    println!("{:4} ms  closed", start.elapsed().as_millis());
    Ok(())
}

/// The server's session: reads until the client closes, while another thread sends.
fn count_down(ws: WebSocket) -> Result<(), Error> {
    let (mut reader, sender) = ws.split();
    let counting = thread::spawn(move || send_ticks(&sender));
    while reader.read()?.is_some() {}
    // Sending fails once the connection is closed, which ends the other thread.
    let _ = counting.join();
    Ok(())
}

fn send_ticks(sender: &Sender) -> Result<(), Error> {
    for n in (0..100).rev() {
        sender.send(format!("server {n}"))?;
        thread::sleep(Duration::from_millis(25));
    }
    Ok(())
}
