//! Heads of HTTP from a stranger, as a server and as a client reads them, and the handshake behind them.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};

use enchufe::handshake::{
    ClientHandshake, Scheme, Url, check_host, check_origin, check_request, follow_redirect,
    upgrade_response,
};
use enchufe::http::{
    HeadLimits, HttpError, Request, RequestParser, Response, ResponseHead, ResponseParser,
    client_address,
};

pub(crate) fn check(octets: &[u8]) {
    let mut parser = RequestParser::new(LIMITS);
    let whole = parser.feed(octets);
    let mut parser = RequestParser::new(LIMITS);
    agree(&one_by_one(octets, |piece| parser.feed(piece)), &whole);
    match whole {
        Ok(None) => {}
        Ok(Some((request, used))) => {
            assert!(used <= octets.len());
            judge(&request);
        }
        Err(error) => is_an_answer(&error.response(), error.status()),
    }

    let mut parser = ResponseParser::new(LIMITS);
    let whole = parser.feed(octets);
    let mut parser = ResponseParser::new(LIMITS);
    agree(&one_by_one(octets, |piece| parser.feed(piece)), &whole);
    if let Ok(Some((answer, used))) = whole {
        assert!(used <= octets.len());
        believe(&answer);
    }
}

/// In pieces a head is what it is as a whole; if it is none, what is wrong first depends on how much of it there is.
fn agree<T: PartialEq + Debug>(in_pieces: &Result<T, HttpError>, whole: &Result<T, HttpError>) {
    match whole {
        Ok(_) => assert_eq!(in_pieces, whole),
        Err(_) => assert!(in_pieces.is_err()),
    }
}

/// How it ends when one byte comes after the other.
fn one_by_one<T>(
    octets: &[u8],
    mut feed: impl FnMut(&[u8]) -> Result<Option<T>, HttpError>,
) -> Result<Option<T>, HttpError> {
    (0..=octets.len())
        .find_map(|end| feed(&octets[..end]).transpose())
        .transpose()
}

/// Whatever a server may ask of a request; every rejection is an answer that can be sent.
fn judge(request: &Request) {
    let _ = (request.path(), request.query(), request.query_value("name"));
    let _ = (request.authority(), request.body_length());
    let _ = (request.wants_keep_alive(), request.expects_continue());
    if let Err(error) = check_host(request, &["a.example".to_owned()], true) {
        is_an_answer(&error.response(), error.status());
    }
    if let Err(error) = check_origin(request, &["https://a.example".to_owned()]) {
        is_an_answer(&error.response(), error.status());
    }
    let proxy = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let _ = client_address(&request.headers, proxy, &[proxy]);
    match check_request(request) {
        Err(error) => is_an_answer(&error.response(), error.status()),
        Ok(offer) => {
            assert!(request.is_upgrade());
            let chosen = offer.subprotocols.first().map(String::as_str);
            let answer = upgrade_response(&offer, chosen, None, &[]).expect("it was offered");
            assert_eq!(parsed(&answer).status, 101);
        }
    }
}

/// Whatever a client may ask of an answer; what leads elsewhere leads to a URL, and never away from TLS.
fn believe(answer: &ResponseHead) {
    let _ = (answer.is_interim(), answer.body());
    let url = Url::parse("wss://a.example/b?c").expect("a URL");
    let offered = ["chat".to_owned()];
    let asked = ClientHandshake::new(&url, [0; 16], &offered, &[]).expect("a request");
    if let Ok(agreed) = asked.check(answer) {
        assert_eq!(answer.status, 101);
        assert!(agreed.subprotocol.is_none_or(|it| it == "chat"));
        assert!(agreed.extensions.is_empty());
    }
    if let Ok(Some(next)) = follow_redirect(&url, answer.status, &answer.headers) {
        assert_eq!(next.url.scheme, Scheme::Wss);
        assert_eq!(Url::parse(&next.url.to_string()), Ok(next.url));
    }
}

/// A client of ours would understand it, and read this status.
fn is_an_answer(response: &Response, status: u16) {
    let mut octets = Vec::new();
    response.encode(&mut octets).expect("it can be sent");
    assert_eq!(parsed(&octets).status, status);
}

fn parsed(octets: &[u8]) -> ResponseHead {
    let parsed = ResponseParser::new(HeadLimits::default()).feed(octets);
    parsed.expect("it is HTTP").expect("it is whole").0
}

/// So low that a short input can pass them.
const LIMITS: HeadLimits = HeadLimits {
    request_line: 256,
    head: 1024,
    headers: 16,
};
