//! The client behind proxies: what they are asked, what a malicious one cannot do, and real ones of other people.

#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod http;
mod real;
mod socks;

use std::thread::{self, JoinHandle};

use enchufe::net::ProxyError;
use enchufe::{Client, Error, Proxy, WebSocket};

use support::host::Host;
use support::server::{PATIENCE, limits, within};

type Connecting = JoinHandle<Result<WebSocket, Error>>;

/// A client that goes to `url` through what listens at `proxy`, `{}` in its URL standing for the address.
fn through(proxy: &str, host: &Host, url: &str) -> Client {
    let proxy = proxy.replace("{}", &host.addr.to_string());
    Client::new(url)
        .proxy(Proxy::parse(&proxy).expect("a proxy"))
        .timeout(PATIENCE)
        .limits(limits())
}

fn connecting(client: Client) -> Connecting {
    thread::spawn(move || client.connect())
}

fn outcome(connecting: Connecting) -> Result<WebSocket, Error> {
    within(PATIENCE, move || connecting.join()).expect("no panic")
}

/// What the proxy did wrong.
#[track_caller]
fn fault(outcome: Result<WebSocket, Error>) -> ProxyError {
    match outcome {
        Err(Error::Proxy { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}
