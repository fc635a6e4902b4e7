//! The hospital hub against the SignalR client that people use, from npm, in three versions.
//!
//! Needs Node.js and `npm ci` in `tests/signalr`. Without them the test says so and passes, except where `CI` is `true`:
//! there nothing is skipped.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use support::server_process::ServerProcess;

#[test]
fn the_ordinary_signalr_client_sees_the_board_and_changes_it() {
    talk_to(|| ServerProcess::start_with(&[], &[]), "");
}

#[test]
fn the_ordinary_signalr_client_brings_a_token_where_one_is_asked_for() {
    let token = "a-token-for-the-board";
    talk_to(|| ServerProcess::start_with_token(token, &[]), token);
}

fn talk_to(start: impl FnOnce() -> ServerProcess, token: &str) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signalr");
    if let Some(missing) = what_is_missing(&scripts) {
        return skip(missing);
    }
    let server = start();
    let base = format!("http://{}/", server.addr);

    // The script has a deadline on every wait.
    let output = Command::new("node")
        .arg("hub.mjs")
        .arg(&base)
        .env("ENCHUFE_TOKEN", token)
        .current_dir(&scripts)
        .output()
        .unwrap();
    server.stop();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn what_is_missing(scripts: &Path) -> Option<&'static str> {
    let version = Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        return Some("node is not installed");
    }
    let packages = ["signalr-5", "signalr-8", "signalr-10"];
    let all = packages
        .iter()
        .all(|package| scripts.join("node_modules").join(package).is_dir());
    (!all).then_some("its packages are not installed: run `npm ci` in tests/signalr")
}

/// Past the test harness, which would keep an `eprintln!` to itself.
fn skip(why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "not to be skipped here: {why}"
    );
    let _ = writeln!(std::io::stderr(), "skipped: hospital_signalr, {why}");
}
