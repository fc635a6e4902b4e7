//! Behind nginx, with the lines that `src/guide/deploy.md` gives for it.

use crate::proxy::user_info_address;
use crate::support::nginx::{Nginx, replaced, site_of};
use crate::support::peer::{Peer, TEXT, field, masked, request};
use crate::support::server_process::ServerProcess;
use crate::support::tools::available;

const TOKEN: &str = "a-token-behind-a-proxy";

#[test]
fn behind_nginx_as_in_the_guide_tokens_and_addresses_get_through() {
    if !available("nginx", &["-v"]) {
        return;
    }
    let server = ServerProcess::start_with_token(
        TOKEN,
        &[
            "--allowed-host",
            "chat.example.org",
            "--trusted-proxy",
            "127.0.0.9",
        ],
    );
    // The server trusts one address, and it is not that of the clients here.
    let site = replaced(
        &site_of(include_str!("../../src/guide/deploy.md")),
        "http://127.0.0.1:8080;",
        &format!("http://{}; proxy_bind 127.0.0.9;", server.addr),
    );
    let nginx = Nginx::start(&site);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let ask = |target: &str, fields: &str| {
        let request = request(target, fields).replace("localhost", "chat.example.org");
        let mut peer = Peer::connect(nginx.addr);
        let head = peer.send(request).head();
        (head, peer)
    };

    let (head, _) = ask("/echo", "");
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!(
        field(&head, "WWW-Authenticate"),
        Some("Bearer realm=\"enchufe\"")
    );
    let subprotocol = format!("Sec-WebSocket-Protocol: bearer, bearer.{TOKEN}\r\n");
    let page = "Origin: https://chat.example.org\r\n";
    for fields in [bearer.clone(), format!("{subprotocol}{page}")] {
        let (head, mut peer) = ask("/echo", &fields);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer.send(masked(TEXT, "hola")).expect(TEXT, "hola");
    }
    let (head, _) = ask(
        "/echo",
        &format!("{bearer}Origin: https://evil.example\r\n"),
    );
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");

    // nginx writes the one field and empties the other.
    let invented = "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2\r\n";
    let (head, mut peer) = ask("/chat", &format!("{bearer}{invented}"));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(user_info_address(&mut peer), "127.0.0.1");

    let mut peer = Peer::connect(nginx.addr);
    peer.send(format!(
        "GET /metrics HTTP/1.1\r\nHost: chat.example.org\r\n{bearer}\r\n"
    ));
    assert_eq!(peer.answer().status, 403);
}
