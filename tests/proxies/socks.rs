//! SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928), [RFC 1929](https://www.rfc-editor.org/rfc/rfc1929)), byte by
//! byte.

use enchufe::net::ProxyError;

use crate::support::host::{Host, granted};
use crate::{connecting, fault, outcome, through};

const OPEN: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

#[test]
fn socks5h_sends_the_name_and_nobody_here_resolves_it() {
    let proxy = Host::new();
    let connecting = connecting(through("socks5h://{}", &proxy, "ws://no-such.invalid:81/x"));
    let mut peer = proxy.accept();
    assert_eq!(peer.octets(3), [5, 1, 0]);
    peer.send([5, 0]);
    let expected = b"\x05\x01\x00\x03\x0fno-such.invalid\x00\x51";
    assert_eq!(peer.octets(expected.len()), expected);
    // The answer may come byte by byte, and with a name in it.
    peer.dribble(b"\x05\x00\x00\x03\x01a\x00\x50");
    let request = peer.head();
    assert!(request.starts_with("GET /x HTTP/1.1\r\n"), "{request}");
    peer.send(granted(&request, ""));
    assert!(outcome(connecting).is_ok());
}

#[test]
fn socks5_resolves_the_name_here_and_sends_an_address() {
    let proxy = Host::new();
    let connecting = connecting(through("socks5://{}", &proxy, "ws://localhost:81/"));
    let mut peer = proxy.accept();
    assert_eq!(peer.octets(3), [5, 1, 0]);
    peer.send([5, 0]);
    let asked = peer.octets(4);
    let address = match asked[3] {
        1 => peer.octets(4),
        4 => peer.octets(16),
        other => panic!("type {other} is no address"),
    };
    assert!(
        address == [127, 0, 0, 1] || address[..15] == [0; 15],
        "{address:?}"
    );
    assert_eq!(peer.octets(2), [0, 81]);
    peer.send(OPEN);
    let request = peer.head();
    peer.send(granted(&request, ""));
    assert!(outcome(connecting).is_ok());
}

#[test]
fn user_and_password_are_sent_when_the_proxy_wants_them() {
    for wants in [true, false] {
        let proxy = Host::new();
        let client = through("socks5h://ana:s%3Acret@{}", &proxy, "ws://h/");
        let connecting = connecting(client);
        let mut peer = proxy.accept();
        assert_eq!(peer.octets(4), [5, 2, 0, 2]);
        if wants {
            peer.send([5, 2]);
            assert_eq!(peer.octets(12), b"\x01\x03ana\x06s:cret");
            peer.send([1, 0]);
        } else {
            peer.send([5, 0]);
        }
        assert_eq!(peer.octets(8), b"\x05\x01\x00\x03\x01h\x00\x50");
        peer.send(OPEN);
        let request = peer.head();
        peer.send(granted(&request, ""));
        assert!(outcome(connecting).is_ok());
    }
}

#[test]
fn a_refusal_has_the_name_of_its_code() {
    for (code, says) in [
        (1, "general failure"),
        (2, "rules do not allow"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "time to live"),
        (7, "does not support CONNECT"),
        (8, "address type"),
        (9, "failed (SOCKS code 9)"),
    ] {
        let proxy = Host::new();
        let connecting = connecting(through("socks5h://{}", &proxy, "ws://h/"));
        let mut peer = proxy.accept();
        peer.octets(3);
        peer.send([5, 0]);
        peer.octets(8);
        peer.send([5, code]); // some leave out the rest
        let error = outcome(connecting).expect_err("no connection");
        let text = error.to_string();
        assert!(
            text.contains(says) && text.contains(&proxy.addr.to_string()),
            "{text}"
        );
        assert!(matches!(fault(Err(error)), ProxyError::Socks(it) if it == code));
    }
}

#[test]
fn a_login_that_is_refused_or_missing_is_said_so() {
    let proxy = Host::new();
    let asked = connecting(through("socks5h://ana:secret@{}", &proxy, "ws://h/"));
    let mut peer = proxy.accept();
    peer.octets(4);
    peer.send([5, 2]);
    peer.octets(12);
    peer.send([1, 1]);
    let error = outcome(asked).expect_err("no connection");
    assert!(!format!("{error:?} {error}").contains("secret"));
    assert!(matches!(fault(Err(error)), ProxyError::Login));

    let asked = connecting(through("socks5h://{}", &proxy, "ws://h/"));
    let mut peer = proxy.accept();
    peer.octets(3);
    peer.send([5, 0xff]);
    assert!(matches!(fault(outcome(asked)), ProxyError::NoMethod));
}
