//! HTTP CONNECT, as bytes ([RFC 9110, 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)): the request to a
//! proxy, and its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::response::push_field;
use crate::http::response_parser::ResponseHead;
use crate::net::proxy::error::ProxyError;
use crate::net::proxy::proxy::Login;

/// Encodes the request for a tunnel to `authority`, `host:port`.
pub(crate) fn request(authority: &str, login: Option<&Login>) -> Vec<u8> {
    let mut out = format!("CONNECT {authority} HTTP/1.1\r\n").into_bytes();
    // RFC 9110, 7.2: Host is the authority of the target, including the port.
    push_field(&mut out, "Host", authority);
    if let Some(login) = login {
        push_field(&mut out, "Proxy-Authorization", &basic(login));
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Checks the response, which `behind` bytes follow. Returns `None` if the tunnel is open, or the head of a rejection.
pub(crate) fn judge(head: ResponseHead, behind: usize) -> Result<Option<ResponseHead>, ProxyError> {
    match head.status {
        // Any 2xx; Content-Length and Transfer-Encoding are ignored.
        200..=299 if behind == 0 => Ok(None),
        200..=299 => Err(ProxyError::UnexpectedBytes),
        _ => Ok(Some(head)),
    }
}

/// [RFC 7617, 2](https://www.rfc-editor.org/rfc/rfc7617#section-2).
fn basic(login: &Login) -> String {
    let pair = format!("{}:{}", login.user, login.password);
    format!("Basic {}", STANDARD.encode(pair))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::HttpError;
    use crate::http::lines::HeadLimits;
    use crate::http::response_parser::ResponseParser;

    #[test]
    fn the_request_is_the_one_of_the_rfc() {
        let login = Login {
            user: "Aladdin".to_owned(),
            password: "open sesame".to_owned(),
        };
        assert_eq!(
            String::from_utf8(request("example.com:80", Some(&login))).unwrap(),
            "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
        assert_eq!(
            request("[::1]:80", None),
            b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"
        );
    }

    /// Returns the result of a response, fed whole and byte by byte.
    fn judged(answer: &[u8]) -> Result<Option<u16>, String> {
        let mut parser = ResponseParser::new(HeadLimits::default());
        let whole = parser
            .feed(answer)
            .map_err(|error: HttpError| error.to_string());
        let mut parser = ResponseParser::new(HeadLimits::default());
        let pieces = (1..=answer.len())
            .find_map(|end| parser.feed(&answer[..end]).transpose())
            .transpose()
            .map_err(|error| error.to_string());
        assert_eq!(whole, pieces, "{}", String::from_utf8_lossy(answer));
        let (head, used) = whole?.ok_or("more to come")?;
        judge(head, answer.len() - used)
            .map(|rejection| rejection.map(|head| head.status))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn any_2xx_opens_the_tunnel_and_nothing_else_does() {
        for open in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 299\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(judged(open.as_bytes()), Ok(None), "{open}");
        }
        for status in [101, 300, 302, 403, 407, 502] {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno");
            assert_eq!(judged(answer.as_bytes()), Ok(Some(status)));
        }
    }

    #[test]
    fn a_malicious_proxy_is_an_error() {
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(100_000));
        let fields = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(1_000));
        let line = format!("HTTP/1.1 200 {}", "a".repeat(100_000));
        for bad in [
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n\x16",
            "SSH-2.0-OpenSSH_9\r\n",
            "\x05\x00",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 200 OK\n\n",
            endless.as_str(),
            fields.as_str(),
            line.as_str(),
        ] {
            let short = &bad[..bad.len().min(40)];
            assert!(judged(bad.as_bytes()).is_err(), "{short:?}");
        }
    }
}
