//! The Autobahn suite's quick cases against the server and the client. The whole suite runs by hand:
//!
//! ```text
//! cargo build --release --features deflate --bin enchufe --example autobahn_client
//! target/release/enchufe --bind 127.0.0.1:9001 --rate 0 --deflate &
//! tests/autobahn/server.sh --strict ws://127.0.0.1:9001/echo
//! tests/autobahn/client.sh --strict -- target/release/examples/autobahn_client {url}
//! ```

#[path = "support/built.rs"]
mod built;
#[cfg(all(unix, feature = "cli"))]
#[path = "support/mod.rs"]
mod support;
#[cfg_attr(
    all(unix, feature = "cli"),
    allow(
        clippy::duplicate_mod,
        reason = "the support is there only with the program"
    )
)]
#[path = "support/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;

#[cfg(all(unix, feature = "cli"))]
#[test]
fn server_passes_the_quick_cases_of_the_autobahn_suite() {
    if tools::available("tests/autobahn/install.sh", &["--check"]) {
        serving(|url| run(Command::new(script("server.sh")).args(["--quick", "--strict", url])));
    }
}

#[test]
fn client_passes_the_quick_cases_of_the_autobahn_suite() {
    if tools::available("tests/autobahn/install.sh", &["--check"]) {
        run(Command::new(script("client.sh"))
            .args(["--quick", "--strict", "--"])
            .arg(built::example("autobahn_client"))
            .arg("{url}"));
    }
}

/// Of the compressed cases those with a thousand messages of 256 bytes: every kind of data, all parameters.
#[cfg(feature = "deflate")]
const COMPRESSED: &str = "12.*.3,13.*.3";

#[cfg(all(unix, feature = "cli", feature = "deflate"))]
#[test]
fn server_passes_some_compressed_cases_of_the_autobahn_suite() {
    if tools::available("tests/autobahn/install.sh", &["--check"]) {
        serving(|url| {
            run(Command::new(script("server.sh")).args(["--strict", url, COMPRESSED]));
        });
    }
}

#[cfg(feature = "deflate")]
#[test]
fn client_passes_some_compressed_cases_of_the_autobahn_suite() {
    if tools::available("tests/autobahn/install.sh", &["--check"]) {
        run(Command::new(script("client.sh"))
            .args(["--strict", "--cases", COMPRESSED, "--"])
            .arg(built::example("autobahn_client"))
            .arg("{url}"));
    }
}

/// A server on a free port while `work` talks to it.
#[cfg(all(unix, feature = "cli"))]
fn serving(work: impl FnOnce(&str)) {
    let deflate: &[&str] = if cfg!(feature = "deflate") {
        &["--deflate"]
    } else {
        &[]
    };
    let words = [&["--rate", "0", "--max-echo-message", "16MiB"], deflate].concat();
    let server = support::server_process::ServerProcess::start_with(&words, &[]);
    work(&server.url("/echo"));
    server.stop();
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/autobahn")
        .join(name)
}

fn run(command: &mut Command) {
    let output = command.output().expect("the script starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{report}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{report}");
}
