//! The board's events as rows on disk: the form of [`mod@crate::store::record`], with these kinds.
//!
//! | kind | event | fields |
//! |---|---|---|
//! | 1 | [`Event::HospitalCreated`] | number: id · string: name |
//! | 2 | [`Event::HospitalDeleted`] | number: id |
//! | 3 | [`Event::BedCreated`] | number: id · number: hospital · number: order |
//! | 4 | [`Event::BedDeleted`] | number: id |
//! | 5 | [`Event::BedOccupied`] | number: id |
//! | 6 | [`Event::BedFreed`] | number: id |

use crate::hospital::events::{BedId, Event, HospitalId};
use crate::hospital::state::MAX_NAME;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// The row of an event.
#[must_use]
pub fn encode(event: &Event) -> Vec<u8> {
    match event {
        Event::HospitalCreated { id, name } => RecordWriter::new(HOSPITAL_CREATED)
            .number(number(id.0))
            .string(name.as_bytes())
            .end(),
        Event::HospitalDeleted(id) => one(HOSPITAL_DELETED, id.0),
        Event::BedCreated {
            id,
            hospital,
            order,
        } => RecordWriter::new(BED_CREATED)
            .number(number(id.0))
            .number(number(hospital.0))
            .number(number(*order))
            .end(),
        Event::BedDeleted(id) => one(BED_DELETED, id.0),
        Event::BedOccupied(id) => one(BED_OCCUPIED, id.0),
        Event::BedFreed(id) => one(BED_FREED, id.0),
    }
}

/// The event of a row.
///
/// # Errors
/// Why it is none.
pub fn decode(record: &[u8]) -> Result<Event, DecodeError> {
    let (kind, mut fields) = RecordFields::parse(record)?;
    let mut id = || {
        let number = fields.number()?;
        i32::try_from(number).map_err(|_| DecodeError::Malformed)
    };
    let event = match kind {
        HOSPITAL_CREATED => {
            let id = HospitalId(id()?);
            let name = str::from_utf8(fields.string()?).map_err(|_| DecodeError::Malformed)?;
            let name = name.to_owned();
            Event::HospitalCreated { id, name }
        }
        HOSPITAL_DELETED => Event::HospitalDeleted(HospitalId(id()?)),
        BED_CREATED => Event::BedCreated {
            id: BedId(id()?),
            hospital: HospitalId(id()?),
            order: id()?,
        },
        BED_DELETED => Event::BedDeleted(BedId(id()?)),
        BED_OCCUPIED => Event::BedOccupied(BedId(id()?)),
        BED_FREED => Event::BedFreed(BedId(id()?)),
        kind => return Err(DecodeError::UnknownKind(kind)),
    };
    fields.end()?;
    Ok(event)
}

fn one(kind: u8, id: i32) -> Vec<u8> {
    RecordWriter::new(kind).number(number(id)).end()
}

/// Ids and orders count from 1.
fn number(number: i32) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

const HOSPITAL_CREATED: u8 = 1;
const HOSPITAL_DELETED: u8 = 2;
const BED_CREATED: u8 = 3;
const BED_DELETED: u8 = 4;
const BED_OCCUPIED: u8 = 5;
const BED_FREED: u8 = 6;

/// A name fits the string that holds it.
const _: () = assert!(MAX_NAME <= u8::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> [Event; 6] {
        let (hospital, bed) = (HospitalId(0x0102), BedId(i32::MAX));
        [
            Event::HospitalCreated {
                id: hospital,
                name: "Ñ€😀".repeat(20),
            },
            Event::HospitalDeleted(hospital),
            Event::BedCreated {
                id: bed,
                hospital,
                order: 3,
            },
            Event::BedDeleted(bed),
            Event::BedOccupied(bed),
            Event::BedFreed(bed),
        ]
    }

    #[test]
    fn what_is_kept_comes_back() {
        for event in every_kind() {
            assert_eq!(decode(&encode(&event)), Ok(event));
        }
    }

    /// Files of this version are read by every later one.
    #[test]
    fn the_bytes_are_these() {
        let created = Event::HospitalCreated {
            id: HospitalId(0x0102),
            name: "Sur".to_owned(),
        };
        assert_eq!(encode(&created), b"\x01\x01\0\0\0\0\0\0\x01\x02\x03Sur");
        let bed = Event::BedCreated {
            id: BedId(3),
            hospital: HospitalId(2),
            order: 1,
        };
        assert_eq!(
            encode(&bed),
            b"\x01\x03\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01"
        );
        let rest = [
            Event::HospitalDeleted(HospitalId(9)),
            Event::BedDeleted(BedId(9)),
            Event::BedOccupied(BedId(9)),
            Event::BedFreed(BedId(9)),
        ];
        for (event, kind) in rest.iter().zip([2, 4, 5, 6]) {
            assert_eq!(encode(event), [1, kind, 0, 0, 0, 0, 0, 0, 0, 9]);
        }
    }

    #[test]
    fn a_row_that_makes_no_sense_is_an_error() {
        for event in every_kind() {
            let record = encode(&event);
            for cut in 0..record.len() {
                assert_eq!(decode(&record[..cut]), Err(DecodeError::Malformed), "{cut}");
            }
            let longer = [&record[..], b"\0"].concat();
            assert_eq!(decode(&longer), Err(DecodeError::Malformed));
        }
        assert_eq!(decode(b"\x02\x01"), Err(DecodeError::UnknownVersion(2)));
        assert_eq!(decode(b"\x01\x07"), Err(DecodeError::UnknownKind(7)));
        let large = b"\x01\x02\0\0\0\x01\0\0\0\0";
        assert_eq!(decode(large), Err(DecodeError::Malformed));
    }
}
