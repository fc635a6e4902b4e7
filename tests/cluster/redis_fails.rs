//! A Redis that is killed, stands still, or comes back without what it had.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::guest::{Guest, open};
use crate::one_chat::wait_until;
use crate::redis::{Redis, Three};
use crate::server::PATIENCE;

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_redis_is_killed() {
    let Some(redis) = Redis::append_only() else {
        return;
    };
    let words = ["--cluster-lease", "2s", "--history", "100000"];
    let mut three = Three::start(redis, &words);
    let talkers: Vec<Guest> = (0..6)
        .map(|n| Guest::new(&three.servers[n % 3], &format!("talker {n}")))
        .collect();
    let (enough, echoes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let heard: Vec<Vec<String>> = thread::scope(|scope| {
        let talks: Vec<_> = (0..)
            .zip(talkers)
            .map(|(number, guest)| {
                let (enough, echoes) = (&enough, &echoes);
                scope.spawn(move || chatter(guest, number, enough, echoes))
            })
            .collect();
        for round in 1..=3 {
            let goal = 1_000 * round;
            wait_until("they talk", || echoes.load(Relaxed) > goal);
            three.redis.kill();
            thread::sleep(Duration::from_millis(200 * round as u64));
            three.redis.restart();
        }
        let goal = echoes.load(Relaxed) + 500;
        wait_until("they talk again", || echoes.load(Relaxed) > goal);
        enough.store(true, Relaxed);
        talks.into_iter().map(|talk| talk.join().unwrap()).collect()
    });
    // What each heard, its own words included, is the beginning of the same history.
    let history = Guest::new(&three.servers[0], "reader").history(None);
    let numbers: Vec<u64> = history.iter().map(|(number, ..)| *number).collect();
    assert!(numbers.into_iter().eq(1..=history.len() as u64));
    let all: Vec<String> = history
        .into_iter()
        .map(|(_, who, text)| format!("{who}: {text}"))
        .collect();
    let different: HashSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "something is there twice");
    for heard in heard {
        assert!(heard[..] == all[..heard.len()], "another order, or a hole");
        assert!(heard.len() > 3_000);
    }
    for server in &three.servers {
        assert_eq!(server.metric("enchufe_cluster_resyncs_total"), 0);
        assert_eq!(server.metric("enchufe_cluster_fenced_total"), 0);
    }
}

/// Talks until it is enough and all that was said has come back; returns what it heard.
fn chatter(
    mut guest: Guest,
    number: usize,
    enough: &AtomicBool,
    echoes: &AtomicUsize,
) -> Vec<String> {
    let me = format!("talker {number}");
    let (mut heard, mut sent, mut back) = (Vec::new(), 0, 0);
    while !enough.load(Relaxed) || back < sent {
        while sent < back + 8 && !enough.load(Relaxed) {
            guest.broadcasts(&format!("{sent}"));
            sent += 1;
        }
        let message = guest.hears();
        let content = message["content"].as_str().unwrap_or_default();
        assert!(!content.starts_with("El chat ha empezado"), "{content}");
        if message["type"] == "broadcast" {
            let (who, text) = (&message["sender"], &message["content"]);
            let (who, text) = (who.as_str().unwrap(), text.as_str().unwrap());
            heard.push(format!("{who}: {text}"));
            if who == me {
                assert_eq!(text, back.to_string(), "own words come back once, in order");
                back += 1;
                echoes.fetch_add(1, Relaxed);
            }
        }
    }
    heard
}

#[test]
fn nobody_leaves_when_redis_stands_still_for_longer_than_the_lease() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    three.redis.signal("-STOP");
    thread::sleep(Duration::from_secs(3));
    // Said while nothing answers: it waits, and its author knows why.
    bo.broadcasts("is anybody there?");
    let told = bo.hears_a("error");
    let told = told["content"].as_str().expect("a sentence");
    assert!(told.starts_with("El servidor está aislado"), "{told}");
    three.redis.signal("-CONT");
    loop {
        let message = ana.hears();
        assert_ne!(message["type"], "user_disconnected", "{message}");
        if message["type"] == "broadcast" {
            assert_eq!(message["content"], "is anybody there?");
            break;
        }
    }
    assert_eq!(bo.hears_a("broadcast")["sender"], "bo");
    for server in &three.servers {
        assert_eq!(server.metric("enchufe_cluster_fenced_total"), 0);
    }
}

