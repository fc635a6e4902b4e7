//! Writes that fail, and receivers that panic: deliveries continue, and the changes are written later.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::store::tests::fake_backend::{FakeBackend, Fault, Fixture};
use crate::store::write_queue::Durability;
use crate::store::writer::StoreBuilder;

#[test]
fn while_writing_fails_deliveries_are_not_persisted_and_later_all_changes_are_written() {
    for fault in [Fault::Full, Fault::Flush, Fault::Panic] {
        let fixture = Fixture::new();
        fixture.backend.set(|state| state.fault = fault);
        fixture.push(1);
        assert_eq!(fixture.next_delivery(), (1, Durability::NotPersisted));
        assert!(fixture.counters.failing.load(Relaxed));
        fixture.push(2);
        assert_eq!(fixture.next_delivery(), (2, Durability::NotPersisted));
        // The recovery, a second later, succeeds.
        fixture.backend.wait_for(|state| state.rows.len() == 2);
        let mut number = 3;
        loop {
            fixture.push(number);
            if fixture.next_delivery() == (number, Durability::Persisted) {
                break;
            }
            number += 1;
        }
        assert_eq!(fixture.backend.keys(), Vec::from_iter(1..=number));
        assert!(!fixture.counters.failing.load(Relaxed));
        assert_eq!(fixture.counters.failures.load(Relaxed), 1);
    }
}

#[test]
fn a_backend_that_never_recovers_delays_no_delivery() {
    let fixture = Fixture::new();
    fixture.backend.set(|state| state.fault = Fault::Gone);
    for number in 1..=100 {
        fixture.push(number);
        assert_eq!(fixture.next_delivery(), (number, Durability::NotPersisted));
    }
    drop(fixture.store);
}

#[test]
fn a_panic_of_the_receiver_does_not_stop_the_store_thread() {
    let mut store = StoreBuilder::new(FakeBackend::default(), "fake");
    let (sender, delivered) = channel();
    let queue = store.queue(move |deliveries: Vec<u64>, _| {
        assert_ne!(deliveries, [1], "panic for the test");
        let _ = sender.send(deliveries); // the test may have ended
    });
    let _store = store.start().unwrap();
    queue.push(Vec::new(), 1, 0);
    while {
        queue.push(Vec::new(), 2, 0);
        delivered.recv_timeout(Duration::from_millis(10)).is_err()
    } {}
}
