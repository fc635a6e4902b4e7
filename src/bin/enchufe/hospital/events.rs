//! The words in which the board changes: what can be asked, what happened, what everybody is told.

use std::fmt;

/// What a viewer can ask to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a hospital of this name. Two hospitals may have the same name.
    CreateHospital(String),
    /// Close a hospital; its beds go with it.
    DeleteHospital(HospitalId),
    /// Put a free bed into a hospital.
    CreateBed(HospitalId),
    /// Take a bed away, occupied or not.
    DeleteBed(BedId),
    /// Somebody lies down. In an occupied bed too: nothing changes then.
    OccupyBed(BedId),
    /// Nobody lies there any more. In a free bed too: nothing changes then.
    FreeBed(BedId),
}

/// What happened. Holds everything [`State::apply`](crate::hospital::state::State::apply) needs: applying draws no number and makes no choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A hospital opened.
    HospitalCreated {
        /// Its number.
        id: HospitalId,
        /// Its name.
        name: String,
    },
    /// A hospital closed, with all its beds.
    HospitalDeleted(HospitalId),
    /// A bed came.
    BedCreated {
        /// Its number.
        id: BedId,
        /// Where it stands.
        hospital: HospitalId,
        /// Its number there.
        order: i32,
    },
    /// A bed went.
    BedDeleted(BedId),
    /// A bed is occupied.
    BedOccupied(BedId),
    /// A bed is free.
    BedFreed(BedId),
}

/// Why nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The name is empty or only spaces, longer than 255 bytes, or has a control character.
    BadName,
    /// There is no such hospital.
    UnknownHospital,
    /// There is no such bed.
    UnknownBed,
    /// [`MAX_HOSPITALS`](crate::hospital::state::MAX_HOSPITALS) or [`MAX_BEDS`](crate::hospital::state::MAX_BEDS) is reached, or the numbers have run out.
    Full,
}

/// What everybody is told after a command, also when it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What was asked for.
    pub kind: EventKind,
    /// What came of it.
    pub outcome: Result<(), Rejection>,
}

/// The kinds of command and of event: one for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A hospital opens.
    HospitalCreated,
    /// A hospital closes.
    HospitalDeleted,
    /// A bed comes.
    BedCreated,
    /// A bed goes.
    BedDeleted,
    /// A bed is occupied.
    BedOccupied,
    /// A bed is freed.
    BedFreed,
}

/// The number of a hospital: from 1, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HospitalId(pub i32);

/// The number of a bed: from 1 over all hospitals, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BedId(pub i32);

impl Command {
    /// What it is about.
    pub fn kind(&self) -> EventKind {
        match self {
            Command::CreateHospital(_) => EventKind::HospitalCreated,
            Command::DeleteHospital(_) => EventKind::HospitalDeleted,
            Command::CreateBed(_) => EventKind::BedCreated,
            Command::DeleteBed(_) => EventKind::BedDeleted,
            Command::OccupyBed(_) => EventKind::BedOccupied,
            Command::FreeBed(_) => EventKind::BedFreed,
        }
    }
}

impl Event {
    /// What it is about.
    pub fn kind(&self) -> EventKind {
        match self {
            Event::HospitalCreated { .. } => EventKind::HospitalCreated,
            Event::HospitalDeleted(_) => EventKind::HospitalDeleted,
            Event::BedCreated { .. } => EventKind::BedCreated,
            Event::BedDeleted(_) => EventKind::BedDeleted,
            Event::BedOccupied(_) => EventKind::BedOccupied,
            Event::BedFreed(_) => EventKind::BedFreed,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::BadName => "a name has 1 to 255 bytes and no control characters",
            Rejection::UnknownHospital => "there is no such hospital",
            Rejection::UnknownBed => "there is no such bed",
            Rejection::Full => "the board is full",
        })
    }
}

impl std::error::Error for Rejection {}
