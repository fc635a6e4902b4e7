//! Frames drawn for people: bit by bit over the grammar of [RFC 6455,
//! 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2), or as one log line. A long payload is shown by its start
//! and end.

use crate::protocol::close::CloseCode;
use crate::protocol::header::Header;
use crate::protocol::opcode::Opcode;

/// Draws a frame: its bytes on the wire, and below each field its meaning and the section that defines it.
/// `payload` is the whole payload, unmasked.
///
/// ```
/// use enchufe::protocol::{Header, MaskKey, Opcode, diagram};
///
/// let header = Header::whole(Opcode::Text, Some(MaskKey([0x37, 0xfa, 0x21, 0x3d])), 5);
/// let drawing = "\
/// 81 85 37 fa 21 3d 7f 9f 4d 51 58
/// |  |  |           |
/// |  |  |           +-- payload, 5 bytes, unmasked: \"Hello\"
/// |  |  +-------------- masking key                   (5.3)
/// |  +----------------- 1 0000101   MASK=1 length=5   (5.2)
/// +-------------------- 1 000 0001  FIN=1 RSV=000 opcode=1 text
/// ";
/// assert_eq!(diagram::draw(&header, b"Hello"), drawing);
/// ```
pub fn draw(header: &Header, payload: &[u8]) -> String {
    let fields = fields(header, payload);
    let text_column = fields.last().map_or(0, |field| field.column) + 4;
    let section_column = fields
        .iter()
        .filter(|field| !field.section.is_empty())
        .map(|field| field.text.len() + 3)
        .max()
        .unwrap_or(0);

    let mut drawing = wire_bytes(header, payload);
    drawing.push('\n');
    let mut bars = String::new();
    for field in &fields {
        pad_to(&mut bars, field.column);
        bars.push('|');
    }
    drawing.push_str(&bars);
    drawing.push('\n');
    // From the last field to the first, so that no line crosses another.
    for field in fields.iter().rev() {
        let mut line = bars[..field.column].to_owned();
        line.push('+');
        while line.len() + 1 < text_column {
            line.push('-');
        }
        line.push(' ');
        line.push_str(&field.text);
        if !field.section.is_empty() {
            pad_to(&mut line, text_column + section_column);
            line.push_str(field.section);
        }
        drawing.push_str(&line);
        drawing.push('\n');
    }
    drawing
}

/// Describes a frame in one line of at most 120 bytes: `text FIN mask=37fa213d 5 bytes "Hello"`. `payload` is the whole
/// payload, unmasked.
pub fn line(header: &Header, payload: &[u8]) -> String {
    let mut line = header.opcode.to_string();
    let bits = [
        (header.fin, " FIN"),
        (header.rsv1, " RSV1"),
        (header.rsv2, " RSV2"),
        (header.rsv3, " RSV3"),
    ];
    for (set, name) in bits {
        if set {
            line.push_str(name);
        }
    }
    if let Some(key) = header.mask {
        line.push_str(&format!(" mask={key}"));
    }
    line.push_str(&format!(" {}", bytes(header.length)));
    if header.opcode == Opcode::Close
        && let Some((code, reason)) = payload.split_first_chunk()
    {
        line.push_str(&format!(" {}", close_code(*code)));
        if !reason.is_empty() {
            line.push(' ');
            line.push_str(&quoted(reason, LINE - line.len()));
        }
    } else if !payload.is_empty() {
        line.push(' ');
        line.push_str(&describe_payload(header, payload, LINE - line.len()));
    }
    line
}

/// One field of the drawing.
struct Field {
    /// Column of its first byte in the line of bytes.
    column: usize,
    text: String,
    /// The section that defines it, in parentheses.
    section: &'static str,
}

fn fields(header: &Header, payload: &[u8]) -> Vec<Field> {
    let bytes = header.to_bytes();
    let bytes = bytes.as_ref();
    let short = bytes[1] & 0x7f;
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut fields = vec![
        Field {
            column: 0,
            text: format!(
                "{:b} {:03b} {:04b}  FIN={:b} RSV={:03b} opcode={:x} {}",
                bytes[0] >> 7,
                bytes[0] >> 4 & 0b111,
                bytes[0] & 0b1111,
                bytes[0] >> 7,
                bytes[0] >> 4 & 0b111,
                u8::from(header.opcode),
                header.opcode
            ),
            section: "",
        },
        Field {
            column: 3,
            text: format!(
                "{:b} {short:07b}   MASK={:b} length={short}",
                bytes[1] >> 7,
                bytes[1] >> 7
            ),
            section: "(5.2)",
        },
    ];
    if extended > 0 {
        fields.push(Field {
            column: 3 * 2,
            text: format!("extended length={}", header.length),
            section: "(5.2)",
        });
    }
    if header.mask.is_some() {
        fields.push(Field {
            column: 3 * (2 + extended),
            text: "masking key".to_owned(),
            section: "(5.3)",
        });
    }
    payload_fields(header, payload, 3 * bytes.len(), &mut fields);
    fields
}

