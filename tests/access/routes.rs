//! Every route without a token, with a wrong one, and with the right one in each of its forms.

use std::collections::BTreeSet;

use crate::support::folder::Folder;
use crate::support::peer::{field, request};
use crate::support::server_process::ServerProcess;

const TOKEN: &str = "the-right-token.1234";

/// One way to ask, and what it is answered: without a token, and with one. The same twice is open to all.
struct Route {
    method: &'static str,
    target: &'static str,
    upgrade: bool,
    without: u16,
    with: u16,
}

const fn upgrade(target: &'static str, without: u16, with: u16) -> Route {
    Route {
        method: "GET",
        target,
        upgrade: true,
        without,
        with,
    }
}

const fn plain(method: &'static str, target: &'static str, without: u16, with: u16) -> Route {
    Route {
        method,
        target,
        upgrade: false,
        without,
        with,
    }
}

const ROUTES: &[Route] = &[
    upgrade("/?name=ana", 401, 101),
    upgrade("/?name=", 401, 400),
    upgrade("/", 401, 101),
    upgrade("/chat", 401, 101),
    upgrade("/socket", 401, 101),
    upgrade("/echo", 401, 101),
    upgrade("/inspect", 401, 101),
    upgrade("/nowhere", 401, 404),
    upgrade("/healthz", 401, 404),
    plain("POST", "/socket/negotiate", 401, 200),
    plain("OPTIONS", "/socket/negotiate", 204, 204),
    plain("GET", "/socket/negotiate", 401, 405),
    plain("GET", "/socket", 401, 426),
    plain("GET", "/echo", 401, 426),
    plain("GET", "/inspect", 401, 426),
    plain("GET", "/?name=ana", 401, 200),
    plain("GET", "/metrics", 401, 200),
    plain("HEAD", "/metrics", 401, 200),
    plain("GET", "/file.txt", 401, 200),
    plain("HEAD", "/file.txt", 401, 200),
    plain("GET", "/missing", 401, 404),
    plain("GET", "//metrics", 401, 404),
    plain("GET", "/chat/../metrics", 401, 404),
    plain("GET", "/%6detrics", 401, 404),
    plain("POST", "/", 401, 405),
    plain("DELETE", "/healthz", 401, 405),
    plain("GET", "/healthz", 200, 200),
    plain("HEAD", "/healthz", 200, 200),
    plain("GET", "/", 200, 200),
    plain("GET", "/chat", 200, 200),
    plain("GET", "/lab", 200, 200),
    plain("GET", "/hospital", 200, 200),
    plain("GET", "/assets/chat/chat.js", 200, 200),
    plain("GET", "/assets/shared/token.js", 200, 200),
    plain("GET", "/favicon.ico", 200, 200),
    plain("GET", "/assets/missing", 401, 404),
    plain("GET", "/assets/chat/chat.html", 401, 404),
    plain("POST", "/assets/chat/chat.js", 401, 405),
    plain("POST", "/metrics", 401, 405),
    plain("OPTIONS", "/socket", 401, 426),
    plain("OPTIONS", "/metrics", 401, 405),
];

fn server(folder: &Folder) -> ServerProcess {
    ServerProcess::start_with_token(TOKEN, &["--root", folder.name()])
}

/// Asks, with further fields and a further pair in the query; the status and the head.
fn ask(server: &ServerProcess, route: &Route, fields: &str, pair: &str) -> (u16, String) {
    let joint = if route.target.contains('?') { '&' } else { '?' };
    let target = match pair {
        "" => route.target.to_owned(),
        pair => format!("{}{joint}{pair}", route.target),
    };
    let octets = if route.upgrade {
        request(&target, fields)
    } else {
        let method = route.method;
        format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{fields}\r\n"
        )
    };
    let head = server.connect().send(octets).head();
    // The name it took is free again for the next request.
    server.wait_until_empty();
    let status = head[9..12].parse().expect("a status");
    (status, head)
}

#[test]
fn without_a_token_only_what_has_no_data_is_answered() {
    let folder = Folder::new();
    folder.write("file.txt", "hola");
    let server = server(&folder);
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.target);
        for (fields, pair) in [
            ("", ""),
            ("Authorization: Bearer the-wrong-token.1234\r\n", ""),
            ("", "token=the-wrong-token.1234"),
            (
                "Sec-WebSocket-Protocol: bearer, bearer.the-wrong-token.1234\r\n",
                "",
            ),
        ] {
            let (status, head) = ask(&server, route, fields, pair);
            assert_eq!(status, route.without, "{name} {fields}");
            if status == 401 {
                let challenge = field(&head, "WWW-Authenticate").expect("a challenge");
                assert!(challenge.starts_with("Bearer realm="), "{challenge}");
                assert_eq!(
                    challenge.contains("invalid_token"),
                    fields != pair,
                    "{head}"
                );
            }
        }
        for (fields, pair) in [
            (format!("Authorization: Bearer {TOKEN}\r\n"), String::new()),
            (String::new(), format!("token={TOKEN}")),
            (String::new(), format!("access_token={TOKEN}")),
            (
                format!("Sec-WebSocket-Protocol: bearer, bearer.{TOKEN}\r\n"),
                String::new(),
            ),
        ] {
            let (status, _) = ask(&server, route, &fields, &pair);
            assert_eq!(status, route.with, "{name} {fields} {pair}");
        }
    }
}

