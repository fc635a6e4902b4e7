//! Unix-domain sockets from the command line.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::program::{Program, run, run_with};
use crate::support::folder::Folder;

/// A server in a directory of its own, on `unix:…/a.sock`.
fn server(folder: &Folder) -> (Program, String) {
    let path = format!("{}/a.sock", folder.name());
    let server = Program::start(&["--bind", &format!("unix:{path}")]);
    assert_eq!(server.line(), format!("listening on unix:{path}"));
    (server, path)
}

#[test]
fn send_and_chat_reach_a_server_by_its_file_and_the_file_goes_with_it() {
    let folder = Folder::new();
    let (server, path) = server(&folder);
    let url = format!("ws+unix://{path}:/echo");
    let end = run_with(&["send", &url], &[], b"hola\n");
    assert_eq!(
        (end.code, end.output.as_str()),
        (Some(0), "hola\n"),
        "{}",
        end.errors
    );

    let enter = |url: &str, name: &str| {
        let client = Program::start(&["chat", url, "--name", name]);
        client.line_with("- here: ");
        client
    };
    let mut ana = enter(&format!("ws+unix:{path}:/"), "ana");
    let beto = enter(&format!("ws+unix:{path}"), "beto");
    ana.type_line("hola");
    assert_eq!(beto.line_with("hola"), "ana: hola");
    assert_eq!(ana.end().code, Some(0));
    assert_eq!(beto.end().code, Some(0));

    server.signal("TERM");
    assert_eq!(server.wait().code, Some(0));
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_server_that_was_killed_leaves_a_file_that_the_next_one_replaces() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.path().join("a.sock")).expect("a free name"));
    let (_server, path) = server(&folder);
    let end = run(&["--bind", &format!("unix:{path}")]);
    assert_eq!(end.code, Some(1));
    assert_eq!(
        end.errors,
        format!("enchufe: cannot listen on unix:{path}: another process listens there\n")
    );
}

#[test]
fn what_cannot_be_a_socket_is_one_line() {
    let folder = Folder::new();
    folder.write("file", "precious");
    let long = format!("unix:{}/{}", folder.name(), "x".repeat(200));
    let cases = [
        (format!("unix:{}/file", folder.name()), 1, "is not a socket"),
        (
            format!("unix:{}/no/a.sock", folder.name()),
            1,
            "its directory must exist",
        ),
        (long, 1, "cannot listen on unix:"),
        ("unix:".to_owned(), 2, "or unix:PATH"),
    ];
    for (address, code, why) in cases {
        let end = run(&["--bind", &address]);
        assert_eq!(end.code, Some(code), "{address}: {}", end.errors);
        assert!(end.errors.contains(why), "{}", end.errors);
        assert_eq!(end.errors.lines().count(), 1, "{}", end.errors);
    }
    let file = folder.path().join("file");
    assert_eq!(fs::read(file).expect("it is there"), b"precious");
    let end = run(&["send", &format!("ws+unix:{}/b.sock:/", folder.name())]);
    assert_eq!(end.code, Some(1));
    assert!(
        end.errors.contains("b.sock: there is no such file"),
        "{}",
        end.errors
    );
}
