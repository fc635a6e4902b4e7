//! Heads and URLs without credentials, for logs ([RFC 6750, 5.3](https://www.rfc-editor.org/rfc/rfc6750#section-5.3):
//! do not log tokens).

use crate::http::percent::percent_decode;

/// Returns a head with `…` in place of credentials: in `Authorization`, `Proxy-Authorization` and cookies, in
/// subprotocols `bearer.…`, and in query values whose key contains `token`.
pub(crate) fn redact_head(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let mut shown = String::with_capacity(head.len());
    for line in head.split_inclusive('\n') {
        let text = line.trim_end_matches(['\r', '\n']);
        match text.split_once(':') {
            // The request line has no colon before its target; in a status line a colon does not matter.
            Some((name, value)) if !name.contains(' ') => {
                shown.push_str(name);
                shown.push(':');
                shown.push_str(&redact_value(name, value));
            }
            _ => shown.push_str(&redact_urls(text)),
        }
        shown.push_str(&line[text.len()..]);
    }
    shown
}

fn redact_value(name: &str, value: &str) -> String {
    let is = |one: &str| name.eq_ignore_ascii_case(one);
    if is("Authorization") || is("Proxy-Authorization") {
        let scheme = value.split_whitespace().next().unwrap_or_default();
        return format!(" {scheme} {HIDDEN}");
    }
    if is("Cookie") || is("Set-Cookie") {
        return format!(" {HIDDEN}");
    }
    if is("Sec-WebSocket-Protocol") {
        let members: Vec<String> = value.split(',').map(redact_subprotocol).collect();
        return members.join(",");
    }
    if is("Referer") || is("Location") {
        return redact_urls(value);
    }
    value.to_owned()
}

fn redact_subprotocol(member: &str) -> String {
    match member.find(BEARER) {
        Some(at) => format!("{}{BEARER}{HIDDEN}", &member[..at]),
        None => member.to_owned(),
    }
}

/// Redacts the queries of all words of a text.
fn redact_urls(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(redact_url).collect();
    words.join(" ")
}

/// Returns a URL or request target with `…` in place of query values whose key contains `token`.
pub fn redact_url(url: &str) -> String {
    let Some((before, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(pair).collect();
    format!("{before}?{}", query.join("&"))
}

/// Decodes the key first, as a server does.
fn is_secret(key: &str) -> bool {
    let key = percent_decode(key).unwrap_or_else(|_| key.as_bytes().to_vec());
    let key = String::from_utf8_lossy(&key).to_ascii_lowercase();
    key.contains("token")
}

/// Prefix of a subprotocol that carries a token.
pub const BEARER: &str = "bearer.";

const HIDDEN: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_and_all_else_stays() {
        let head = "GET /chat?name=ana&token=S3CRET&%74oken=S3CRET&access_token=S3CRET HTTP/1.1\r\n\
            Host: example.org:8080\r\n\
            authorization: Bearer S3CRET\r\n\
            Proxy-Authorization: Basic S3CRET==\r\n\
            Cookie: a=S3CRET; b=S3CRET\r\n\
            Referer: http://example.org/chat?token=S3CRET\r\n\
            Sec-WebSocket-Protocol: chat-protocol, bearer.S3CRET,bearer\r\n\
            X-Time: 12:30\r\n\r\n";
        let shown = "GET /chat?name=ana&token=…&%74oken=…&access_token=… HTTP/1.1\r\n\
            Host: example.org:8080\r\n\
            authorization: Bearer …\r\n\
            Proxy-Authorization: Basic …\r\n\
            Cookie: …\r\n\
            Referer: http://example.org/chat?token=…\r\n\
            Sec-WebSocket-Protocol: chat-protocol, bearer.…,bearer\r\n\
            X-Time: 12:30\r\n\r\n";
        assert_eq!(redact_head(head.as_bytes()), shown);
    }

    #[test]
    fn a_head_without_secrets_is_as_it_was() {
        for head in [
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            "GET http://example.org/a?b=c&d HTTP/1.1\r\nHost: example.org\r\n\r\n",
            "GET /\r\n",
            "",
        ] {
            assert_eq!(redact_head(head.as_bytes()), head);
        }
    }
}
