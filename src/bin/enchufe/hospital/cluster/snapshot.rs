//! The whole board as rows, for a server of the cluster that begins where the log has been let go of.
//!
//! | kind | what | fields |
//! |---|---|---|
//! | 1 | a hospital | number: id · number: the last order of its beds · string: name |
//! | 2 | a bed, of a hospital above | number: id · number: hospital · number: order · byte: 1 if occupied |
//! | 3 | the last ids given out | number: of hospitals · number: of beds |

use std::collections::BTreeMap;

use crate::hospital::events::{BedId, HospitalId};
use crate::hospital::state::{Bed, Hospital, State};
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// The rows that give this board.
pub fn rows(state: &State) -> Vec<Vec<u8>> {
    let last = RecordWriter::new(LAST)
        .number(number(state.last_hospital))
        .number(number(state.last_bed))
        .end();
    let hospitals = state.hospitals().flat_map(|(id, hospital)| {
        let head = RecordWriter::new(HOSPITAL)
            .number(number(id.0))
            .number(number(hospital.last_order))
            .string(hospital.name.as_bytes())
            .end();
        let bed = move |(bed_id, bed): (&BedId, &Bed)| {
            RecordWriter::new(BED)
                .number(number(bed_id.0))
                .number(number(id.0))
                .number(number(bed.order))
                .byte(u8::from(bed.occupied))
                .end()
        };
        std::iter::once(head).chain(hospital.beds.iter().map(bed))
    });
    hospitals.chain([last]).collect()
}

/// The board that these rows give.
///
/// # Errors
/// The first row that makes no sense.
pub fn state(rows: &[&[u8]]) -> Result<State, DecodeError> {
    let mut state = State::new();
    for row in rows {
        let (kind, mut fields) = RecordFields::parse(row)?;
        let mut number = || {
            let number = fields.number()?;
            i32::try_from(number).map_err(|_| DecodeError::Malformed)
        };
        match kind {
            HOSPITAL => {
                let (id, last_order) = (HospitalId(number()?), number()?);
                let name = str::from_utf8(fields.string()?).map_err(|_| DecodeError::Malformed)?;
                let hospital = Hospital {
                    name: name.to_owned(),
                    beds: BTreeMap::new(),
                    last_order,
                };
                state.hospitals.insert(id, hospital);
            }
            BED => {
                let (id, hospital, order) = (BedId(number()?), HospitalId(number()?), number()?);
                let occupied = fields.byte()? == 1;
                let place = state.hospitals.get_mut(&hospital);
                let place = place.ok_or(DecodeError::Malformed)?;
                place.beds.insert(id, Bed { occupied, order });
                state.beds.insert(id, hospital);
            }
            LAST => (state.last_hospital, state.last_bed) = (number()?, number()?),
            kind => return Err(DecodeError::UnknownKind(kind)),
        }
        fields.end()?;
    }
    Ok(state)
}

/// Ids and orders count from 1.
fn number(number: i32) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

const HOSPITAL: u8 = 1;
const BED: u8 = 2;
const LAST: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::events::Command;

    fn again(state: &State) -> State {
        let rows = rows(state);
        let lent: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        super::state(&lent).unwrap()
    }

    #[test]
    fn a_board_made_from_its_rows_is_the_same_board() {
        let mut state = State::new();
        assert_eq!(again(&state), state);
        for command in [
            Command::CreateHospital("Norte".to_owned()),
            Command::CreateHospital("Ñ€😀".to_owned()),
            Command::CreateHospital("gone".to_owned()),
            Command::CreateBed(HospitalId(2)),
            Command::CreateBed(HospitalId(1)),
            Command::CreateBed(HospitalId(2)),
            Command::CreateBed(HospitalId(2)),
            Command::OccupyBed(BedId(3)),
            Command::DeleteBed(BedId(4)),
            Command::DeleteHospital(HospitalId(3)),
        ] {
            assert_eq!(state.execute(command).outcome, Ok(()));
            assert_eq!(again(&state), state);
        }
    }

    #[test]
    fn a_row_that_makes_no_sense_is_an_error() {
        let bed_of_nowhere = RecordWriter::new(BED)
            .number(1)
            .number(1)
            .number(1)
            .byte(0)
            .end();
        for row in [&b"\x01\x09"[..], b"\x01\x03", b"\x02\x01", &bed_of_nowhere] {
            assert!(state(&[row]).is_err(), "{row:?}");
        }
    }
}
