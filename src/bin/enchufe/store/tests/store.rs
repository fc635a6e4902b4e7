//! What the store thread promises, as a specification, on a disk that a test plays.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::store::backend::{Backend, BackendError};
use crate::store::change::{Batch, Change, Table};
use crate::store::record::DecodeError;
use crate::store::write_queue::{Durability, MAX_WAITING, WriteQueue};
use crate::store::writer::{Store, StoreBuilder};

/// A disk that does what the test says, when the test says so.
#[derive(Clone, Default)]
struct FakeBackend(Arc<(Mutex<Part>, Condvar)>);

#[derive(Default)]
struct Part {
    rows: BTreeMap<(Table, u64), Vec<u8>>,
    last: BTreeMap<Table, u64>,
    writes: usize,
    /// The next write waits until this is false.
    held: bool,
    /// A write is waiting.
    waiting: bool,
    fault: Fault,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// Writing fails, and nothing is on disk.
    Full,
    /// Writing fails, and everything is on disk.
    Flush,
    /// Writing panics.
    Panic,
    /// Nothing works.
    Gone,
}

impl FakeBackend {
    fn set(&self, change: impl FnOnce(&mut Part)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn keys(&self) -> Vec<u64> {
        let part = self.0.0.lock().unwrap();
        part.rows.keys().map(|(_, key)| *key).collect()
    }

    fn wait_for(&self, what: impl Fn(&Part) -> bool) {
        let part = self.0.0.lock().unwrap();
        let (_part, waited) = self
            .0
            .1
            .wait_timeout_while(part, PATIENCE, |part| !what(part))
            .unwrap();
        assert!(!waited.timed_out());
    }
}

impl Backend for FakeBackend {
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError> {
        let part = self.0.0.lock().unwrap();
        for ((_, key), record) in part.rows.iter().filter(|((of, _), _)| *of == table) {
            each(*key, record);
        }
        Ok(part.last.get(&table).copied().unwrap_or(0))
    }

    fn write(&mut self, batch: &Batch) -> Result<(), BackendError> {
        let mut part = self.0.0.lock().unwrap();
        part.waiting = true;
        self.0.1.notify_all();
        let mut part = self.0.1.wait_while(part, |part| part.held).unwrap();
        part.waiting = false;
        part.writes += 1;
        let fault = part.fault;
        if matches!(fault, Fault::None | Fault::Flush) {
            for (row, record) in &batch.rows {
                match record {
                    Some(record) => drop(part.rows.insert(*row, record.clone())),
                    None => drop(part.rows.remove(row)),
                }
            }
            part.last.extend(&batch.last);
        }
        drop(part);
        match fault {
            Fault::None => Ok(()),
            Fault::Panic => panic!("as the test wants it"),
            _ => Err(BackendError::Io(ErrorKind::StorageFull.into())),
        }
    }

    fn recover(&mut self) -> Result<bool, BackendError> {
        let mut part = self.0.0.lock().unwrap();
        match std::mem::replace(&mut part.fault, Fault::None) {
            Fault::Gone => {
                part.fault = Fault::Gone;
                Err(BackendError::Replaced)
            }
            fault => Ok(fault == Fault::Flush),
        }
    }
}

/// A store on a played disk with one lane, and what came out of it.
struct Scene {
    disk: FakeBackend,
    queue: WriteQueue<u64>,
    out: Receiver<(u64, Durability)>,
    store: Option<Store>,
    counters: Arc<crate::store::counters::Counters>,
}

impl Scene {
    fn new() -> Scene {
        let disk = FakeBackend::default();
        let mut opened = StoreBuilder::over(disk.clone(), "played");
        let (sender, out) = channel();
        let queue = opened.queue(hand_to(sender));
        let counters = opened.counters();
        let store = Some(opened.start().unwrap());
        Scene {
            disk,
            queue,
            out,
            store,
            counters,
        }
    }

    fn push(&self, number: u64) {
        push(&self.queue, number);
    }

    fn out(&self) -> (u64, Durability) {
        self.out.recv_timeout(PATIENCE).expect("a parcel")
    }
}

/// A parcel with a row of the same number.
fn push(queue: &WriteQueue<u64>, number: u64) {
    let row = Change::put(TABLE, number, vec![1; 10]);
    queue.push(vec![row], number, 100);
}

fn hand_to(sender: Sender<(u64, Durability)>) -> impl FnMut(Vec<u64>, Durability) + Send {
    move |parcels, standing| {
        for parcel in parcels {
            let _ = sender.send((parcel, standing));
        }
    }
}

const TABLE: Table = Table("table");
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_parcel_leaves_when_its_change_is_on_disk_and_not_before() {
    let scene = Scene::new();
    scene.disk.set(|part| part.held = true);
    scene.push(1);
    scene.disk.wait_for(|part| part.waiting);
    assert!(scene.out.try_recv().is_err());
    assert!(scene.disk.keys().is_empty());
    scene.disk.set(|part| part.held = false);
    assert_eq!(scene.out(), (1, Durability::Persisted));
    assert_eq!(scene.disk.keys(), [1]);
}

#[test]
fn what_gathers_during_a_write_is_written_together_and_leaves_in_order() {
    let scene = Scene::new();
    scene.disk.set(|part| part.held = true);
    scene.push(1);
    scene.disk.wait_for(|part| part.waiting);
    for number in 2..=1_000 {
        scene.push(number);
    }
    scene.disk.set(|part| part.held = false);
    for number in 1..=1_000 {
        assert_eq!(scene.out(), (number, Durability::Persisted));
    }
    // The first, empty one is the start's.
    scene.disk.set(|part| assert_eq!(part.writes, 3));
}

#[test]
fn an_answer_that_changes_nothing_waits_for_what_was_pushed_before_it() {
    let scene = Scene::new();
    scene.disk.set(|part| part.held = true);
    scene.push(1);
    scene.queue.push(Vec::new(), 2, 100);
    scene.disk.wait_for(|part| part.waiting);
    assert!(scene.out.try_recv().is_err());
    scene.disk.set(|part| part.held = false);
    assert_eq!(scene.out().0, 1);
    assert_eq!(scene.out(), (2, Durability::Persisted));
}

#[test]
fn many_threads_see_the_order_in_which_they_pushed() {
    let scene = Scene::new();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (queue, order) = (scene.queue.clone(), &order);
            scope.spawn(move || {
                for number in 1..=250 {
                    let mut order = order.lock().unwrap();
                    order.push(thread * 1_000 + number);
                    push(&queue, thread * 1_000 + number);
                }
            });
        }
    });
    for number in order.into_inner().unwrap() {
        assert_eq!(scene.out(), (number, Durability::Persisted));
    }
}

