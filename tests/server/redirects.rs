//! Redirects, which a server may answer with and which can lead anywhere
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1), second list, item 1): followed when asked for, and
//! then with care.

use std::thread::{self, JoinHandle};

use enchufe::handshake::HandshakeError;
use enchufe::{Client, Error, WebSocket};

use crate::support::host::Host;
use crate::support::peer::{Peer, field};
use crate::support::server::{PATIENCE, limits, within};

type Connecting = JoinHandle<Result<WebSocket, Error>>;

fn connecting(client: Client) -> Connecting {
    let client = client.timeout(PATIENCE).limits(limits());
    thread::spawn(move || client.connect())
}

fn outcome(connecting: Connecting) -> Result<WebSocket, Error> {
    within(PATIENCE, move || connecting.join()).expect("no panic")
}

/// A client with everything that only the server it was meant for may see, and something that is no secret.
fn with_credentials(url: String) -> Client {
    Client::new(url)
        .header("Authorization", "Bearer secret")
        .header("cookie", "session=secret")
        .header("X-Plain", "yes")
}

#[track_caller]
fn redirect(peer: &mut Peer, location: &str) {
    peer.send(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ));
}

#[test]
fn a_redirect_and_a_401_reach_the_caller_with_status_fields_and_body() {
    for (status, field, value) in [
        (301, "Location", "/elsewhere"),
        (307, "Location", "ws://other.example/"),
        (401, "WWW-Authenticate", "Basic realm=\"x\""),
    ] {
        // Somebody who follows redirects still gets a 401.
        for redirects in [0, 5] {
            if status != 401 && redirects != 0 {
                continue;
            }
            let host = Host::new();
            let connecting = connecting(Client::new(host.url()).follow_redirects(redirects));
            let (mut peer, _) = host.request();
            peer.send(format!(
                "HTTP/1.1 {status} Why\r\n{field}: {value}\r\nContent-Length: 4\r\n\r\nbody"
            ));
            match outcome(connecting) {
                Err(Error::UnexpectedStatus(answer)) => {
                    assert_eq!((answer.status, answer.reason.as_str()), (status, "Why"));
                    assert_eq!(answer.headers.get(field), Some(value));
                    assert_eq!(answer.body, b"body");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn credentials_stay_with_the_origin_and_go_nowhere_else() {
    let (first, second) = (Host::new(), Host::new());
    let client = with_credentials(format!("{}a?token=secret", first.url())).follow_redirects(3);
    let connecting = connecting(client);

    let (mut peer, request) = first.request();
    assert!(request.starts_with("GET /a?token=secret "), "{request}");
    redirect(&mut peer, "/b");

    // The same origin: everything goes along.
    let (mut peer, request) = first.request();
    assert!(request.starts_with("GET /b HTTP/1.1\r\n"), "{request}");
    assert_eq!(field(&request, "Authorization"), Some("Bearer secret"));
    assert_eq!(field(&request, "Cookie"), Some("session=secret"));
    redirect(&mut peer, &format!("{}c", second.url()));

    // Another port is another origin.
    let (mut peer, request) = second.request();
    assert!(!request.contains("secret"), "{request}");
    assert_eq!(field(&request, "X-Plain"), Some("yes"));
    assert_eq!(
        field(&request, "Host"),
        Some(second.addr.to_string().as_str())
    );
    // And back: what was dropped stays dropped, or the other could have it sent where it likes.
    redirect(&mut peer, &format!("{}d", first.url()));
    let (head, ws) = {
        let (mut peer, request) = first.request();
        peer.send(crate::support::host::granted(&request, ""));
        (request, outcome(connecting))
    };
    assert!(!head.contains("secret"), "{head}");
    assert!(ws.is_ok());
}

#[test]
fn a_circle_ends_after_as_many_as_were_asked_for_and_five_at_most() {
    for (asked, followed) in [(1, 1), (5, 5), (1_000, 5)] {
        let host = Host::new();
        let connecting = connecting(Client::new(host.url()).follow_redirects(asked));
        for _ in 0..=followed {
            let (mut peer, _) = host.request();
            redirect(&mut peer, "/");
        }
        match outcome(connecting) {
            Err(Error::Handshake(HandshakeError::RefusedRedirect)) => {}
            other => panic!("{other:?}"),
        }
        assert!(host.try_accept().is_none(), "it followed one more");
    }
}

#[test]
fn a_redirect_that_leads_nowhere_is_an_error() {
    for location in ["ftp://h/", "", "b", "ws://user:pw@h/", "ws://h/\u{7f}"] {
        let host = Host::new();
        let connecting = connecting(Client::new(host.url()).follow_redirects(5));
        let (mut peer, _) = host.request();
        redirect(&mut peer, location);
        assert!(outcome(connecting).is_err(), "{location}");
    }
}
