//! The chat after a restart: what the store holds is applied again, through the same door as when it happened, and then
//! nobody is connected.

use crate::chat::domain::event::Event;
use crate::chat::domain::state::{Settings, State};
use crate::chat::domain::time::Moment;
use crate::chat::persist::retention::{Ledger, MESSAGES, PEOPLE};
use crate::chat::persist::rows;
use crate::store::error::OpenError;
use crate::store::writer::Opened;

/// The state as the store has it, and the ledger that goes on from there.
///
/// # Errors
///
/// What cannot be read.
pub fn revive(
    settings: Settings,
    opened: &mut Opened,
    now: Moment,
) -> Result<(State, Ledger), OpenError> {
    let (mut state, mut ledger) = (State::new(settings), Ledger::default());
    state.report_forgotten();
    let last = opened.read(PEOPLE, |key, row| {
        let event = rows::decode(key, row)?;
        ledger.note_read(key, &event);
        state.apply(event, now);
        ledger.forget(state.take_forgotten());
        Ok(())
    })?;
    ledger.resume_after(last);
    // Who was connected when the server ended has left.
    for name in state.connected() {
        let left = Event::Left {
            name,
            farewell: false,
        };
        ledger.note(&left);
        state.apply(left, now);
    }
    let last = opened.read(MESSAGES, |key, row| {
        let event = rows::decode(key, row)?;
        state.apply(event, now);
        ledger.forget(state.take_forgotten());
        Ok(())
    })?;
    state.resume_after(last);
    ledger.forget(state.take_forgotten());
    let (changes, _) = ledger.take();
    for change in changes {
        opened.change(change);
    }
    Ok((state, ledger))
}
