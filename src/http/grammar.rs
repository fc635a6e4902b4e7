//! Grammar shared by all headers: tokens and field values ([RFC 9110,
//! 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2),
//! [5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)), and lists
//! ([5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1)).

/// Whether `text` is a `token`: one or more `tchar`. Methods, field names, subprotocols and extension names are tokens.
/// See [RFC 9110, 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
///
/// ```text
/// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
/// ```
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Whether `text` is a valid field value: no control character except an inner tab, no white space at either end. Bytes
/// above 127 are allowed (`obs-text`). See [RFC 9110, 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5).
pub(crate) fn is_field_value(text: &str) -> bool {
    text.bytes().all(is_field_byte) && trim_ows(text) == text
}

/// `tchar`, see [`is_token`].
pub(super) const fn is_tchar(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        || byte.is_ascii_alphanumeric()
}

/// `field-vchar / SP / HTAB`.
pub(super) const fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// Removes optional white space (`OWS`) from both ends, see [RFC 9110,
/// 5.6.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3).
pub(crate) fn trim_ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Returns the members of `#element` in one field value, without empty ones (5.6.1.2). Only for lists without quoted
/// strings.
pub(super) fn members(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(trim_ows)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tchar_is_exactly_the_set_of_the_grammar() {
        let set = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for byte in 0..=255_u8 {
            assert_eq!(
                is_tchar(byte),
                set.as_bytes().contains(&byte),
                "byte {byte:#04x}"
            );
        }
    }

    #[test]
    fn a_field_value_has_no_controls_and_no_white_space_at_its_ends() {
        for good in ["", "a", "a b", "a\tb", "\u{e9}", "\"q\""] {
            assert!(is_field_value(good), "{good:?}");
        }
        for bad in [
            "a\r\nb", "a\rb", "a\nb", "a\0b", "a\x1bb", "a\x7fb", " a", "a ", "\ta",
        ] {
            assert!(!is_field_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn empty_members_of_a_list_are_skipped() {
        assert_eq!(members(" ,, a ,\tb\t,,").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(members("").count() + members(" , ,").count(), 0);
    }
}
