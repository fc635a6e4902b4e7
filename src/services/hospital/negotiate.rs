//! `POST /socket/negotiate`: what a SignalR client asks before it connects, and the CORS headers
//! without which a browser on another origin may not read the answer.
//!
//! Nothing is remembered: there is one transport and it needs no ticket, so the ids in the answer
//! are for the client's own use, and the `id` it then connects with is not looked at.
//! [SignalR transports](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md),
//! [CORS](https://fetch.spec.whatwg.org/#http-cors-protocol)

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What matters of an HTTP request for `/socket/negotiate`.
#[derive(Clone, Copy, Debug)]
pub struct NegotiateRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The query, without the question mark.
    pub query: Option<&'a str>,
    /// The `Origin`, if there is one. A request without comes from no browser page.
    pub origin: Option<&'a str>,
    /// Whether that origin may connect: the same rule as for the handshake.
    pub origin_allowed: bool,
    /// `Access-Control-Request-Headers`, in a preflight.
    pub requested_headers: Option<&'a str>,
}

/// What makes an answer unlike any other: 16 random bytes each.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// Names the connection; others may see it.
    pub connection: [u8; 16],
    /// Stands for the connection; a secret of the client.
    pub token: [u8; 16],
}

/// The answer: status, headers without `Content-Length`, body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiateResponse {
    /// 200, 204 for a preflight, 403 for an origin that may not connect, 405 for another method.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or a line of text for a refusal.
    pub body: String,
}

/// Answers a request for `/socket/negotiate`.
pub fn negotiate(request: &NegotiateRequest<'_>, ids: Ids) -> NegotiateResponse {
    if !request.origin_allowed && request.origin.is_some() {
        // No CORS header: the page that asked does not get to read even this.
        return refuse(403, "This origin may not connect.\n");
    }
    let mut response = match request.method {
        "POST" => NegotiateResponse {
            status: 200,
            headers: vec![
                ("Content-Type", "application/json".into()),
                ("Cache-Control", "no-store".into()),
            ],
            body: offer(request.query, ids).to_string(),
        },
        "OPTIONS" => NegotiateResponse {
            status: 204,
            headers: vec![("Allow", METHODS.into())],
            body: String::new(),
        },
        _ => {
            let mut refusal = refuse(405, "Negotiate with POST.\n");
            refusal.headers.push(("Allow", METHODS.into()));
            refusal
        }
    };
    response.headers.extend(cors(request));
    response
}

/// The version both speak: the client's, at most 1. Our answer to a client that names none is
/// version 1 too: it reads `connectionId`, which is there in both.
fn offer(query: Option<&str>, ids: Ids) -> Value {
    let pairs = query.unwrap_or_default().split('&');
    let mut asked = pairs.filter_map(|pair| pair.strip_prefix("negotiateVersion="));
    let version = asked.next().map_or(Ok(1), str::parse::<u32>);
    let transports = json!([{ "transport": "WebSockets", "transferFormats": ["Text", "Binary"] }]);
    let connection = URL_SAFE_NO_PAD.encode(ids.connection);
    match version {
        Ok(0) => {
            json!({ "negotiateVersion": 0, "connectionId": connection, "availableTransports": transports })
        }
        Ok(_) => json!({
            "negotiateVersion": 1,
            "connectionId": connection,
            "connectionToken": URL_SAFE_NO_PAD.encode(ids.token),
            "availableTransports": transports,
        }),
        Err(_) => json!({ "error": "The negotiateVersion is not a version." }),
    }
}

/// Echoes the origin, with credentials: the client sends cookies unless told otherwise, and then
/// `*` would not do. A preflight hears what it may send as well.
fn cors(request: &NegotiateRequest<'_>) -> Vec<(&'static str, String)> {
    // Caches must not hand one origin's answer to another, nor to a request without origin.
    let mut headers = vec![("Vary", "Origin".to_owned())];
    let Some(origin) = request.origin else {
        return headers;
    };
    headers.push(("Access-Control-Allow-Origin", origin.to_owned()));
    headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
    if request.method == "OPTIONS" {
        let wanted = request
            .requested_headers
            .filter(|names| is_name_list(names));
        headers.push(("Access-Control-Allow-Methods", METHODS.to_owned()));
        headers.push((
            "Access-Control-Allow-Headers",
            wanted.unwrap_or(USUAL_HEADERS).to_owned(),
        ));
        headers.push(("Access-Control-Max-Age", "600".to_owned()));
    }
    headers
}

/// A short list of header names, and nothing else that could end up in our own head.
fn is_name_list(names: &str) -> bool {
    let ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_, ".contains(&byte);
    !names.is_empty() && names.len() <= 1024 && names.bytes().all(ours)
}

fn refuse(status: u16, why: &str) -> NegotiateResponse {
    let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
    NegotiateResponse {
        status,
        headers,
        body: why.to_owned(),
    }
}

const METHODS: &str = "OPTIONS, POST";

