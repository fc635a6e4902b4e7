//! Very many connections: such as come and go for ever, and such as all come back at once.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::peer::{CLOSE, PING, PONG, masked, request};
use support::server::{PATIENCE, wait_until};
use support::server_process::ServerProcess;

/// Row 40. Every way to leave in turn; `ENCHUFE_CHURN=1000000` does it for an hour.
#[test]
fn connections_come_and_go_and_leave_no_memory_no_thread_and_no_descriptor_behind() {
    let count = std::env::var("ENCHUFE_CHURN").map_or(12_000, |count| {
        count.parse().expect("ENCHUFE_CHURN is a number")
    });
    let server = ServerProcess::start_with_short_timeouts("", &["--max-per-ip", "0"]);
    let mut first = server.open("/echo");
    first.send(masked(PING, "in")).expect(PONG, "in");
    let (threads, descriptors) = (server.threads() - 1, server.descriptors() - 1);
    drop(first);
    // What is taken once and kept, as the first of every kind does, is no leak.
    churn(&server, count / 4);
    let settled = |server: &ServerProcess| {
        wait_until("everybody is gone", || {
            server.threads() <= threads && server.descriptors() <= descriptors
        });
        server.resident()
    };
    let before = settled(&server);
    let begun = Instant::now();
    churn(&server, count - count / 4);
    let grown = settled(&server).saturating_sub(before);
    println!(
        "{count} connections, the last three quarters in {:?}: {} KiB more",
        begun.elapsed(),
        grown >> 10
    );
    // A hundred forgotten bytes for each connection would be 900 KiB after nine thousand.
    assert!(grown < 512 << 10, "{} KiB more", grown >> 10);
    server
        .open("/echo")
        .send(masked(PING, "in"))
        .expect(PONG, "in");
}

fn churn(server: &ServerProcess, count: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    come_and_go(server.addr, number)
                        .unwrap_or_else(|error| panic!("connection {number}: {error}"));
                }
            });
        }
    });
}

fn come_and_go(addr: SocketAddr, number: usize) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(addr)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    match number % 5 {
        // Says nothing, or not all.
        0 => return Ok(()),
        1 => return socket.write_all(b"GET /healthz HTT"),
        // Asks, and leaves before the answer.
        2 => return socket.write_all(request("/?name=ana", "").as_bytes()),
        // A whole life, and one that ends in the middle.
        number => {
            let path = if number == 3 { "/echo" } else { "/inspect" };
            socket.write_all(request(path, "").as_bytes())?;
            let mut head = [0; 512];
            let received = socket.read(&mut head)?;
            assert!(head[..received].starts_with(b"HTTP/1.1 101"));
            if number == 3 {
                socket.write_all(&masked(CLOSE, 1000u16.to_be_bytes()))?;
                while socket.read(&mut head)? > 0 {}
            }
        }
    }
    Ok(())
}

/// Row 72. They do not wait as ours would (`backoff.rs`): all at once is the worst there is.
#[test]
fn when_thousands_come_back_at_once_everybody_gets_in() {
    let count = most_descriptors().saturating_sub(500).min(5_000) / 2 * 2;
    assert!(count >= 250, "{count}: too few descriptors to try anything");
    let server = ServerProcess::start_with_short_timeouts(
        "",
        &["--max-per-ip", "0", "--handshake-timeout", "20s"],
    );
    let address = server.addr.to_string();
    let crowd = storm(server.addr, count);
    drop(server); // killed
    for socket in &crowd {
        let ended = (&mut &*socket).read(&mut [0; 64]);
        let reset = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionReset;
        assert!(
            matches!(&ended, Ok(0)) || ended.as_ref().is_err_and(reset),
            "{ended:?}"
        );
    }
    drop(crowd);

    let server = ServerProcess::start_with_short_timeouts_on(
        &address,
        "",
        &["--max-per-ip", "0", "--handshake-timeout", "20s"],
    );
    let begun = Instant::now();
    let crowd = storm(server.addr, count);
    println!("{count} are back after {:?}", begun.elapsed());
    assert_eq!(crowd.len(), count);
    // And it is well: it answers, and gives everything back when they leave.
    server
        .open("/echo")
        .send(masked(PING, "in"))
        .expect(PONG, "in");
    assert!(server.threads() > count);
    drop(crowd);
    wait_until("everybody is gone", || server.threads() < 20);
}

/// So many people who knock at the same time and go on until they are let in, all of them inside.
fn storm(addr: SocketAddr, count: usize) -> Vec<TcpStream> {
    let knock = || -> std::io::Result<TcpStream> {
        let mut socket = TcpStream::connect_timeout(&addr, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(request("/echo", "").as_bytes())?;
        let mut head = [0; 512];
        let received = socket.read(&mut head)?;
        match head[..received].starts_with(b"HTTP/1.1 101") {
            true => Ok(socket),
            false => Err(ErrorKind::ConnectionRefused.into()),
        }
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    thread::scope(|scope| {
        let threads = (0..AT_ONCE).map(|number| {
            let knock = &knock;
            scope.spawn(move || {
                let mut inside = Vec::new();
                while inside.len() < count / AT_ONCE + usize::from(number < count % AT_ONCE) {
                    match knock() {
                        Ok(socket) => inside.push(socket),
                        Err(error) => assert!(Instant::now() < deadline, "{error}"),
                    }
                }
                inside
            })
        });
        let threads: Vec<_> = threads.collect();
        let inside = threads.into_iter().map(thread::ScopedJoinHandle::join);
        inside
            .flat_map(|inside| inside.expect("no panic"))
            .collect()
    })
}

/// How many files this process, and what it starts, may have open.
fn most_descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux has it");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words = line.into_iter().flat_map(str::split_whitespace);
    words
        .filter_map(|word| word.parse().ok())
        .next()
        .unwrap_or(usize::MAX)
}

/// Threads that knock.
const AT_ONCE: usize = 64;
