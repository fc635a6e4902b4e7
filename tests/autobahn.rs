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
#[path = "support/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use enchufe::Limits;
use enchufe::net::Server;
use enchufe::protocol::MessageLimits;
use enchufe::services::{Router, Settings};

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

/// Of the compressed cases those with a thousand messages of 256 octets: every kind of data, all parameters.
#[cfg(feature = "deflate")]
const COMPRESSED: &str = "12.*.3,13.*.3";

#[cfg(feature = "deflate")]
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
fn serving(work: impl FnOnce(&str)) {
    let large = MessageLimits {
        max_message: 16 * 1024 * 1024,
        ..MessageLimits::default()
    };
    let limits = Limits {
        rate: 0,
        ..Limits::default()
    };
    let service = Router::new(Settings {
        large_messages: large,
        ..Settings::default()
    });
    let server = Server::bind("127.0.0.1:0")
        .expect("a free port")
        .limits(limits)
        .service(service);
    #[cfg(feature = "deflate")]
    let server = server.deflate(enchufe::DeflateOptions::default());
    let url = format!("ws://{}/echo", server.local_addrs()[0]);
    let handle = server.handle();
    let running = thread::spawn(move || server.run());
    work(&url);
    handle.stop();
    running.join().expect("the server stops");
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
