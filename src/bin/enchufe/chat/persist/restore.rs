//! Restores the chat after a restart: applies the events in the store again, and disconnects all users.

use crate::chat::domain::event::Event;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::time::Now;
use crate::chat::persist::retention::{MESSAGES, RowIndex, USERS};
use crate::chat::persist::rows;
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;

/// Restores the state from the store, and the index of its rows.
///
/// # Errors
///
/// A row that cannot be read.
pub fn restore(
    settings: ChatSettings,
    store: &mut StoreBuilder,
    now: Now,
) -> Result<(State, RowIndex), OpenError> {
    let (mut state, mut rows) = (State::new(settings), RowIndex::default());
    state.track_evictions();
    let last = store.read(USERS, |key, row| {
        let event = rows::decode(key, row)?;
        rows.track_restored(key, &event);
        state.apply(event, now);
        rows.remove_evicted(state.take_evicted());
        Ok(())
    })?;
    rows.resume_after(last);
    // Users who were connected when the server stopped have left.
    for name in state.connected() {
        let left = Event::Left {
            name,
            notify_self: false,
        };
        rows.track(&left);
        state.apply(left, now);
    }
    let last = store.read(MESSAGES, |key, row| {
        let event = rows::decode(key, row)?;
        state.apply(event, now);
        rows.remove_evicted(state.take_evicted());
        Ok(())
    })?;
    state.resume_after(last);
    rows.remove_evicted(state.take_evicted());
    let (changes, _) = rows.take_changes();
    for change in changes {
        store.add_change(change);
    }
    Ok((state, rows))
}
