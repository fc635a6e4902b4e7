//! `Sec-WebSocket-Accept`: proof that the server understood the handshake, and is not an HTTP server that echoes its
//! input ([RFC 6455, 1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3)).

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

/// The `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`: base64 of the SHA-1 of the key and a fixed GUID, see
/// [RFC 6455, 4.2.2](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2) step 5.4. Always 28 characters.
///
/// ```
/// assert_eq!(enchufe::handshake::accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Encodes 16 random bytes as `Sec-WebSocket-Key`.
pub(super) fn encode_nonce(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// 4.2.1, item 5: whether `key` decodes to 16 bytes.
pub(super) fn is_nonce(key: &str) -> bool {
    let mut nonce = [0; 18];
    LENIENT.decode_slice(key, &mut nonce) == Ok(16)
}

/// Accepts keys of 22 arbitrary characters and two equals signs, which many clients send. The trailing bits are
/// ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The fixed string of [RFC 6455, 1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_section_1_3() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            encode_nonce(*b"the sample nonce"),
            "dGhlIHNhbXBsZSBub25jZQ=="
        );
    }

    #[test]
    fn a_key_is_base64_of_16_bytes() {
        for good in [
            "dGhlIHNhbXBsZSBub25jZQ==",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "abcdefghijklmnopqrstuv==",
        ] {
            assert!(is_nonce(good), "{good}");
        }
        for bad in [
            "",
            "====",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZWE=",
            "dGhlIHNhbXBsZSBub25jZWFh",
            "dGhlIHNhbXBsZSBub25jZQ== ",
            "dGhlIHNhbXBsZSBu b25jZQ==",
            "dGhlIHNhbXBsZS-ub25jZ_==",
            "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        ] {
            assert!(!is_nonce(bad), "{bad}");
        }
    }
}
