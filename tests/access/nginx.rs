//! Behind nginx, with the lines that `src/guide/deploy.md` gives for it.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use enchufe::Limits;
use enchufe::services::access::Tokens;
use enchufe::services::{Router, Settings};

use crate::proxy::user_info_address;
use crate::support::folder::Folder;
use crate::support::peer::{Peer, TEXT, field, masked, request};
use crate::support::server::{TestServer, limits, wait_until};
use crate::support::tools::available;

const TOKEN: &str = "a-token-behind-a-proxy";

/// nginx in front of a server, ended when the test is done with it.
struct Nginx {
    child: Child,
    addr: SocketAddr,
    _folder: Folder,
}

impl Nginx {
    fn start(behind: SocketAddr) -> Nginx {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = free.local_addr().expect("it is bound");
        drop(free);
        let folder = Folder::new();
        let path = folder.name();
        // The server trusts one address, and it is not that of the clients here.
        let site = of_the_guide()
            .replace("listen 443 ssl;", &format!("listen {addr};"))
            .replace(
                "http://127.0.0.1:8080;",
                &format!("http://{behind}; proxy_bind 127.0.0.9;"),
            );
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {path}/{name};"))
            .join(" ");
        folder.write(
            "nginx.conf",
            format!(
                "daemon off; pid {path}/pid; error_log stderr; events {{}}\n\
                 http {{ access_log off; {temporary}\n{site} }}\n"
            ),
        );
        let child = Command::new("nginx")
            .args([
                "-e",
                "stderr",
                "-p",
                path,
                "-c",
                &format!("{path}/nginx.conf"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is there");
        wait_until("nginx listens", || {
            std::net::TcpStream::connect(addr).is_ok()
        });
        Nginx {
            child,
            addr,
            _folder: folder,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // In order, so that its workers end too.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &id]).status();
        let _ = self.child.wait();
    }
}

/// The configuration in the guide, without the certificate, which is not there.
fn of_the_guide() -> String {
    let guide = include_str!("../../src/guide/deploy.md");
    let (_, rest) = guide.split_once("```nginx\n").expect("the guide has it");
    let (site, _) = rest.split_once("```").expect("its end");
    let lines = site
        .lines()
        .filter(|line| !line.contains("ssl_certificate"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn behind_nginx_as_in_the_guide_tokens_and_addresses_get_through() {
    if !available("nginx", &["-v"]) {
        return;
    }
    let settings = Settings {
        tokens: Tokens::parse(TOKEN).expect("a token"),
        hosts: vec!["chat.example.org".to_owned()],
        loopback: true,
        ..Settings::default()
    };
    let limits = Limits {
        trusted_proxies: vec!["127.0.0.9".parse().expect("an address")],
        ..limits()
    };
    let server = TestServer::with(limits, Router::new(settings));
    let nginx = Nginx::start(server.addr);
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
