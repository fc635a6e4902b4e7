//! Whatever goes wrong, one thing after the other and in any order: what each connection heard is a piece of the one
//! history, without a hole, and nothing is in there twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::guest::Guest;
use crate::one_chat::wait_until;
use crate::redis::{Redis, join, signal, url};
use crate::relay::Relay;
use crate::server::{PATIENCE, Server};

/// How many things go wrong, unless `ENCHUFE_CHAOS_ROUNDS` says more.
const ROUNDS: u64 = 8;

#[test]
fn what_each_connection_heard_is_a_piece_of_one_history_whatever_goes_wrong() {
    let Some(mut redis) = Redis::append_only() else {
        return;
    };
    let rounds = std::env::var("ENCHUFE_CHAOS_ROUNDS").map_or(ROUNDS, |rounds| {
        rounds.parse().expect("ENCHUFE_CHAOS_ROUNDS is a number")
    });
    let relays: Vec<Relay> = (0..3).map(|_| Relay::to(redis.port)).collect();
    let words = ["--cluster-lease", "1s", "--history", "1000000"];
    let servers: Vec<Server> = relays
        .iter()
        .map(|relay| join(&url(relay.port), &words))
        .collect();
    let addresses: Vec<String> = servers.iter().map(|it| it.address.clone()).collect();
    let (over, echoes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let heard: Vec<Vec<String>> = thread::scope(|scope| {
        let talkers: Vec<_> = (0..6)
            .map(|number| {
                let (address, over, echoes) = (&addresses[number % 3], &over, &echoes);
                scope.spawn(move || talk(number, address, over, echoes))
            })
            .collect();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..rounds {
            let goal = echoes.load(Relaxed) + 50;
            wait_until("they talk", || echoes.load(Relaxed) > goal);
            let which = random.below(3) as usize;
            let time = Duration::from_millis(50 + random.below(2_000));
            match random.below(4) {
                0 => {
                    relays[which].cut();
                    thread::sleep(time);
                    relays[which].mend();
                }
                1 => {
                    signal(servers[which].id(), "-STOP");
                    thread::sleep(time);
                    signal(servers[which].id(), "-CONT");
                }
                2 => {
                    redis.signal("-STOP");
                    thread::sleep(time);
                    redis.signal("-CONT");
                }
                _ => {
                    redis.kill();
                    thread::sleep(time);
                    redis.restart();
                }
            }
        }
        let goal = echoes.load(Relaxed) + 50;
        wait_until("they talk in the end", || echoes.load(Relaxed) > goal);
        over.store(true, Relaxed);
        let heard = talkers.into_iter().map(|talker| talker.join().unwrap());
        heard.flatten().collect()
    });
    let histories: Vec<Vec<String>> = (0..)
        .zip(&servers)
        .map(|(number, server): (u32, _)| {
            let history = Guest::new(server, &format!("reader {number}")).history(None);
            let numbers = history.iter().map(|(number, ..)| *number);
            assert!(numbers.eq(1..=history.len() as u64), "a hole in a history");
            history.into_iter().map(|(.., text)| text).collect()
        })
        .collect();
    assert!(histories[0] == histories[1] && histories[1] == histories[2]);
    let history = &histories[0];
    let places: HashMap<&str, usize> = (0..)
        .zip(history)
        .map(|(place, text)| (text.as_str(), place))
        .collect();
    assert_eq!(places.len(), history.len(), "something is there twice");
    for heard in heard.iter().filter(|heard| !heard.is_empty()) {
        let first = places[heard[0].as_str()];
        let piece = history.get(first..first + heard.len());
        assert!(piece == Some(&heard[..]), "a hole, or another order");
    }
    for server in &servers {
        assert_eq!(server.metric("enchufe_cluster_resyncs_total"), 0);
    }
    println!(
        "{rounds} faults, {} connections, {} messages",
        heard.len(),
        history.len()
    );
}

/// Talks until it is over, on connection after connection; what was heard on each.
fn talk(number: usize, address: &str, over: &AtomicBool, echoes: &AtomicUsize) -> Vec<Vec<String>> {
    let me = format!("talker {number}");
    let (mut all, mut said) = (Vec::new(), 0);
    while !over.load(Relaxed) {
        let Ok(mut guest) = Guest::at(address, &me) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let mut heard = Vec::new();
        while !over.load(Relaxed) {
            let text = format!("{number}/{said}");
            said += 1;
            let message = serde_json::json!({"type": "broadcast", "content": text});
            if guest.try_say(&message).is_err() || !comes_back(&mut guest, &text, &mut heard) {
                break;
            }
            echoes.fetch_add(1, Relaxed);
        }
        all.push(heard);
    }
    all
}

/// Reads up to an own message, or to the word that it will not come. False when the connection is over.
fn comes_back(guest: &mut Guest, text: &str, heard: &mut Vec<String>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let Ok(message) = guest.try_hear() else {
            return false;
        };
        let content = message["content"].as_str().unwrap_or_default();
        match message["type"].as_str() {
            Some("broadcast") => {
                heard.push(content.to_owned());
                if content == text {
                    return true;
                }
            }
            Some("error") if content.starts_with("Lo último que dijiste") => return true,
            Some("error") if content.starts_with("El chat ha empezado de nuevo") => {
                panic!("Redis has lost what it had acknowledged");
            }
            // Said between being fenced and being back.
            Some("error") if content.starts_with("No es posible") => {
                thread::sleep(Duration::from_millis(10));
                return true;
            }
            _ => {}
        }
    }
    panic!("{text} neither comes back nor is given up");
}

/// A xorshift generator: the same faults in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % bound
    }
}
