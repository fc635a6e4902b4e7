//! The client's side of the opening handshake ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)):
//! the request, and the checks on the response.

use crate::handshake::accept_key::accept_key;
use crate::handshake::accept_key::encode_nonce;
use crate::handshake::error::HandshakeError;
use crate::handshake::extensions;
use crate::handshake::extensions::ExtensionOffer;
use crate::handshake::fields::{check_extra, single};
use crate::handshake::url::Url;
use crate::http::grammar::is_token;
use crate::http::request::Version;
use crate::http::response::push_field;
use crate::http::response_parser::ResponseHead;

/// One handshake: the request, to compare the response with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHandshake {
    target: String,
    host: String,
    key: String,
    subprotocols: Vec<String>,
    extensions: Vec<ExtensionOffer>,
    headers: Vec<(String, String)>,
}

/// The result of a handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The subprotocol that the server chose among the offered ones.
    pub subprotocol: Option<String>,
    /// The extensions that the server accepted, in order, with its parameters; each was offered. The parameters are not
    /// checked here.
    pub extensions: Vec<ExtensionOffer>,
}

impl ClientHandshake {
    /// Creates a handshake with `url`. `nonce` is 16 fresh random bytes, `headers` are additional fields such as
    /// `Origin`.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::InvalidHeader`] for input that is invalid in a request or would change its meaning: control
    /// characters, names that are not tokens, fields that belong to the handshake, subprotocols that are not tokens or
    /// repeat, and a URL that [`Url::parse`] would not return.
    pub fn new(
        url: &Url,
        nonce: [u8; 16],
        subprotocols: &[String],
        headers: &[(String, String)],
    ) -> Result<Self, HandshakeError> {
        let invalid = |text: &str| Err(HandshakeError::InvalidHeader(text.to_owned()));
        // The fields of `Url` are public, so the value may be invalid.
        if Url::parse(&url.to_string()).as_ref() != Ok(url) {
            return invalid(&url.to_string());
        }
        for (index, name) in subprotocols.iter().enumerate() {
            // 4.1, item 10: tokens, all different.
            if !is_token(name) || subprotocols[..index].contains(name) {
                return invalid(name);
            }
        }
        for (name, value) in headers {
            check_extra(name, value)?;
        }
        Ok(Self {
            target: url.path_and_query.clone(),
            host: url.authority(),
            key: encode_nonce(nonce),
            subprotocols: subprotocols.to_vec(),
            extensions: Vec::new(),
            headers: headers.to_vec(),
        })
    }

    /// Adds an extension to the offer.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::InvalidHeader`] if a name or value is not a token.
    pub fn offer(mut self, extension: ExtensionOffer) -> Result<Self, HandshakeError> {
        let ExtensionOffer { name, params } = &extension;
        let is_valid = |(name, value): &(String, Option<String>)| {
            is_token(name) && value.as_deref().is_none_or(is_token)
        };
        if !is_token(name) || !params.iter().all(is_valid) {
            return Err(HandshakeError::InvalidHeader(extension.to_string()));
        }
        self.extensions.push(extension);
        Ok(self)
    }

