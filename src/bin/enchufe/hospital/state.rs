//! Hospitals and their beds: plain data that knows neither bytes nor threads.
//!
//! Two doors. [`State::decide`] checks a command and says what would happen; [`State::apply`] makes
//! it happen and says what everybody is told. A server that applies the same events in the same order
//! has the same board.

use std::collections::BTreeMap;

use crate::hospital::events::{BedId, Command, Event, HospitalId, Notice, Rejection};

/// The board: every hospital and every bed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub hospitals: BTreeMap<HospitalId, Hospital>,
    /// Where each bed stands, so that a bed is found by its id alone.
    pub beds: BTreeMap<BedId, HospitalId>,
    /// The last ids given out. They only grow: an id is never used again.
    pub last_hospital: i32,
    pub last_bed: i32,
}

/// A hospital with its beds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hospital {
    /// What people call it: 1 to 255 bytes, no control characters, not only spaces.
    pub name: String,
    /// Its beds, by id.
    pub beds: BTreeMap<BedId, Bed>,
    pub last_order: i32,
}

/// A bed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bed {
    /// Somebody lies in it.
    pub occupied: bool,
    /// Its number within its hospital: from 1, never used again there.
    pub order: i32,
}

impl State {
    /// An empty board.
    pub fn new() -> State {
        State::default()
    }

    /// The hospitals, by id.
    pub fn hospitals(&self) -> impl Iterator<Item = (HospitalId, &Hospital)> {
        self.hospitals.iter().map(|(id, hospital)| (*id, hospital))
    }

    /// Says what `command` would do. Changes nothing.
    ///
    /// # Errors
    /// A [`Refusal`] when it can do nothing.
    pub fn decide(&self, command: Command) -> Result<Event, Rejection> {
        match command {
            Command::CreateHospital(name) => {
                check_name(&name)?;
                if self.hospitals.len() >= MAX_HOSPITALS {
                    return Err(Rejection::Full);
                }
                let id = HospitalId(next(self.last_hospital)?);
                Ok(Event::HospitalCreated { id, name })
            }
            Command::DeleteHospital(id) => {
                self.hospital(id)?;
                Ok(Event::HospitalDeleted(id))
            }
            Command::CreateBed(hospital) => {
                let order = next(self.hospital(hospital)?.last_order)?;
                if self.beds.len() >= MAX_BEDS {
                    return Err(Rejection::Full);
                }
                let id = BedId(next(self.last_bed)?);
                Ok(Event::BedCreated {
                    id,
                    hospital,
                    order,
                })
            }
            Command::DeleteBed(id) => self.known_bed(id).map(Event::BedDeleted),
            Command::OccupyBed(id) => self.known_bed(id).map(Event::BedOccupied),
            Command::FreeBed(id) => self.known_bed(id).map(Event::BedFreed),
        }
    }

    /// Makes `event` happen and says what everybody is told.
    ///
    /// An event about something that is not there changes nothing.
    pub fn apply(&mut self, event: Event) -> Notice {
        let kind = event.kind();
        match event {
            Event::HospitalCreated { id, name } => {
                let hospital = Hospital {
                    name,
                    beds: BTreeMap::new(),
                    last_order: 0,
                };
                self.hospitals.insert(id, hospital);
                self.last_hospital = self.last_hospital.max(id.0);
            }
            Event::HospitalDeleted(id) => {
                self.hospitals.remove(&id);
                self.beds.retain(|_, hospital| *hospital != id);
            }
            Event::BedCreated {
                id,
                hospital,
                order,
            } => {
                if let Some(place) = self.hospitals.get_mut(&hospital) {
                    place.beds.insert(
                        id,
                        Bed {
                            occupied: false,
                            order,
                        },
                    );
                    place.last_order = place.last_order.max(order);
                    self.beds.insert(id, hospital);
                }
                self.last_bed = self.last_bed.max(id.0);
            }
            Event::BedDeleted(id) => {
                if let Some(place) = self
                    .beds
                    .remove(&id)
                    .and_then(|at| self.hospitals.get_mut(&at))
                {
                    place.beds.remove(&id);
                }
            }
            Event::BedOccupied(id) => self.set_occupied(id, true),
            Event::BedFreed(id) => self.set_occupied(id, false),
        }
        Notice {
            kind,
            outcome: Ok(()),
        }
    }

    /// Decides and applies at once.
    #[cfg(test)]
    pub fn execute(&mut self, command: Command) -> Notice {
        let kind = command.kind();
        match self.decide(command) {
            Ok(event) => self.apply(event),
            Err(rejection) => Notice {
                kind,
                outcome: Err(rejection),
            },
        }
    }

    fn hospital(&self, id: HospitalId) -> Result<&Hospital, Rejection> {
        self.hospitals.get(&id).ok_or(Rejection::UnknownHospital)
    }

    fn known_bed(&self, id: BedId) -> Result<BedId, Rejection> {
        if self.beds.contains_key(&id) {
            Ok(id)
        } else {
            Err(Rejection::UnknownBed)
        }
    }

    fn set_occupied(&mut self, id: BedId, occupied: bool) {
        let place = self.beds.get(&id).and_then(|at| self.hospitals.get_mut(at));
        if let Some(bed) = place.and_then(|hospital| hospital.beds.get_mut(&id)) {
            bed.occupied = occupied;
        }
    }
}

fn check_name(name: &str) -> Result<(), Rejection> {
    let blank = name.trim().is_empty();
    if blank || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Rejection::BadName);
    }
    Ok(())
}

fn next(last: i32) -> Result<i32, Rejection> {
    last.checked_add(1).ok_or(Rejection::Full)
}

/// Bytes in a name: what the chat allows too.
pub const MAX_NAME: usize = 255;

/// Hospitals on the board. With [`MAX_BEDS`] it keeps the whole board, as one message, under the
/// 1 MiB a connection's out-queue holds.
pub const MAX_HOSPITALS: usize = 1_000;

/// Beds in all hospitals together.
pub const MAX_BEDS: usize = 5_000;
