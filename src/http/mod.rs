//! Heads of HTTP/0.9, 1.0 and 1.1, parsed by hand: the grammar of [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)
//! and nothing more lenient. No sockets, no clock: bytes in, values out. What is not a request is an [`HttpError`] that
//! knows its status, and [`HttpError::response`] is the answer to send.
//!
//! Reading order: `request_parser` (what arrives), `request` (what it says), `response` (what goes back),
//! `response_parser` (the client's side), then the parts: `lines`, `grammar`, `headers`, `authority`, `percent`,
//! `forwarded`, `redact`.

mod authority;
mod error;
mod forwarded;
mod grammar;
mod headers;
mod lines;
mod percent;
mod redact;
mod request;
mod request_parser;
mod response;
mod response_parser;

pub use authority::{Authority, Host};
pub use error::HttpError;
pub use forwarded::client_address;
pub use grammar::{is_field_value, is_token};
pub use headers::Headers;
pub use lines::HeadLimits;
pub(crate) use percent::check_percent;
pub use percent::percent_decode;
pub(crate) use redact::BEARER;
pub use redact::{redact_head, redact_url};
pub use request::{Request, Version};
pub use request_parser::RequestParser;
pub(crate) use response::push_field;
pub use response::{Response, reason_phrase};
pub use response_parser::{Body, ResponseHead, ResponseParser};
