//! The scripts as a specification, against a Redis of the test's own: what they grant, what they refuse, and what a
//! question that is asked twice does. Without `redis-server` a test says so and passes, except where `CI` is `true`.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::entry::{Entry, Position};
use crate::cluster::op::Op;
use crate::cluster::redis_client::{Address, BatchReply, Joined, RedisClient};

/// A Redis with nothing in it.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start() -> Option<Redis> {
        // Free a moment ago: Redis cannot be asked to choose one.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--dir", "/tmp"])
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            let line = "skipped: redis-server is not installed";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
            let _ = writeln!(std::io::stderr(), "{line}"); // past the harness
            return None;
        };
        let redis = Redis { process, port };
        let deadline = Instant::now() + PATIENCE;
        while redis.client().epoch().is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            thread::sleep(Duration::from_millis(5));
        }
        Some(redis)
    }

    fn client(&self) -> RedisClient {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        Address::parse(&url, LEASE).unwrap().client()
    }

    fn join(&self) -> Fixture {
        let mut client = self.client();
        let joined = client.join().unwrap();
        Fixture { client, joined }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server.
struct Fixture {
    client: RedisClient,
    joined: Joined,
}

impl Fixture {
    fn step(&mut self, first: u64, ops: &[Op]) -> BatchReply {
        let Joined { epoch, server, .. } = self.joined;
        self.client.step(epoch, server, first, ops).unwrap()
    }

    /// The letters.
    fn asks(&mut self, first: u64, ops: &[Op]) -> String {
        match self.step(first, ops) {
            BatchReply::Done { results, .. } => String::from_utf8(results).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Whose each entry is, and what it says.
    fn log(&mut self) -> Vec<(String, String)> {
        let entries = self.client.next(Position::default(), 1_000).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
        assert_eq!(seqs, Vec::from_iter(1..=entries.len() as u64));
        let said = |entry: Entry| (text(entry.who), text(entry.what));
        entries.into_iter().map(said).collect()
    }
}

fn claim(name: &str, claim: u64) -> Op {
    let name = name.into();
    Op::Claim { name, claim }
}

fn append_as(name: &str, claim: u64, what: &str) -> Op {
    let (name, what) = (name.into(), what.into());
    Op::AppendAs { name, claim, what }
}

fn release(name: &str, claim: u64, what: &str) -> Op {
    let (name, what) = (name.into(), what.into());
    Op::Release { name, claim, what }
}

fn logged(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(who, what): &(&str, &str)| ((*who).to_owned(), (*what).to_owned());
    entries.iter().map(owned).collect()
}

#[test]
fn a_name_is_one_server_s_until_it_is_given_back() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(
        one.asks(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    assert_eq!(
        one.asks(3, &[claim("ana", 3), append_as("ana", 3, "y")]),
        "tl"
    );
    assert_eq!(
        two.asks(1, &[claim("ana", 1), append_as("ana", 1, "y")]),
        "tl"
    );
    assert_eq!(two.asks(3, &[release("ana", 1, "y")]), "l");
    assert_eq!(one.asks(5, &[release("ana", 1, "z")]), "o");
    assert_eq!(
        two.asks(4, &[claim("ana", 4), append_as("ana", 4, "w")]),
        "oo"
    );
    assert_eq!(one.asks(6, &[append_as("ana", 1, "v")]), "l");
    let all = [("ana", "x"), ("ana", "z"), ("ana", "w")];
    assert_eq!(one.log(), logged(&all));
}

#[test]
fn a_claim_that_was_given_back_says_nothing_more_though_its_server_has_the_name_again() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    let again = [claim("ana", 1), release("ana", 1, ""), claim("ana", 3)];
    assert_eq!(one.asks(1, &again), "ooo");
    let late = [append_as("ana", 1, "late"), release("ana", 1, "late")];
    assert_eq!(one.asks(4, &late), "ll");
    assert_eq!(one.asks(6, &[append_as("ana", 3, "x")]), "o");
    assert_eq!(one.log(), logged(&[("ana", "x")]));
}

#[test]
fn a_question_asked_again_is_answered_as_before_and_does_nothing() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    let mut two = redis.join();
    assert_eq!(two.asks(1, &[claim("bo", 1)]), "o");
    let question = [claim("ana", 1), append_as("ana", 1, "x"), claim("bo", 3)];
    for _ in 0..3 {
        assert_eq!(one.asks(1, &question), "oot");
    }
    assert_eq!(one.asks(4, &[append_as("ana", 1, "y")]), "o");
    // What an earlier connection still had to say comes when it is over.
    let (epoch, server) = (one.joined.epoch, one.joined.server);
    assert!(one.client.step(epoch, server, 1, &question).is_err());
    assert_eq!(one.log(), logged(&[("ana", "x"), ("ana", "y")]));
}

#[test]
fn when_a_lease_runs_out_its_names_are_free_and_its_server_is_fenced() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(
        one.asks(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    assert_eq!(one.asks(3, &[claim("bo", 3)]), "o");
    let began = Instant::now();
    let mut first = 1;
    while two.asks(first, &[claim("ana", first)]) == "t" {
        first += 1;
        assert!(began.elapsed() < PATIENCE, "the name is never free");
        thread::sleep(LEASE / 10);
    }
    assert!(began.elapsed() >= LEASE * 8 / 10, "{:?}", began.elapsed());
    assert!(matches!(
        one.step(4, &[append_as("ana", 1, "y")]),
        BatchReply::Fenced
    ));
    let mut log = one.log();
    assert_eq!(log.remove(0), ("ana".to_owned(), "x".to_owned()));
    log.sort();
    assert_eq!(log, logged(&[("ana", ""), ("bo", "")]));
}

#[test]
fn no_lease_runs_while_nobody_asks() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(one.asks(1, &[claim("ana", 1)]), "o");
    thread::sleep(2 * LEASE);
    assert_eq!(two.asks(1, &[claim("ana", 1)]), "t");
    assert_eq!(one.asks(2, &[append_as("ana", 1, "x")]), "o");
}

#[test]
fn another_epoch_knows_no_server_and_no_name() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    assert_eq!(
        one.asks(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    for wipe in [false, true] {
        let mut two = redis.join();
        let before = two.joined;
        for _ in 0..2 {
            // Twice as good as once: the second speaks of an epoch that is over.
            two.client.renew(before.epoch, wipe).unwrap();
        }
        assert!(matches!(two.step(1, &[]), BatchReply::NewEpoch));
        let after = two.client.join().unwrap();
        assert!(after.epoch > before.epoch);
        // What was is still there, and ana has left; or nothing is.
        assert_eq!(after.seq, if wipe { 0 } else { 2 });
        two.joined = after;
        assert_eq!(two.asks(1, &[claim("ana", 1)]), "o");
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

const LEASE: Duration = Duration::from_millis(800);
