//! Churn for as long as you like: people who join the chat, talk, leave, vanish or stop reading, against the release
//! server, while its memory, threads and descriptors are watched.
//!
//! `cargo bench --bench soak -- 30` runs for 30 minutes (1 without a number) and prints a line every ten seconds. At the
//! end it says how memory moved after the first fifth and whether everything was given back, and fails if it was not.

#[path = "support/server.rs"]
#[allow(dead_code, reason = "processor time does not count here")]
mod server;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{CloseCode, Error, Incoming, Reader, Sender, connect};

use server::{Server, Usage, say};

fn main() {
    let minutes = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse::<f64>().ok())
        .unwrap_or(1.0);
    let server = Server::start(&[]);
    vanish(0, &server.address); // after the first connection all its own threads are there
    thread::sleep(Duration::from_secs(2));
    let before = server.usage();
    println!(
        "{:>7} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "seconds", "resident", "threads", "files", "sessions", "messages"
    );
    let (stop, counts) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Counts::default()),
    );
    let people: Vec<_> = (0..PEOPLE)
        .map(|number| {
            let (address, stop, counts) = (
                server.address.clone(),
                Arc::clone(&stop),
                Arc::clone(&counts),
            );
            thread::spawn(move || live(number, &address, &stop, &counts))
        })
        .collect();

    let begin = Instant::now();
    let mut samples = Vec::new();
    while begin.elapsed().as_secs_f64() < minutes * 60.0 {
        thread::sleep(INTERVAL.min(Duration::from_secs_f64(minutes * 6.0)));
        let usage = server.usage();
        println!(
            "{:7.0} {:5.1} MiB {:8} {:8} {:9} {:9}",
            begin.elapsed().as_secs_f64(),
            usage.resident as f64 / 1024.0,
            usage.threads,
            usage.files,
            counts.sessions.load(Relaxed),
            counts.messages.load(Relaxed)
        );
        samples.push((begin.elapsed().as_secs_f64(), usage.resident as f64));
    }
    stop.store(true, Relaxed);
    for person in people {
        person.join().expect("nobody panics");
    }
    let after = settled(&server, &before);
    let slope = slope(&samples[samples.len() / 5..]) * 3600.0 / 1024.0;
    println!("memory moves by {slope:.2} MiB an hour after the first fifth");
    println!(
        "threads {} -> {}, files {} -> {}",
        before.threads, after.threads, before.files, after.files
    );
    assert!(
        after.threads <= before.threads && after.files <= before.files,
        "not everything was given back"
    );
}

#[derive(Default)]
struct Counts {
    sessions: AtomicU64,
    messages: AtomicU64,
}

/// One seat in the chat: session after session, each with another end.
fn live(number: u64, address: &str, stop: &AtomicBool, counts: &Counts) {
    for round in number.. {
        if stop.load(Relaxed) {
            return;
        }
        if round % 4 == 2 {
            vanish(number, address);
            counts.sessions.fetch_add(1, Relaxed);
            continue;
        }
        let url = format!("ws://{address}/?name=seat-{number}");
        // The name may still be taken by the connection that vanished a moment ago.
        let Ok(ws) = connect(&url) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        counts.sessions.fetch_add(1, Relaxed);
        let (mut reader, sender) = ws.split();
        let outcome = talk(&mut reader, &sender, counts).and_then(|()| match round % 4 {
            0 => sender.close(CloseCode::NormalClosure, "bye"),
            1 => sender.close(CloseCode::GoingAway, ""),
            _ => {
                // Takes nothing for a while.
                thread::sleep(Duration::from_millis(1_500));
                Ok(())
            }
        });
        if let Err(error) = outcome
            && !matches!(error, Error::Closed | Error::ConnectionLost | Error::Io(_))
        {
            eprintln!("seat {number}: {error}");
        }
    }
}

/// A connection that ends without a Close, in the middle of a frame.
fn vanish(number: u64, address: &str) {
    let request = format!(
        "GET /?name=seat-{number} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let Ok(mut socket) = TcpStream::connect(address) else {
        return;
    };
    let _ = socket.write_all(request.as_bytes()); // however far it gets
    let _ = socket.read(&mut [0; 256]);
    let _ = socket.write_all(b"\x82\x8a\0\0\0\0half");
}

fn talk(reader: &mut Reader, sender: &Sender, counts: &Counts) -> Result<(), Error> {
    for n in 0..MESSAGES {
        sender.send(say(
            None,
            &format!("message {n}, {}", "x".repeat(n * 11 % 200)),
        ))?;
        let until = Instant::now() + Duration::from_millis(25);
        while let Incoming::Message(_) = reader.read_until(Some(until))? {
            counts.messages.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// The usage once it is back where it was, or after a while.
fn settled(server: &Server, before: &Usage) -> Usage {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let now = server.usage();
        if (now.threads <= before.threads && now.files <= before.files) || Instant::now() > deadline
        {
            return now;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// Least squares: how much the second number moves when the first moves by one.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| samples.iter().map(pick).sum::<f64>() / count;
    let (x, y) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let above: f64 = samples
        .iter()
        .map(|sample| (sample.0 - x) * (sample.1 - y))
        .sum();
    let below: f64 = samples.iter().map(|sample| (sample.0 - x).powi(2)).sum();
    if below > 0.0 { above / below } else { 0.0 }
}

const PEOPLE: u64 = 24;
const MESSAGES: usize = 30;
const INTERVAL: Duration = Duration::from_secs(10);
