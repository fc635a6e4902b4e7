//! The server's side of the opening handshake: the checks on a request ([RFC 6455,
//! 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)) and the 101 response
//! ([4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2)).

use std::collections::BTreeSet;

use crate::handshake::accept_key::accept_key;
use crate::handshake::accept_key::is_nonce;
use crate::handshake::error::HandshakeError;
use crate::handshake::extensions;
use crate::handshake::extensions::ExtensionOffer;
use crate::handshake::fields::{check_extra, single};
use crate::http::grammar::{is_field_value, is_token};
use crate::http::request::{Request, Version};
use crate::http::response::push_field;

/// The client's offer in a valid handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// `Sec-WebSocket-Key`.
    pub key: String,
    /// The subprotocols, distinct, in order of preference.
    pub subprotocols: Vec<String>,
    /// The extensions, in order of preference. A name may repeat with other parameters.
    pub extensions: Vec<ExtensionOffer>,
    /// `Origin`: the origin of the page, if a browser connects.
    /// [`check_origin`](crate::handshake::origin::check_origin) checks it.
    pub origin: Option<String>,
}

impl Offer {
    /// Returns the first offered subprotocol that is in `supported`; the comparison is exact.
    pub fn choose<'a>(&self, supported: &[&'a str]) -> Option<&'a str> {
        self.subprotocols
            .iter()
            .find_map(|offered| supported.iter().find(|name| *name == offered))
            .copied()
    }
}

/// Checks all rules of [RFC 6455, 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1). For access control see
/// [`check_origin`](crate::handshake::origin::check_origin) and [`check_host`](crate::handshake::origin::check_host).
///
/// # Errors
///
/// The first violation, in the order method, HTTP version, `Host`, `Upgrade`, `Connection`, WebSocket version, key, the
/// rest. [`HandshakeError::response`] is the response to send.
pub fn check_request(request: &Request) -> Result<Offer, HandshakeError> {
    let headers = &request.headers;
    if !request.is_upgrade() {
        return Err(HandshakeError::UpgradeRequired);
    }
    // Item 1: a GET request of HTTP/1.1 or higher.
    if request.method != "GET" {
        return Err(HandshakeError::MethodNotAllowed);
    }
    if request.version < Version::Http11 {
        return Err(HandshakeError::VersionTooOld);
    }
    // Item 2: Host. The parser accepts an empty one; a WebSocket needs an authority.
    single(headers, "Host")?;
    request
        .authority()
        .ok_or(HandshakeError::MissingHeader("Host"))?;
    // Items 3 and 4: both are lists, compared case-insensitively.
    if !headers.has_token("Upgrade", "websocket") {
        return Err(HandshakeError::MissingUpgrade);
    }
    if !headers.has_token("Connection", "upgrade") {
        return Err(HandshakeError::MissingConnectionUpgrade);
    }
    // Item 6, before the key: another version may define the key differently.
    if single(headers, "Sec-WebSocket-Version")? != Some("13") {
        return Err(HandshakeError::UnsupportedVersion);
    }
    // Item 5: a nonce of 16 bytes in base64.
    let key = single(headers, "Sec-WebSocket-Key")?
        .ok_or(HandshakeError::MissingHeader("Sec-WebSocket-Key"))?;
    if !is_nonce(key) {
        return Err(HandshakeError::InvalidKey);
    }
    Ok(Offer {
        key: key.to_owned(),
        // Item 7.
        origin: single(headers, "Origin")?.map(str::to_owned),
        // Items 8 and 9.
        subprotocols: subprotocols(request)?,
        extensions: extensions::parse(headers)?,
    })
}

