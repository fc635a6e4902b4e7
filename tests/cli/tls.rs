//! TLS from the command line: certificates that cannot be used are one line and an exit status, and a new one takes a SIGHUP.

use std::process::Command;

use enchufe::net::{TlsError, TlsRoots};
use enchufe::{Client, Error, WebSocket};
use rcgen::date_time_ymd;

use crate::program::{Program, run, run_with};
use crate::support::folder::Folder;
use crate::support::tls::{Pair, pair};
use crate::support::tools::available;

/// A directory with a pair in it.
fn folder(Pair { certificate, key }: &Pair) -> Folder {
    let folder = Folder::new();
    folder.write("cert.pem", certificate).write("key.pem", key);
    folder
}

fn file(folder: &Folder, name: &str) -> String {
    format!("{}/{name}", folder.name())
}

fn flags(folder: &Folder) -> [String; 4] {
    [
        "--tls-cert".to_owned(),
        file(folder, "cert.pem"),
        "--tls-key".to_owned(),
        file(folder, "key.pem"),
    ]
}

/// A server with this pair, and where it is: `127.0.0.1:PORT`.
fn server(folder: &Folder) -> (Program, String) {
    let flags = flags(folder);
    let mut words = vec!["--bind", "127.0.0.1:0"];
    words.extend(flags.iter().map(String::as_str));
    let server = Program::start(&words);
    let line = server.line();
    let address = line
        .strip_prefix("listening on https://")
        .and_then(|line| line.strip_suffix('/'))
        .unwrap_or_else(|| panic!("not an address: {line}"))
        .to_owned();
    (server, address)
}

fn connect(address: &str, pair: &Pair) -> Result<WebSocket, Error> {
    let roots = TlsRoots::from_pem(pair.certificate.as_bytes()).expect("a root");
    Client::new(format!("wss://{address}/echo"))
        .tls(roots)
        .connect()
}

#[test]
fn a_pair_that_cannot_be_used_is_one_line_and_a_status() {
    let good = folder(&pair(|_| ()));
    let other = folder(&pair(|_| ()));
    let old = folder(&pair(|params| params.not_after = date_time_ymd(2024, 2, 1)));
    let cert = file(&good, "cert.pem");
    let (key, other_key) = (file(&good, "key.pem"), file(&other, "key.pem"));
    let (old_cert, old_key) = (file(&old, "cert.pem"), file(&old, "key.pem"));
    let nowhere = file(&good, "nowhere.pem");
    let cases: [(&[&str], i32, &str); 7] = [
        (
            &["--tls-cert", &cert],
            2,
            "--tls-cert also needs --tls-key FILE, its private key",
        ),
        (
            &["--tls-key", &key],
            2,
            "--tls-key also needs --tls-cert FILE, its certificate",
        ),
        (
            &["--tls-cert", &nowhere, "--tls-key", &key],
            1,
            "nowhere.pem: No such file",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", good.name()],
            1,
            "Is a directory",
        ),
        (
            &["--tls-cert", &key, "--tls-key", &cert],
            1,
            "key.pem contains no certificate",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", &other_key],
            1,
            "the private key does not match the certificate",
        ),
        (
            &["--tls-cert", &old_cert, "--tls-key", &old_key],
            1,
            "the certificate expired ",
        ),
    ];
    for (words, code, why) in cases {
        let end = run(&[&["--bind", "127.0.0.1:0"], words].concat());
        assert_eq!(end.code, Some(code), "{words:?}: {}", end.errors);
        assert!(end.errors.contains(why), "{}", end.errors);
        assert_eq!(end.errors.lines().count(), 1, "{}", end.errors);
        assert_eq!(end.output, "");
    }
}

#[test]
fn sighup_reads_the_certificate_again_and_nobody_is_cut_off() {
    let (first, second) = (pair(|_| ()), pair(|_| ()));
    let folder = folder(&first);
    let (server, address) = server(&folder);
    let mut old = connect(&address, &first).expect("the first pair");

    folder.write("cert.pem", &second.certificate);
    server.signal("HUP");
    server.error_line_with("the old one stays in use: the private key");
    connect(&address, &first).expect("the first pair still");

    folder.write("key.pem", &second.key);
    server.signal("HUP");
    server.error_line_with("certificate reloaded; new connections get it");
    connect(&address, &second).expect("the second pair");
    let refused = connect(&address, &first).map(drop);
    assert!(
        matches!(refused, Err(Error::Tls(TlsError::UnknownIssuer))),
        "{refused:?}"
    );

    old.send("still here").expect("it is open");
    assert_eq!(old.read().expect("an echo"), Some("still here".into()));
    server.signal("TERM");
    assert_eq!(old.read().expect("a Close"), None);
    drop(old);
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn people_chat_over_tls_with_a_root_of_their_own() {
    let folder = folder(&pair(|_| ()));
    let (_server, address) = server(&folder);
    let (url, ca) = (format!("wss://{address}"), file(&folder, "cert.pem"));
    let enter = |name: &str| {
        let client = Program::start(&["chat", &url, "--ca", &ca, "--name", name]);
        client.line_with("- here: ");
        client
    };
    let (mut ana, beto) = (enter("ana"), enter("beto"));
    ana.type_line("hola");
    assert_eq!(beto.line_with("hola"), "ana: hola");
    let end = ana.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

#[test]
fn what_is_wrong_with_a_server_is_one_line() {
    let (mine, other) = (folder(&pair(|_| ())), folder(&pair(|_| ())));
    let (_server, address) = server(&mine);
    let (_plain, plain) = crate::program::server(&[]);
    let (ca, other_ca) = (file(&mine, "cert.pem"), file(&other, "cert.pem"));
    let cases: [(String, &[&str], &str); 5] = [
        (
            format!("wss://{address}/echo"),
            &["--ca", &other_ca],
            "is not signed by a trusted authority; give the certificate of its issuer with --ca FILE",
        ),
        (
            format!("wss://{plain}/echo"),
            &["--ca", &ca],
            "the peer does not speak TLS; for a server without TLS, use ws://",
        ),
        (
            format!("ws://{address}/echo"),
            &[],
            "the server speaks TLS: the URL has to begin with wss://",
        ),
        (
            format!("wss://{address}/echo"),
            &["--ca", "nowhere.pem"],
            "--ca: cannot read nowhere.pem",
        ),
        (
            format!("wss://{address}/echo"),
            &["--ca", &file(&mine, "key.pem")],
            "key.pem contains no certificate",
        ),
    ];
    for (url, flags, why) in cases {
        let end = run(&[&["send", &url], flags].concat());
        assert_eq!(end.code, Some(1), "{url}: {}", end.errors);
        assert!(end.errors.contains(why), "{url}: {}", end.errors);
        assert_eq!(end.errors.lines().count(), 1, "{}", end.errors);
    }
    let end = run_with(
        &["send", &format!("wss://{address}/echo"), "--ca", &ca],
        &[],
        b"hola\n",
    );
    assert_eq!((end.code, end.output.as_str()), (Some(0), "hola\n"));
}

#[test]
fn plain_http_on_the_tls_port_is_a_line_in_the_log() {
    let (server, address) = server(&folder(&pair(|_| ())));
    if !available("curl", &["--version"]) {
        return;
    }
    let curl = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "10",
            &format!("http://{address}/"),
        ])
        .status();
    assert!(!curl.expect("it was there a moment ago").success());
    server.error_line_with("TLS handshake with 127.0.0.1:");
}
