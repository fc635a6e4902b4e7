//! Tokens as people use them: a file on the server, which takes a SIGHUP when it changes, one of its lines with the client,
//! and none of them in a log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use enchufe::{Client, Error};

use crate::program::{Program, run, run_with, server};
use crate::support::folder::Folder;

const TOKEN: &str = "a-token-for-everyday.use";

/// A file of tokens that only its owner can read.
fn file(folder: &Folder, text: &str) -> PathBuf {
    folder.write("tokens", text);
    let path = folder.path().join("tokens");
    set_mode(&path, 0o600);
    path
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn both_clients_bring_a_token_from_a_flag_a_variable_or_a_file() {
    let folder = Folder::new();
    let tokens = file(&folder, &format!("# ours\n{TOKEN}\n"));
    let (_server, address) = server(&["--token-file", text(&tokens)]);
    let url = format!("ws://{address}/echo");
    for (words, variables) in [
        (vec!["--token", TOKEN], vec![]),
        (vec!["--token-file", text(&tokens)], vec![]),
        (vec![], vec![("ENCHUFE_TOKEN", TOKEN)]),
        (vec![], vec![("ENCHUFE_TOKEN_FILE", text(&tokens))]),
        (
            vec!["--token", TOKEN],
            vec![("ENCHUFE_TOKEN_FILE", "/nowhere")],
        ),
    ] {
        let send = [&["send", &url][..], &words].concat();
        let end = run_with(&send, &variables, b"hola\n");
        assert_eq!(
            (end.code, end.output.as_str()),
            (Some(0), "hola\n"),
            "{end:?}"
        );

        let chat = [&["chat", &address, "--name", "ana"][..], &words].concat();
        let mut ana = Program::start_with(&chat, &variables);
        ana.type_line("hola");
        assert!(ana.line_with("hola").contains("ana"));
        assert_eq!(ana.end().code, Some(0));
    }
}

#[test]
fn without_the_right_token_the_clients_say_what_to_bring() {
    let folder = Folder::new();
    let tokens = file(&folder, TOKEN);
    let (_server, address) = server(&["--token-file", text(&tokens)]);
    for words in [
        vec!["send", &address],
        vec!["send", &address, "--token", "another-token.1234"],
        vec!["chat", &address, "--name", "ana"],
    ] {
        let end = run(&words);
        assert_eq!(end.code, Some(1), "{end:?}");
        let said = end.errors.trim_end();
        assert!(said.contains("401"), "{said}");
        assert!(
            said.ends_with("--token-file FILE or --token TOKEN"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("another-token"), "{said}");
    }
}

#[test]
fn a_file_without_tokens_is_one_line_and_a_failure_and_nothing_of_it_is_shown() {
    let folder = Folder::new();
    let path = folder.path().join("tokens");
    let name = text(&path).to_owned();
    for (content, why) in [
        (None, "No such file"),
        (Some(""), "there is no token in it"),
        (Some("# only words\n\n"), "there is no token in it"),
        (Some("S3CRET with spaces in it\n"), "line 1"),
        (Some("# ours\nS3CRET\n"), "line 2: a token has at least 16"),
        (Some("S3CRET-ñandú-S3CRET-S3CRET\n"), "line 1"),
    ] {
        if let Some(content) = content {
            file(&folder, content);
        }
        let end = run(&["--bind", "127.0.0.1:0", "--token-file", &name]);
        assert_eq!((end.code, end.output.as_str()), (Some(1), ""), "{end:?}");
        let last = end.errors.lines().last().expect("a line");
        assert!(last.contains(&name) && last.contains(why), "{last}");
        assert!(!end.errors.contains("S3CRET"), "{end:?}");
    }
    // What cannot be read as text, and what never ends.
    fs::write(&path, b"\xff\xfe").expect("a file");
    let mut names = vec![name.as_str(), text(folder.path())];
    if cfg!(target_os = "linux") {
        names.push("/dev/zero");
    }
    for name in names {
        for words in [
            &["--bind", "127.0.0.1:0", "--token-file", name][..],
            &["send", "127.0.0.1:1", "--token-file", name],
        ] {
            let end = run(words);
            assert_eq!(end.code, Some(1), "{end:?}");
            let last = end.errors.lines().last().expect("a line");
            assert!(last.contains(&format!("from {name}: ")), "{last}");
        }
    }
}

#[test]
fn sighup_reads_the_tokens_again_and_nobody_is_cut_off() {
    const OTHER: &str = "a-token-for-the-week.end";
    let folder = Folder::new();
    let tokens = file(&folder, TOKEN);
    let (server, address) = server(&["--token-file", text(&tokens)]);
    let connect = |token: &str| {
        let url = format!("ws://{address}/echo");
        let bearer = format!("Bearer {token}");
        Client::new(url).header("Authorization", bearer).connect()
    };
    let is_refused = |token: &str| matches!(connect(token), Err(Error::UnexpectedStatus(it)) if it.status == 401);
    let mut old = connect(TOKEN).expect("it is in the file");

    file(&folder, "# half a line\nS3CRET");
    server.signal("HUP");
    let line = server.error_line_with(
        "SIGHUP: cannot reload the tokens, the old ones stay in use: cannot read tokens from",
    );
    assert!(
        line.ends_with("line 2: a token has at least 16 characters"),
        "{line}"
    );
    drop(connect(TOKEN).expect("the old one still"));

    file(&folder, OTHER);
    assert!(is_refused(OTHER), "nobody has told the server yet");
    server.signal("HUP");
    server.error_line_with("SIGHUP: tokens reloaded; new requests need one of them");
    drop(connect(OTHER).expect("the new one"));
    assert!(is_refused(TOKEN));

    old.send("still here").expect("it is open");
    assert_eq!(old.read().expect("an echo"), Some("still here".into()));
    server.signal("TERM");
    assert_eq!(old.read().expect("a Close"), None);
    drop(old);
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn a_file_that_everybody_can_read_is_warned_of() {
    let folder = Folder::new();
    let path = file(&folder, TOKEN);
    for (mode, warns) in [(0o644, true), (0o640, false), (0o600, false)] {
        set_mode(&path, mode);
        let (server, _) = server(&["--token-file", text(&path)]);
        server.signal("TERM");
        let log = server.wait().errors;
        assert_eq!(log.contains("chmod 600"), warns, "{mode:o}: {log}");
        assert!(!log.contains(TOKEN), "{log}");
    }
}

#[test]
fn a_token_stands_in_no_log_however_much_is_told() {
    let folder = Folder::new();
    let path = file(&folder, TOKEN);
    let (server, address) = server(&["--token-file", text(&path), "--log", "trace"]);
    for wrong in ["", "wrong-"] {
        let token = format!("{wrong}{TOKEN}");
        for (url, words) in [
            (format!("{address}/echo"), vec!["--token", &token]),
            (format!("{address}/echo?token={token}"), vec![]),
            (format!("{address}/socket?access_token={token}"), vec![]),
            (
                format!("{address}/echo"),
                vec!["--subprotocol", "bearer", "--subprotocol"],
            ),
        ] {
            let subprotocol = format!("bearer.{token}");
            let mut words = [&["send", &url, "--trace", "--log", "trace"][..], &words].concat();
            if words.last() == Some(&"--subprotocol") {
                words.push(&subprotocol);
            }
            let end = run(&words);
            assert!(end.errors.contains('…'), "{end:?}");
            assert!(!end.errors.contains(TOKEN), "{end:?}");
        }
    }
    server.signal("TERM");
    let log = server.wait().errors;
    for shown in [
        "GET /echo?token=… HTTP/1.1",
        "GET /socket?access_token=… HTTP/1.1",
        "Authorization: Bearer …",
        "bearer, bearer.…",
        " 401 ",
        " 101 ",
    ] {
        assert!(log.contains(shown), "{shown} is not in {log}");
    }
    assert!(!log.contains(TOKEN), "{log}");
}
