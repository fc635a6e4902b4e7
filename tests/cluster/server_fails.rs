//! A server that is killed, and one that stands still.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::guest::Guest;
use crate::one_chat::wait_until;
use crate::redis::{Redis, Three, signal};

#[test]
fn a_killed_server_s_users_leave_once_within_the_lease_and_go_on_elsewhere() {
    let Some(redis) = Redis::start() else { return };
    let mut three = Three::start(redis, &["--cluster-lease", "2s"]);
    let mut watchers: Vec<Guest> = (0..2)
        .map(|n| Guest::new(&three.servers[n], &format!("watcher {n}")))
        .collect();
    let names = ["ana", "bo", "cy"];
    let mut lost = names.map(|name| Guest::new(&three.servers[2], name));
    for guest in &mut lost {
        guest.broadcasts("before");
    }
    for guest in &mut lost {
        for _ in names {
            guest.hears_a("broadcast");
        }
    }
    let seen = lost[2].history(None).last().expect("something was said").0;

    let killed = Instant::now();
    three.servers[2].kill();
    // Meanwhile the others go on talking, without a gap.
    let mut left = [Vec::new(), Vec::new()];
    let mut numbers = [Vec::new(), Vec::new()];
    let mut last_leave = Duration::ZERO;
    for round in 0.. {
        watchers[round % 2].broadcasts(&format!("{round}"));
        for (number, watcher) in watchers.iter_mut().enumerate() {
            loop {
                let message = watcher.hears();
                if message["type"] == "user_disconnected" {
                    left[number].push(text(&message["content"]));
                    last_leave = killed.elapsed();
                } else if message["type"] == "broadcast" && message["content"] != "before" {
                    numbers[number].push(text(&message["content"]));
                    break;
                }
            }
        }
        if killed.elapsed() > Duration::from_secs(4) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(
        last_leave < Duration::from_millis(3_500),
        "the last left after {last_leave:?}"
    );
    for (left, numbers) in left.iter_mut().zip(&numbers) {
        left.sort_unstable();
        assert_eq!(*left, ["ana ha salido", "bo ha salido", "cy ha salido"]);
        let expected: Vec<String> = (0..numbers.len()).map(|n| n.to_string()).collect();
        assert_eq!(*numbers, expected);
    }

    let mut ana = Guest::new(&three.servers[0], "ana");
    let missed = ana.history_after(None, seen);
    let missed: Vec<String> = missed.into_iter().map(|(.., text)| text).collect();
    assert_eq!(missed, numbers[0]);
    let mut bo = Guest::new(&three.servers[1], "bo");
    bo.says(&json!({"type": "list_users"}));
    let users = bo.hears_a("list_users_response");
    assert_eq!(
        users["content"],
        json!(["ana", "bo", "watcher 0", "watcher 1"])
    );
}

#[test]
fn a_server_that_is_stopped_in_order_gives_its_names_back_at_once() {
    let Some(redis) = Redis::start() else { return };
    let mut three = Three::start(redis, &["--cluster-lease", "60s"]);
    let mut bo = Guest::new(&three.servers[0], "bo");
    let _ana = Guest::new(&three.servers[1], "ana");
    assert_eq!(three.servers.remove(1).stop().code, Some(0));
    assert_eq!(bo.hears_a("user_disconnected")["content"], "ana ha salido");
    Guest::new(&three.servers[1], "ana");
}

#[test]
fn a_server_that_stands_still_delays_nobody_else_and_loses_nothing() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "20s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    let mut cy = Guest::new(&three.servers[2], "cy");
    signal(three.servers[2].id(), "-STOP");
    let mut slowest = Duration::ZERO;
    for number in 0..200 {
        let began = Instant::now();
        ana.broadcasts(&format!("{number}"));
        assert_eq!(bo.hears_a("broadcast")["content"], format!("{number}"));
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    signal(three.servers[2].id(), "-CONT");
    for number in 0..200 {
        assert_eq!(cy.hears_a("broadcast")["content"], format!("{number}"));
    }
    wait_until("it has caught up", || {
        three.servers[2].metric("enchufe_cluster_lag_entries") == 0
    });
    assert_eq!(three.servers[2].metric("enchufe_cluster_fenced_total"), 0);
}

#[test]
fn a_server_that_stood_still_beyond_its_lease_is_fenced_and_comes_back() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &["--cluster-lease", "1s"]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    let mut bo = Guest::new(&three.servers[1], "bo");
    let mut cy = Guest::new(&three.servers[1], "cy");
    signal(three.servers[1].id(), "-STOP");
    for _ in ["bo", "cy"] {
        ana.hears_a("user_disconnected");
    }
    // A free name can be taken by any user, also the one that its holder will want back.
    let mut other_bo = Guest::new(&three.servers[2], "bo");
    other_bo.broadcasts("I am bo now");
    ana.hears_a("broadcast");
    signal(three.servers[1].id(), "-CONT");
    three.servers[1].says("the lease of this server has expired");
    // cy is told all that was said, comes back, and speaks.
    assert_eq!(cy.hears_a("broadcast")["content"], "I am bo now");
    let back = || three.servers[1].metric("enchufe_cluster_fenced_total") == 1;
    wait_until("it has joined anew", back);
    loop {
        ana.says(&json!({"type": "list_users"}));
        let users = ana.hears_a("list_users_response");
        if users["content"] == json!(["ana", "bo", "cy"]) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    cy.broadcasts("here again");
    assert_eq!(other_bo.hears_a("broadcast")["content"], "I am bo now");
    assert_eq!(other_bo.hears_a("broadcast")["content"], "here again");
    // The first bo is not bo any more, and is told so.
    let closed = loop {
        match bo.try_hear() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let reason = bo.0.close_reason().map(|reason| u16::from(reason.code));
    assert_eq!(reason, Some(1013), "{closed}");
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
