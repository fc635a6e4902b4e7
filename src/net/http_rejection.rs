//! The HTTP response of a server or proxy that rejects a connection.

use crate::http::headers::Headers;

/// An HTTP response other than 101, with the details a user needs.
#[derive(Debug)]
pub struct HttpRejection {
    /// The status code.
    pub status: u16,
    /// The reason phrase, as sent.
    pub reason: String,
    /// The header fields.
    pub headers: Headers,
    /// The beginning of the body, at most 4 KiB.
    pub body: Vec<u8>,
}
