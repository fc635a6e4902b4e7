//! Which events of the past still matter: applied again in their order, they give the board as it is.
//!
//! Every event that matters is a row of its own, by a key that says which came first. What is gone needs no rows, but
//! numbers are never used again: so the last hospital, the last bed, and the last bed of each hospital keep their row
//! after they are deleted, until there is a later one.

use std::collections::BTreeMap;

use crate::hospital::events::{BedId, Event, HospitalId};
use crate::hospital::persist::rows;
use crate::hospital::state::State;
use crate::store::change::{Change, Table};
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;

/// The rows that are, or will be, on disk.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// The last key used.
    last: u64,
    hospitals: BTreeMap<HospitalId, HospitalRows>,
    beds: BTreeMap<BedId, BedRows>,
    /// The last hospital there was, if it is gone: its two rows.
    gone: Option<[u64; 2]>,
    last_hospital: Option<HospitalId>,
    last_bed: Option<BedId>,
    /// What is to change on disk.
    changes: Vec<Change>,
}

#[derive(Debug)]
struct HospitalRows {
    created: u64,
    last_bed: Option<BedId>,
}

#[derive(Debug)]
struct BedRows {
    hospital: HospitalId,
    created: u64,
    occupied: Option<u64>,
    deleted: Option<u64>,
}

/// The board as a store has it, and the ledger that goes on from there.
///
/// # Errors
/// What cannot be read.
pub fn restore(opened: &mut StoreBuilder) -> Result<(State, RowIndex), OpenError> {
    let (mut state, mut row_index) = (State::new(), RowIndex::default());
    let last = opened.read(EVENTS, |key, row| {
        let event = rows::decode(row)?;
        if !row_index.matters(key, &event) {
            row_index.remove([key]);
        }
        state.apply(event);
        Ok(())
    })?;
    row_index.last = last;
    for change in row_index.take() {
        opened.add_change(change);
    }
    Ok((state, row_index))
}

impl RowIndex {
    /// Notes an event that is about to be applied.
    pub fn track(&mut self, event: &Event) {
        let key = self.last + 1;
        if self.matters(key, event) {
            self.last = key;
            let row = rows::encode(event);
            self.changes.push(Change::put(EVENTS, key, row));
        }
    }

    /// What is to change on disk since this was asked last.
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether a row is needed for the event, which gets this key if it is. Removes the rows that are not needed any
    /// more.
    fn matters(&mut self, key: u64, event: &Event) -> bool {
        match *event {
            Event::HospitalCreated { id, .. } => self.hospital_created(key, id),
            Event::HospitalDeleted(id) => self.hospital_deleted(key, id),
            Event::BedCreated { id, hospital, .. } => self.bed_created(key, id, hospital),
            Event::BedDeleted(id) => self.bed_deleted(key, id),
            Event::BedOccupied(id) => match self.beds.get_mut(&id) {
                Some(bed) if bed.occupied.is_none() => {
                    bed.occupied = Some(key);
                    true
                }
                _ => false,
            },
            Event::BedFreed(id) => {
                let occupied = self.beds.get_mut(&id).and_then(|bed| bed.occupied.take());
                self.remove(occupied);
                false
            }
        }
    }

    fn hospital_created(&mut self, key: u64, id: HospitalId) -> bool {
        let gone = self.gone.take();
        self.remove(gone.into_iter().flatten());
        let rows = HospitalRows {
            created: key,
            last_bed: None,
        };
        self.hospitals.insert(id, rows);
        self.last_hospital = Some(id);
        true
    }

    fn hospital_deleted(&mut self, key: u64, id: HospitalId) -> bool {
        let Some(hospital) = self.hospitals.remove(&id) else {
            return false;
        };
        let beds: Vec<BedId> = self
            .beds
            .iter()
            .filter(|(_, bed)| bed.hospital == id)
            .map(|(id, _)| *id)
            .collect();
        for bed in beds {
            self.drop_if_needless(bed);
        }
        if self.last_hospital == Some(id) {
            self.gone = Some([hospital.created, key]);
            return true;
        }
        self.remove([hospital.created]);
        false
    }

    fn bed_created(&mut self, key: u64, id: BedId, hospital: HospitalId) -> bool {
        let rows = BedRows {
            hospital,
            created: key,
            occupied: None,
            deleted: None,
        };
        self.beds.insert(id, rows);
        let before = self.last_bed.replace(id);
        let place = self.hospitals.get_mut(&hospital);
        let before_there = place.and_then(|place| place.last_bed.replace(id));
        for bed in [before, before_there].into_iter().flatten() {
            self.drop_if_needless(bed);
        }
        true
    }

    fn bed_deleted(&mut self, key: u64, id: BedId) -> bool {
        let Some(bed) = self.beds.get_mut(&id) else {
            return false;
        };
        bed.deleted = Some(key);
        let occupied = bed.occupied.take();
        self.remove(occupied);
        if self.is_needed(id) {
            return true;
        }
        if let Some(bed) = self.beds.remove(&id) {
            self.remove([bed.created]);
        }
        false
    }