#[test]
fn when_redis_has_lost_everything_people_are_told_and_names_are_claimed_anew() {
    let Some(redis) = Redis::start() else { return };
    let mut three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    ana.broadcasts("before");
    bo.hears_a("broadcast");
    three.redis.kill();
    three.redis.restart_empty();
    begins_anew(&three, &mut ana, &mut bo);
}

#[test]
fn data_that_is_deleted_under_the_servers_is_noticed_too() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    ana.broadcasts("before");
    bo.hears_a("broadcast");
    assert!(three.redis.ask("FLUSHALL").starts_with("+OK"));
    begins_anew(&three, &mut ana, &mut bo);
}

#[test]
fn a_redis_that_comes_back_with_less_than_it_had_is_noticed() {
    let Some(redis) = Redis::append_only() else {
        return;
    };
    let mut three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    let mut say = |text: &str| {
        ana.broadcasts(text);
        ana.hears_a("broadcast");
        bo.hears_a("broadcast");
    };
    say("kept");
    assert!(
        three
            .redis
            .ask("CONFIG SET appendonly no")
            .starts_with("+OK")
    );
    say("lost");
    three.redis.kill();
    three.redis.restart();
    for guest in [&mut ana, &mut bo] {
        is_told_of_a_new_beginning(guest);
    }
    comes_back(&mut ana);
    let texts = |guest: &mut Guest| -> Vec<String> {
        let history = guest.history(None);
        history.into_iter().map(|(.., text)| text).collect()
    };
    assert_eq!(texts(&mut ana), ["kept"]);
    ana.broadcasts("after");
    bo.hears_a("broadcast");
    for (number, server) in three.servers.iter().enumerate() {
        let mut reader = Guest::new(server, &format!("reader {number}"));
        assert_eq!(texts(&mut reader), ["kept", "after"]);
    }
}

#[test]
fn while_redis_is_full_servers_are_cut_off_and_their_log_says_why() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    let full = |bytes| {
        let answer = three.redis.ask(&format!("CONFIG SET maxmemory {bytes}"));
        assert!(answer.starts_with("+OK"), "{answer}");
    };
    full(1);
    for server in &three.servers {
        let line = server.says("request to Redis failed");
        assert!(line.contains("OOM"), "{line}");
        server.says("cut off from Redis");
    }
    ana.broadcasts("there is no room for this");
    full(0);
    let heard = bo.hears_a("broadcast");
    assert_eq!(heard["content"], "there is no room for this");
}

/// Everybody is told, everybody is there again under the same name, and nobody else can be.
fn begins_anew(three: &Three, ana: &mut Guest, bo: &mut Guest) {
    for guest in [&mut *ana, &mut *bo] {
        is_told_of_a_new_beginning(guest);
    }
    comes_back(ana);
    assert!(open(&three.servers[2], "/?name=bo").is_err());
    ana.broadcasts("after");
    assert_eq!(bo.hears_a("broadcast")["content"], "after");
    assert_eq!(bo.history(None).len(), 1);
}

fn is_told_of_a_new_beginning(guest: &mut Guest) {
    loop {
        let told = guest.hears_a("error");
        let told = told["content"].as_str().expect("a sentence");
        if told.starts_with("El chat ha empezado de nuevo") {
            return;
        }
    }
}

/// Waits until ana and bo are both there.
fn comes_back(ana: &mut Guest) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "they do not come back");
        ana.says(&json!({"type": "list_users"}));
        let answer = loop {
            let message = ana.hears();
            if ["list_users_response", "error"].contains(&message["type"].as_str().unwrap()) {
                break message;
            }
        };
        if answer["content"] == json!(["ana", "bo"]) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
