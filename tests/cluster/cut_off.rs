//! A server that is cut off from Redis while the others are not.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::guest::{Guest, open};
use crate::one_chat::wait_until;
use crate::redis::{Redis, join, url};
use crate::relay::Relay;

#[test]
fn a_server_that_is_cut_off_acknowledges_nothing_and_is_fenced_when_it_is_back() {
    let Some(redis) = Redis::start() else { return };
    let relay = Relay::to(redis.port);
    let lease = ["--cluster-lease", "1s"];
    let near = join(&redis.url(), &lease);
    let far = join(&url(relay.port), &lease);
    let mut ana = Guest::new(&near, "ana");
    let mut bo = Guest::new(&far, "bo");
    let mut cy = Guest::new(&far, "cy");
    ana.broadcasts("before");
    for guest in [&mut ana, &mut bo, &mut cy] {
        guest.hears_a("broadcast");
    }

    relay.cut();
    bo.broadcasts("into the void");
    for guest in [&mut bo, &mut cy] {
        is_told(guest, "El servidor está aislado");
    }
    // Newcomers are told at once.
    assert!(open(&far, "/?name=di").is_err());
    for _ in ["bo", "cy"] {
        ana.hears_a("user_disconnected");
    }
    let mut other_bo = Guest::new(&near, "bo");
    ana.broadcasts("meanwhile");
    ana.hears_a("broadcast");

    relay.mend();
    // cy hears what it missed, in order, and never what was not acknowledged.
    assert_eq!(cy.hears_a("broadcast")["content"], "meanwhile");
    ana.broadcasts("after");
    assert_eq!(cy.hears_a("broadcast")["content"], "after");
    // The first bo is told that it was not heard, and that it is not bo any more.
    let mut told = Vec::new();
    while let Ok(message) = bo.try_hear() {
        assert_ne!(message["content"], "into the void");
        told.push(message["content"].to_string());
    }
    assert!(
        told.iter().any(|it| it.contains("no se ha entregado")),
        "{told:?}"
    );
    assert_eq!(far.metric("enchufe_cluster_fenced_total"), 1);
    assert_eq!(far.metric("enchufe_cluster_redis_unavailable"), 0);
    let texts = |guest: &mut Guest| -> Vec<String> {
        let history = guest.history(None);
        history.into_iter().map(|(.., text)| text).collect()
    };
    assert_eq!(texts(&mut other_bo), ["before", "meanwhile", "after"]);
    assert_eq!(texts(&mut cy), ["before", "meanwhile", "after"]);
    cy.broadcasts("I can speak again");
    assert_eq!(
        other_bo.hears_a("broadcast")["content"],
        "I can speak again"
    );
}

#[test]
fn people_are_told_well_before_the_lease_is_over_that_nothing_comes_through() {
    let Some(redis) = Redis::start() else { return };
    let relay = Relay::to(redis.port);
    let url = format!("{}1", url(relay.port));
    let far = join(&url, &["--cluster-lease", "8s"]);
    let mut bo = Guest::new(&far, "bo");
    // The next entry has been waited for since bo came: a waiting server notices at another moment than a publishing one.
    thread::sleep(Duration::from_secs(1));
    relay.cut();
    let began = Instant::now();
    bo.broadcasts("into the void");
    is_told(&mut bo, "El servidor está aislado");
    // One question and one attempt to ask it again, for a quarter of the lease each.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(open(&far, "/socket").is_err());
}

#[test]
fn what_was_said_during_a_short_cut_arrives_late_and_once() {
    let Some(redis) = Redis::start() else { return };
    let relay = Relay::to(redis.port);
    let lease = ["--cluster-lease", "8s"];
    let near = join(&redis.url(), &lease);
    let far = join(&url(relay.port), &lease);
    let mut ana = Guest::new(&near, "ana");
    let mut bo = Guest::new(&far, "bo");
    for round in 0..3 {
        relay.cut();
        for number in 0..20 {
            bo.broadcasts(&format!("{round}/{number}"));
        }
        thread::sleep(Duration::from_millis(300));
        relay.mend();
        for guest in [&mut ana, &mut bo] {
            for number in 0..20 {
                let message = guest.hears_a("broadcast");
                assert_eq!(message["content"], format!("{round}/{number}"));
            }
        }
    }
    ana.says(&json!({"type": "list_users"}));
    let users = ana.hears_a("list_users_response");
    assert_eq!(users["content"], json!(["ana", "bo"]));
    assert_eq!(far.metric("enchufe_cluster_fenced_total"), 0);
}

#[test]
fn a_server_with_a_narrow_cable_delays_nobody_else_and_shows_its_lag() {
    let Some(redis) = Redis::start() else { return };
    let relay = Relay::to(redis.port);
    let lease = ["--cluster-lease", "4s"];
    let near = [join(&redis.url(), &lease), join(&redis.url(), &lease)];
    let far = join(&url(relay.port), &lease);
    let mut ana = Guest::new(&near[0], "ana");
    let mut bo = Guest::new(&near[1], "bo");
    let mut cy = Guest::new(&far, "cy");
    relay.narrow(20_000);
    let began = Instant::now();
    let text = "x".repeat(500);
    for number in 0..400 {
        ana.broadcasts(&format!("{number} {text}"));
    }
    for number in 0..400 {
        let message = bo.hears_a("broadcast");
        let content = message["content"].as_str().expect("a text");
        assert!(content.starts_with(&format!("{number} ")), "{content}");
    }
    // Through the cable it takes ten seconds.
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    wait_until("its lag shows", || {
        far.metric("enchufe_cluster_lag_entries") > 100
    });
    assert_eq!(near[1].metric("enchufe_cluster_lag_entries"), 0);
    relay.narrow(0);
    for number in 0..400 {
        let message = cy.hears_a("broadcast");
        let content = message["content"].as_str().expect("a text");
        assert!(content.starts_with(&format!("{number} ")), "{content}");
    }
    wait_until("it has caught up", || {
        far.metric("enchufe_cluster_lag_entries") == 0
    });
}

fn is_told(guest: &mut Guest, beginning: &str) {
    loop {
        let told = guest.hears_a("error");
        if told["content"]
            .as_str()
            .expect("a sentence")
            .starts_with(beginning)
        {
            return;
        }
    }
}
