//! What several servers and one Redis carry, and how long a message takes: one server without a cluster, then one, two and
//! three of one, with a Redis that keeps everything in memory and with one that flushes what it is told before it answers.
//!
//! `cargo bench --features cluster --bench cluster` takes two minutes and `redis-server`. It prints three tables:
//!
//! 1. everybody in one chat, some of whom talk as fast as they can: what is delivered, and what each process spends on it;
//! 2. people who talk to themselves: as many messages as there can be, and one delivery for each;
//! 3. one who says something now and then: how long it takes until it comes back.
//!
//! Redis keeps its data in a directory of its own below `TMPDIR`, which is removed in the end. How long a flush takes there is
//! printed too: it is most of what flushing costs.

#[path = "../../tests/support/folder.rs"]
#[allow(dead_code, reason = "a folder is all that it takes")]
mod folder;
mod people;
mod redis;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "only processor time counts here")]
mod server;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Reader, Sender, connect};

use people::Counts;
use redis::Redis;
use server::Server;

fn main() {
    // `cargo test --all-targets` runs benches too, without this argument.
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("this is a benchmark: cargo bench --features cluster --bench cluster");
        return;
    }
    println!("a flush to the disk takes {:.2} ms", redis::flush());
    println!("\neverybody in one chat: {LISTENERS} listen, {TALKERS} talk\n");
    traffic(LISTENERS, TALKERS, false);
    println!("\neverybody talks to themselves: {ALONE} people\n");
    traffic(0, ALONE, true);
    println!(
        "\nthere and back, in ms: one says something {} times a second, {FEW} listen\n",
        1_000 / PACE.as_millis()
    );
    latency();
}

/// What a row of a table is about.
#[derive(Clone, Copy)]
struct Setting {
    /// How many servers of a cluster; one without, if none.
    clustered: usize,
    /// Whether Redis flushes before it answers.
    flushes: bool,
}

/// What is measured: the servers first, so that they end before their Redis.
struct Site {
    servers: Vec<Server>,
    redis: Option<Redis>,
}

impl Setting {
    fn all() -> impl Iterator<Item = Setting> {
        let in_memory = (0..=3).map(|clustered| (clustered, false));
        let on_disk = (1..=3).map(|clustered| (clustered, true));
        let both = in_memory.chain(on_disk);
        both.map(|(clustered, flushes)| Setting { clustered, flushes })
    }

    fn name(self) -> String {
        match self {
            Setting { clustered: 0, .. } => "one, without a cluster".to_owned(),
            Setting {
                clustered,
                flushes: false,
            } => format!("{clustered}, in memory"),
            Setting { clustered, .. } => format!("{clustered}, `always`"),
        }
    }
}

impl Site {
    fn start(setting: Setting) -> Site {
        let redis = (setting.clustered > 0).then(|| Redis::start(setting.flushes));
        let mut options = vec!["--rate", "0", "--max-per-ip", "0"];
        let url = redis.as_ref().map(Redis::url);
        if let Some(url) = &url {
            options.extend(["--cluster", url]);
        }
        let servers = 0..setting.clustered.max(1);
        let servers = servers.map(|_| Server::start(&options)).collect();
        Site { servers, redis }
    }

    /// A user, on one server after the other.
    fn user(&self, number: usize) -> (Reader, Sender) {
        let server = &self.servers[number % self.servers.len()];
        let ws = connect(&format!("ws://{}/?name=user-{number}", server.address));
        ws.expect("a place in the chat").split()
    }

    fn sample(&self, counts: &Counts) -> Sample {
        Sample {
            at: Instant::now(),
            delivered: counts.delivered.load(Relaxed),
            said: counts.said.load(Relaxed),
            servers: self.servers.iter().map(Server::processor_time).sum(),
            redis: self.redis.as_ref().map_or(0.0, Redis::processor_time),
            sent: self.redis.as_ref().map_or(0, Redis::sent),
        }
    }
}

/// Where things stand.
struct Sample {
    at: Instant,
    delivered: u64,
    said: u64,
    /// Seconds of processor time.
    servers: f64,
    redis: f64,
    /// Bytes that Redis has sent.
    sent: u64,
}

fn traffic(listeners: usize, talkers: usize, alone: bool) {
    println!(
        "| servers | deliveries/s | messages/s | servers: s for a million deliveries | Redis: µs for a message | bytes from Redis for a message |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for setting in Setting::all() {
        let site = Site::start(setting);
        let counts = Arc::new(Counts::default());
        let mut threads = Vec::new();
        for number in 0..listeners + talkers {
            let (user, counts) = (site.user(number), Arc::clone(&counts));
            threads.push(thread::spawn(move || {
                let me = format!("user-{number}");
                match number < listeners {
                    true => people::listen(user, &me, &counts),
                    false => people::talk(user, &me, alone, &counts),
                }
            }));
        }
        thread::sleep(WARM_UP);
        let before = site.sample(&counts);
        thread::sleep(MEASURED);
        let after = site.sample(&counts);
        counts.stop.store(true, Relaxed);
        let took = (after.at - before.at).as_secs_f64();
        let (deliveries, messages) = (after.delivered - before.delivered, after.said - before.said);
        let each = |value: f64, by: u64| value / by.max(1) as f64;
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.1} | {:.0} |",
            setting.name(),
            deliveries as f64 / took,
            messages as f64 / took,
            each((after.servers - before.servers) * 1e6, deliveries),
            each((after.redis - before.redis) * 1e6, messages),
            each((after.sent - before.sent) as f64, messages),
        );
        drop(site);
        for thread in threads {
            let _ = thread.join(); // its server has gone
        }
    }
}

fn latency() {
    println!("| servers | median | 99 % take no longer |\n|---|--:|--:|");
    for setting in Setting::all() {
        let site = Site::start(setting);
        let counts = Arc::new(Counts::default());
        let listener = |number| {
            let (user, counts) = (site.user(number), Arc::clone(&counts));
            thread::spawn(move || people::listen(user, &format!("user-{number}"), &counts))
        };
        let threads: Vec<_> = (1..=FEW).map(listener).collect();
        let mut times = people::now_and_then(site.user(0), "user-0", SAMPLES, PACE);
        counts.stop.store(true, Relaxed);
        times.sort();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
        println!("| {} | {:.2} | {:.2} |", setting.name(), at(50), at(99));
        drop(site);
        for thread in threads {
            let _ = thread.join(); // its server has gone
        }
    }
}

const LISTENERS: usize = 300;
const TALKERS: usize = 6;
const ALONE: usize = 60;
const FEW: usize = 9;

const WARM_UP: Duration = Duration::from_millis(1_500);
const MEASURED: Duration = Duration::from_secs(3);

/// How many messages are timed, and from one to the next.
const SAMPLES: usize = 500;
const PACE: Duration = Duration::from_millis(10);
