//! How much room text takes on a terminal, in columns: two for the wide characters of East Asian scripts and for emoji, none
//! for what combines with the character before. An estimate, after
//! [Unicode Standard Annex #11](https://www.unicode.org/reports/tr11/): terminals differ.

/// The columns of a text without control characters.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// As much of the end of a text as fits.
pub fn end_of(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        taken += width(c);
        if taken > room {
            break;
        }
        // Not between a character and what combines with it.
        if width(c) > 0 {
            from = at;
        }
    }
    &text[from..]
}

/// The columns of a character.
pub fn width(c: char) -> usize {
    let within = |ranges: &[(u32, u32)]| {
        let c = u32::from(c);
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
    };
    match c {
        ' '..='~' => 1,
        _ if within(NONE) => 0,
        _ if within(WIDE) => 2,
        _ => 1,
    }
}

/// Combining marks, joiners, variation selectors and skin tones.
const NONE: &[(u32, u32)] = &[
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x064b, 0x065f),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200d),
    (0x20d0, 0x20ff),
    (0x302a, 0x302d),
    (0x3099, 0x309a),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0x1f3fb, 0x1f3ff),
    (0xe0100, 0xe01ef),
];

/// Hangul, kana, ideographs, fullwidth forms, emoji.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f900, 0x1f9ff),
    (0x1fa70, 0x1faff),
    (0x20000, 0x3fffd),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_marks_none() {
        for (text, count) in [
            ("", 0),
            ("hola", 4),
            ("Ñandú", 5),
            ("n\u{303}", 1),
            ("漢字かな", 8),
            ("한글", 4),
            ("🦀", 2),
        ] {
            assert_eq!(columns(text), count, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_cut_between_whole_characters() {
        assert_eq!(end_of("hola", 4), "hola");
        assert_eq!(end_of("hola", 3), "ola");
        assert_eq!(end_of("hola", 0), "");
        assert_eq!(end_of("a漢字", 3), "字");
        assert_eq!(end_of("an\u{303}o", 2), "n\u{303}o");
        assert_eq!(end_of("an\u{303}o", 1), "o");
    }
}
