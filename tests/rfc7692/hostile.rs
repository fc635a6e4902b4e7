//! What a peer does with compression on a real connection to harm somebody: it ends its own connection and nothing else.

use std::thread;

use enchufe::net::{Reply, RequestContext, Upgrade};
use enchufe::protocol::MessageLimits;
use enchufe::{Client, DeflateOptions, Error};
use flate2::Decompress;

use super::connection::{COMPRESSED, COMPRESSED_TEXT, client, compressing, echoes, raw};
use super::words::{HELLO, deflated, inflate};
use crate::support::host::{Host, granted};
use crate::support::peer::{BINARY, masked, unmasked};
use crate::support::server::{PATIENCE, TestServer, echo, limits};

#[test]
fn a_bomb_ends_its_own_connection_and_no_other() {
    let server = compressing(&DeflateOptions::default());
    let bomb = deflated(&vec![0; 16 << 20]);
    let mut other = client(&server)
        .deflate(DeflateOptions::default())
        .connect()
        .expect("a connection");
    for _ in 0..5 {
        raw(&server, "/", "")
            .send(masked(COMPRESSED, &bomb))
            .closes(1009);
        echoes(&mut other, "hola ".repeat(100));
    }
    drop(other);
    server.wait_until_empty();
}

#[test]
fn garbage_ends_its_own_connection_with_the_code_that_says_it() {
    let server = compressing(&DeflateOptions::default());
    let bomb = deflated(&vec![0; 16 << 20]);
    let mut other = client(&server)
        .deflate(DeflateOptions::default())
        .connect()
        .expect("a connection");
    for (wire, code) in [
        (masked(COMPRESSED, [0x06]), 1007),
        (masked(COMPRESSED_TEXT, deflated(b"\xff\xff")), 1007),
        (masked(COMPRESSED, &bomb[..9]), 1007),
        (
            [masked(0x41, &HELLO[..3]), masked(0xc0, &HELLO[3..])].concat(),
            1002,
        ),
        (masked(0xc9, ""), 1002),
        (masked(0xe1, HELLO), 1002),
    ] {
        raw(&server, "/", "; client_no_context_takeover")
            .send(wire)
            .closes(code);
        echoes(&mut other, "hola ".repeat(100));
    }
    drop(other);
    server.wait_until_empty();
}

#[test]
fn our_client_survives_a_bomb_too() {
    let bomb = deflated(&vec![0; 16 << 20]);
    let host = Host::new();
    let url = host.url();
    let server = thread::spawn(move || {
        let (mut peer, head) = host.request();
        let agreed = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        peer.send(granted(&head, agreed))
            .send(unmasked(COMPRESSED, &bomb));
        peer
    });
    let mut ws = Client::new(url)
        .timeout(PATIENCE)
        .deflate(DeflateOptions::default())
        .connect()
        .expect("a connection");
    let _peer = server.join().expect("a server");
    let error = ws.read().expect_err("a bomb");
    assert!(
        matches!(
            error,
            Error::Protocol(enchufe::protocol::ProtocolError::MessageTooBig)
        ),
        "{error}"
    );
}

#[test]
fn limits_of_a_session_hold_for_what_comes_out() {
    let server = TestServer::with(limits(), |_: &RequestContext<'_>| {
        let small = MessageLimits {
            max_message: 1000,
            ..MessageLimits::default()
        };
        Reply::Upgrade(
            Upgrade::new(echo)
                .message_limits(small)
                .deflate(DeflateOptions::default()),
        )
    });
    let mut peer = raw(
        &server,
        "/",
        "; client_no_context_takeover; server_no_context_takeover",
    );
    let frame = peer.send(masked(COMPRESSED, deflated(&[7; 1000]))).frame();
    assert_eq!(
        inflate(&mut Decompress::new(false), &frame.payload, 2000),
        [7; 1000]
    );
    peer.send(masked(BINARY, [7; 3])).expect(BINARY, [7; 3]);
    peer.send(masked(COMPRESSED, deflated(&[7; 1001])))
        .closes(1009);
}
