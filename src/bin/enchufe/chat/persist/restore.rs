//! The chat after a restart: what the store holds is applied again, through the same door as when it happened, and then
//! nobody is connected.

use crate::chat::domain::event::Event;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::time::Now;
use crate::chat::persist::retention::{MESSAGES, RowIndex, USERS};
use crate::chat::persist::rows;
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;

/// The state as the store has it, and the ledger that goes on from there.
///
/// # Errors
///
/// What cannot be read.
pub fn restore(
    settings: ChatSettings,
    opened: &mut StoreBuilder,
    now: Now,
) -> Result<(State, RowIndex), OpenError> {
    let (mut state, mut rows) = (State::new(settings), RowIndex::default());
    state.track_evictions();
    let last = opened.read(USERS, |key, row| {
        let event = rows::decode(key, row)?;
        rows.track_restored(key, &event);
        state.apply(event, now);
        rows.remove_evicted(state.take_evicted());
        Ok(())
    })?;
    rows.resume_after(last);
    // Who was connected when the server ended has left.
    for name in state.connected() {
        let left = Event::Left {
            name,
            notify_self: false,
        };
        rows.track(&left);
        state.apply(left, now);
    }
    let last = opened.read(MESSAGES, |key, row| {
        let event = rows::decode(key, row)?;
        state.apply(event, now);
        rows.remove_evicted(state.take_evicted());
        Ok(())
    })?;
    state.resume_after(last);
    rows.remove_evicted(state.take_evicted());
    let (changes, _) = rows.take_changes();
    for change in changes {
        opened.change(change);
    }
    Ok((state, rows))
}
