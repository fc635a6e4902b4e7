//! The board as one server of several sees it: what its viewers ask to change is published, and happens when it comes back
//! by the log, in its order.
//!
//! Whether a change is possible is decided there and then, by every server alike; nothing is decided before.

use std::time::{Duration, Instant};

use log::error;

use crate::cluster::entry::LogEntry;
use crate::cluster::rejoin::DroppedOp;
use crate::cluster::replica::{ClusterNotice, Replica};
use crate::delivery::{PendingWrites, RoomEntry, message};
use crate::hospital::cluster::{operations, snapshot};
use crate::hospital::hub::{Board, Hub, ROOM, broadcast};
use crate::hospital::methods::{self, Call};
use crate::log_targets::HOSPITAL;
use crate::signalr::messages::{self, CallError};
use crate::store::record::DecodeError;
use enchufe::net::{MemberId, PreparedMessage};

impl Hub {
    /// Publishes what asks for a change; what is answered here is given back, when the caller's changes have come back.
    pub fn submit(
        &self,
        caller: MemberId,
        call: Call,
        id: &Option<String>,
        last: &mut u64,
    ) -> Option<Call> {
        let Some(log) = self.pipeline.log() else {
            return Some(call);
        };
        let Call::Change(command) = call else {
            self.wait_for(*last);
            return Some(call);
        };
        let mut board = self.lock();
        // Under the lock under which it will come back.
        *last = log.append(operations::encode(&command));
        if let Some(id) = id {
            board.calls.insert(*last, (caller, id.clone()));
        }
        drop(board);
        log.wait_for_space();
        None
    }

    /// Waits, not for ever, until an operation has come back.
    pub fn wait_for(&self, number: u64) {
        if let Some(log) = self.pipeline.log() {
            log.wait(number, PATIENCE);
        }
    }

    fn tell(&self, tell: impl FnOnce(&mut Board) -> Vec<RoomEntry>) {
        let mut board = self.lock();
        let entries = tell(&mut board);
        self.pipeline.append(PendingWrites::default(), entries);
        drop(board);
        self.pipeline.deliver();
    }
}

impl Replica for Hub {
    fn apply(&self, entries: Vec<LogEntry>) {
        self.tell(|board| {
            let follow = |entry| board.follow(entry);
            entries.iter().flat_map(follow).collect()
        });
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        snapshot::rows(&self.lock().state)
    }

    fn restore(&self, rows: &[&[u8]]) -> Result<(), DecodeError> {
        let state = snapshot::state(rows)?;
        let mut board = self.lock();
        board.suppress_notices = true;
        board.view = None;
        board.state = state;
        Ok(())
    }

    fn resume(&self) {
        self.tell(|board| {
            board.suppress_notices = false;
            board.last_broadcast = Some(Instant::now());
            // What was in the snapshot already has come back with it.
            let is_back = |number: u64| {
                self.pipeline
                    .log()
                    .is_some_and(|log| log.is_resolved(number))
            };
            let done = board.calls.extract_if(|number, _| is_back(*number));
            let done: Vec<RoomEntry> = done.map(|(_, call)| completion(&call, Ok(()))).collect();
            let view = broadcast(board.view());
            [view].into_iter().chain(done).collect()
        });
    }

    /// The protocol has no word for it: a call is not complete, that is all.
    fn notify(&self, _: ClusterNotice) {}

    fn notify_dropped(&self, dropped: &[DroppedOp]) {
        self.tell(|board| {
            let lost = dropped
                .iter()
                .filter_map(|it| board.calls.remove(&it.number));
            lost.map(|call| completion(&call, Err(CallError::Dropped)))
                .collect()
        });
    }
}

impl Board {
    /// Does what an entry of the log says.
    fn follow(&mut self, logged: &LogEntry) -> Vec<RoomEntry> {
        let command = match operations::decode(&logged.content) {
            Ok(command) => command,
            Err(error) => {
                error!(
                    target: HOSPITAL, "entry {} of the log is passed over: {error}",
                    logged.position
                );
                return Vec::new();
            }
        };
        let notice = PreparedMessage::new(methods::notice(&self.change(command)));
        let call = logged.is_own.then(|| self.calls.remove(&logged.number));
        let complete = call.flatten().map(|call| completion(&call, Ok(())));
        let told = (!self.suppress_notices).then(|| broadcast(notice));
        told.into_iter().chain(complete).collect()
    }
}

/// Tells a caller what became of its call.
fn completion((caller, id): &(MemberId, String), outcome: Result<(), CallError>) -> RoomEntry {
    let record = messages::completion(id, outcome);
    message(ROOM, *caller, PreparedMessage::new(record))
}

/// How long a viewer waits for what it asked for to come back, before it is shown the board without.
const PATIENCE: Duration = Duration::from_secs(5);