/// Encodes the 101 response. Its size is below 254 bytes if subprotocol and extensions take less than 70 and there are
/// no extra headers, so it fits in one segment and in the smallest read buffers seen.
///
/// `subprotocol` is included only if the client offered it (4.2.2, step 5.5). `extensions` is the response to the
/// offer, `extra` are additional fields such as `Set-Cookie`.
///
/// # Errors
///
/// [`HandshakeError::InvalidHeader`] for an extra field, or an extensions value, that is malformed (CR, LF, NUL and
/// other control characters) or belongs to the handshake.
pub fn upgrade_response(
    offer: &Offer,
    subprotocol: Option<&str>,
    extensions: Option<&str>,
    extra: &[(String, String)],
) -> Result<Vec<u8>, HandshakeError> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    push_field(&mut out, "Upgrade", "websocket");
    push_field(&mut out, "Connection", "Upgrade");
    push_field(&mut out, "Sec-WebSocket-Accept", &accept_key(&offer.key));
    // The offered ones are tokens, so an equal name needs no check.
    if let Some(name) =
        subprotocol.filter(|name| offer.subprotocols.iter().any(|offered| offered == name))
    {
        push_field(&mut out, "Sec-WebSocket-Protocol", name);
    }
    if let Some(value) = extensions {
        if !is_field_value(value) {
            return Err(HandshakeError::InvalidHeader(value.to_owned()));
        }
        push_field(&mut out, "Sec-WebSocket-Extensions", value);
    }
    for (name, value) in extra {
        check_extra(name, value)?;
        push_field(&mut out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

/// `Sec-WebSocket-Protocol = 1#token`, 4.1 item 10: all distinct.
fn subprotocols(request: &Request) -> Result<Vec<String>, HandshakeError> {
    if request.headers.get("Sec-WebSocket-Protocol").is_none() {
        return Ok(Vec::new());
    }
    let mut list = Vec::new();
    for name in request.headers.tokens("Sec-WebSocket-Protocol") {
        list.push(name.to_owned());
    }
    let different = list.iter().collect::<BTreeSet<_>>().len() == list.len();
    if list.is_empty() || !different || !list.iter().all(|name| is_token(name)) {
        return Err(HandshakeError::InvalidSubprotocols);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer {
            key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
            subprotocols: vec!["chat".into(), "superchat".into()],
            extensions: Vec::new(),
            origin: None,
        }
    }

    #[test]
    fn the_answer_is_the_example_of_section_1_3() {
        let answer = upgrade_response(&offer(), Some("chat"), None, &[]).unwrap();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        );
    }

    #[test]
    fn the_answer_stays_below_254_bytes() {
        let deflate = "permessage-deflate; client_no_context_takeover";
        let answer = upgrade_response(&offer(), Some("superchat"), Some(deflate), &[]).unwrap();
        assert!(answer.len() < 254, "{}", answer.len());
    }

    #[test]
    fn a_subprotocol_that_was_not_offered_is_not_named() {
        let answer = upgrade_response(&offer(), Some("Chat"), None, &[]).unwrap();
        assert!(!String::from_utf8(answer).unwrap().contains("Protocol: "));
    }

    #[test]
    fn the_clients_preference_decides_between_subprotocols() {
        assert_eq!(offer().choose(&["superchat", "chat"]), Some("chat"));
        assert_eq!(offer().choose(&["superchat"]), Some("superchat"));
        assert_eq!(offer().choose(&["CHAT"]), None);
    }

    #[test]
    fn extra_fields_cannot_break_or_contradict_the_answer() {
        for (name, value) in [
            ("X", "a\r\nY: b"),
            ("X", "a\nb"),
            ("X\r\nY", "a"),
            ("", "a"),
            ("X y", "a"),
            ("X", "\0"),
            ("upgrade", "h2c"),
            ("Content-Length", "5"),
            ("sec-websocket-accept", "x"),
        ] {
            let extra = [(name.to_owned(), value.to_owned())];
            assert_eq!(
                upgrade_response(&offer(), None, None, &extra),
                Err(HandshakeError::InvalidHeader(name.to_owned())),
                "{name:?}: {value:?}"
            );
        }
        let extra = [("Set-Cookie".to_owned(), "a=b".to_owned())];
        assert!(
            upgrade_response(&offer(), None, None, &extra)
                .unwrap()
                .ends_with(b"\r\nSet-Cookie: a=b\r\n\r\n")
        );
        assert!(upgrade_response(&offer(), None, Some("a\r\nb"), &[]).is_err());
    }
}
