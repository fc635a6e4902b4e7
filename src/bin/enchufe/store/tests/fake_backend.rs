//! A store on a backend in memory that blocks and fails on request.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::store::backend::{BackendError, StoreBackend};
use crate::store::change::{Batch, Change, Table};
use crate::store::counters::Counters;
use crate::store::write_queue::{Durability, WriteQueue};
use crate::store::writer::{Store, StoreBuilder};

/// A backend in memory, controlled by a test.
#[derive(Clone, Default)]
pub struct FakeBackend(Arc<(Mutex<FakeState>, Condvar)>);

#[derive(Default)]
pub struct FakeState {
    pub rows: BTreeMap<(Table, u64), Vec<u8>>,
    last: BTreeMap<Table, u64>,
    pub writes: usize,
    /// Makes the next write wait until this is false.
    pub blocked: bool,
    /// Whether a write has begun and not ended.
    pub is_writing: bool,
    pub fault: Fault,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Writing fails, and the batch is not on disk.
    Full,
    /// Writing fails, and the batch is on disk.
    Flush,
    /// Writing panics.
    Panic,
    /// Writing and recovering fail.
    Gone,
}

impl FakeBackend {
    /// Changes the state, and wakes a blocked write.
    pub fn set(&self, change: impl FnOnce(&mut FakeState)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    pub fn keys(&self) -> Vec<u64> {
        let state = self.0.0.lock().unwrap();
        state.rows.keys().map(|(_, key)| *key).collect()
    }

    /// Waits until a condition holds.
    pub fn wait_for(&self, condition: impl Fn(&FakeState) -> bool) {
        let state = self.0.0.lock().unwrap();
        let (_state, waited) = self
            .0
            .1
            .wait_timeout_while(state, TIMEOUT, |state| !condition(state))
            .unwrap();
        assert!(!waited.timed_out());
    }
}

impl StoreBackend for FakeBackend {
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError> {
        let state = self.0.0.lock().unwrap();
        for ((_, key), record) in state.rows.iter().filter(|((of, _), _)| *of == table) {
            each(*key, record);
        }
        Ok(state.last.get(&table).copied().unwrap_or(0))
    }

    fn write(&mut self, batch: &Batch) -> Result<(), BackendError> {
        let mut state = self.0.0.lock().unwrap();
        state.is_writing = true;
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| state.blocked).unwrap();
        state.is_writing = false;
        state.writes += 1;
        let fault = state.fault;
        if matches!(fault, Fault::None | Fault::Flush) {
            for (row, record) in &batch.rows {
                match record {
                    Some(record) => drop(state.rows.insert(*row, record.clone())),
                    None => drop(state.rows.remove(row)),
                }
            }
            state.last.extend(&batch.last);
        }
        drop(state);
        match fault {
            Fault::None => Ok(()),
            Fault::Panic => panic!("panic for the test"),
            _ => Err(BackendError::Io(ErrorKind::StorageFull.into())),
        }
    }

    fn recover(&mut self) -> Result<bool, BackendError> {
        let mut state = self.0.0.lock().unwrap();
        match std::mem::replace(&mut state.fault, Fault::None) {
            Fault::Gone => {
                state.fault = Fault::Gone;
                Err(BackendError::Replaced)
            }
            fault => Ok(fault == Fault::Flush),
        }
    }
}

/// A store on a fake backend with one queue, and its deliveries.
pub struct Fixture {
    pub backend: FakeBackend,
    pub queue: WriteQueue<u64>,
    pub delivered: Receiver<(u64, Durability)>,
    pub store: Option<Store>,
    pub counters: Arc<Counters>,
}

impl Fixture {
    pub fn new() -> Self {
        let backend = FakeBackend::default();
        let mut store = StoreBuilder::new(backend.clone(), "fake");
        let (sender, delivered) = channel();
        let queue = store.queue(send_each(sender));
        let counters = store.counters();
        let store = Some(store.start().unwrap());
        Self {
            backend,
            queue,
            delivered,
            store,
            counters,
        }
    }

    pub fn push(&self, number: u64) {
        push(&self.queue, number);
    }

    pub fn next_delivery(&self) -> (u64, Durability) {
        self.delivered.recv_timeout(TIMEOUT).expect("a delivery")
    }
}

/// Pushes a delivery, and a row with its number as key.
pub fn push(queue: &WriteQueue<u64>, number: u64) {
    let row = Change::put(TABLE, number, vec![1; 10]);
    queue.push(vec![row], number, 100);
}

fn send_each(sender: Sender<(u64, Durability)>) -> impl FnMut(Vec<u64>, Durability) + Send {
    move |deliveries, durability| {
        for delivery in deliveries {
            let _ = sender.send((delivery, durability)); // the test may have ended
        }
    }
}

pub const TABLE: Table = Table("table");
pub const TIMEOUT: Duration = Duration::from_secs(30);
