//! SOCKS5, as bytes ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928), with user and password [RFC
//! 1929](https://www.rfc-editor.org/rfc/rfc1929)): at most three requests, each with a short reply. Every decoder
//! returns the size of the reply, `None` while it is incomplete, or an error as soon as it shows.

use crate::http::authority::Host;
use crate::net::proxy::error::ProxyError;
use crate::net::proxy::proxy::{Login, Target};

/// RFC 1928, 3: the supported authentication methods, `none`, and `user and password` if there are credentials.
pub(crate) fn greeting(login: bool) -> &'static [u8] {
    match login {
        false => &[VERSION, 1, NO_LOGIN],
        true => &[VERSION, 2, NO_LOGIN, USER_PASSWORD],
    }
}

/// Decodes the chosen method: whether it is user and password.
pub(crate) fn chosen(answer: &[u8], login: bool) -> Result<Option<(bool, usize)>, ProxyError> {
    check_version(answer)?;
    match answer.get(1) {
        None => Ok(None),
        Some(&NO_LOGIN) => Ok(Some((false, 2))),
        Some(&USER_PASSWORD) if login => Ok(Some((true, 2))),
        Some(0xff) => Err(ProxyError::NoMethod),
        Some(&method) => Err(ProxyError::WrongMethod(method)),
    }
}

/// RFC 1929, 2. Both fit in their length byte: [`crate::net::proxy::proxy::Proxy::parse`] checks it.
pub(crate) fn credentials(login: &Login) -> Vec<u8> {
    let mut out = vec![LOGIN_VERSION];
    push_short(&mut out, login.user.as_bytes());
    push_short(&mut out, login.password.as_bytes());
    out
}

/// Decodes the reply to the credentials.
pub(crate) fn admitted(answer: &[u8]) -> Result<Option<usize>, ProxyError> {
    match answer {
        [] => Ok(None),
        // RFC 1929 specifies version 1. Some proxies send 5; only the status matters.
        [LOGIN_VERSION | VERSION] => Ok(None),
        [LOGIN_VERSION | VERSION, 0, ..] => Ok(Some(2)),
        [LOGIN_VERSION | VERSION, ..] => Err(ProxyError::Login),
        _ => Err(ProxyError::Malformed),
    }
}

/// RFC 1928, 4: the CONNECT request.
pub(crate) fn request(target: &Target) -> Result<Vec<u8>, ProxyError> {
    let mut out = vec![VERSION, CONNECT, 0];
    match &target.host {
        Host::V4(address) => {
            out.push(IPV4);
            out.extend_from_slice(&address.octets());
        }
        Host::V6(address) => {
            out.push(IPV6);
            out.extend_from_slice(&address.octets());
        }
        Host::Name(name) if name.len() > 255 => return Err(ProxyError::HostTooLong),
        Host::Name(name) => {
            out.push(NAME);
            push_short(&mut out, name.as_bytes());
        }
    }
    out.extend_from_slice(&target.port.to_be_bytes());
    Ok(out)
}

/// RFC 1928, 6: decodes the reply to CONNECT. The address in it is not used.
pub(crate) fn opened(answer: &[u8]) -> Result<Option<usize>, ProxyError> {
    check_version(answer)?;
    // Some proxies send only the start of a rejection.
    if let Some(&code @ 1..) = answer.get(1) {
        return Err(ProxyError::Socks(code));
    }
    let address = match (answer.get(3), answer.get(4)) {
        (None, _) => return Ok(None),
        (Some(&IPV4), _) => 4,
        (Some(&IPV6), _) => 16,
        (Some(&NAME), None) => return Ok(None),
        (Some(&NAME), Some(&length)) => 1 + usize::from(length),
        (Some(_), _) => return Err(ProxyError::Malformed),
    };
    let length = 4 + address + 2;
    Ok((answer.len() >= length).then_some(length))
}

fn check_version(answer: &[u8]) -> Result<(), ProxyError> {
    match answer.first() {
        None | Some(&VERSION) => Ok(()),
        Some(&other) => Err(ProxyError::NotSocks5(other)),
    }
}