fn payload_fields(header: &Header, payload: &[u8], column: usize, fields: &mut Vec<Field>) {
    let unmasked = if header.mask.is_some() {
        ", unmasked"
    } else {
        ""
    };
    if header.opcode == Opcode::Close
        && let Some((code, reason)) = payload.split_first_chunk()
    {
        fields.push(Field {
            column,
            text: format!("close code{unmasked}: {}", close_code(*code)),
            section: "(7.4)",
        });
        if !reason.is_empty() {
            let length = bytes(reason.len() as u64);
            let reason = quoted(reason, PREVIEW);
            fields.push(Field {
                column: column + 3 * 2,
                text: format!("close reason, {length}{unmasked}: {reason}"),
                section: "",
            });
        }
    } else if !payload.is_empty() {
        let length = bytes(header.length);
        let description = describe_payload(header, payload, PREVIEW);
        fields.push(Field {
            column,
            text: format!("payload, {length}{unmasked}: {description}"),
            section: "",
        });
    }
}

/// Formats the frame's bytes in hexadecimal, with the payload masked again and shortened.
fn wire_bytes(header: &Header, payload: &[u8]) -> String {
    let (head, tail) = cut(payload, DRAWN);
    let (mut head, mut tail) = (head.to_vec(), tail.map(<[u8]>::to_vec));
    if let Some(key) = header.mask {
        key.apply(0, &mut head);
        if let Some(tail) = &mut tail {
            key.apply(payload.len() - tail.len(), tail);
        }
    }
    let mut wire = header.to_bytes().as_ref().to_vec();
    wire.append(&mut head);
    hex(&wire, tail.as_deref())
}

/// Describes the payload in at most `width` bytes: as text if it is or seems text, otherwise in hexadecimal.
fn describe_payload(header: &Header, payload: &[u8], width: usize) -> String {
    let text = match header.opcode {
        // RFC 7692, 6: a compressed text is not readable.
        _ if header.rsv1 => false,
        Opcode::Text => true,
        Opcode::Binary => false,
        // A Close without a code has no text.
        Opcode::Close => false,
        // Their content is not defined: show text if possible.
        Opcode::Continuation | Opcode::Ping | Opcode::Pong => {
            let (head, tail) = windows(payload, width);
            !head
                .chars()
                .chain(tail.chars())
                .any(|c| c.is_control() || c == '\u{fffd}')
        }
    };
    if text {
        quoted(payload, width)
    } else {
        // Three columns for each byte, and four for the cut.
        let (head, tail) = cut(payload, width.saturating_sub(4) / 3);
        hex(head, tail)
    }
}

/// Formats the code of a Close, even one that must not be sent.
fn close_code(code: [u8; 2]) -> String {
    let number = u16::from_be_bytes(code);
    CloseCode::try_from(number).map_or_else(
        |_| format!("{number} (must not be sent)"),
        |code| code.to_string(),
    )
}

fn bytes(count: u64) -> String {
    match count {
        1 => "1 byte".to_owned(),
        _ => format!("{count} bytes"),
    }
}

fn pad_to(line: &mut String, column: usize) {
    while line.len() < column {
        line.push(' ');
    }
}

