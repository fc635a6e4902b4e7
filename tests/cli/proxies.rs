//! The two clients behind a proxy, and where a redirect leads.

use std::net::{SocketAddr, TcpListener};
use std::thread;

use crate::program::{End, Program, run, run_with, server};
use crate::support::host::Host;
use crate::support::tunnel::Tunnel;

/// The echo of a server that answers to a name which only the proxy knows.
const FAR: &str = "ws://server.example/echo";

/// A server, and a proxy that leads to it.
fn behind(login: Option<&'static str>) -> (Program, Tunnel) {
    let (server, address) = server(&["--allowed-host", "server.example"]);
    let address: SocketAddr = address.parse().expect("an address");
    (server, Tunnel::to(address, login))
}

/// Status 1 and one line that says why.
#[track_caller]
fn failed(end: &End) -> &str {
    assert_eq!((end.code, end.output.as_str()), (Some(1), ""), "{end:?}");
    let line = end.errors.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "{end:?}");
    line
}

#[test]
fn the_environment_names_the_proxy() {
    let (_server, proxy) = behind(None);
    let url = format!("http://{}", proxy.addr);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "ENCHUFE_PROXY",
    ] {
        let end = run_with(&["send", FAR], &[(name, &url)], b"hola\n");
        assert_eq!(
            (end.code, end.output.as_str()),
            (Some(0), "hola\n"),
            "{name}: {end:?}"
        );
    }
    assert_eq!(proxy.asked(), ["CONNECT server.example:80 HTTP/1.1"; 5]);
}

#[test]
fn loopback_is_reached_without_the_proxy_of_the_environment_but_with_that_of_the_flag() {
    let (_server, proxy) = behind(None);
    let url = format!("http://{}", proxy.addr);
    let (_near, address) = server(&[]);
    let near = format!("ws://{address}/echo");
    let end = run_with(&["send", &near], &[("ALL_PROXY", &url)], b"hola\n");
    assert_eq!(end.output, "hola\n", "{end:?}");
    assert_eq!(proxy.asked(), [""; 0]);
    let end = run_with(&["send", &near, "--proxy", &url], &[], b"hola\n");
    assert_eq!(end.output, "hola\n", "{end:?}");
    assert_eq!(proxy.asked(), [format!("CONNECT {address} HTTP/1.1")]);
    let words = ["send", &near, "--proxy", "none"];
    let end = run_with(&words, &[("ENCHUFE_PROXY", &url)], b"hola\n");
    assert_eq!(end.output, "hola\n", "{end:?}");
    assert_eq!(proxy.asked().len(), 1);
}

#[test]
fn the_chat_goes_through_a_proxy_too() {
    let (_server, proxy) = behind(None);
    let url = format!("http://{}", proxy.addr);
    let words = [
        "chat",
        "ws://server.example/",
        "--name",
        "ana",
        "--proxy",
        &url,
    ];
    let end = run_with(&words, &[], b"hola\n/quit\n");
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.output.contains("hola"), "{end:?}");
    assert_eq!(proxy.asked(), ["CONNECT server.example:80 HTTP/1.1"]);
}

#[test]
fn user_and_password_of_the_proxy_are_in_its_url_and_nowhere_in_what_is_printed() {
    // echo -n ana:s3cret | base64
    let (_server, proxy) = behind(Some("Basic YW5hOnMzY3JldA=="));
    let url = format!("http://ana:s3cret@{}", proxy.addr);
    let words = ["send", FAR, "--proxy", &url, "--trace", "--log", "trace"];
    let end = run_with(&words, &[], b"hola\n");
    assert_eq!(end.output, "hola\n", "{end:?}");
    assert!(
        end.errors.contains("> CONNECT server.example:80"),
        "{end:?}"
    );
    for secret in ["s3cret", "YW5hOnMzY3JldA"] {
        assert!(!end.errors.contains(secret), "{end:?}");
    }
    for login in ["", "ana:wrong@"] {
        let url = format!("http://{login}{}", proxy.addr);
        let end = run(&["send", FAR, "--proxy", &url]);
        let line = failed(&end);
        assert!(
            line.contains("407") && line.contains("a user and a password"),
            "{line}"
        );
        assert!(
            line.contains(&proxy.addr.to_string()) && !line.contains("wrong"),
            "{line}"
        );
    }
}

#[test]
fn a_proxy_that_fails_is_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let url = format!("http://{}", free.expect("a free port"));
    let end = run(&["send", FAR, "--proxy", &url]);
    assert!(
        failed(&end).contains("cannot be reached: Connection refused"),
        "{end:?}"
    );
    let end = run_with(&["send", FAR], &[("HTTP_PROXY", "ftp://p")], b"");
    assert!(failed(&end).contains("HTTP_PROXY"), "{end:?}");

    let host = Host::new();
    let url = format!("socks5h://{}", host.addr);
    let client = thread::spawn(move || run(&["send", FAR, "--proxy", &url]));
    let mut peer = host.accept();
    peer.octets(3);
    peer.send([5, 0]);
    peer.octets(4);
    peer.send([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]);
    let end = client.join().expect("no panic");
    assert!(
        failed(&end).contains("host unreachable (SOCKS code 4)"),
        "{end:?}"
    );
}

#[test]
fn a_flag_that_is_no_proxy_is_status_2_and_its_password_is_not_repeated() {
    let end = run(&["send", FAR, "--proxy", "https://ana:s3cret@p:3128"]);
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(
        end.errors
            .contains("--proxy: a proxy URL begins with http://"),
        "{end:?}"
    );
    assert!(
        !end.errors.contains("s3cret") && end.errors.lines().count() == 1,
        "{end:?}"
    );
}

#[test]
fn a_redirect_is_followed_when_asked_for_and_else_shown() {
    let (_server, address) = server(&[]);
    let there = format!("ws://{address}/echo");
    for follow in [false, true] {
        let host = Host::new();
        let url = host.url();
        let client = thread::spawn(move || {
            let words = ["send", &url, "--follow"];
            run_with(&words[..2 + usize::from(follow)], &[], b"hola\n")
        });
        let (mut peer, _) = host.request();
        peer.send(format!(
            "HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n"
        ));
        let end = client.join().expect("no panic");
        if follow {
            assert_eq!(
                (end.code, end.output.as_str()),
                (Some(0), "hola\n"),
                "{end:?}"
            );
        } else {
            let hint = format!("answered 302 Found; --follow follows it to {there}");
            assert!(failed(&end).contains(&hint), "{end:?}");
        }
    }
}
