//! Header fields of a handshake, checked the same way on both sides.

use crate::handshake::error::HandshakeError;
use crate::http::grammar::{is_field_value, is_token};
use crate::http::headers::Headers;

/// Returns the value of a field that may appear once.
pub(super) fn single<'a>(
    headers: &'a Headers,
    name: &'static str,
) -> Result<Option<&'a str>, HandshakeError> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(HandshakeError::DuplicateHeader(name)),
        (value, None) => Ok(value),
    }
}

/// Checks a field that the program adds to a handshake: well formed, and not reserved.
pub(super) fn check_extra(name: &str, value: &str) -> Result<(), HandshakeError> {
    let reserved = RESERVED.iter().any(|own| own.eq_ignore_ascii_case(name));
    if reserved || !is_token(name) || !is_field_value(value) {
        return Err(HandshakeError::InvalidHeader(name.to_owned()));
    }
    Ok(())
}

/// Fields that belong to the handshake or to the framing of HTTP.
const RESERVED: [&str; 11] = [
    "Host",
    "Upgrade",
    "Connection",
    "Content-Length",
    "Transfer-Encoding",
    "Trailer",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
];
