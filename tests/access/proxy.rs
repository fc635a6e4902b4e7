//! Behind a proxy that is trusted, and in front of one that is not. The peer is always 127.0.0.1 here.

use serde_json::Value;

use crate::support::peer::{Peer, TEXT, masked, request};
use crate::support::server_process::ServerProcess;

fn server(trusted: &[&str], max_per_ip: &str) -> ServerProcess {
    let mut words = vec!["--max-per-ip", max_per_ip];
    for address in trusted {
        words.extend(["--trusted-proxy", address]);
    }
    ServerProcess::start(&words)
}

/// Opens a JSON chat through a proxy that says this.
fn open(server: &ServerProcess, fields: &str) -> (u16, Peer) {
    let mut peer = server.connect();
    let head = peer.send(request("/chat", fields)).head();
    (head[9..12].parse().expect("a status"), peer)
}

/// The address under which others see a user who comes with these fields.
fn seen(server: &ServerProcess, fields: &str) -> String {
    let (status, mut peer) = open(server, fields);
    assert_eq!(status, 101);
    user_info_address(&mut peer)
}

/// The address under which others see the user of this connection to the JSON chat, who leaves then.
pub(crate) fn user_info_address(peer: &mut Peer) -> String {
    peer.send(masked(TEXT, r#"{"type":"register","sender":"ana"}"#));
    peer.send(masked(TEXT, r#"{"type":"user_info","target":"ana"}"#));
    loop {
        let message: Value = serde_json::from_slice(&peer.frame().payload).expect("JSON");
        if message["type"] == "user_info_response" {
            // Gone when this returns, and the name is free again.
            peer.send(masked(TEXT, r#"{"type":"disconnect"}"#));
            let goodbye = peer.frame();
            assert_eq!(goodbye.first, TEXT);
            return message["content"]["ip"].as_str().unwrap().to_owned();
        }
    }
}

#[test]
fn a_user_s_address_is_the_one_a_trusted_proxy_tells() {
    let server = server(&["127.0.0.1"], "0");
    for (fields, address) in [
        ("X-Forwarded-For: nonsense\r\n", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 1.1.1.1, 192.0.2.1\r\n", "192.0.2.1"),
        ("Forwarded: for=\"[2001:db8::1]:80\"\r\n", "2001:db8::1"),
        ("", "127.0.0.1"),
        ("X-Forwarded-For: nonsense\r\n", "127.0.0.1"),
    ] {
        assert_eq!(seen(&server, fields), address, "{fields}");
    }
}

#[test]
fn what_anybody_else_tells_is_ignored() {
    for trusted in [&[][..], &["192.0.2.7"]] {
        let server = server(trusted, "0");
        let fields = "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n";
        assert_eq!(seen(&server, fields), "127.0.0.1");
    }
}

#[test]
fn each_client_of_a_proxy_has_its_own_bound_on_connections() {
    let server = server(&["127.0.0.1"], "2");
    let one = "X-Forwarded-For: 192.0.2.1\r\n";
    let mut open_now = Vec::new();
    for _ in 0..2 {
        let (status, peer) = open(&server, one);
        assert_eq!(status, 101);
        open_now.push(peer);
    }
    assert_eq!(open(&server, one).0, 429);
    // One that claims to be somebody before it does not get around the bound.
    assert_eq!(
        open(&server, "X-Forwarded-For: 1.2.3.4, 192.0.2.1\r\n").0,
        429
    );
    // Nor does one that adds the field which the proxy does not write.
    let both = "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=1.2.3.4\r\n";
    assert_eq!(open(&server, both).0, 400);
    assert_eq!(open(&server, "X-Forwarded-For: 192.0.2.2\r\n").0, 101);
    drop(open_now);
    server.wait_until_empty();
    assert_eq!(open(&server, one).0, 101);
}

#[test]
fn a_proxy_s_connection_counts_for_whom_it_asks_at_the_moment() {
    let server = server(&["127.0.0.1"], "1");
    let mut proxy = server.connect();
    let mut get = |client: &str| {
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n"
        );
        proxy.send(request).answer().status
    };
    assert_eq!(get("192.0.2.1"), 200);
    assert_eq!(get("192.0.2.2"), 200);
    let (status, _first) = open(&server, "X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(
        status, 101,
        "the other connection asks for somebody else now"
    );
    assert_eq!(open(&server, "X-Forwarded-For: 192.0.2.2\r\n").0, 429);
}
