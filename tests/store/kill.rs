//! A server killed in the middle of everything, again and again: what came back is there, once, and in its order.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::guest::{Guest, Viewer};
use crate::server::{Folder, PATIENCE, Server};

/// How often, unless `ENCHUFE_KILL_ROUNDS` says more.
const ROUNDS: u64 = 20;

/// People who talk all the time, each with so many messages that have not come back yet.
const PEOPLE: u64 = 4;
const IN_FLIGHT: u64 = 16;

#[test]
fn nothing_that_came_back_is_lost_or_repeated_when_the_server_is_killed() {
    let rounds = std::env::var("ENCHUFE_KILL_ROUNDS").map_or(ROUNDS, |rounds| {
        rounds.parse().expect("ENCHUFE_KILL_ROUNDS is a number")
    });
    let folder = Folder::new();
    let words = [
        "--rate",
        "0",
        "--history",
        "10000000",
        "--history-bytes",
        "1GiB",
    ];
    let (mut all, mut beds, mut echoes) = (Vec::new(), 0, 0);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds {
        let mut server = folder.start(&[&words[..], &["--log", "warn"]].concat());
        let (heard, acknowledged) = talk_and_kill(&mut server, round, &mut random);
        echoes += heard.iter().map(Vec::len).sum::<usize>();

        let server = folder.start(&[&words[..], &["--log", "warn"]].concat());
        // Of every history only what this round has added is read.
        let mut auditor = Guest::new(&server, "auditor");
        let last = all.len() as u64;
        let added = auditor.history_after(None, last);
        for ((number, who, text), expected) in added.into_iter().zip(last + 1..) {
            assert_eq!(number, expected, "numbers have no holes");
            all.push(format!("{who}: {text}"));
        }
        for heard in heard.iter().filter(|heard| !heard.is_empty()) {
            let since = last as usize;
            let first = all[since..].iter().position(|line| *line == heard[0]);
            let first = since + first.unwrap_or_else(|| panic!("{} is lost", heard[0]));
            let there = all.get(first..first + heard.len());
            assert_eq!(there, Some(&heard[..]), "round {round}");
        }
        beds = audit_board(&server, beds + acknowledged);
    }
    let different: HashSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "something is there twice");
    println!(
        "{rounds} kills, {} messages kept, {echoes} deliveries, {beds} beds",
        all.len()
    );
    assert!(all.len() as u64 > rounds, "nobody said anything");
}

#[test]
fn a_server_killed_while_it_makes_its_file_starts_all_the_same() {
    let mut random = Random(7);
    for _ in 0..ROUNDS {
        let folder = Folder::new();
        for _ in 0..2 {
            let mut server = folder.command(&["--log", "off"]);
            let mut server = server.stdout(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_micros(random.below(30_000)));
            server.kill().unwrap();
            server.wait().unwrap();
        }
        folder.start(&[]);
    }
}

/// Returns what each person heard, in order, and how many beds were acknowledged.
fn talk_and_kill(server: &mut Server, round: u64, random: &mut Random) -> (Vec<Vec<String>>, u64) {
    let echoed = AtomicU64::new(0);
    thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE)
            .map(|person| {
                let guest = Guest::try_new(server, &format!("person {person}"));
                let echoed = &echoed;
                scope.spawn(move || chatter(guest.expect("a place"), round, person, echoed))
            })
            .collect();
        let viewer = Viewer::try_new(server).expect("a place at the board");
        let builder = scope.spawn(move || build(viewer));
        // It is killed under load, not before.
        let deadline = Instant::now() + PATIENCE;
        while echoed.load(Relaxed) < random.below(200) {
            assert!(Instant::now() < deadline, "nothing comes back");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(random.below(100_000)));
        server.kill();
        let heard = people.into_iter().map(|person| person.join().unwrap());
        (heard.collect(), builder.join().unwrap())
    })
}

/// Talks until the connection breaks.
fn chatter(mut guest: Guest, round: u64, person: u64, echoed: &AtomicU64) -> Vec<String> {
    let me = format!("person {person}");
    let (mut heard, mut sent, mut back) = (Vec::new(), 0, 0);
    loop {
        while sent < back + IN_FLIGHT {
            let text = format!("{round}/{sent} {}", "x".repeat((sent % 300) as usize));
            let message = json!({"type": "broadcast", "content": text});
            if guest.try_say(&message).is_err() {
                return heard;
            }
            sent += 1;
        }
        let Ok(message) = guest.try_hear() else {
            return heard;
        };
        if message["type"] == "broadcast" {
            let who = message["sender"].as_str().unwrap();
            heard.push(format!("{who}: {}", message["content"].as_str().unwrap()));
            if who == me {
                back += 1;
                echoed.fetch_add(1, Relaxed);
            }
        }
    }
}

/// Creates beds until the connection breaks; returns how many everybody was told of.
fn build(mut viewer: Viewer) -> u64 {
    let _first_round_only = viewer.try_call("CrearHospital", json!(["Norte"]));
    let mut beds = 0;
    while viewer
        .try_call("CrearCama", json!([1]))
        .is_ok_and(|outcome| outcome == 0)
    {
        beds += 1;
    }
    beds
}

/// All beds that were acknowledged are there; perhaps one more that was not. Returns how many there are, having made room
/// for more.
fn audit_board(server: &Server, acknowledged: u64) -> u64 {
    let mut viewer = Viewer::new(server);
    let board = viewer.call("VerEstadoActual", json!([]));
    let beds = board[0]["camas"].as_array().map_or(&[][..], Vec::as_slice);
    let ids: HashSet<u64> = beds.iter().map(|bed| bed["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), beds.len());
    let count = beds.len() as u64;
    assert!(
        (acknowledged..=acknowledged + 1).contains(&count),
        "{count} of {acknowledged}"
    );
    let excess: Vec<u64> = ids.into_iter().skip(1_000).collect();
    for id in &excess {
        assert_eq!(viewer.call("EliminarCama", json!([id])), 0);
    }
    count - excess.len() as u64
}

/// A xorshift generator: the same moments in every run, as far as a machine is the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % bound
    }
}