/// Quotes and escapes text; text that would take more than `width` bytes is shortened in the middle.
fn quoted(text: &[u8], width: usize) -> String {
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

/// Returns the start and the end of a text, at most `width` bytes each, without characters cut at the edge. Invalid
/// UTF-8 becomes U+FFFD.
fn windows(text: &[u8], width: usize) -> (String, String) {
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

/// Returns all bytes, or about `keep` of them: two thirds from the start and one from the end.
fn cut(bytes: &[u8], keep: usize) -> (&[u8], Option<&[u8]>) {
    if bytes.len() <= keep {
        return (bytes, None);
    }
    let end = keep / 3;
    (&bytes[..keep - end], Some(&bytes[bytes.len() - end..]))
}

/// Formats bytes in hexadecimal, with two dots for the omitted ones.
fn hex(head: &[u8], tail: Option<&[u8]>) -> String {
    let mut words: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(tail) = tail {
        words.push("..".to_owned());
        words.extend(tail.iter().map(|byte| format!("{byte:02x}")));
    }
    words.join(" ")
}

/// Maximum size of a log line in bytes.
const LINE: usize = 120;
/// Maximum size of a payload description in a drawing, in bytes.
const PREVIEW: usize = 48;
/// Maximum payload bytes in the first line of a drawing.
const DRAWN: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::mask::MaskKey;

    const KEY: Option<MaskKey> = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));

    fn whole(opcode: Opcode, payload: &[u8]) -> Header {
        Header::whole(opcode, None, payload.len() as u64)
    }

    #[test]
    fn a_close_shows_its_code_and_its_reason_apart() {
        let payload = b"\x03\xe9bye";
        let drawing = "\
88 05 03 e9 62 79 65
|  |  |     |
|  |  |     +-- close reason, 3 bytes: \"bye\"
|  |  +-------- close code: 1001 going away   (7.4)
|  +----------- 0 0000101   MASK=0 length=5   (5.2)
+-------------- 1 000 1000  FIN=1 RSV=000 opcode=8 close
";
        assert_eq!(draw(&whole(Opcode::Close, payload), payload), drawing);
    }

    #[test]
    fn an_empty_frame_has_two_fields() {
        let drawing = "\
8a 00
|  |
|  +-- 0 0000000   MASK=0 length=0   (5.2)
+----- 1 000 1010  FIN=1 RSV=000 opcode=a pong
";
        assert_eq!(draw(&whole(Opcode::Pong, b""), b""), drawing);
    }

    #[test]
    fn a_long_payload_shows_its_extended_length_and_is_cut_in_the_middle() {
        let payload: Vec<u8> = (0..=255).collect();
        let header = Header {
            fin: false,
            rsv2: true,
            mask: KEY,
            ..whole(Opcode::Binary, &payload)
        };
        let drawing = "\
22 fe 01 00 37 fa 21 3d 37 fb 23 3e 33 ff 27 3a 3f f3 2b 36 .. db c6 cb 07 df c2
|  |  |     |           |
|  |  |     |           +-- payload, 256 bytes, unmasked: 00 01 02 03 04 05 06 07 08 09 .. fc fd fe ff
|  |  |     +-------------- masking key                     (5.3)
|  |  +-------------------- extended length=256             (5.2)
|  +----------------------- 1 1111110   MASK=1 length=126   (5.2)
+-------------------------- 0 010 0010  FIN=0 RSV=010 opcode=2 binary
";
        assert_eq!(draw(&header, &payload), drawing);
    }

    #[test]
    fn a_line_names_the_bits_that_are_set_and_says_what_the_payload_says() {
        let text = whole(Opcode::Text, b"Hello");
        let table = [
            (
                line(&Header { mask: KEY, ..text }, b"Hello"),
                r#"text FIN mask=37fa213d 5 bytes "Hello""#,
            ),
            (
                line(&Header { fin: false, ..text }, b"Hello"),
                r#"text 5 bytes "Hello""#,
            ),
            (
                line(&Header { rsv1: true, ..text }, b"Hello"),
                "text FIN RSV1 5 bytes 48 65 6c 6c 6f",
            ),
            (
                line(&whole(Opcode::Binary, b"a"), b"a"),
                "binary FIN 1 byte 61",
            ),
            (
                line(&whole(Opcode::Continuation, b""), b""),
                "continuation FIN 0 bytes",
            ),
            (
                line(&whole(Opcode::Ping, b"a b"), b"a b"),
                r#"ping FIN 3 bytes "a b""#,
            ),
            (
                line(&whole(Opcode::Ping, b"\0\x01"), b"\0\x01"),
                "ping FIN 2 bytes 00 01",
            ),
            (
                line(&whole(Opcode::Close, b"\x03\xe8\n"), b"\x03\xe8\n"),
                r#"close FIN 3 bytes 1000 normal closure "\n""#,
            ),
            (
                line(&whole(Opcode::Close, b"\x03\xed"), b"\x03\xed"),
                "close FIN 2 bytes 1005 (must not be sent)",
            ),
        ];
        for (line, expected) in table {
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn no_byte_of_a_peer_controls_the_terminal_and_no_line_is_longer_than_120() {
        let nasty = [
            "\u{1b}[2J\u{9b}\r\n\0\u{202e}\"\\".as_bytes(),
            &[0xff, 0x80, 0xc0],
            "€".as_bytes(),
        ];
        for opcode in [0u8, 1, 2, 8, 9, 10] {
            for part in nasty {
                for times in [0, 1, 2, 9, 40, 5000] {
                    let payload = part.repeat(times);
                    let header = Header {
                        rsv2: true,
                        rsv3: true,
                        mask: KEY,
                        ..whole(Opcode::try_from(opcode).unwrap(), &payload)
                    };
                    let line = line(&header, &payload);
                    assert!(line.len() <= 120, "{} {line}", line.len());
                    for text in [line, draw(&header, &payload).replace('\n', "")] {
                        assert!(
                            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
                            "{text}"
                        );
                    }
                }
            }
        }
    }

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
    fn bytes_are_cut_after_two_thirds() {
        let bytes: Vec<u8> = (0..10).collect();
        let shown = |keep| {
            let (head, tail) = cut(&bytes, keep);
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