    /// Whether a bed is there, or was the last one.
    fn is_needed(&self, id: BedId) -> bool {
        let Some(bed) = self.beds.get(&id) else {
            return false;
        };
        let place = self.hospitals.get(&bed.hospital);
        let is_there = place.is_some() && bed.deleted.is_none();
        let was_last = place.is_some_and(|place| place.last_bed == Some(id));
        is_there || was_last || self.last_bed == Some(id)
    }

    fn drop_if_needless(&mut self, id: BedId) {
        if !self.is_needed(id)
            && let Some(bed) = self.beds.remove(&id)
        {
            let rows = [Some(bed.created), bed.occupied, bed.deleted];
            self.remove(rows.into_iter().flatten());
        }
    }

    fn remove(&mut self, keys: impl IntoIterator<Item = u64>) {
        let removals = keys.into_iter().map(|key| Change::remove(EVENTS, key));
        self.changes.extend(removals);
    }
}

/// Events, in their order.
pub const EVENTS: Table = Table("hospital.events");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::events::Command;
    use crate::store::backend::{BackendError, StoreBackend};
    use crate::store::change::Batch;
    use crate::tests::random::XorShift;

    /// The rows of one table.
    #[derive(Clone, Default)]
    struct Shelf(BTreeMap<u64, Vec<u8>>, u64);

    impl Shelf {
        fn change(&mut self, changes: Vec<Change>) {
            for Change { key, record, .. } in changes {
                match record {
                    Some(record) => {
                        assert!(key > self.1, "a key is used once");
                        self.1 = key;
                        self.0.insert(key, record);
                    }
                    None => assert!(self.0.remove(&key).is_some(), "{key}"),
                }
            }
        }

        fn restored(&mut self) -> (State, RowIndex) {
            let mut opened = StoreBuilder::new(self.clone(), "memory");
            let restored = restore(&mut opened).unwrap();
            self.change(opened.take_changes());
            restored
        }
    }

    impl StoreBackend for Shelf {
        fn read(&self, _: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError> {
            for (key, record) in &self.0 {
                each(*key, record);
            }
            Ok(self.1)
        }

        fn write(&mut self, _: &Batch) -> Result<(), BackendError> {
            unreachable!("nothing is started")
        }

        fn recover(&mut self) -> Result<bool, BackendError> {
            unreachable!("nothing is started")
        }
    }

    #[test]
    fn after_a_restart_the_board_is_as_it_was_numbers_and_all() {
        let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
        let mut disk = Shelf::default();
        let (mut state, mut row_index) = disk.restored();
        for round in 0..3_000 {
            let hospitals: Vec<i32> = state.hospitals().map(|(id, _)| id.0).collect();
            let beds: Vec<i32> = state
                .hospitals()
                .flat_map(|(_, hospital)| hospital.beds.keys().map(|id| id.0))
                .collect();
            let mut one_of = |ids: &[i32]| match ids.len() {
                0 => 1,
                count => ids[random.below(count)],
            };
            let hospital = HospitalId(one_of(&hospitals));
            let bed = BedId(one_of(&beds));
            let command = match random.below(12) {
                0 | 1 => Command::CreateHospital(format!("hospital {round}")),
                2 => Command::DeleteHospital(hospital),
                3..=5 => Command::CreateBed(hospital),
                6 | 7 => Command::DeleteBed(bed),
                8 | 9 => Command::OccupyBed(bed),
                _ => Command::FreeBed(bed),
            };
            if let Ok(event) = state.decide(command) {
                row_index.track(&event);
                state.apply(event);
                disk.change(row_index.take());
            }
            let rows = disk.0.len();
            let (restored, again) = disk.clone().restored();
            assert_eq!(restored, state, "{round}");
            let most = 2 * hospitals.len() + 4 * beds.len() + 8;
            assert!(rows <= most + 2 * hospitals.len(), "{round}: {rows}");
            if round % 7 == 0 {
                (state, row_index) = (restored, again);
            }
        }
    }

    #[test]
    fn a_board_that_is_emptied_leaves_a_few_rows() {
        let mut disk = Shelf::default();
        let (mut state, mut row_index) = disk.restored();
        let mut run = |command| {
            let event = state.decide(command).unwrap();
            row_index.track(&event);
            state.apply(event);
            disk.change(row_index.take());
            disk.0.len()
        };
        for id in 1..=100 {
            let hospital = HospitalId(id);
            run(Command::CreateHospital("Norte".to_owned()));
            run(Command::CreateBed(hospital));
            run(Command::OccupyBed(BedId(id)));
            run(Command::OccupyBed(BedId(id)));
            assert!(run(Command::DeleteHospital(hospital)) <= 4, "{id}");
        }
    }

    #[test]
    fn a_bed_that_is_occupied_and_freed_for_ever_takes_one_row_more() {
        let mut disk = Shelf::default();
        let (mut state, mut row_index) = disk.restored();
        let mut run = |command| {
            let event = state.decide(command).unwrap();
            row_index.track(&event);
            state.apply(event);
            disk.change(row_index.take());
            disk.0.len()
        };
        run(Command::CreateHospital("Norte".to_owned()));
        run(Command::CreateBed(HospitalId(1)));
        for _ in 0..100 {
            assert_eq!(run(Command::OccupyBed(BedId(1))), 3);
            assert_eq!(run(Command::FreeBed(BedId(1))), 2);
        }
    }
}
