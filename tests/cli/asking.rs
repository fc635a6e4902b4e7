//! Asking a running `enchufe` over its sockets, in the ways the tests of its flags need.

use enchufe::{Client, Message, WebSocket};

use crate::program::server;
use crate::support::peer::{CLOSE, End, Peer, masked};

pub(crate) fn connect(address: &str) -> Peer {
    Peer::connect(address.parse().expect("an address"))
}

pub(crate) fn open(address: &str, path: &str) -> Peer {
    let mut peer = connect(address);
    peer.upgrade(path);
    peer
}

/// The status with which a server answers these bytes.
pub(crate) fn status(flags: &[&str], octets: &str) -> u16 {
    let (_server, address) = server(flags);
    let head = connect(&address).send(octets).head();
    head[9..12].parse().expect("a status")
}

pub(crate) fn get(peer: &mut Peer, path: &str) -> (u16, String) {
    let answer = peer
        .send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .answer();
    (answer.status, answer.body)
}

pub(crate) fn metric(address: &str, name: &str) -> u64 {
    let (_, page) = get(&mut connect(address), "/metrics");
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.expect("the metric").trim().parse().expect("a number")
}

/// The code with which a server closes after these messages.
pub(crate) fn closed_with(flags: &[&str], path: &str, messages: &[&str]) -> u16 {
    let (_server, address) = server(flags);
    let mut client = enchufe::connect(&format!("ws://{address}{path}")).unwrap();
    for message in messages {
        client.send(*message).unwrap();
    }
    while client.read().unwrap().is_some() {}
    client.close_reason().expect("a code").code.into()
}

/// The server closes with this code, after whatever else it has to say.
pub(crate) fn closes(peer: &mut Peer, code: u16) {
    loop {
        let frame = peer.frame();
        if frame.first == CLOSE {
            assert_eq!(frame.payload[..2], code.to_be_bytes());
            peer.try_send(masked(CLOSE, code.to_be_bytes()));
            assert_eq!(peer.end(), End::Orderly);
            return;
        }
    }
}

pub(crate) fn register(address: &str, name: &str) -> WebSocket {
    let client = Client::new(format!("ws://{address}/chat"));
    let mut user = client.connect().unwrap();
    user.send(format!(r#"{{"type":"register","sender":"{name}"}}"#))
        .unwrap();
    while !hear(&mut user).contains("register_success") {}
    // Where it comes behind, its own coming is told too.
    user.send(r#"{"type":"list_users"}"#).unwrap();
    while !hear(&mut user).contains("list_users_response") {}
    user
}

pub(crate) fn hear(user: &mut WebSocket) -> String {
    match user.read().unwrap() {
        Some(Message::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}
