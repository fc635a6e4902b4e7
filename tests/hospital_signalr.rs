//! The hospital hub against the SignalR client that people use, from npm, in three versions.
//!
//! Needs Node.js and `npm ci` in `tests/signalr`. Without them the test says so and passes, except where `CI` is `true`:
//! there nothing is skipped.
#![cfg(feature = "json")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use enchufe::Server;
use enchufe::services::access::Tokens;
use enchufe::services::{Router, Settings};

#[test]
fn the_ordinary_signalr_client_sees_the_board_and_changes_it() {
    with_settings(Settings::default(), "");
}

#[test]
fn the_ordinary_signalr_client_brings_a_token_where_one_is_asked_for() {
    let token = "a-token-for-the-board";
    let settings = Settings {
        tokens: Tokens::parse(token).unwrap(),
        ..Settings::default()
    };
    with_settings(settings, token);
}

fn with_settings(settings: Settings, token: &str) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signalr");
    if let Some(missing) = what_is_missing(&scripts) {
        return skip(missing);
    }
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .service(Router::new(settings));
    let base = format!("http://{}/", server.local_addrs()[0]);
    let handle = server.handle();
    let running = thread::spawn(move || server.run());

    // The script has a deadline on every wait.
    let output = Command::new("node")
        .arg("hub.mjs")
        .arg(&base)
        .env("ENCHUFE_TOKEN", token)
        .current_dir(&scripts)
        .output()
        .unwrap();
    handle.stop();
    running.join().unwrap();
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
