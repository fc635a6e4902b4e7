//! What users ask for, as it stands in the log of a cluster: the form of [`crate::store::record::RecordWriter`], with these kinds.
//!
//! | kind | command | fields |
//! |---|---|---|
//! | 1 | [`Command::Connect`] | rest: address |
//! | 2 | [`Command::Leave`] | byte: 1 if the leaver is told too |
//! | 3 | [`Command::ChangeStatus`] of oneself | byte: the status |
//! | 4 | [`Command::Send`] to everybody | rest: text |
//! | 5 | [`Command::Send`] to one user | string: name · rest: text |
//!
//! In whose name it is, and when, the log says itself. Nothing at all: the user's lease has run out, and so it leaves.

use crate::chat::domain::command::{Command, Target};
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// The entry for a command that was found to be valid; `None` for one that is nobody else's business.
pub fn encode(command: Command<'_>) -> Option<Vec<u8>> {
    Some(match command {
        Command::Reserve | Command::Release => return None,
        Command::Connect { address } => RecordWriter::new(CONNECT).rest(address.as_bytes()),
        Command::Leave { notify_self } => {
            RecordWriter::new(LEAVE).byte(u8::from(notify_self)).end()
        }
        Command::ChangeStatus { status, .. } => {
            RecordWriter::new(STATUS).byte(status?.number()).end()
        }
        Command::Send { to, text } => match to {
            Target::General => RecordWriter::new(SEND).rest(text),
            Target::User(name) => RecordWriter::new(SEND_TO).string(name).rest(text),
        },
    })
}

/// The command of an entry.
///
/// # Errors
///
/// Why it is none.
pub fn decode<'a>(who: &'a Name, what: &'a [u8]) -> Result<Command<'a>, DecodeError> {
    if what.is_empty() {
        return Ok(Command::Leave { notify_self: false });
    }
    let (kind, mut fields) = RecordFields::parse(what)?;
    Ok(match kind {
        CONNECT => Command::Connect {
            address: str::from_utf8(fields.rest()).map_err(|_| DecodeError::Malformed)?,
        },
        LEAVE => Command::Leave {
            notify_self: fields.byte()? == 1,
        },
        STATUS => Command::ChangeStatus {
            name: who.as_bytes(),
            status: Some(Status::from_number(fields.byte()?).ok_or(DecodeError::Malformed)?),
        },
        SEND => Command::Send {
            to: Target::General,
            text: fields.rest(),
        },
        SEND_TO => Command::Send {
            to: Target::User(fields.string()?),
            text: fields.rest(),
        },
        kind => return Err(DecodeError::UnknownKind(kind)),
    })
}

/// Whether an entry says that its user leaves.
pub fn is_leave(what: &[u8]) -> bool {
    matches!(what, [] | [_, LEAVE, ..])
}

const CONNECT: u8 = 1;
const LEAVE: u8 = 2;
const STATUS: u8 = 3;
const SEND: u8 = 4;
const SEND_TO: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_read_as_it_was_asked() {
        let ana = Name::parse(b"ana").unwrap();
        for command in [
            Command::Connect { address: "::1" },
            Command::Leave { notify_self: true },
            Command::Leave { notify_self: false },
            Command::ChangeStatus {
                name: b"ana",
                status: Some(Status::Busy),
            },
            Command::Send {
                to: Target::General,
                text: b"hola",
            },
            Command::Send {
                to: Target::User("Ñandú".as_bytes()),
                text: b"\xff",
            },
        ] {
            let logged = encode(command).unwrap();
            assert_eq!(decode(&ana, &logged), Ok(command));
        }
    }

    #[test]
    fn a_lease_that_runs_out_is_a_leave() {
        let ana = Name::parse(b"ana").unwrap();
        assert_eq!(decode(&ana, b""), Ok(Command::Leave { notify_self: false }));
    }

    #[test]
    fn an_entry_of_another_version_or_kind_is_an_error() {
        let ana = Name::parse(b"ana").unwrap();
        for (what, error) in [
            (&b"\x02\x01"[..], DecodeError::UnknownVersion(2)),
            (b"\x01\x09", DecodeError::UnknownKind(9)),
            (b"\x01\x03\x09", DecodeError::Malformed),
            (b"\x01\x05\x09ana", DecodeError::Malformed),
        ] {
            assert_eq!(decode(&ana, what), Err(error));
        }
    }

    #[test]
    fn what_is_not_valid_is_not_logged() {
        let status = None;
        let command = Command::ChangeStatus {
            name: b"ana",
            status,
        };
        assert_eq!(encode(command), None);
        assert_eq!(encode(Command::Reserve), None);
    }
}
