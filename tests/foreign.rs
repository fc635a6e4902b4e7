//! The chat and the metrics with clients that nobody here wrote: the package `websockets` and the Prometheus parser in
//! Python, the package `ws` in node. What they say and expect is in `tests/python` and `tests/node`.
//!
//! They need `tests/python/install.sh` and `npm ci` in `tests/node` to have been run. Without that a test says so and
//! passes, except where `CI` is `true`: there nothing is skipped.
#![cfg(all(unix, feature = "json"))]

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use enchufe::services::{Router, Settings};

use support::server::{TestServer, limits};
use support::tools::{available, skip};
use support::wire;

#[test]
fn python_websockets_speaks_both_chats_and_gets_an_answer_to_bad_input() {
    let Some(python) = Python::find() else { return };
    let server = server();
    finish("chat.py", python.start("chat.py", &server));
}

#[test]
fn the_prometheus_parser_reads_the_metrics() {
    let Some(python) = Python::find() else { return };
    let server = server();
    finish("metrics.py", python.start("metrics.py", &server));
}

#[test]
fn a_json_user_in_node_and_a_binary_user_in_python_talk_in_one_room() {
    let (Some(python), true) = (Python::find(), has_node()) else {
        return;
    };
    let server = server();
    let pita = python.start("binary_user.py", &server);
    let mut nodo = Command::new("node");
    nodo.arg("json-user.mjs").current_dir(tests("node"));
    let nodo = start(&mut nodo, &server);
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

    fn start(&self, script: &str, server: &TestServer) -> Child {
        let mut python = Command::new(&self.0);
        // `-B`: nothing is written beside the sources.
        python.args(["-B", script]).current_dir(tests("python"));
        start(&mut python, server)
    }
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

fn server() -> TestServer {
    TestServer::with(limits(), Router::new(Settings::default()))
}

fn start(command: &mut Command, server: &TestServer) -> Child {
    wire::trust(command)
        .arg(server.url(""))
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
