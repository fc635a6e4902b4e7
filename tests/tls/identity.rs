//! A server's certificate and key: what is wrong with a bad pair, and a new pair while everything goes on.

use std::path::Path;

use enchufe::net::{TlsError, TlsIdentity, TlsRoots};
use enchufe::{Client, Server};
use rcgen::date_time_ymd;

use crate::support::folder::Folder;
use crate::support::tls::{Pair, pair};

fn write(folder: &Folder, Pair { certificate, key }: &Pair) {
    folder.write("cert.pem", certificate).write("key.pem", key);
}

fn load(folder: &Path) -> Result<TlsIdentity, TlsError> {
    TlsIdentity::from_files(folder.join("cert.pem"), folder.join("key.pem"))
}

#[test]
fn a_bad_pair_is_an_error_that_names_what_is_wrong() {
    let (good, other) = (pair(|_| ()), pair(|_| ()));
    let old = pair(|params| params.not_after = date_time_ymd(2024, 2, 1));
    let young = pair(|params| params.not_before = date_time_ymd(2090, 1, 1));
    let garbage = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
    let garbage_key = "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n";
    let cases: [(&str, &str, &str); 8] = [
        ("", &good.key, "cert.pem contains no certificate"),
        (&good.key, &good.key, "cert.pem contains no certificate"),
        (garbage, &good.key, "cert.pem is malformed"),
        (&good.certificate, "", "key.pem contains no private key"),
        (&good.certificate, garbage_key, "key.pem cannot be used"),
        (
            &good.certificate,
            &other.key,
            "the private key does not match the certificate",
        ),
        (&old.certificate, &old.key, "the certificate expired "),
        (
            &young.certificate,
            &young.key,
            "the certificate is not valid yet",
        ),
    ];
    for (certificate, key, words) in cases {
        let folder = Folder::new();
        folder.write("cert.pem", certificate).write("key.pem", key);
        let error = load(folder.path()).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let folder = Folder::new();
    let error = load(folder.path()).expect_err("no files");
    assert!(matches!(error, TlsError::Unreadable(..)), "{error}");
}

#[test]
fn a_new_pair_is_for_those_who_come_later_and_a_bad_one_for_nobody() {
    let (first, second) = (pair(|_| ()), pair(|_| ()));
    let folder = Folder::new();
    write(&folder, &first);
    let identity = load(folder.path()).expect("a good pair");
    let server = Server::bind("127.0.0.1:0").expect("a free port");
    let running = server
        .tls(identity.clone())
        .route("/", crate::support::server::echo)
        .start();
    let connect = |pair: &Pair| {
        let roots = TlsRoots::from_pem(pair.certificate.as_bytes()).expect("a root");
        Client::new(running.url("/")).tls(roots).connect()
    };
    let mut old = connect(&first).expect("the first pair");
    assert!(connect(&second).is_err());

    write(&folder, &second);
    assert!(connect(&first).is_ok(), "nobody has said that it changed");
    identity.reload().expect("a good pair");
    assert!(connect(&first).is_err());
    connect(&second).expect("the second pair");

    // A certificate without its key: the second pair stays.
    folder.write("cert.pem", &first.certificate);
    let error = identity.reload().expect_err("half a pair");
    assert!(matches!(error, TlsError::WrongKey), "{error}");
    connect(&second).expect("the second pair");
    identity
        .replace(first.certificate.as_bytes(), first.key.as_bytes())
        .expect("a good pair");
    connect(&first).expect("the first pair");

    old.send("still here").expect("it is open");
    assert_eq!(old.read().expect("an echo"), Some("still here".into()));
}
