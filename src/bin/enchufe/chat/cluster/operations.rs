//! Commands as operations in the log of a cluster, in the format of [`mod@crate::store::record`].
//!
//! | kind | command | fields |
//! |---|---|---|
//! | 1 | [`Command::Connect`] | rest: address |
//! | 2 | [`Command::Leave`] | byte: 1 if the leaving user is notified too |
//! | 3 | [`Command::ChangeStatus`] | byte: the status |
//! | 4 | [`Command::Send`] to the general chat | rest: text |
//! | 5 | [`Command::Send`] to a user | string: name · rest: text |
//!
//! The log entry has the user's name and the time. An empty operation means that the lease of the user's server has
//! expired: the user leaves.

use crate::chat::domain::command::{Command, Target};
use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// Encodes a valid command. Returns `None` for one that does not concern other servers.
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

/// Decodes an operation of a user.
///
/// # Errors
///
/// Any [`DecodeError`].
pub fn decode<'a>(user: &'a Name, operation: &'a [u8]) -> Result<Command<'a>, DecodeError> {
    if operation.is_empty() {
        return Ok(Command::Leave { notify_self: false });
    }
    let (kind, mut fields) = RecordFields::parse(operation)?;
    Ok(match kind {
        CONNECT => Command::Connect {
            address: str::from_utf8(fields.rest()).map_err(|_| DecodeError::Malformed)?,
        },
        LEAVE => Command::Leave {
            notify_self: fields.byte()? == 1,
        },
        STATUS => Command::ChangeStatus {
            name: user.as_bytes(),
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

/// Whether an operation makes its user leave.
pub fn is_leave(operation: &[u8]) -> bool {
    matches!(operation, [] | [_, LEAVE, ..])
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
    fn an_encoded_command_decodes_to_itself() {
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
            let operation = encode(command).unwrap();
            assert_eq!(decode(&ana, &operation), Ok(command));
        }
    }

    #[test]
    fn an_expired_lease_is_a_leave() {
        let ana = Name::parse(b"ana").unwrap();
        assert_eq!(decode(&ana, b""), Ok(Command::Leave { notify_self: false }));
    }

    #[test]
    fn an_operation_of_another_version_or_kind_is_an_error() {
        let ana = Name::parse(b"ana").unwrap();
        for (operation, error) in [
            (&b"\x02\x01"[..], DecodeError::UnknownVersion(2)),
            (b"\x01\x09", DecodeError::UnknownKind(9)),
            (b"\x01\x03\x09", DecodeError::Malformed),
            (b"\x01\x05\x09ana", DecodeError::Malformed),
        ] {
            assert_eq!(decode(&ana, operation), Err(error));
        }
    }

    #[test]
    fn a_command_that_concerns_no_other_server_is_not_logged() {
        let status = None;
        let command = Command::ChangeStatus {
            name: b"ana",
            status,
        };
        assert_eq!(encode(command), None);
        assert_eq!(encode(Command::Reserve), None);
    }
}