#[test]
fn while_writing_fails_parcels_leave_unkept_and_later_everything_is_written() {
    for fault in [Fault::Full, Fault::Flush, Fault::Panic] {
        let scene = Scene::new();
        scene.disk.set(|part| part.fault = fault);
        scene.push(1);
        assert_eq!(scene.out(), (1, Durability::NotPersisted));
        assert!(scene.counters.failing.load(Relaxed));
        scene.push(2);
        assert_eq!(scene.out(), (2, Durability::NotPersisted));
        // The second attempt, a second later, finds the disk in order.
        scene.disk.wait_for(|part| part.rows.len() == 2);
        let mut number = 3;
        loop {
            scene.push(number);
            if scene.out() == (number, Durability::Persisted) {
                break;
            }
            number += 1;
        }
        assert_eq!(scene.disk.keys(), Vec::from_iter(1..=number));
        assert!(!scene.counters.failing.load(Relaxed));
        assert_eq!(scene.counters.failures.load(Relaxed), 1);
    }
}

#[test]
fn a_disk_that_is_gone_for_good_holds_nobody_up() {
    let scene = Scene::new();
    scene.disk.set(|part| part.fault = Fault::Gone);
    for number in 1..=100 {
        scene.push(number);
        assert_eq!(scene.out(), (number, Durability::NotPersisted));
    }
    drop(scene.store);
}

#[test]
fn closing_writes_what_is_left_and_what_comes_later_goes_straight_through() {
    let mut scene = Scene::new();
    scene.disk.set(|part| part.held = true);
    for number in 1..=3 {
        scene.push(number);
    }
    let store = scene.store.take().unwrap();
    let closing = thread::spawn(move || store.close());
    scene.disk.set(|part| part.held = false);
    closing.join().unwrap();
    assert_eq!(scene.disk.keys(), [1, 2, 3]);
    for number in 1..=3 {
        assert_eq!(scene.out(), (number, Durability::Persisted));
    }
    scene.push(4);
    assert_eq!(scene.out(), (4, Durability::NotPersisted));
    scene.queue.wait();
}

#[test]
fn who_outruns_the_disk_waits_for_it() {
    let scene = Scene::new();
    scene.disk.set(|part| part.held = true);
    scene.push(1);
    scene.disk.wait_for(|part| part.waiting);
    scene.queue.wait();
    scene.queue.push(Vec::new(), 2, MAX_WAITING + 1);
    let (waited, has_waited) = channel();
    let queue = scene.queue.clone();
    let waiter = thread::spawn(move || {
        queue.wait();
        waited.send(()).unwrap();
    });
    assert!(has_waited.recv_timeout(Duration::from_millis(50)).is_err());
    scene.disk.set(|part| part.held = false);
    has_waited.recv_timeout(PATIENCE).unwrap();
    waiter.join().unwrap();
}

#[test]
fn a_panic_of_the_receiver_does_not_end_the_store() {
    let mut opened = StoreBuilder::over(FakeBackend::default(), "played");
    let (sender, out) = channel();
    let queue = opened.queue(move |parcels: Vec<u64>, _| {
        assert_ne!(parcels, [1], "as the test wants it");
        let _ = sender.send(parcels);
    });
    let _store = opened.start().unwrap();
    queue.push(Vec::new(), 1, 0);
    while {
        queue.push(Vec::new(), 2, 0);
        out.recv_timeout(Duration::from_millis(10)).is_err()
    } {}
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let disk = FakeBackend::default();
    disk.set(|part| {
        for key in [4, 5, 6] {
            part.rows.insert((TABLE, key), vec![]);
        }
    });
    let opened = StoreBuilder::over(disk, "the/place");
    let error = opened.read(TABLE, |key, _| match key {
        4 => Ok(()),
        _ => Err(DecodeError::UnknownVersion(7)),
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "cannot read the/place: row 5 of table: it has version 7, and only 1 is known; it takes the version of this \
         program that wrote it, or a later one"
    );
}

#[test]
fn a_disk_that_cannot_be_written_to_is_found_out_at_the_start() {
    let disk = FakeBackend::default();
    disk.set(|part| part.fault = Fault::Full);
    let error = StoreBuilder::over(disk, "the/place").start().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot keep history in the/place: "),
        "{error}"
    );
}
