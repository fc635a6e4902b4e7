//! What several servers and one Redis carry: so many users on one, two and three servers, some of whom talk, and what each
//! process spends on it.
//!
//! `cargo bench --features cluster --bench cluster` takes about a minute: for each number of servers it talks for five
//! seconds, with all users in one chat, and prints deliveries and entries per second, processor time of the servers per
//! million deliveries and of Redis per entry. A second table has people who talk to themselves: as many entries as there can
//! be, and one delivery for each. It takes `redis-server`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::services::chat::binary_client::say;
use enchufe::{Incoming, Reader, Sender, connect};

fn main() {
    println!(
        "everybody in one chat: {LISTENERS} listen, {TALKERS} talk, {IN_FLIGHT} in flight each"
    );
    head();
    for servers in [0, 1, 2, 3] {
        measure(servers, LISTENERS, None);
    }
    println!("\neverybody talks to themselves: {ALONE} people, {IN_FLIGHT} in flight each");
    head();
    for servers in [0, 1, 2, 3] {
        measure(servers, 0, Some(ALONE));
    }
}

fn head() {
    println!(
        "{:>8} {:>14} {:>11} {:>16} {:>14} {:>15}",
        "servers",
        "deliveries/s",
        "entries/s",
        "servers s/M del.",
        "Redis us/entry",
        "Redis bytes/e."
    );
}

/// One line. No servers: one, without a cluster.
fn measure(servers: usize, listeners: usize, alone: Option<usize>) {
    let redis = (servers > 0).then(Redis::start);
    let servers: Vec<Server> = (0..servers.max(1))
        .map(|_| Server::start(redis.as_ref()))
        .collect();
    let counts = Arc::new(Counts::default());
    let user = |number: usize| {
        let address = &servers[number % servers.len()].address;
        let ws = connect(&format!("ws://{address}/?name=user-{number}"));
        ws.expect("a place in the chat").split()
    };
    let mut threads = Vec::new();
    for number in 0..listeners {
        let (reader, sender) = user(number);
        let counts = Arc::clone(&counts);
        threads.push(thread::spawn(move || listen(reader, sender, &counts)));
    }
    for number in listeners..listeners + alone.unwrap_or(TALKERS) {
        let (reader, sender) = user(number);
        let me = format!("user-{number}");
        let to = alone.map(|_| me.clone());
        let counts = Arc::clone(&counts);
        threads.push(thread::spawn(move || {
            talk(reader, &sender, &me, to.as_deref(), &counts);
        }));
    }
    thread::sleep(WARM_UP);
    let (began, before) = (Instant::now(), sample(&servers, redis.as_ref(), &counts));
    thread::sleep(MEASURED);
    let (took, after) = (began.elapsed(), sample(&servers, redis.as_ref(), &counts));
    counts.stop.store(true, Relaxed);
    let name = match &redis {
        None => "none".to_owned(),
        Some(_) => servers.len().to_string(),
    };
    let (deliveries, entries) = (after.delivered - before.delivered, after.said - before.said);
    let each = |value: f64, by: u64| value / by.max(1) as f64;
    println!(
        "{name:>8} {:>14.0} {:>11.0} {:>16.2} {:>14.1} {:>15.0}",
        deliveries as f64 / took.as_secs_f64(),
        entries as f64 / took.as_secs_f64(),
        each((after.servers - before.servers) * 1e6, deliveries),
        each((after.redis - before.redis) * 1e6, entries),
        each((after.sent - before.sent) as f64, entries),
    );
    drop(servers);
    for thread in threads {
        let _ = thread.join(); // its server has gone
    }
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    /// Messages that reached somebody.
    delivered: AtomicU64,
    /// Messages that came back to their author.
    said: AtomicU64,
}

struct Sample {
    delivered: u64,
    said: u64,
    /// Seconds of processor time.
    servers: f64,
    redis: f64,
    /// Bytes that Redis has sent.
    sent: u64,
}

fn sample(servers: &[Server], redis: Option<&Redis>, counts: &Counts) -> Sample {
    Sample {
        delivered: counts.delivered.load(Relaxed),
        said: counts.said.load(Relaxed),
        servers: servers.iter().map(|it| processor_time(&it.process)).sum(),
        redis: redis.map_or(0.0, |it| processor_time(&it.process)),
        sent: redis.map_or(0, Redis::sent),
    }
}

fn listen(mut reader: Reader, _sender: Sender, counts: &Counts) {
    while !counts.stop.load(Relaxed) {
        let until = Instant::now() + Duration::from_millis(500);
        match reader.read_until(Some(until)) {
            Ok(Incoming::Message(message)) if message.payload().first() == Some(&SAID) => {
                counts.delivered.fetch_add(1, Relaxed);
            }
            Ok(Incoming::Message(_) | Incoming::Deadline | Incoming::Frame(..)) => {}
            Ok(Incoming::Closed) | Err(_) => return,
        }
    }
}

fn talk(mut reader: Reader, sender: &Sender, me: &str, to: Option<&str>, counts: &Counts) {
    let text = "x".repeat(TEXT);
    let message = say(to, &text).remove(0);
    let own = [&[SAID, me.len() as u8], me.as_bytes()].concat();
    let mut in_flight = 0;
    while !counts.stop.load(Relaxed) {
        while in_flight < IN_FLIGHT {
            if sender.send(&message[..]).is_err() {
                return;
            }
            in_flight += 1;
        }
        let until = Instant::now() + Duration::from_millis(500);
        match reader.read_until(Some(until)) {
            Ok(Incoming::Message(message)) if message.payload().first() == Some(&SAID) => {
                counts.delivered.fetch_add(1, Relaxed);
                if message.payload().starts_with(&own) {
                    counts.said.fetch_add(1, Relaxed);
                    in_flight -= 1;
                }
            }
            Ok(Incoming::Message(_) | Incoming::Deadline | Incoming::Frame(..)) => {}
            Ok(Incoming::Closed) | Err(_) => return,
        }
    }
}

/// The release server on a port of its own.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(redis: Option<&Redis>) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enchufe"));
        command.args([
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--log",
            "error",
            "--rate",
            "0",
        ]);
        if let Some(redis) = redis {
            command.args(["--cluster", &format!("redis://127.0.0.1:{}/", redis.port)]);
        }
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let out = process.stdout.as_mut().expect("its output is ours");
        let mut line = String::new();
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line.trim().trim_start_matches("listening on http://");
        let address = address.trim_end_matches('/').to_owned();
        Server { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may be gone
        let _ = self.process.wait();
    }
}

struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start() -> Redis {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--dir", "/tmp"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Redis { process, port };
        let deadline = Instant::now() + Duration::from_secs(10);
        while redis.ask("PING").is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            thread::sleep(Duration::from_millis(10));
        }
        redis
    }

    fn sent(&self) -> u64 {
        let info = self.ask("INFO stats").expect("Redis answers");
        let mut lines = info.lines();
        let sent = lines.find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        sent.and_then(|it| it.trim().parse().ok())
            .expect("a number")
    }

    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Seconds of processor time that a process has taken, from `/proc`: fields 14 and 15, in hundredths.
fn processor_time(process: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it lives");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields = fields.split(' ').skip(11).take(2);
    fields.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}

const LISTENERS: usize = 300;
const TALKERS: usize = 6;
const ALONE: usize = 60;
const IN_FLIGHT: usize = 16;
const TEXT: usize = 64;

const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(5);

/// The first byte of a chat message on the binary wire.
const SAID: u8 = 55;