    /// Encodes the request.
    pub fn request(&self) -> Vec<u8> {
        let mut out = format!("GET {} HTTP/1.1\r\n", self.target).into_bytes();
        push_field(&mut out, "Host", &self.host);
        push_field(&mut out, "Upgrade", "websocket");
        push_field(&mut out, "Connection", "Upgrade");
        push_field(&mut out, "Sec-WebSocket-Key", &self.key);
        push_field(&mut out, "Sec-WebSocket-Version", "13");
        if !self.subprotocols.is_empty() {
            push_field(
                &mut out,
                "Sec-WebSocket-Protocol",
                &self.subprotocols.join(", "),
            );
        }
        if !self.extensions.is_empty() {
            let list: Vec<String> = self.extensions.iter().map(ToString::to_string).collect();
            push_field(&mut out, "Sec-WebSocket-Extensions", &list.join(", "));
        }
        for (name, value) in &self.headers {
            push_field(&mut out, name, value);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// Checks the response; the numbers are those of the second list in [RFC 6455,
    /// 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1). Skip interim responses ([`ResponseHead::is_interim`])
    /// first, at most [`MAX_INTERIM_RESPONSES`].
    ///
    /// # Errors
    ///
    /// The violated rule; close the connection. [`HandshakeError::UnexpectedStatus`] is an ordinary HTTP response, and
    /// its body may explain more.
    pub fn check(&self, answer: &ResponseHead) -> Result<Negotiated, HandshakeError> {
        let headers = &answer.headers;
        // 1.
        if answer.status != 101 {
            return Err(HandshakeError::UnexpectedStatus(answer.status));
        }
        if answer.version < Version::Http11 {
            return Err(HandshakeError::VersionTooOld);
        }
        // 2: the whole value, not a member of a list.
        if !single(headers, "Upgrade")?.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        {
            return Err(HandshakeError::MissingUpgrade);
        }
        // 3.
        if !headers.has_token("Connection", "upgrade") {
            return Err(HandshakeError::MissingConnectionUpgrade);
        }
        // 4.
        match single(headers, "Sec-WebSocket-Accept")? {
            None => return Err(HandshakeError::MissingHeader("Sec-WebSocket-Accept")),
            Some(accept) if accept != accept_key(&self.key) => {
                return Err(HandshakeError::WrongAccept);
            }
            Some(_) => {}
        }
        // 5. Several lines are allowed in a request only (11.3.2).
        single(headers, "Sec-WebSocket-Extensions")?;
        let extensions = extensions::parse(headers)?;
        if !extensions.iter().all(|chosen| {
            self.extensions
                .iter()
                .any(|offered| offered.name == chosen.name)
        }) {
            return Err(HandshakeError::UnofferedExtension);
        }
        // 6.
        let subprotocol = single(headers, "Sec-WebSocket-Protocol")?;
        if subprotocol
            .is_some_and(|chosen| !self.subprotocols.iter().any(|offered| offered == chosen))
        {
            return Err(HandshakeError::UnofferedSubprotocol);
        }
        Ok(Negotiated {
            subprotocol: subprotocol.map(str::to_owned),
            extensions,
        })
    }
}

/// Maximum 1xx responses that a client skips. A server has reasons for one or two.
pub const MAX_INTERIM_RESPONSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::url::Scheme;

    fn handshake(
        url: &str,
        subprotocols: &[&str],
        headers: &[(&str, &str)],
    ) -> Result<ClientHandshake, HandshakeError> {
        let subprotocols: Vec<String> = subprotocols.iter().map(ToString::to_string).collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        ClientHandshake::new(
            &Url::parse(url).unwrap(),
            *b"the sample nonce",
            &subprotocols,
            &headers,
        )
    }

    #[test]
    fn the_request_has_every_field_of_section_4_1() {
        let handshake = handshake(
            "ws://server.example.com:8080/chat?a=b",
            &["chat", "superchat"],
            &[("Origin", "http://o")],
        );
        let extension = ExtensionOffer {
            name: "permessage-deflate".into(),
            params: vec![("a".into(), None), ("b".into(), Some("1".into()))],
        };
        assert_eq!(
            String::from_utf8(handshake.unwrap().offer(extension).unwrap().request()).unwrap(),
            "GET /chat?a=b HTTP/1.1\r\nHost: server.example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate; a; b=1\r\n\
             Origin: http://o\r\n\r\n"
        );
    }

    #[test]
    fn header_names_and_values_cannot_carry_another_request() {
        // CVE-2026-1527 and similar attacks.
        for (name, value) in [
            ("X", "a\r\nY: b"),
            ("X", "a\rb"),
            ("X", "a\nb"),
            ("X", "a\0b"),
            ("X", "a\x1bb"),
            ("X", " a"),
            ("X\r\nY", "a"),
            ("X:", "a"),
            ("X Y", "a"),
            ("", "a"),
            ("\u{e9}", "a"),
            ("host", "h"),
            ("Sec-WebSocket-Key", "k"),
            ("Sec-WebSocket-Protocol", "p"),
            ("Transfer-Encoding", "chunked"),
            ("content-length", "5"),
            ("Connection", "close"),
            ("Upgrade", "h2c"),
        ] {
            let result = handshake("ws://h/", &[], &[("Good", "1"), (name, value)]);
            assert_eq!(
                result,
                Err(HandshakeError::InvalidHeader(name.to_owned())),
                "{name:?}: {value:?}"
            );
        }
    }

    #[test]
    fn subprotocols_are_different_tokens() {
        for bad in [
            &["a\r\nX: y"][..],
            &[""],
            &["a b"],
            &["a,b"],
            &["a", "b", "a"],
            &["\u{e9}"],
            &["a\0"],
        ] {
            assert!(handshake("ws://h/", bad, &[]).is_err(), "{bad:?}");
        }
        assert!(handshake("ws://h/", &["a", "A", "v1.b"], &[]).is_ok());
    }

    #[test]
    fn an_url_put_together_by_hand_is_checked_too() {
        let good = Url {
            scheme: Scheme::Ws,
            host: "h".into(),
            port: 80,
            path_and_query: "/".into(),
        };
        let build = |url: &Url| ClientHandshake::new(url, [0; 16], &[], &[]);
        assert!(build(&good).is_ok());
        for path in [
            "/ HTTP/1.1\r\nX: y\r\n\r\nGET /",
            "/a b",
            "a",
            "",
            "/\0",
            "/#",
            "/é",
            "@evil/",
        ] {
            assert!(
                build(&Url {
                    path_and_query: path.into(),
                    ..good.clone()
                })
                .is_err(),
                "{path:?}"
            );
        }
        for host in [
            "h\r\nX: y",
            "h/a",
            "",
            "a@b",
            "H",
            "[::1]",
            "h:1",
            "a b",
            "::1\r\n",
        ] {
            assert!(
                build(&Url {
                    host: host.into(),
                    ..good.clone()
                })
                .is_err(),
                "{host:?}"
            );
        }
        assert!(
            build(&Url {
                host: "::1".into(),
                ..good
            })
            .is_ok()
        );
    }

    #[test]
    fn an_extension_offer_is_made_of_tokens() {
        let offer = |name: &str, params: &[(&str, Option<&str>)]| {
            let params = params
                .iter()
                .map(|(name, value)| (name.to_string(), value.map(str::to_owned)))
                .collect();
            handshake("ws://h/", &[], &[])
                .unwrap()
                .offer(ExtensionOffer {
                    name: name.into(),
                    params,
                })
        };
        assert!(offer("a", &[("b", None), ("c", Some("1"))]).is_ok());
        for bad in ["", "a\r\nX: y", "a b", "a,b"] {
            assert!(
                offer(bad, &[]).is_err() && offer("a", &[(bad, None)]).is_err(),
                "{bad:?}"
            );
            assert!(offer("a", &[("b", Some(bad))]).is_err(), "{bad:?}");
        }
    }
}
