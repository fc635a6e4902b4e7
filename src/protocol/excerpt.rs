//! A little of a lot: octets that a peer chose, shown in a bounded space. They are escaped here, so that a log or a terminal
//! shows them and never obeys them; what is long is cut in the middle, and only what is shown is looked at.

/// A text in quotes, escaped as Rust escapes it, cut in the middle where it would take more than `width` octets.
pub(super) fn quoted(text: &[u8], width: usize) -> String {
    let (head, tail) = windows(text, width);
    let whole: String = head.escape_debug().collect();
    if text.len() <= width && whole.len() + 2 <= width {
        return format!("\"{whole}\"");
    }
    // Two pairs of quotes and the cut between them take eight.
    let half = width.saturating_sub(8) / 2;
    let (mut left, mut right) = (String::new(), String::new());
    for c in head.chars() {
        let escaped: String = c.escape_debug().collect();
        if left.len() + escaped.len() > half {
            break;
        }
        left.push_str(&escaped);
    }
    for c in tail.chars().rev() {
        let escaped: String = c.escape_debug().collect();
        if right.len() + escaped.len() > half {
            break;
        }
        right.insert_str(0, &escaped);
    }
    format!("\"{left}\" .. \"{right}\"")
}

/// The beginning and the end of a text, `width` octets of each at most, without the characters that the window cuts.
/// What is not UTF-8 becomes U+FFFD.
pub(super) fn windows(text: &[u8], width: usize) -> (String, String) {
    let mut head = &text[..text.len().min(width)];
    let mut tail = &text[text.len() - head.len()..];
    if head.len() < text.len() {
        if let Err(error) = str::from_utf8(head)
            && error.error_len().is_none()
        {
            head = &head[..error.valid_up_to()];
        }
        while let [0x80..=0xbf, rest @ ..] = tail {
            tail = rest;
        }
    }
    (
        String::from_utf8_lossy(head).into_owned(),
        String::from_utf8_lossy(tail).into_owned(),
    )
}

/// All of it, or about `keep` octets of it: more from the beginning, fewer from the end.
pub(super) fn cut(octets: &[u8], keep: usize) -> (&[u8], Option<&[u8]>) {
    if octets.len() <= keep {
        return (octets, None);
    }
    let end = keep / 3;
    (&octets[..keep - end], Some(&octets[octets.len() - end..]))
}

/// Octets in hexadecimal, two dots where some were left out.
pub(super) fn hex(head: &[u8], tail: Option<&[u8]>) -> String {
    let mut words: Vec<String> = head.iter().map(|octet| format!("{octet:02x}")).collect();
    if let Some(tail) = tail {
        words.push("..".to_owned());
        words.extend(tail.iter().map(|octet| format!("{octet:02x}")));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_whole_when_it_fits_with_its_quotes_and_cut_in_the_middle_when_not() {
        assert_eq!(quoted(b"abcdefghijklmnopqr", 20), r#""abcdefghijklmnopqr""#);
        assert_eq!(
            quoted(b"abcdefghijklmnopqrs", 20),
            r#""abcdef" .. "nopqrs""#
        );
        assert_eq!(quoted("€€€€€€€".as_bytes(), 20), r#""€€" .. "€€""#);
        assert_eq!(quoted(b"", 20), r#""""#);
    }

    #[test]
    fn escapes_count_as_what_they_take() {
        assert_eq!(quoted(b"\n\x1b\n", 12), r#""\n\u{1b}\n""#);
        assert_eq!(quoted(b"\n\x1b\n", 11), r#""" .. """#);
        assert_eq!(quoted(b"\xff", 12), "\"\u{fffd}\"");
    }

    #[test]
    fn octets_are_cut_after_two_thirds() {
        let octets: Vec<u8> = (0..10).collect();
        let shown = |keep| {
            let (head, tail) = cut(&octets, keep);
            hex(head, tail)
        };
        assert_eq!(shown(10), "00 01 02 03 04 05 06 07 08 09");
        assert_eq!(shown(6), "00 01 02 03 .. 08 09");
    }

    #[test]
    fn a_window_keeps_no_part_of_a_character() {
        let text = "€€€€";
        let (head, tail) = windows(text.as_bytes(), 4);
        assert_eq!((head.as_str(), tail.as_str()), ("€", "€"));
    }
}
