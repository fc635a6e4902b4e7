//! `POST /socket/negotiate`: what a SignalR client asks before it connects, and the CORS headers
//! without which a browser on another origin may not read the answer.
//!
//! Nothing is remembered: there is one transport and it needs no ticket, so the ids in the answer
//! are for the client's own use, and the `id` it then connects with is not looked at.
//! [SignalR transports](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/TransportProtocols.md),
//! [CORS](https://fetch.spec.whatwg.org/#http-cors-protocol)

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use enchufe::handshake::check_origin;
use enchufe::http::{Request, Response};

/// What makes an answer unlike any other: 16 random bytes each.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// Names the connection; others may see it.
    pub connection: [u8; 16],
    /// Stands for the connection; a secret of the client.
    pub token: [u8; 16],
}

/// Answers a request for `/socket/negotiate`: 200 to POST, 204 to a preflight, 403 to an origin that may not connect, 405
/// to another method. `origins` are those that may besides the server's own, as for the opening handshake.
pub fn negotiate(request: &Request, origins: &[String]) -> Response {
    answer(request, origins, Ids::random())
}

/// [`negotiate`], with the ids passed in.
pub fn answer(request: &Request, origins: &[String], ids: Ids) -> Response {
    if let Err(error) = check_origin(request, origins) {
        // No CORS header: the page that asked does not get to read even this.
        return error.response();
    }
    let response = match request.method.as_str() {
        "POST" => {
            let mut response = Response::new(200)
                .header("Content-Type", "application/json")
                .header("Cache-Control", "no-store");
            response.body = offer(request, ids).to_string().into_bytes();
            response
        }
        "OPTIONS" => Response::new(204).header("Allow", METHODS),
        _ => Response::method_not_allowed(METHODS),
    };
    with_cors(response, request)
}

impl Ids {
    /// Random enough to tell connections apart, from the seeds the standard library gets from the system. Nothing is
    /// unlocked with them.
    fn random() -> Ids {
        let random = || {
            let mut bytes = [0; 16];
            for half in bytes.chunks_exact_mut(8) {
                half.copy_from_slice(&RandomState::new().hash_one(()).to_ne_bytes());
            }
            bytes
        };
        Ids {
            connection: random(),
            token: random(),
        }
    }
}

/// The version both speak: the client's, at most 1. Our answer to a client that names none is
/// version 1 too: it reads `connectionId`, which is there in both.
fn offer(request: &Request, ids: Ids) -> Value {
    let asked = request.query_value("negotiateVersion");
    let version = asked.map_or(Some(1), |version| {
        str::from_utf8(&version).ok()?.parse::<u32>().ok()
    });
    let transports = json!([{ "transport": "WebSockets", "transferFormats": ["Text", "Binary"] }]);
    let connection = URL_SAFE_NO_PAD.encode(ids.connection);
    match version {
        Some(0) => {
            json!({ "negotiateVersion": 0, "connectionId": connection, "availableTransports": transports })
        }
        Some(_) => json!({
            "negotiateVersion": 1,
            "connectionId": connection,
            "connectionToken": URL_SAFE_NO_PAD.encode(ids.token),
            "availableTransports": transports,
        }),
        None => json!({ "error": "The negotiateVersion is not a version." }),
    }
}

/// Echoes the origin, with credentials: the client sends cookies unless told otherwise, and then `*` would not do.
/// A preflight hears what it may send as well.
fn with_cors(response: Response, request: &Request) -> Response {
    // Caches must not hand one origin's answer to another, nor to a request without origin.
    let response = response.header("Vary", "Origin");
    let Some(origin) = request.headers.get("Origin") else {
        return response;
    };
    let response = response
        .header("Access-Control-Allow-Origin", origin)
        .header("Access-Control-Allow-Credentials", "true");
    if request.method != "OPTIONS" {
        return response;
    }
    let wanted = request.headers.get("Access-Control-Request-Headers");
    response
        .header("Access-Control-Allow-Methods", METHODS)
        .header(
            "Access-Control-Allow-Headers",
            wanted
                .filter(|names| is_name_list(names))
                .unwrap_or(USUAL_HEADERS),
        )
        .header("Access-Control-Max-Age", "600")
}

/// A short list of header names, and nothing else that could end up in our own head.
fn is_name_list(names: &str) -> bool {
    let ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_, ".contains(&byte);
    !names.is_empty() && names.len() <= 1024 && names.bytes().all(ours)
}

const METHODS: &str = "OPTIONS, POST";

/// What the `@microsoft/signalr` client sends, for a preflight that does not say.
const USUAL_HEADERS: &str = "Content-Type, X-Requested-With, X-SignalR-User-Agent";

#[cfg(test)]
mod tests {
    use super::*;
    use enchufe::http::{HeadLimits, RequestParser};

    const IDS: Ids = Ids {
        connection: [0; 16],
        token: [0xff; 16],
    };
    const PAGE: &str = "https://app.example";

    fn ask(method: &str, query: &str, fields: &str) -> Response {
        let head = format!(
            "{method} /socket/negotiate{query} HTTP/1.1\r\nHost: hub.example:8080\r\n{fields}\r\n"
        );
        let (request, _) = RequestParser::new(HeadLimits::default())
            .feed(head.as_bytes())
            .unwrap()
            .unwrap();
        let response = answer(&request, &[PAGE.to_owned()], IDS);
        assert!(response.encode_head(&mut Vec::new()).is_ok());
        response
    }

