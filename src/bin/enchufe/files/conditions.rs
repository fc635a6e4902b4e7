//! Conditional requests (RFC 9110, 13): whether the copy the client has is still good.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use enchufe::http::{Headers, Response};

/// What names one state of a file.
#[derive(Debug)]
pub struct Validators {
    etag: String,
    /// In whole seconds, as HTTP has them.
    modified: Option<SystemTime>,
}

/// What the conditions of a request come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Send,
    NotModified,
    Failed,
}

impl Validators {
    pub fn of(metadata: &Metadata) -> Self {
        let since = metadata
            .modified()
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        Self {
            etag: format!("\"{nanoseconds:x}-{:x}\"", metadata.len()),
            modified: since.map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }

    pub fn describe(&self, response: Response) -> Response {
        let response = response.header("ETag", self.etag.clone());
        match self.modified {
            Some(at) => response.header("Last-Modified", httpdate::fmt_http_date(at)),
            None => response,
        }
    }

    /// 13.2.2: the conditions in the order they are to be looked at.
    pub fn judge(&self, headers: &Headers) -> Verdict {
        if headers.get("If-Match").is_some() {
            // 13.1.1: what is continued must be the same to the byte, and a weak tag does not say so.
            if !headers
                .tokens("If-Match")
                .any(|tag| tag == "*" || tag == self.etag)
            {
                return Verdict::Failed;
            }
        } else if let (Some(limit), Some(modified)) =
            (date(headers, "If-Unmodified-Since"), self.modified)
            && modified > limit
        {
            return Verdict::Failed;
        }
        if headers.get("If-None-Match").is_some() {
            if self.is_held(headers) {
                return Verdict::NotModified;
            }
        } else if let (Some(since), Some(modified)) =
            (date(headers, "If-Modified-Since"), self.modified)
            && modified <= since
        {
            return Verdict::NotModified;
        }
        Verdict::Send
    }

    /// 13.1.5: a range is for the state the client has the rest of; of another state it gets everything.
    pub fn allow_range(&self, headers: &Headers) -> bool {
        match headers.get("If-Range") {
            None => true,
            Some(tag) if tag.starts_with('"') => tag == self.etag,
            Some(date) => {
                self.modified.is_some() && httpdate::parse_http_date(date).ok() == self.modified
            }
        }
    }

    /// 13.1.2: whether the client names our state among those it holds. Weak is good enough here.
    fn is_held(&self, headers: &Headers) -> bool {
        headers
            .tokens("If-None-Match")
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag)
    }
}

fn date(headers: &Headers, name: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Validators {
        Validators {
            etag: "\"a-1\"".to_owned(),
            modified: Some(UNIX_EPOCH + Duration::from_secs(784_111_777)),
        }
    }

    fn judged(name: &str, value: &str) -> Verdict {
        let mut headers = Headers::new();
        headers.push(name, value);
        file().judge(&headers)
    }

    #[test]
    fn the_copy_the_client_has_is_not_sent_again() {
        assert_eq!(
            judged("If-None-Match", "\"x\", W/\"a-1\""),
            Verdict::NotModified
        );
        assert_eq!(judged("If-None-Match", "*"), Verdict::NotModified);
        assert_eq!(
            judged("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
            Verdict::NotModified
        );
        assert_eq!(
            judged("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
            Verdict::NotModified
        );
    }

    #[test]
    fn another_state_is_sent() {
        assert_eq!(judged("If-None-Match", "\"b-1\""), Verdict::Send);
        assert_eq!(
            judged("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"),
            Verdict::Send
        );
        assert_eq!(judged("If-Modified-Since", "yesterday"), Verdict::Send);
    }

    #[test]
    fn a_condition_on_another_state_fails() {
        assert_eq!(judged("If-Match", "\"b-1\""), Verdict::Failed);
        assert_eq!(judged("If-Match", "W/\"a-1\""), Verdict::Failed);
        assert_eq!(judged("If-Match", "\"b\", \"a-1\""), Verdict::Send);
        assert_eq!(judged("If-Match", "*"), Verdict::Send);
        assert_eq!(
            judged("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"),
            Verdict::Failed
        );
    }

    #[test]
    fn a_range_of_another_state_is_not_given_and_a_weak_tag_is_no_proof() {
        let allowed = |value: &str| {
            let mut headers = Headers::new();
            headers.push("If-Range", value);
            file().allow_range(&headers)
        };
        assert!(allowed("\"a-1\"") && allowed("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(
            !allowed("W/\"a-1\"") && !allowed("\"b\"") && !allowed("Sun, 06 Nov 1994 08:49:38 GMT")
        );
    }
}
