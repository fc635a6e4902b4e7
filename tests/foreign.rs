//! The chat and the metrics with clients that nobody here wrote: the package `websockets` and the Prometheus parser in
//! Python, the package `ws` in node. What they say and expect is in `tests/python` and `tests/node`.
//!
//! They need `tests/python/install.sh` and `npm ci` in `tests/node` to have been run. Without that a test says so and
//! passes, except where `CI` is `true`: there nothing is skipped.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::server_process::ServerProcess;
use support::tools::{available, skip};
use support::wire;

#[test]
fn python_websockets_speaks_both_chats_and_gets_an_answer_to_bad_input() {
    let Some(python) = Python::find() else { return };
    let server = server();
    finish("chat.py", python.start("chat.py", &server.url("")));
}

#[cfg(feature = "deflate")]
#[test]
fn python_websockets_and_an_echo_that_compresses_stay_in_step() {
    let Some(python) = Python::find() else { return };
    let server = deflate::echo();
    finish("deflate.py", python.start("deflate.py", &server.url("")));
}

#[cfg(feature = "deflate")]
#[test]
fn node_ws_and_an_echo_that_compresses_stay_in_step() {
    if has_node() {
        let mut node = node("deflate.mjs");
        let server = deflate::echo();
        finish("deflate.mjs", start(&mut node, &server.url("")));
    }
}

#[cfg(feature = "deflate")]
#[test]
fn our_client_and_echoes_of_others_that_compress_stay_in_step() {
    if let Some(python) = Python::find() {
        deflate::echoes_of(&mut python.command("deflate.py"));
    }
    if has_node() {
        deflate::echoes_of(&mut node("deflate.mjs"));
    }
}

#[test]
fn the_prometheus_parser_reads_the_metrics() {
    let Some(python) = Python::find() else { return };
    let server = server();
    finish("metrics.py", python.start("metrics.py", &server.url("")));
}

#[test]
fn a_json_user_in_node_and_a_binary_user_in_python_talk_in_one_room() {
    let (Some(python), true) = (Python::find(), has_node()) else {
        return;
    };
    let server = server();
    let pita = python.start("binary_user.py", &server.url(""));
    let nodo = start(&mut node("json-user.mjs"), &server.url(""));
    finish("json-user.mjs", nodo);
    finish("binary_user.py", pita);
}

/// An interpreter that has what the scripts need.
struct Python(PathBuf);

impl Python {
    /// Without it, a visible line.
    fn find() -> Option<Self> {
        let install = tests("python/install.sh");
        let check = Command::new(install).arg("--check").output();
        let check = check.expect("the script starts");
        if !check.status.success() {
            skip(String::from_utf8_lossy(&check.stderr).trim());
            return None;
        }
        let path = String::from_utf8(check.stdout).expect("a path");
        Some(Self(path.trim().into()))
    }

    fn start(&self, script: &str, url: &str) -> Child {
        start(&mut self.command(script), url)
    }

    fn command(&self, script: &str) -> Command {
        let mut python = Command::new(&self.0);
        // `-B`: nothing is written beside the sources.
        python.args(["-B", script]).current_dir(tests("python"));
        python
    }
}

fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(script).current_dir(tests("node"));
    node
}

fn has_node() -> bool {
    if !available("node", &["--version"]) {
        return false;
    }
    let installed = tests("node/node_modules/ws").is_dir();
    if !installed {
        skip("the node packages are not installed: run `npm ci` in tests/node");
    }
    installed
}

fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

fn server() -> ServerProcess {
    ServerProcess::start(&[])
}

fn start(command: &mut Command, url: &str) -> Child {
    wire::trust(command)
        .arg(url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was there a moment ago")
}

/// Waits for a script, which has a deadline on every wait of its own, and shows what it said if it failed.
#[track_caller]
fn finish(name: &str, script: Child) {
    let output = script.wait_with_output().expect("it was started");
    assert!(
        output.status.success(),
        "{name}: {}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The library's side of `deflate.py` and `deflate.mjs`.
#[cfg(feature = "deflate")]
mod deflate {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use enchufe::net::{Reply, RequestContext, Upgrade};
    use enchufe::{Client, DeflateOptions, DeflateParams, Message};

    use super::support::server::{self, PATIENCE, TestServer, limits};

    pub(super) fn echo() -> TestServer {
        TestServer::with(limits(), |_: &RequestContext<'_>| {
            let echo = Upgrade::new(server::echo);
            Reply::Upgrade(echo.deflate(DeflateOptions::default()))
        })
    }

    /// Talks through each echo that `script` offers.
    pub(super) fn echoes_of(script: &mut Command) {
        let mut script = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was there a moment ago");
        let lines = BufReader::new(script.stdout.take().expect("a pipe")).lines();
        for line in lines.take(SETS) {
            let line = line.expect("text");
            let words: Vec<&str> = line.split(' ').collect();
            let [
                url,
                server_forgets,
                client_forgets,
                server_bits,
                client_bits,
            ] = words[..]
            else {
                panic!("{line}");
            };
            let expected = DeflateParams {
                server_no_context_takeover: server_forgets == "true",
                client_no_context_takeover: client_forgets == "true",
                server_max_window_bits: server_bits.parse().expect("a number"),
                client_max_window_bits: client_bits.parse().expect("a number"),
            };
            talk(url, expected);
        }
        drop(script.stdin.take());
        assert!(script.wait().expect("it was started").success());
    }

    fn talk(url: &str, expected: DeflateParams) {
        let mut ws = Client::new(url)
            .timeout(PATIENCE)
            .deflate(DeflateOptions::default())
            .connect()
            .expect("a connection");
        assert_eq!(ws.deflate(), Some(expected));
        let mut noise = 20u32;
        for number in 0..40u8 {
            let noise: Vec<u8> = std::iter::repeat_with(|| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .take(usize::from(number) * 100)
            .collect();
            for message in [
                Message::Text(format!("número {number} ").repeat(usize::from(number) * 5)),
                Message::Binary([noise.as_slice(), &noise].concat()),
                Message::Binary(vec![number; usize::from(number) * 1000]),
            ] {
                ws.send(&message).expect("the peer is there");
                assert!(
                    ws.read().expect("an echo") == Some(message),
                    "{url} {number}"
                );
            }
        }
        let _ = ws.close(enchufe::CloseCode::NormalClosure, ""); // the peer closes soon anyway
    }

    /// Both scripts offer as many: two kinds of each takeover, three of each window.
    const SETS: usize = 2 * 2 * 3 * 3;
}
