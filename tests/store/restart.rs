//! What is there after a restart, and what is not.

use std::fs;

use enchufe::net::Message;
use serde_json::json;

use crate::guest::{Guest, Viewer, open};
use crate::server::{Folder, Server, command};

#[test]
fn users_and_chats_are_there_after_a_restart() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let (mut ana, mut bo) = (Guest::new(&server, "ana"), Guest::new(&server, "bo"));
    ana.broadcasts("hola a todos");
    ana.says(&json!({"type": "private", "target": "bo", "content": "psst"}));
    bo.hears_a("private");
    bo.says(&json!({"type": "private", "target": "ana", "content": "¿sí?"}));
    bo.hears_a("private");
    bo.broadcasts("hola, ana");
    bo.hears_a("broadcast");
    assert_eq!(server.stop().code, Some(0));

    let server = folder.start(&[]);
    let mut cy = Guest::new(&server, "cy");
    cy.says(&json!({"type": "user_info", "target": "bo"}));
    let info = cy.hears_a("user_info_response");
    assert_eq!(
        info["content"],
        json!({"ip": "127.0.0.1", "status": "DESCONECTADO"})
    );
    cy.says(&json!({"type": "list_users"}));
    assert_eq!(cy.hears_a("list_users_response")["content"], json!(["cy"]));
    let line = |seq, who: &str, text: &str| (seq, who.to_owned(), text.to_owned());
    assert_eq!(
        cy.history(None),
        [line(1, "ana", "hola a todos"), line(4, "bo", "hola, ana")]
    );
    let mut ana = Guest::new(&server, "ana");
    assert_eq!(
        ana.history(Some("bo")),
        [line(2, "ana", "psst"), line(3, "bo", "¿sí?")]
    );
    ana.broadcasts("otra vez");
    ana.hears_a("broadcast");
    assert_eq!(ana.history(None)[2], line(5, "ana", "otra vez"));
}

#[test]
fn a_user_of_before_comes_back_and_is_not_new() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    drop(open(&server, "/?name=ana").unwrap());
    let mut bo = open(&server, "/?name=bo").unwrap();
    bo.send(&b"\x02\x03ana"[..]).unwrap();
    loop {
        // What bo is told comes when it is on disk, and so is ana then.
        if let Some(Message::Binary(bytes)) = bo.read().unwrap()
            && bytes.starts_with(b"\x34\x03ana")
        {
            break;
        }
    }
    server.stop();
    let server = folder.start(&[]);
    let mut cy = open(&server, "/?name=cy").unwrap();
    let _ana = open(&server, "/?name=ana").unwrap();
    assert_eq!(
        cy.read().unwrap(),
        Some(Message::Binary(b"\x36\x03ana\x01".to_vec()))
    );
    let _di = open(&server, "/?name=di").unwrap();
    assert_eq!(
        cy.read().unwrap(),
        Some(Message::Binary(b"\x35\x02di\x01".to_vec()))
    );
}

#[test]
fn hospitals_and_beds_are_there_after_a_restart_and_numbers_are_not_used_again() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let mut viewer = Viewer::new(&server);
    for (method, arguments) in [
        ("CrearHospital", json!(["Norte"])),
        ("CrearHospital", json!(["Sur"])),
        ("CrearCama", json!([1])),
        ("CrearCama", json!([1])),
        ("CrearCama", json!([1])),
        ("OcuparCama", json!([2])),
        ("EliminarCama", json!([3])),
        ("EliminarHospital", json!([2])),
    ] {
        assert_eq!(viewer.call(method, arguments), 0, "{method}");
    }
    let board = json!([{"id": 1, "nombre": "Norte", "camas": [
        {"id": 1, "estaOcupado": false, "orden": 1, "hospital": null},
        {"id": 2, "estaOcupado": true, "orden": 2, "hospital": null},
    ]}]);
    assert_eq!(viewer.call("VerEstadoActual", json!([])), board);
    server.stop();

    let server = folder.start(&[]);
    let mut viewer = Viewer::new(&server);
    assert_eq!(viewer.call("VerEstadoActual", json!([])), board);
    viewer.call("CrearHospital", json!(["Este"]));
    viewer.call("CrearCama", json!([1]));
    let board = viewer.call("VerEstadoActual", json!([]));
    assert_eq!(board[1]["id"], 3);
    let bed = json!({"id": 4, "estaOcupado": false, "orden": 4, "hospital": null});
    assert_eq!(board[0]["camas"][2], bed);
}

#[test]
fn no_more_is_kept_on_disk_than_in_memory() {
    let folder = Folder::new();
    let few = ["--history", "10", "--rate", "0"];
    let server = folder.start(&few);
    let mut ana = Guest::new(&server, "ana");
    let mut say = |count| {
        for number in 0..count {
            ana.broadcasts(&format!("{number:0200}"));
        }
        for _ in 0..count {
            ana.hears_a("broadcast");
        }
    };
    say(1_000);
    let length = || fs::metadata(folder.file()).unwrap().len();
    let before = length();
    say(4_000);
    let after = length();
    assert!(after <= 2 * before, "{before} bytes became {after}");
    server.stop();
    // With wider bounds it would show if there were more.
    let server = folder.start(&[]);
    let history = Guest::new(&server, "bo").history(None);
    let numbers: Vec<u64> = history.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, Vec::from_iter(4_991..=5_000));
}

#[test]
fn the_log_says_where_history_is_kept_or_that_it_is_not() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let line = server.says("history is stored in");
    assert!(line.contains(folder.text()), "{line}");
    let server = Server::start(command(&[]));
    let line = server.says("history is in memory only");
    assert!(line.contains("--data"), "{line}");
}