/// What the `@microsoft/signalr` client sends, for a preflight that does not say.
const USUAL_HEADERS: &str = "Content-Type, X-Requested-With, X-SignalR-User-Agent";

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: Ids = Ids {
        connection: [0; 16],
        token: [0xff; 16],
    };

    const POST: NegotiateRequest<'_> = NegotiateRequest {
        method: "POST",
        query: Some("negotiateVersion=1"),
        origin: None,
        origin_allowed: true,
        requested_headers: None,
    };

    const CROSS: NegotiateRequest<'_> = NegotiateRequest {
        origin: Some("https://app.example"),
        ..POST
    };

    fn header<'a>(response: &'a NegotiateResponse, name: &str) -> Option<&'a str> {
        let mut found = response
            .headers
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str());
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice");
        first
    }

    fn body(query: Option<&str>) -> Value {
        let response = negotiate(&NegotiateRequest { query, ..POST }, IDS);
        assert_eq!(response.status, 200);
        assert_eq!(header(&response, "Content-Type"), Some("application/json"));
        serde_json::from_str(&response.body).unwrap()
    }

    #[test]
    fn version_1_has_an_id_a_token_and_one_transport() {
        let expected = json!({
            "negotiateVersion": 1,
            "connectionId": "AAAAAAAAAAAAAAAAAAAAAA",
            "connectionToken": "_____________________w",
            "availableTransports": [{ "transport": "WebSockets", "transferFormats": ["Text", "Binary"] }],
        });
        for query in [
            "negotiateVersion=1",
            "negotiateVersion=2",
            "a=b&negotiateVersion=1&useStatefulReconnect=true",
        ] {
            assert_eq!(body(Some(query)), expected, "{query}");
        }
        for query in [
            None,
            Some(""),
            Some("negotiateversion=0"),
            Some("xnegotiateVersion=0"),
        ] {
            assert_eq!(body(query), expected, "{query:?}");
        }
    }

    #[test]
    fn version_0_has_no_token() {
        let expected = json!({
            "negotiateVersion": 0,
            "connectionId": "AAAAAAAAAAAAAAAAAAAAAA",
            "availableTransports": [{ "transport": "WebSockets", "transferFormats": ["Text", "Binary"] }],
        });
        assert_eq!(body(Some("negotiateVersion=0")), expected);
    }

    #[test]
    fn a_version_that_is_no_number_is_an_error_for_the_client() {
        for query in [
            "negotiateVersion=",
            "negotiateVersion=x",
            "negotiateVersion=-1",
            "negotiateVersion=99999999999",
        ] {
            assert_eq!(
                body(Some(query)),
                json!({ "error": "The negotiateVersion is not a version." }),
                "{query}"
            );
        }
    }

    #[test]
    fn a_negotiation_is_kept_by_no_cache() {
        assert_eq!(
            header(&negotiate(&POST, IDS), "Cache-Control"),
            Some("no-store")
        );
    }

    #[test]
    fn an_allowed_origin_is_echoed_with_credentials() {
        let response = negotiate(&CROSS, IDS);
        assert_eq!(response.status, 200);
        assert_eq!(
            header(&response, "Access-Control-Allow-Origin"),
            Some("https://app.example")
        );
        assert_eq!(
            header(&response, "Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert_eq!(header(&response, "Vary"), Some("Origin"));
    }

    #[test]
    fn without_an_origin_there_is_no_cors_header() {
        let response = negotiate(&POST, IDS);
        assert!(
            !response
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("Access-Control"))
        );
        assert_eq!(header(&response, "Vary"), Some("Origin"));
    }

    #[test]
    fn another_origin_is_refused_and_told_nothing() {
        for method in ["POST", "OPTIONS", "GET"] {
            let response = negotiate(
                &NegotiateRequest {
                    method,
                    origin_allowed: false,
                    ..CROSS
                },
                IDS,
            );
            assert_eq!(response.status, 403, "{method}");
            assert!(
                !response
                    .headers
                    .iter()
                    .any(|(name, _)| name.starts_with("Access-Control"))
            );
            assert!(!response.body.contains("AAAA"));
        }
    }

    #[test]
    fn a_preflight_hears_what_it_may_send() {
        let preflight = NegotiateRequest {
            method: "OPTIONS",
            requested_headers: Some("x-requested-with,x-mine"),
            ..CROSS
        };
        let response = negotiate(&preflight, IDS);
        assert_eq!((response.status, response.body.as_str()), (204, ""));
        assert_eq!(
            header(&response, "Access-Control-Allow-Origin"),
            Some("https://app.example")
        );
        assert_eq!(
            header(&response, "Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert_eq!(
            header(&response, "Access-Control-Allow-Methods"),
            Some("OPTIONS, POST")
        );
        assert_eq!(
            header(&response, "Access-Control-Allow-Headers"),
            Some("x-requested-with,x-mine")
        );
    }

    #[test]
    fn a_preflight_with_strange_header_names_hears_the_usual_ones() {
        let long = "x".repeat(1025);
        for names in [
            None,
            Some(""),
            Some("a\r\nb: c"),
            Some("x;y"),
            Some("ñ"),
            Some(long.as_str()),
        ] {
            let preflight = NegotiateRequest {
                method: "OPTIONS",
                requested_headers: names,
                ..CROSS
            };
            let response = negotiate(&preflight, IDS);
            assert_eq!(
                header(&response, "Access-Control-Allow-Headers"),
                Some(USUAL_HEADERS),
                "{names:?}"
            );
        }
    }

    #[test]
    fn another_method_is_refused_with_the_ones_there_are() {
        for method in ["GET", "PUT", "post", ""] {
            let response = negotiate(&NegotiateRequest { method, ..POST }, IDS);
            assert_eq!(
                (response.status, header(&response, "Allow")),
                (405, Some("OPTIONS, POST")),
                "{method}"
            );
        }
    }
}
