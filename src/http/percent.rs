//! Percent-encoding of request targets ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).

use std::iter;

use crate::http::error::HttpError;

/// Decodes each `%XX` into its byte. A `+` stays a plus sign: only HTML forms use it for a space. The caller checks
/// whether the bytes are UTF-8 or a safe path.
///
/// # Errors
///
/// [`HttpError::InvalidPercentEncoding`] if a `%` is not followed by two hexadecimal digits.
pub fn percent_decode(text: &str) -> Result<Vec<u8>, HttpError> {
    let mut decoded = Vec::with_capacity(text.len());
    for byte in bytes(text) {
        decoded.push(byte?);
    }
    Ok(decoded)
}

/// Checks that [`percent_decode`] would succeed, without the result.
pub(crate) fn check_percent(text: &str) -> Result<(), HttpError> {
    bytes(text).try_for_each(|byte| byte.map(drop))
}

/// Returns the decoded bytes, up to the first invalid `%`.
fn bytes(text: &str) -> impl Iterator<Item = Result<u8, HttpError>> {
    let mut rest = text.as_bytes();
    iter::from_fn(move || {
        let (byte, tail) = match rest {
            [] => return None,
            [b'%', high, low, tail @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (Ok(high << 4 | low), tail),
                _ => (Err(HttpError::InvalidPercentEncoding), [].as_slice()),
            },
            [b'%', ..] => (Err(HttpError::InvalidPercentEncoding), [].as_slice()),
            [byte, tail @ ..] => (Ok(*byte), tail),
        };
        rest = tail;
        Some(byte)
    })
}

/// Returns the value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_decode_and_a_plus_stays() {
        assert_eq!(
            percent_decode("Jos%C3%a9+%00%25").unwrap(),
            b"Jos\xc3\xa9+\0%"
        );
        assert_eq!(percent_decode("").unwrap(), b"");
        assert_eq!(percent_decode("é").unwrap(), "é".as_bytes());
    }

    #[test]
    fn a_percent_sign_needs_two_hexadecimal_digits() {
        for bad in ["%", "%4", "a%", "%zz", "%4g", "%%41", "% 1", "%+1", "%é"] {
            assert_eq!(
                percent_decode(bad),
                Err(HttpError::InvalidPercentEncoding),
                "{bad}"
            );
            assert!(check_percent(bad).is_err(), "{bad}");
        }
    }
}
