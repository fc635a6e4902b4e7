//! HTTP CONNECT ([RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)), byte by byte.

use std::net::TcpListener;

use enchufe::net::ProxyError;
use enchufe::{Client, Message, Proxy};

use crate::support::host::{Host, granted};
use crate::support::peer::{TEXT, field, unmasked};
use crate::{connecting, fault, outcome, through};

#[test]
fn the_proxy_is_asked_for_the_host_and_the_host_for_the_websocket() {
    let proxy = Host::new();
    let client = through("http://{}", &proxy, "ws://server.example:8080/chat");
    let connecting = connecting(client.header("Authorization", "Bearer x"));
    let (mut peer, asked) = proxy.request();
    assert_eq!(
        asked, "CONNECT server.example:8080 HTTP/1.1\r\nHost: server.example:8080\r\n\r\n",
        "what is meant for the host is not for the proxy"
    );
    peer.send("HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n");
    let request = peer.head();
    assert!(request.starts_with("GET /chat HTTP/1.1\r\n"), "{request}");
    assert_eq!(field(&request, "Host"), Some("server.example:8080"));
    assert_eq!(field(&request, "Authorization"), Some("Bearer x"));
    peer.send(granted(&request, ""))
        .send(unmasked(TEXT, "first"));
    let mut ws = outcome(connecting).expect("a connection");
    assert_eq!(ws.read().expect("a message"), Some(Message::from("first")));
}

#[test]
fn user_and_password_go_to_the_proxy_alone() {
    let proxy = Host::new();
    let client = through("http://ana:s%40cret@{}", &proxy, "ws://[2001:db8::1]/");
    let connecting = connecting(client);
    let (mut peer, asked) = proxy.request();
    assert!(asked.starts_with("CONNECT [2001:db8::1]:80 HTTP/1.1\r\n"));
    // echo -n ana:s@cret | base64
    let basic = Some("Basic YW5hOnNAY3JldA==");
    assert_eq!(field(&asked, "Proxy-Authorization"), basic);
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    let request = peer.head();
    assert_eq!(field(&request, "Proxy-Authorization"), None);
    peer.send(granted(&request, ""));
    assert!(outcome(connecting).is_ok());
}

#[test]
fn a_refusal_reaches_the_caller_with_status_fields_and_body_and_no_password() {
    for (status, reason, says) in [
        (
            407,
            "Proxy Authentication Required",
            "a user and a password",
        ),
        (403, "Forbidden", "forbids"),
        (502, "Bad Gateway", "cannot reach the host"),
        (301, "Moved", "refused: 301 Moved"),
    ] {
        let proxy = Host::new();
        let client = through("http://ana:secret@{}", &proxy, "ws://server.example/");
        let connecting = connecting(client.follow_redirects(5));
        let (mut peer, _) = proxy.request();
        peer.send(format!(
            "HTTP/1.1 {status} {reason}\r\nLocation: /\r\nContent-Length: 3\r\n\r\nwhy"
        ));
        let error = outcome(connecting).expect_err("no connection");
        let text = error.to_string();
        assert!(text.contains(says), "{text}");
        assert!(
            text.contains(&format!("proxy http://{}", proxy.addr)),
            "{text}"
        );
        assert!(!format!("{error:?} {text}").contains("secret"), "{error:?}");
        match fault(Err(error)) {
            ProxyError::Refused(answer) => {
                assert_eq!(answer.status, status);
                assert_eq!(answer.headers.get("location"), Some("/"));
                assert_eq!(answer.body, b"why");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_interim_is_skipped() {
    let proxy = Host::new();
    let connecting = connecting(through("http://{}", &proxy, "ws://server.example/"));
    let (mut peer, _) = proxy.request();
    peer.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    let request = peer.head();
    peer.send(granted(&request, ""));
    assert!(outcome(connecting).is_ok());
}

#[test]
fn a_proxy_that_is_not_there_is_said_to_be_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let free = free.expect("a free port");
    for scheme in ["http", "socks5", "socks5h"] {
        let proxy = Proxy::parse(&format!("{scheme}://{free}")).expect("a proxy");
        // Not the host's fault, so its other addresses are not tried.
        let error = Client::new("ws://localhost:9/").proxy(proxy).connect();
        assert!(matches!(fault(error), ProxyError::Unreachable(_)));
    }
}
