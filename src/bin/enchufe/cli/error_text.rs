//! Texts for connections that failed or were rejected.

use enchufe::CloseReason;
use enchufe::http::redact_url;
use enchufe::net::{Error, HttpRejection, TlsError};

/// Describes a failed connection to `url` in one line.
pub fn explain(url: &str, error: &Error) -> String {
    let url = redact_url(url);
    match error {
        Error::UnexpectedStatus(answer) if (300..400).contains(&answer.status) => {
            let (status, reason) = (answer.status, &answer.reason);
            let hint = match answer.headers.get("Location") {
                Some(location) => {
                    format!(
                        "; --follow follows it to {}",
                        first_words(location.as_bytes())
                    )
                }
                None => String::new(),
            };
            format!("{url} answered {status} {reason}{hint}")
        }
        Error::UnexpectedStatus(answer) if answer.status == 401 => {
            let answer = answer_in_words(answer);
            format!("{url} answered {answer}; use --token-file FILE or --token TOKEN")
        }
        Error::UnexpectedStatus(answer) => format!("{url} answered {}", answer_in_words(answer)),
        Error::Url(error) => format!("{url}: {error}"),
        Error::Tls(error @ TlsError::UnknownIssuer) => {
            format!(
                "cannot connect to {url}: {error}; give the certificate of its issuer with --ca FILE"
            )
        }
        Error::Tls(error @ TlsError::NotTls) => {
            format!("cannot connect to {url}: {error}; for a server without TLS, use ws://")
        }
        error => format!("cannot connect to {url}: {error}"),
    }
}

/// Returns the status, the reason and the start of the body of a rejection.
pub fn answer_in_words(answer: &HttpRejection) -> String {
    let status = format!("{} {}", answer.status, answer.reason);
    let (status, body) = (status.trim_end(), first_words(&answer.body));
    match body.as_str() {
        "" => status.to_owned(),
        // Many servers begin the body with the status.
        body if body.starts_with(status) => body.to_owned(),
        body => format!("{status}: {body}"),
    }
}

/// Describes a Close of the server ([RFC 6455, 7.1.6](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.6)).
pub fn close_in_words(close: Option<&CloseReason>) -> String {
    match close {
        None => "the server closed".to_owned(),
        Some(close) if close.reason.is_empty() => format!("the server closed: {}", close.code),
        Some(close) => format!("the server closed: {}: {}", close.code, close.reason),
    }
}

/// Returns the start of a body on one line.
pub fn first_words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}

/// Maximum characters quoted from a body.
const MAX_QUOTED: usize = 300;

#[cfg(test)]
mod tests {
    use enchufe::http::Headers;

    use super::*;

    fn refused(status: u16, reason: &str, body: &str) -> Error {
        Error::UnexpectedStatus(Box::new(HttpRejection {
            status,
            reason: reason.to_owned(),
            headers: Headers::default(),
            body: body.as_bytes().to_vec(),
        }))
    }

    #[test]
    fn an_answer_is_shown_with_its_status_and_body() {
        let text = explain(
            "ws://h/x",
            &refused(404, "Not Found", "no such\r\nservice\n"),
        );
        assert_eq!(text, "ws://h/x answered 404 Not Found: no such service");
        assert_eq!(
            explain("ws://h/x", &refused(503, "", "")),
            "ws://h/x answered 503"
        );
    }

    #[test]
    fn a_redirect_is_shown_with_its_location() {
        let mut headers = Headers::default();
        headers.push("Location", "ws://other/");
        let answer = Error::UnexpectedStatus(Box::new(HttpRejection {
            status: 302,
            reason: "Found".to_owned(),
            headers,
            body: b"<html>".to_vec(),
        }));
        assert_eq!(
            explain("ws://h/", &answer),
            "ws://h/ answered 302 Found; --follow follows it to ws://other/"
        );
    }

    #[test]
    fn a_401_names_the_token_options_and_hides_the_token() {
        let body = "401 Unauthorized: this takes another token\n";
        let text = explain(
            "ws://h/?a=b&token=S3CRET",
            &refused(401, "Unauthorized", body),
        );
        assert_eq!(
            text,
            "ws://h/?a=b&token=… answered 401 Unauthorized: this takes another token; \
             use --token-file FILE or --token TOKEN"
        );
    }

    #[test]
    fn a_long_body_is_cut() {
        assert_eq!(
            first_words("ñ".repeat(1000).as_bytes()).chars().count(),
            MAX_QUOTED + 3
        );
    }
}
