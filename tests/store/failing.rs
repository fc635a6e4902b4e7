//! A disk that stops taking what it is given, played by a limit on the size of files: the chat goes on.

use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::guest::{Guest, Viewer};
use crate::server::{Folder, Server, after};
use crate::tools::available;

/// A server whose file may not grow beyond 2 MiB or so.
fn limited(folder: &Folder) -> Server {
    let server = folder.command(&["--rate", "0", "--history", "100000"]);
    Server::start(after("ulimit -S -f 4000", &server))
}

/// Says so much that it does not fit. Returns the texts that came back without a warning, and the first that had one.
fn fill(guest: &mut Guest) -> (Vec<String>, String) {
    let mut kept = Vec::new();
    for number in 0.. {
        let text = format!("{number:020000}");
        guest.broadcasts(&text);
        match warned(guest) {
            (false, text) => kept.push(text),
            (true, text) => return (kept, text),
        }
        assert!(number < 10_000, "it always fits");
    }
    unreachable!("numbers do not end")
}

/// The next message, and whether a warning came before it.
fn warned(guest: &mut Guest) -> (bool, String) {
    let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
    let first = guest.hears();
    if first["type"] == "error" {
        let words = text(&first);
        assert!(
            words.starts_with("El historial no está disponible"),
            "{words}"
        );
        return (true, text(&guest.hears_a("broadcast")));
    }
    assert_eq!(first["type"], "broadcast");
    (false, text(&first))
}

#[test]
fn when_the_disk_is_full_the_chat_goes_on_and_says_that_nothing_is_kept() {
    let folder = Folder::new();
    let mut server = limited(&folder);
    let mut ana = Guest::new(&server, "ana");
    let mut bo = Guest::new(&server, "bo");
    ana.hears();
    let (kept, _) = fill(&mut ana);
    assert!(kept.len() > 10, "{}", kept.len());
    let line = server.says("history is not persisted");
    assert!(
        line.contains("ERROR") && line.contains("File too large"),
        "{line}"
    );
    assert_eq!(server.metric("enchufe_store_failing"), 1);
    assert_eq!(server.metric("enchufe_store_failures_total"), 1);

    // Live, everything works: who speaks is warned each time, who listens is not.
    bo.history(None);
    for text in ["uno", "dos"] {
        ana.broadcasts(text);
        assert_eq!(warned(&mut ana), (true, text.to_owned()));
        assert_eq!(bo.hears()["content"], text);
    }
    assert_eq!(bo.history(None).last().unwrap().2, "dos");
    let mut cy = Guest::new(&server, "cy");
    cy.says(&json!({"type": "private", "target": "ana", "content": "psst"}));
    assert_eq!(cy.hears_a("error")["type"], "error");
    assert_eq!(cy.hears()["content"], "psst");
    assert_eq!(ana.hears_a("private")["content"], "psst");
    let mut viewer = Viewer::new(&server);
    assert_eq!(viewer.call("CrearHospital", json!(["Norte"])), 0);
    let errors = server.said();
    assert!(
        !errors.iter().any(|line| line.contains("ERROR")),
        "{errors:?}"
    );
    server.kill();

    // What came back without a warning is there.
    let server = folder.start(&[]);
    let found = Guest::new(&server, "di").history(None);
    let texts: Vec<&str> = found.iter().map(|(.., text)| text.as_str()).collect();
    assert!(texts.len() >= kept.len());
    assert!(kept.iter().eq(&texts[..kept.len()]));
}

#[test]
fn a_binary_user_is_warned_with_error_5() {
    let folder = Folder::new();
    let server = limited(&folder);
    let mut ana = Guest::new(&server, "ana");
    fill(&mut ana);
    let mut bo = crate::guest::open(&server, "/?name=bo").unwrap();
    bo.send(&b"\x04\x01~\x04hola"[..]).unwrap();
    let mut next = || bo.read().unwrap().expect("a message");
    assert_eq!(next(), b"\x32\x05"[..].into());
    assert_eq!(next(), b"\x37\x02bo\x04hola"[..].into());
}

#[test]
fn when_there_is_room_again_all_that_was_said_meanwhile_is_kept() {
    if !available("prlimit", &["--version"]) {
        return;
    }
    let folder = Folder::new();
    let mut server = limited(&folder);
    let mut ana = Guest::new(&server, "ana");
    let (mut said, unkept) = fill(&mut ana);
    said.push(unkept);
    let id = server.id().to_string();
    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &id])
        .status();
    assert!(lifted.unwrap().success());
    for number in 0.. {
        let text = format!("{number}");
        ana.broadcasts(&text);
        let (warned, text) = warned(&mut ana);
        said.push(text);
        if !warned {
            break;
        }
        // It is tried again after a second.
        thread::sleep(Duration::from_millis(10));
    }
    server.says("history is persisted again");
    assert_eq!(server.metric("enchufe_store_failing"), 0);
    server.kill();
    let server = folder.start(&["--history", "100000"]);
    let found = Guest::new(&server, "di").history(None);
    assert!(found.iter().map(|(.., text)| text).eq(&said));
}