/// Appends a length byte and the text, which is cut at 255 bytes. No caller passes more.
fn push_short(out: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(255)];
    out.push(text.len() as u8);
    out.extend_from_slice(text);
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const USER_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Target {
        Target::new(host, 0x1f90)
    }

    #[test]
    fn requests_match_the_rfcs() {
        assert_eq!(greeting(false), [5, 1, 0]);
        assert_eq!(greeting(true), [5, 2, 0, 2]);
        let login = Login {
            user: "ana".to_owned(),
            password: "pw".to_owned(),
        };
        assert_eq!(credentials(&login), b"\x01\x03ana\x02pw");
        let name = request(&target("a.example")).unwrap();
        assert_eq!(name, b"\x05\x01\x00\x03\x09a.example\x1f\x90");
        let v4 = request(&target("127.0.0.1")).unwrap();
        assert_eq!(v4, b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90");
        let v6 = request(&target("::1")).unwrap();
        let expected = b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1f\x90";
        assert_eq!(v6, expected);
        let long = request(&target(&"a".repeat(256)));
        assert!(matches!(long, Err(ProxyError::HostTooLong)));
    }

    /// Checks that a reply is decoded at its last byte and not before, and that bytes after it are left alone.
    fn decodes<T: PartialEq + std::fmt::Debug>(
        answer: &[u8],
        decode: impl Fn(&[u8]) -> Result<Option<T>, ProxyError>,
        expected: T,
    ) {
        for end in 0..answer.len() {
            assert_eq!(decode(&answer[..end]).unwrap(), None, "{answer:?} to {end}");
        }
        assert_eq!(decode(answer).unwrap().as_ref(), Some(&expected));
        let more = [answer, b"more"].concat();
        assert_eq!(decode(&more).unwrap(), Some(expected), "{answer:?}");
    }

    #[test]
    fn valid_replies_are_decoded_at_their_last_byte() {
        decodes(&[5, 0], |it| chosen(it, false), (false, 2));
        decodes(&[5, 0], |it| chosen(it, true), (false, 2));
        decodes(&[5, 2], |it| chosen(it, true), (true, 2));
        decodes(&[1, 0], admitted, 2);
        decodes(&[5, 0], admitted, 2);
        decodes(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80], opened, 10);
        decodes(&[&[5, 0, 0, 4][..], &[0; 18]].concat(), opened, 22);
        decodes(b"\x05\x00\x00\x03\x01a\0\x50", opened, 8);
        decodes(b"\x05\x00\x00\x03\x00\0\x50", opened, 7);
        let longest = [&[5, 0, 0, 3, 255][..], &[b'a'; 255], &[0, 80]].concat();
        decodes(&longest, opened, 262);
    }

    #[test]
    fn a_malicious_or_wrong_proxy_fails_at_its_first_invalid_byte() {
        use ProxyError as E;
        assert!(matches!(chosen(b"H", false), Err(E::NotSocks5(b'H'))));
        assert!(matches!(chosen(&[4], true), Err(E::NotSocks5(4))));
        assert!(matches!(chosen(&[5, 0xff], true), Err(E::NoMethod)));
        assert!(matches!(chosen(&[5, 2], false), Err(E::WrongMethod(2))));
        assert!(matches!(chosen(&[5, 1], true), Err(E::WrongMethod(1))));
        assert!(matches!(admitted(&[1, 1]), Err(E::Login)));
        assert!(matches!(admitted(&[1, 0xff, 0]), Err(E::Login)));
        assert!(matches!(admitted(&[0]), Err(E::Malformed)));
        assert!(matches!(opened(&[0]), Err(E::NotSocks5(0))));
        assert!(matches!(opened(&[5, 5]), Err(E::Socks(5))));
        assert!(matches!(opened(&[5, 0, 0, 2]), Err(E::Malformed)));
        assert!(matches!(opened(&[5, 0, 0, 0, 1]), Err(E::Malformed)));
    }

    #[test]
    fn every_pair_of_first_bytes_has_a_result() {
        for first in 0..=255 {
            for second in 0..=255 {
                let answer = [first, second, 0, 3, 255, 0, 0];
                assert!(!matches!(chosen(&answer, true), Ok(None)));
                assert!(!matches!(admitted(&answer), Ok(None)));
                let open = matches!(opened(&answer), Ok(None));
                assert_eq!(open, (first, second) == (5, 0));
            }
        }
    }
}
