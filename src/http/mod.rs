//! Heads of HTTP/0.9, 1.0 and 1.1, parsed by hand: the grammar of [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112) and
//! nothing more lenient. No sockets, no clock: bytes in, values out. An invalid request is an [`HttpError`], and
//! [`HttpError::response`] is the response to send.
//!
//! Reading order: `request_parser`, `request`, `response`, `response_parser` (the client's side); then the parts: `lines`,
//! `grammar`, `headers`, `authority`, `percent`, `forwarded`, `redact`.

pub(crate) mod authority;
pub(crate) mod error;
pub(crate) mod forwarded;
pub(crate) mod grammar;
pub(crate) mod headers;
pub(crate) mod lines;
pub(crate) mod percent;
pub(crate) mod redact;
pub(crate) mod request;
pub(crate) mod request_parser;
pub(crate) mod response;
pub(crate) mod response_parser;

pub use authority::{Authority, Host};
pub use error::HttpError;
pub use forwarded::client_address;
pub use headers::Headers;
pub use lines::HeadLimits;
pub use percent::percent_decode;
pub use redact::{BEARER, redact_url};
pub use request::{Request, Version};
pub use request_parser::RequestParser;
pub use response::Response;
pub use response_parser::{Body, ResponseHead, ResponseParser};
