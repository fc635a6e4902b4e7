//! What viewers ask for, as it stands in the log of a cluster: the form of [`mod@crate::store::record`], with these kinds.
//!
//! | kind | command | fields |
//! |---|---|---|
//! | 1 | [`Command::CreateHospital`] | rest: name |
//! | 2 | [`Command::DeleteHospital`] | number: id |
//! | 3 | [`Command::CreateBed`] | number: hospital |
//! | 4 | [`Command::DeleteBed`] | number: id |
//! | 5 | [`Command::OccupyBed`] | number: id |
//! | 6 | [`Command::FreeBed`] | number: id |
//!
//! A number is that of the call in two's complement: it may be any, and what it names may not be there.

use crate::hospital::events::{BedId, Command, HospitalId};
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// The entry for a command.
#[must_use]
pub fn encode(command: &Command) -> Vec<u8> {
    let (kind, number) = match command {
        Command::CreateHospital(name) => {
            return RecordWriter::new(CREATE_HOSPITAL).rest(name.as_bytes());
        }
        Command::DeleteHospital(id) => (DELETE_HOSPITAL, id.0),
        Command::CreateBed(id) => (CREATE_BED, id.0),
        Command::DeleteBed(id) => (DELETE_BED, id.0),
        Command::OccupyBed(id) => (OCCUPY_BED, id.0),
        Command::FreeBed(id) => (FREE_BED, id.0),
    };
    let number = u64::from(number.cast_unsigned());
    RecordWriter::new(kind).number(number).end()
}

/// The command of an entry.
///
/// # Errors
/// Why it is none.
pub fn decode(what: &[u8]) -> Result<Command, DecodeError> {
    let (kind, mut fields) = RecordFields::parse(what)?;
    if kind == CREATE_HOSPITAL {
        let name = str::from_utf8(fields.rest()).map_err(|_| DecodeError::Malformed)?;
        return Ok(Command::CreateHospital(name.to_owned()));
    }
    let command: fn(i32) -> Command = match kind {
        DELETE_HOSPITAL => |id| Command::DeleteHospital(HospitalId(id)),
        CREATE_BED => |id| Command::CreateBed(HospitalId(id)),
        DELETE_BED => |id| Command::DeleteBed(BedId(id)),
        OCCUPY_BED => |id| Command::OccupyBed(BedId(id)),
        FREE_BED => |id| Command::FreeBed(BedId(id)),
        kind => return Err(DecodeError::UnknownKind(kind)),
    };
    let number = u32::try_from(fields.number()?).map_err(|_| DecodeError::Malformed)?;
    fields.end()?;
    Ok(command(number.cast_signed()))
}

const CREATE_HOSPITAL: u8 = 1;
const DELETE_HOSPITAL: u8 = 2;
const CREATE_BED: u8 = 3;
const DELETE_BED: u8 = 4;
const OCCUPY_BED: u8 = 5;
const FREE_BED: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_read_as_it_was_asked() {
        for command in [
            Command::CreateHospital("Ñ€😀".repeat(90)),
            Command::CreateHospital(String::new()),
            Command::DeleteHospital(HospitalId(i32::MIN)),
            Command::CreateBed(HospitalId(-1)),
            Command::DeleteBed(BedId(0)),
            Command::OccupyBed(BedId(7)),
            Command::FreeBed(BedId(i32::MAX)),
        ] {
            assert_eq!(decode(&encode(&command)), Ok(command));
        }
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_an_error() {
        for (what, error) in [
            (&b""[..], DecodeError::Malformed),
            (b"\x02\x01", DecodeError::UnknownVersion(2)),
            (b"\x01\x07\0\0\0\0\0\0\0\x01", DecodeError::UnknownKind(7)),
            (b"\x01\x02\0\0\0\0", DecodeError::Malformed),
            (b"\x01\x02\0\0\0\x01\0\0\0\0", DecodeError::Malformed),
            (b"\x01\x02\0\0\0\0\0\0\0\x01\0", DecodeError::Malformed),
            (b"\x01\x01\xff", DecodeError::Malformed),
        ] {
            assert_eq!(decode(what), Err(error), "{what:?}");
        }
    }
}
