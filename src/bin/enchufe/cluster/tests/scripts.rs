//! The scripts, run by a Redis server for each test. Without `redis-server` a test prints a line and passes, unless `CI` is
//! `true`.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::entry::{LogEntry, Position};
use crate::cluster::op::Op;
use crate::cluster::redis_client::{BatchReply, Joined, RedisAddress, RedisClient};

/// An empty Redis server.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start() -> Option<Self> {
        // Redis cannot choose a free port itself.
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
            let _ = writeln!(std::io::stderr(), "{line}"); // bypasses the capture of the test harness
            return None;
        };
        let redis = Self { process, port };
        let deadline = Instant::now() + TIMEOUT;
        while redis.client().epoch().is_err() {
            assert!(Instant::now() < deadline, "Redis did not start");
            thread::sleep(Duration::from_millis(5));
        }
        Some(redis)
    }

    fn client(&self) -> RedisClient {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        RedisAddress::parse(&url, LEASE).unwrap().client()
    }

    fn join(&self) -> TestServer {
        let mut client = self.client();
        let joined = client.join().unwrap();
        TestServer { client, joined }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended
        let _ = self.process.wait();
    }
}

/// A server of the cluster.
struct TestServer {
    client: RedisClient,
    joined: Joined,
}

impl TestServer {
    fn run_batch(&mut self, first: u64, ops: &[Op]) -> BatchReply {
        let Joined { epoch, server, .. } = self.joined;
        self.client.run_batch(epoch, server, first, ops).unwrap()
    }

    /// Returns the result letters of a batch.
    fn results(&mut self, first: u64, ops: &[Op]) -> String {
        match self.run_batch(first, ops) {
            BatchReply::Done { results, .. } => String::from_utf8(results).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Returns name and content of all entries.
    fn log(&mut self) -> Vec<(String, String)> {
        let entries = self.client.next(Position::default(), 1_000).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.position.seq).collect();
        assert_eq!(seqs, Vec::from_iter(1..=entries.len() as u64));
        let pair = |entry: LogEntry| (text(entry.name), text(entry.content));
        entries.into_iter().map(pair).collect()
    }
}

fn claim(name: &str, claim: u64) -> Op {
    let name = name.into();
    Op::Claim { name, claim }
}

fn append_as(name: &str, claim: u64, content: &str) -> Op {
    let (name, content) = (name.into(), content.into());
    Op::AppendAs {
        name,
        claim,
        content,
    }
}

fn release(name: &str, claim: u64, content: &str) -> Op {
    let (name, content) = (name.into(), content.into());
    Op::Release {
        name,
        claim,
        content,
    }
}

fn logged(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
    entries.iter().map(owned).collect()
}

#[test]
fn a_claimed_name_belongs_to_one_server_until_it_is_released() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(
        one.results(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    assert_eq!(
        one.results(3, &[claim("ana", 3), append_as("ana", 3, "y")]),
        "tl"
    );
    assert_eq!(
        two.results(1, &[claim("ana", 1), append_as("ana", 1, "y")]),
        "tl"
    );
    assert_eq!(two.results(3, &[release("ana", 1, "y")]), "l");
    assert_eq!(one.results(5, &[release("ana", 1, "z")]), "o");
    assert_eq!(
        two.results(4, &[claim("ana", 4), append_as("ana", 4, "w")]),
        "oo"
    );
    assert_eq!(one.results(6, &[append_as("ana", 1, "v")]), "l");
    let all = [("ana", "x"), ("ana", "z"), ("ana", "w")];
    assert_eq!(one.log(), logged(&all));
}

#[test]
fn a_released_claim_is_invalid_even_if_its_server_claims_the_name_again() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    let again = [claim("ana", 1), release("ana", 1, ""), claim("ana", 3)];
    assert_eq!(one.results(1, &again), "ooo");
    let late = [append_as("ana", 1, "late"), release("ana", 1, "late")];
    assert_eq!(one.results(4, &late), "ll");
    assert_eq!(one.results(6, &[append_as("ana", 3, "x")]), "o");
    assert_eq!(one.log(), logged(&[("ana", "x")]));
}

#[test]
fn a_repeated_batch_is_answered_as_before_without_effects() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    let mut two = redis.join();
    assert_eq!(two.results(1, &[claim("bo", 1)]), "o");
    let batch = [claim("ana", 1), append_as("ana", 1, "x"), claim("bo", 3)];
    for _ in 0..3 {
        assert_eq!(one.results(1, &batch), "oot");
    }
    assert_eq!(one.results(4, &[append_as("ana", 1, "y")]), "o");
    // A batch of an earlier connection arrives late.
    let (epoch, server) = (one.joined.epoch, one.joined.server);
    assert!(one.client.run_batch(epoch, server, 1, &batch).is_err());
    assert_eq!(one.log(), logged(&[("ana", "x"), ("ana", "y")]));
}

#[test]
fn an_expired_lease_releases_its_names_and_fences_its_server() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(
        one.results(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    assert_eq!(one.results(3, &[claim("bo", 3)]), "o");
    let began = Instant::now();
    let mut first = 1;
    while two.results(first, &[claim("ana", first)]) == "t" {
        first += 1;
        assert!(began.elapsed() < TIMEOUT, "the name is still claimed");
        thread::sleep(LEASE / 10);
    }
    assert!(began.elapsed() >= LEASE * 8 / 10, "{:?}", began.elapsed());
    assert!(matches!(
        one.run_batch(4, &[append_as("ana", 1, "y")]),
        BatchReply::Fenced
    ));
    let mut log = one.log();
    assert_eq!(log.remove(0), ("ana".to_owned(), "x".to_owned()));
    log.sort();
    assert_eq!(log, logged(&[("ana", ""), ("bo", "")]));
}

#[test]
fn no_lease_expires_while_no_script_runs() {
    let Some(redis) = Redis::start() else { return };
    let (mut one, mut two) = (redis.join(), redis.join());
    assert_eq!(one.results(1, &[claim("ana", 1)]), "o");
    thread::sleep(2 * LEASE);
    assert_eq!(two.results(1, &[claim("ana", 1)]), "t");
    assert_eq!(one.results(2, &[append_as("ana", 1, "x")]), "o");
}

#[test]
fn a_new_epoch_has_no_servers_and_no_claims() {
    let Some(redis) = Redis::start() else { return };
    let mut one = redis.join();
    assert_eq!(
        one.results(1, &[claim("ana", 1), append_as("ana", 1, "x")]),
        "oo"
    );
    for wipe in [false, true] {
        let mut two = redis.join();
        let before = two.joined;
        for _ in 0..2 {
            // The second call has no effect: its epoch has ended.
            two.client.start_epoch(before.epoch, wipe).unwrap();
        }
        assert!(matches!(two.run_batch(1, &[]), BatchReply::NewEpoch));
        let after = two.client.join().unwrap();
        assert!(after.epoch > before.epoch);
        // The log has the entry and a leave of ana; after a wipe it is empty.
        assert_eq!(after.seq, if wipe { 0 } else { 2 });
        two.joined = after;
        assert_eq!(two.results(1, &[claim("ana", 1)]), "o");
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);

const LEASE: Duration = Duration::from_millis(800);
