//! What a connection that says nothing holds. The deepest that its stack has ever been stays in memory, and so does what the
//! allocator keeps for its thread: a larger local variable somewhere in the handshake can cost every connection a page.
//!
//! That is about the release build, which is given in a variable:
//! `ENCHUFE_PROGRAM=target/release/enchufe cargo test --test idle`. Without it there is a bound for the build of the tests.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod support;

use support::peer::{Peer, TEXT, masked, unmasked};
use support::server::wait_until;
use support::server_process::ServerProcess;

#[test]
fn a_connection_that_says_nothing_holds_no_third_page_of_stack() {
    let server = ServerProcess::start_with_short_timeouts("", &["--max-per-ip", "0"]);
    let _first = quiet(&server, WARM_UP);
    let before = server.anonymous();
    let _others = quiet(&server, COUNTED);
    check(&server, before);
}

/// The system hands the stack of a thread that has ended to another one as it is: what closing needed would stay.
#[test]
fn nor_does_one_that_comes_after_others_have_gone() {
    let server = ServerProcess::start_with_short_timeouts("", &["--max-per-ip", "0"]);
    let _first = quiet(&server, WARM_UP);
    let (before, threads) = (server.anonymous(), server.threads());
    drop(quiet(&server, COUNTED));
    wait_until("they are gone", || server.threads() <= threads);
    let _others = quiet(&server, COUNTED);
    check(&server, before);
}

/// What each of those that have come since `before` holds.
#[track_caller]
fn check(server: &ServerProcess, before: usize) {
    let each = server.anonymous().saturating_sub(before) / COUNTED;
    let most = match cfg!(debug_assertions) && !ServerProcess::is_another_build() {
        true => DEBUG,
        false => RELEASE,
    };
    println!("{each} bytes for each idle connection");
    assert!(each <= most, "{each} bytes for each, {most} at most");
}

/// Connections whose threads are back in their reads: each has had a message echoed.
fn quiet(server: &ServerProcess, count: usize) -> Vec<Peer> {
    let mut peers: Vec<Peer> = (0..count).map(|_| server.open("/echo")).collect();
    for peer in &mut peers {
        peer.send(masked(TEXT, "hola"));
        let reply = unmasked(TEXT, "hola");
        assert_eq!(peer.octets(reply.len()), reply);
    }
    peers
}

/// After these there is an arena for each thread that wants one, and what is taken once has been taken.
const WARM_UP: usize = 100;
/// Few enough for a thousand descriptors.
const COUNTED: usize = 500;
/// Two pages of stack, and not quite another one of heap. A third page of stack is 4 KiB more.
const RELEASE: usize = 14 * 1024;
/// The same guard for a stack that no optimiser has seen.
const DEBUG: usize = 28 * 1024;