    fn from_page(method: &str, fields: &str) -> Response {
        ask(
            method,
            "?negotiateVersion=1",
            &format!("Origin: {PAGE}\r\n{fields}"),
        )
    }

    fn body(query: &str) -> Value {
        let response = ask("POST", query, "");
        assert_eq!(
            (response.status, response.get("Content-Type")),
            (200, Some("application/json"))
        );
        serde_json::from_slice(&response.body).unwrap()
    }

    fn has_cors(response: &Response) -> bool {
        response
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("Access-Control"))
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
            "?negotiateVersion=1",
            "?negotiateVersion=2",
            "?a=b&negotiateVersion=1&useStatefulReconnect=true",
        ] {
            assert_eq!(body(query), expected, "{query}");
        }
        for query in ["", "?", "?negotiateversion=0", "?xnegotiateVersion=0"] {
            assert_eq!(body(query), expected, "{query}: no version asked for");
        }
    }

    #[test]
    fn version_0_has_no_token() {
        let expected = json!({
            "negotiateVersion": 0,
            "connectionId": "AAAAAAAAAAAAAAAAAAAAAA",
            "availableTransports": [{ "transport": "WebSockets", "transferFormats": ["Text", "Binary"] }],
        });
        assert_eq!(body("?negotiateVersion=0"), expected);
    }

    #[test]
    fn a_version_that_is_no_number_is_an_error_for_the_client() {
        for version in ["", "x", "-1", "99999999999", "%ff"] {
            let answer = body(&format!("?negotiateVersion={version}"));
            assert_eq!(
                answer,
                json!({ "error": "The negotiateVersion is not a version." }),
                "{version}"
            );
        }
    }

    #[test]
    fn no_two_negotiations_are_alike() {
        let ids: std::collections::HashSet<[u8; 16]> = (0..100)
            .map(|_| Ids::random())
            .flat_map(|ids| [ids.connection, ids.token])
            .collect();
        assert_eq!(ids.len(), 200);
    }

    #[test]
    fn a_negotiation_is_kept_by_no_cache() {
        assert_eq!(ask("POST", "", "").get("Cache-Control"), Some("no-store"));
    }

    #[test]
    fn an_allowed_origin_is_echoed_with_credentials() {
        let response = from_page("POST", "");
        assert_eq!(response.status, 200);
        assert_eq!(response.get("Access-Control-Allow-Origin"), Some(PAGE));
        assert_eq!(
            response.get("Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert_eq!(response.get("Vary"), Some("Origin"));
    }

    #[test]
    fn our_own_origin_is_allowed() {
        let response = ask("POST", "", "Origin: http://hub.example:8080\r\n");
        assert_eq!(
            (response.status, response.get("Access-Control-Allow-Origin")),
            (200, Some("http://hub.example:8080"))
        );
    }

    #[test]
    fn without_an_origin_there_is_no_cors_header() {
        let response = ask("POST", "", "");
        assert!(!has_cors(&response));
        assert_eq!(response.get("Vary"), Some("Origin"));
    }

    #[test]
    fn another_origin_is_refused_and_told_nothing() {
        for method in ["POST", "OPTIONS", "GET"] {
            for origin in [
                "https://evil.example",
                "null",
                "https://app.example.evil.example",
                "https://app.example:8443",
            ] {
                let response = ask(method, "", &format!("Origin: {origin}\r\n"));
                assert_eq!(response.status, 403, "{method} {origin}");
                assert!(!has_cors(&response));
                assert!(!String::from_utf8_lossy(&response.body).contains("AAAA"));
            }
        }
    }

    #[test]
    fn a_preflight_hears_what_it_may_send() {
        let response = from_page(
            "OPTIONS",
            "Access-Control-Request-Headers: x-requested-with,x-mine\r\n",
        );
        assert_eq!((response.status, response.body.len()), (204, 0));
        assert_eq!(response.get("Access-Control-Allow-Origin"), Some(PAGE));
        assert_eq!(
            response.get("Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert_eq!(
            response.get("Access-Control-Allow-Methods"),
            Some("OPTIONS, POST")
        );
        assert_eq!(
            response.get("Access-Control-Allow-Headers"),
            Some("x-requested-with,x-mine")
        );
    }

    #[test]
    fn a_preflight_with_strange_header_names_hears_the_usual_ones() {
        assert_eq!(
            from_page("OPTIONS", "").get("Access-Control-Allow-Headers"),
            Some(USUAL_HEADERS)
        );
        for names in ["", "x;y", "ñ", &"x".repeat(1025)] {
            let response = from_page(
                "OPTIONS",
                &format!("Access-Control-Request-Headers: {names}\r\n"),
            );
            assert_eq!(
                response.get("Access-Control-Allow-Headers"),
                Some(USUAL_HEADERS),
                "{names}"
            );
        }
    }

    #[test]
    fn another_method_is_refused_with_the_ones_there_are() {
        for method in ["GET", "PUT", "post"] {
            let response = ask(method, "", "");
            assert_eq!(
                (response.status, response.get("Allow")),
                (405, Some("OPTIONS, POST")),
                "{method}"
            );
        }
    }
}
