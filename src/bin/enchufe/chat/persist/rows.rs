//! Events of the chat as rows on disk, in the format of [`mod@crate::store::record`].
//!
//! | kind | event | fields |
//! |---|---|---|
//! | 1 | [`Event::MessageSent`] | number: milliseconds since 1970 · string: author · string: recipient, empty for the general chat · rest: text |
//! | 2 | [`Event::Connected`] | string: name · string: address |
//! | 3 | [`Event::Left`] | string: name · byte: 1 if the leaving user was notified |
//!
//! The key of a message is its sequence number; keys of the others only give their order. Other events end with the
//! connection, so they need no row.

use crate::chat::domain::event::Event;
use crate::chat::domain::message::Message;
use crate::chat::domain::name::Name;
use crate::chat::domain::time::Timestamp;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// Encodes an event as a row. Returns `None` if it needs none.
pub fn encode(event: &Event) -> Option<Vec<u8>> {
    Some(match event {
        Event::MessageSent(message) => {
            let to = message.to.as_ref().map_or(&b""[..], Name::as_bytes);
            RecordWriter::new(MESSAGE)
                .number(message.at.0)
                .string(message.from.as_bytes())
                .string(to)
                .rest(&message.text)
        }
        Event::Connected { name, address } => RecordWriter::new(CONNECTED)
            .string(name.as_bytes())
            .string(address.as_bytes())
            .end(),
        Event::Left { name, notify_self } => RecordWriter::new(LEFT)
            .string(name.as_bytes())
            .byte(u8::from(*notify_self))
            .end(),
        Event::Reserved(_) | Event::Released(_) | Event::StatusChanged { .. } => return None,
    })
}

/// Decodes a row.
///
/// # Errors
///
/// Any [`DecodeError`].
pub fn decode(key: u64, record: &[u8]) -> Result<Event, DecodeError> {
    let (kind, mut fields) = RecordFields::parse(record)?;
    match kind {
        MESSAGE => {
            let at = Timestamp(fields.number()?);
            let from = name(fields.string()?)?;
            let to = match fields.string()? {
                b"" => None,
                to => Some(name(to)?),
            };
            let text = fields.rest();
            if text.is_empty() {
                return Err(DecodeError::Malformed);
            }
            Ok(Event::MessageSent(Message {
                sequence: key,
                at,
                from,
                to,
                text: text.into(),
            }))
        }
        CONNECTED => {
            let name = name(fields.string()?)?;
            let address = str::from_utf8(fields.string()?).map_err(|_| DecodeError::Malformed)?;
            fields.end()?;
            let address = address.into();
            Ok(Event::Connected { name, address })
        }
        LEFT => {
            let name = name(fields.string()?)?;
            let notify_self = match fields.byte()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::Malformed),
            };
            fields.end()?;
            Ok(Event::Left { name, notify_self })
        }
        kind => Err(DecodeError::UnknownKind(kind)),
    }
}

fn name(bytes: &[u8]) -> Result<Name, DecodeError> {
    Name::parse(bytes).map_err(|_| DecodeError::Malformed)
}

const MESSAGE: u8 = 1;
const CONNECTED: u8 = 2;
const LEFT: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::domain::status::Status;
    use crate::tests::random::XorShift;

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn said(to: Option<&str>, text: &[u8]) -> Event {
        Event::MessageSent(Message {
            sequence: 7,
            at: Timestamp(1_742_115_900_123),
            from: name("José Ñandú"),
            to: to.map(name),
            text: text.into(),
        })
    }

    fn stored_events() -> Vec<Event> {
        vec![
            said(None, b"hola"),
            said(Some(&"x".repeat(255)), &[0xff; 70_000]),
            Event::Connected {
                name: name("ana"),
                address: "2001:db8::1".into(),
            },
            Event::Left {
                name: name("ana"),
                notify_self: true,
            },
            Event::Left {
                name: name("ana"),
                notify_self: false,
            },
        ]
    }

    #[test]
    fn an_encoded_event_decodes_to_itself() {
        for event in stored_events() {
            let record = encode(&event).unwrap();
            assert_eq!(decode(7, &record), Ok(event));
        }
    }

    /// Later versions must read the files of this one.
    #[test]
    fn the_encoding_is_stable() {
        let said = Event::MessageSent(Message {
            sequence: 9,
            at: Timestamp(0x0102),
            from: name("ana"),
            to: Some(name("bo")),
            text: b"hola"[..].into(),
        });
        let bytes = b"\x01\x01\0\0\0\0\0\0\x01\x02\x03ana\x02bohola";
        assert_eq!(encode(&said).unwrap(), bytes);
        let connected = Event::Connected {
            name: name("ana"),
            address: "::1".into(),
        };
        assert_eq!(encode(&connected).unwrap(), b"\x01\x02\x03ana\x03::1");
        let left = Event::Left {
            name: name("ana"),
            notify_self: true,
        };
        assert_eq!(encode(&left).unwrap(), b"\x01\x03\x03ana\x01");
    }

    #[test]
    fn an_event_that_ends_with_the_connection_has_no_row() {
        for event in [
            Event::Reserved(name("ana")),
            Event::Released(name("ana")),
            Event::StatusChanged {
                name: name("ana"),
                status: Status::Busy,
            },
        ] {
            assert_eq!(encode(&event), None);
        }
    }

    #[test]
    fn an_invalid_row_is_an_error() {
        for (record, error) in [
            (&b"\x02\x01"[..], DecodeError::UnknownVersion(2)),
            (b"\x01\x09", DecodeError::UnknownKind(9)),
            (b"\x01", DecodeError::Malformed),
            (b"\x01\x03\x01~\x00", DecodeError::Malformed),
            (b"\x01\x03\x03ana\x02", DecodeError::Malformed),
            (b"\x01\x03\x03ana\x00\x00", DecodeError::Malformed),
            (b"\x01\x02\x03ana\x01\xff", DecodeError::Malformed),
            (
                b"\x01\x01\0\0\0\0\0\0\0\0\x03ana\x00",
                DecodeError::Malformed,
            ),
        ] {
            assert_eq!(decode(1, record), Err(error), "{record:?}");
        }
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut random = XorShift(3);
        for round in 0..20_000 {
            let fields = random.bytes(round % 40, b"\x00\x01\x02\x03\x04ana\xff");
            for kind in 0..5 {
                let record = [&[1, kind], &fields[..]].concat();
                let _ = decode(1, &record);
            }
        }
    }
}
