//! What several servers are together while nothing is wrong: one chat.

use std::thread;

use serde_json::json;

use crate::guest::{Guest, open};
use crate::redis::{Redis, Three, join};
use crate::server::{command, fails};

#[test]
fn everybody_on_three_servers_hears_everything_in_one_order() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &[]);
    let talkers: Vec<Guest> = (0..6)
        .map(|talker| Guest::new(&three.servers[talker % 3], &format!("talker {talker}")))
        .collect();
    let talk = |(talker, mut guest): (usize, Guest)| {
        move || {
            for number in 0..MESSAGES {
                guest.broadcasts(&format!("{talker}/{number}"));
            }
            let texts = (0..6 * MESSAGES).map(|_| {
                let message = guest.hears_a("broadcast");
                message["content"].as_str().expect("a text").to_owned()
            });
            texts.collect::<Vec<String>>()
        }
    };
    let heard: Vec<Vec<String>> = thread::scope(|scope| {
        let talks = talkers.into_iter().enumerate().map(talk);
        let talks: Vec<_> = talks.map(|talk| scope.spawn(talk)).collect();
        talks.into_iter().map(|talk| talk.join().unwrap()).collect()
    });
    for other in &heard[1..] {
        assert_eq!(*other, heard[0]);
    }
    for (number, server) in three.servers.iter().enumerate() {
        let history = Guest::new(server, &format!("reader {number}")).history(None);
        let numbers: Vec<u64> = history.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, Vec::from_iter(1..=6 * MESSAGES as u64));
        let texts: Vec<String> = history.into_iter().map(|(.., text)| text).collect();
        assert_eq!(texts, heard[0]);
    }
    for talker in 0..6 {
        let own = heard[0].iter();
        let own = own.filter(|text| text.starts_with(&format!("{talker}/")));
        let sent = (0..MESSAGES).map(|number| format!("{talker}/{number}"));
        assert!(own.eq(&sent.collect::<Vec<String>>()), "{talker}");
    }
}

#[test]
fn a_name_is_one_user_s_on_all_servers() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &[]);
    let [one, two, three] = &three.servers[..] else {
        unreachable!()
    };
    let mut bo = Guest::new(two, "bo");
    let ana = Guest::new(one, "ana");
    assert_eq!(bo.hears_a("status_update")["content"]["user"], "ana");
    // Once on each wire, and on each of the other servers.
    for server in [one, two, three] {
        assert!(open(server, "/?name=ana").is_err());
        let mut other = Guest(open(server, "/chat").unwrap());
        other.says(&json!({"type": "register", "sender": "ana"}));
        assert_eq!(other.hears()["content"], "El usuario ya existe");
    }
    drop(ana);
    assert_eq!(bo.hears_a("user_disconnected")["content"], "ana ha salido");
    let mut ana = Guest::new(three, "ana");
    bo.says(&json!({"type": "private", "target": "ana", "content": "psst"}));
    assert_eq!(ana.hears_a("private")["content"], "psst");
    assert_eq!(bo.hears_a("private")["content"], "psst");
}

#[test]
fn what_is_asked_after_something_is_answered_after_it() {
    let Some(redis) = Redis::start() else { return };
    let three = Three::start(redis, &[]);
    let mut ana = Guest::new(&three.servers[0], "ana");
    for round in 0..20 {
        let word = if round % 2 == 0 { "OCUPADO" } else { "ACTIVO" };
        ana.says(&json!({"type": "change_status", "content": word}));
        ana.says(&json!({"type": "user_info", "target": "ana"}));
        ana.broadcasts(&format!("{round}"));
        ana.says(&json!({"type": "history", "after": round}));
        assert_eq!(ana.hears()["content"]["status"], word);
        assert_eq!(ana.hears()["content"]["status"], word);
        assert_eq!(ana.hears()["type"], "broadcast");
        assert_eq!(ana.hears()["content"][0]["seq"], round + 1);
    }
    ana.says(&json!({"type": "private", "target": "nobody", "content": "psst"}));
    assert_eq!(ana.hears()["type"], "error");
    ana.says(&json!({"type": "disconnect"}));
    assert_eq!(ana.hears()["type"], "user_disconnected");
}

#[test]
fn a_server_that_comes_later_knows_what_was_before_and_the_log_stays_short() {
    let Some(redis) = Redis::start() else { return };
    let url = redis.url();
    let words = ["--history", "500", "--cluster-lease", "1s"];
    let first = join(&url, &words);
    let mut ana = Guest::new(&first, "ana");
    let mut say = |count: u64| {
        for number in 0..count {
            ana.broadcasts(&format!("{number}"));
            if number % 200 == 199 {
                for _ in 0..200 {
                    ana.hears_a("broadcast");
                }
            }
        }
    };
    say(36_000);
    wait_until("a second snapshot", || {
        first.metric("enchufe_cluster_snapshots_total") >= 2
    });
    let length = redis.ask("XLEN {enchufe}:log");
    let length: u64 = length.trim().trim_start_matches(':').parse().unwrap();
    assert!(length < 36_000, "{length} entries are kept");

    let second = join(&url, &words);
    let mut bo = Guest::new(&second, "bo");
    bo.says(&json!({"type": "list_users"}));
    let users = bo.hears_a("list_users_response");
    assert_eq!(users["content"], json!(["ana", "bo"]));
    let history = bo.history(None);
    let numbers: Vec<u64> = history.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, Vec::from_iter(35_501..=36_000));
    bo.broadcasts("hola");
    assert_eq!(bo.history_after(None, 36_000)[0].0, 36_001);
}

#[test]
fn a_redis_that_is_not_there_is_one_clear_line() {
    let end = fails(command(&["--cluster", "redis://127.0.0.1:1/"]));
    assert_eq!(end.code, Some(1));
    assert!(
        end.errors
            .contains("cannot join the cluster at redis://127.0.0.1:1/"),
        "{}",
        end.errors
    );
}

#[test]
fn a_lease_that_no_server_could_keep_is_refused() {
    let words = ["--cluster", "redis://127.0.0.1:1/", "--cluster-lease"];
    let end = fails(command(&[&words[..], &["499ms"]].concat()));
    assert_eq!(end.code, Some(2));
    assert!(end.errors.contains("at least 500ms"), "{}", end.errors);
}

#[test]
fn a_cluster_and_a_folder_do_not_go_together() {
    let folder = crate::server::Folder::new();
    let end = fails(folder.command(&["--cluster", "redis://127.0.0.1:1/"]));
    assert_eq!(end.code, Some(2));
    assert!(
        end.errors
            .contains("--cluster and --data exclude each other"),
        "{}",
        end.errors
    );
}

/// Looks again and again, up to a deadline.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + crate::server::PATIENCE;
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "in vain: {what}");
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

const MESSAGES: usize = 150;
