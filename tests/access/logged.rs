//! What the log says about a request with a token in it, at its most talkative: everything but the token.

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};

use crate::support::peer::request;
use crate::support::server_process::ServerProcess;

/// Keeps all lines.
struct Lines(Mutex<String>);

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        self.0.lock().unwrap().push_str(&line);
    }

    fn flush(&self) {}
}

static LINES: Lines = Lines(Mutex::new(String::new()));

#[test]
fn no_line_of_the_log_has_a_token_in_it() {
    log::set_logger(&LINES).expect("the first logger");
    log::set_max_level(LevelFilter::Trace);
    // Right or wrong, a token may be somebody's.
    let (right, wrong) = ("logged-token.RIGHT", "logged-token.WRONG");
    let server = ServerProcess::start_with_token(right, &["--log", "trace", "--log-rate", "0"]);
    for token in [right, wrong] {
        for (target, fields) in [
            (format!("/echo?token={token}"), String::new()),
            (format!("/echo?access_token={token}&a=b"), String::new()),
            (format!("/echo?%74oken={token}"), String::new()),
            (
                "/echo".to_owned(),
                format!("Authorization: Bearer {token}\r\n"),
            ),
            (
                "/echo".to_owned(),
                format!("Sec-WebSocket-Protocol: bearer, bearer.{token}\r\n"),
            ),
        ] {
            server.connect().send(request(&target, &fields)).head();
            let get = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
            server.connect().send(get).head();
        }
        let url = server.url(&format!("/echo?token={token}"));
        let client = enchufe::Client::new(url).header("Authorization", format!("Bearer {token}"));
        let _refused_or_not = client.connect();
    }
    server.wait_until_empty();
    let (servers, clients) = (server.log(), LINES.0.lock().unwrap());
    assert!(servers.contains("GET /echo?token=… HTTP/1.1"), "{servers}");
    assert!(servers.contains("Authorization: Bearer …"), "{servers}");
    assert!(clients.contains("Authorization: Bearer …"), "{clients}");
    let lines = format!("{servers}{clients}");
    for (number, line) in lines.lines().enumerate() {
        assert!(!line.contains("logged-token"), "{number}: {line}");
    }
}
