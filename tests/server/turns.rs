//! One connection to an address is opened at a time
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), first list, step 2).

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use enchufe::{Client, Error, WebSocket};

use crate::support::host::{Host, granted};
use crate::support::server::{PATIENCE, limits, within};

type Connecting = JoinHandle<Result<WebSocket, Error>>;

fn connecting(client: Client) -> Connecting {
    thread::spawn(move || client.limits(limits()).connect())
}

fn client(host: &Host) -> Client {
    Client::new(host.url()).timeout(PATIENCE)
}

fn outcome(connecting: Connecting) -> Result<WebSocket, Error> {
    within(PATIENCE, move || connecting.join()).expect("no panic")
}

/// Nobody connects for a while.
#[track_caller]
fn stays_alone(host: &Host) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        assert!(host.try_accept().is_none(), "somebody did not wait");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_second_to_a_silent_server_waits_until_the_first_is_established() {
    let host = Host::new();
    let first = connecting(client(&host));
    let (mut peer, request) = host.request();
    let second = connecting(client(&host));
    stays_alone(&host);
    peer.send(granted(&request, ""));
    let _open = outcome(first).expect("a connection");
    let _other = host.upgrade("");
    assert!(outcome(second).is_ok());
}

#[test]
fn the_second_to_a_silent_server_waits_until_the_first_has_failed() {
    let host = Host::new();
    let start = Instant::now();
    let first = connecting(client(&host).timeout(Duration::from_millis(400)));
    let _silence = host.request();
    let second = connecting(client(&host));
    let _peer = host.upgrade("");
    assert!(
        start.elapsed() >= Duration::from_millis(400),
        "it did not wait"
    );
    assert!(matches!(outcome(first), Err(Error::TimedOut)));
    assert!(outcome(second).is_ok());
}

#[test]
fn waiting_takes_from_the_time_to_connect() {
    let host = Host::new();
    let first = connecting(client(&host));
    let (mut peer, request) = host.request();
    let second = connecting(client(&host).timeout(Duration::from_millis(200)));
    assert!(matches!(outcome(second), Err(Error::TimedOut)));
    assert!(host.try_accept().is_none(), "it connected all the same");
    peer.send(granted(&request, ""));
    assert!(outcome(first).is_ok());
}

#[test]
fn who_is_told_not_to_wait_does_not_and_other_ports_are_other_servers() {
    let host = Host::new();
    let first = connecting(client(&host));
    let (_silence, _) = host.request();
    let second = connecting(client(&host).allow_concurrent_connects());
    let _peer = host.upgrade("");
    assert!(outcome(second).is_ok());

    let other = Host::new();
    let third = connecting(client(&other));
    let _peer = other.upgrade("");
    assert!(outcome(third).is_ok());
    assert!(!first.is_finished());
}