/// A new route is to be thought about here.
#[test]
fn every_route_of_the_router_is_in_the_table() {
    let sources = [
        include_str!("../../src/bin/enchufe/router.rs"),
        include_str!("../../src/bin/enchufe/assets.rs"),
    ];
    let code = sources.map(|source| source.split("#[cfg(test)]").next().unwrap_or_default());
    let literals = code
        .iter()
        .flat_map(|code| code.split('"').skip(1).step_by(2));
    let written: BTreeSet<&str> = literals.filter(|text| text.starts_with('/')).collect();
    let known = ["/chat", "/socket/negotiate", "/metrics", "/lab", "/assets/"];
    assert!(
        known.iter().all(|path| written.contains(path)),
        "{written:?}"
    );
    let path = |route: &Route| route.target.split('?').next().unwrap_or_default();
    for target in written {
        let is_it = |route| match target.strip_suffix('/') {
            None | Some("") => path(route) == target,
            Some(_) => path(route).starts_with(target),
        };
        assert!(ROUTES.iter().any(is_it), "{target}");
    }
}

#[test]
fn an_index_of_the_operator_s_own_is_a_file_like_the_others() {
    let folder = Folder::new();
    folder.write("index.html", "<p>hola");
    let server = server(&folder);
    let root = plain("GET", "/", 401, 200);
    assert_eq!(ask(&server, &root, "", "").0, 401);
    let token = format!("token={TOKEN}");
    assert_eq!(ask(&server, &root, "", &token).0, 200);
}

/// HTTP/0.9 has no fields and no status: there is the query, and a body that is the file or is not.
#[test]
fn an_old_request_for_a_file_takes_a_token_too() {
    let folder = Folder::new();
    folder.write("file.txt", "the content");
    let server = server(&folder);
    let ask = |target: &str| {
        let mut peer = server.connect();
        peer.send(format!("GET {target}\r\n"));
        String::from_utf8(peer.release_buffers().0).expect("text")
    };
    assert!(!ask("/file.txt").contains("the content"));
    assert!(!ask("/").contains("<html"));
    assert!(ask(&format!("/file.txt?token={TOKEN}")).contains("the content"));
}

#[test]
fn a_browser_that_brings_its_token_as_a_subprotocol_gets_another_one_back() {
    let folder = Folder::new();
    let server = server(&folder);
    for (offer, agreed) in [
        (format!("bearer, bearer.{TOKEN}"), Some("bearer")),
        (format!("bearer.{TOKEN}, bearer"), Some("bearer")),
        (
            format!("chat-protocol, bearer, bearer.{TOKEN}"),
            Some("chat-protocol"),
        ),
        (format!("bearer.{TOKEN}"), None),
    ] {
        let fields = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        let (status, head) = ask(&server, &upgrade("/chat", 401, 101), &fields, "");
        assert_eq!(status, 101);
        assert_eq!(field(&head, "Sec-WebSocket-Protocol"), agreed, "{offer}");
        assert!(!head.contains(TOKEN), "{head}");
    }
}

#[test]
fn a_name_is_not_taken_by_who_is_not_let_in() {
    let folder = Folder::new();
    let server = server(&folder);
    let ana = upgrade("/?name=ana", 401, 101);
    assert_eq!(ask(&server, &ana, "", "").0, 401);
    let free = plain("GET", "/?name=ana", 401, 200);
    assert_eq!(ask(&server, &free, "", &format!("token={TOKEN}")).0, 200);
}

#[test]
fn when_an_origin_is_required_only_pages_connect() {
    let server = ServerProcess::start(&["--require-origin"]);
    for target in ["/?name=ana", "/chat", "/socket", "/echo", "/inspect"] {
        let route = upgrade(target, 403, 101);
        assert_eq!(ask(&server, &route, "", "").0, 403, "{target}");
        let page = "Origin: http://localhost\r\n";
        assert_eq!(ask(&server, &route, page, "").0, 101, "{target}");
        let foreign = "Origin: http://evil.example\r\n";
        assert_eq!(ask(&server, &route, foreign, "").0, 403, "{target}");
    }
    assert_eq!(
        ask(&server, &plain("GET", "/metrics", 200, 200), "", "").0,
        200
    );
}
