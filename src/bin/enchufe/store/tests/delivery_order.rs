//! Order of deliveries, and their relation to the writes.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::store::tests::fake_backend::{Fixture, TIMEOUT, push};
use crate::store::write_queue::{Durability, MAX_QUEUED_BYTES};

#[test]
fn a_delivery_waits_until_its_change_is_on_disk() {
    let fixture = Fixture::new();
    fixture.backend.set(|state| state.blocked = true);
    fixture.push(1);
    fixture.backend.wait_for(|state| state.is_writing);
    assert!(fixture.delivered.try_recv().is_err());
    assert!(fixture.backend.keys().is_empty());
    fixture.backend.set(|state| state.blocked = false);
    assert_eq!(fixture.next_delivery(), (1, Durability::Persisted));
    assert_eq!(fixture.backend.keys(), [1]);
}

#[test]
fn changes_pushed_during_a_write_share_the_next_one_and_are_delivered_in_order() {
    let fixture = Fixture::new();
    fixture.backend.set(|state| state.blocked = true);
    fixture.push(1);
    fixture.backend.wait_for(|state| state.is_writing);
    for number in 2..=1_000 {
        fixture.push(number);
    }
    fixture.backend.set(|state| state.blocked = false);
    for number in 1..=1_000 {
        assert_eq!(fixture.next_delivery(), (number, Durability::Persisted));
    }
    // The first write is the empty one of the start.
    fixture.backend.set(|state| assert_eq!(state.writes, 3));
}

#[test]
fn a_delivery_without_changes_waits_for_earlier_changes() {
    let fixture = Fixture::new();
    fixture.backend.set(|state| state.blocked = true);
    fixture.push(1);
    fixture.queue.push(Vec::new(), 2, 100);
    fixture.backend.wait_for(|state| state.is_writing);
    assert!(fixture.delivered.try_recv().is_err());
    fixture.backend.set(|state| state.blocked = false);
    assert_eq!(fixture.next_delivery().0, 1);
    assert_eq!(fixture.next_delivery(), (2, Durability::Persisted));
}

#[test]
fn deliveries_of_many_threads_keep_the_order_of_their_pushes() {
    let fixture = Fixture::new();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (queue, order) = (fixture.queue.clone(), &order);
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
        assert_eq!(fixture.next_delivery(), (number, Durability::Persisted));
    }
}

#[test]
fn closing_writes_the_queued_changes_and_later_deliveries_do_not_wait() {
    let mut fixture = Fixture::new();
    fixture.backend.set(|state| state.blocked = true);
    for number in 1..=3 {
        fixture.push(number);
    }
    let store = fixture.store.take().unwrap();
    let closing = thread::spawn(move || store.close());
    fixture.backend.set(|state| state.blocked = false);
    closing.join().unwrap();
    assert_eq!(fixture.backend.keys(), [1, 2, 3]);
    for number in 1..=3 {
        assert_eq!(fixture.next_delivery(), (number, Durability::Persisted));
    }
    fixture.push(4);
    assert_eq!(fixture.next_delivery(), (4, Durability::NotPersisted));
    fixture.queue.wait();
}

#[test]
fn a_session_waits_while_its_queue_is_full() {
    let fixture = Fixture::new();
    fixture.backend.set(|state| state.blocked = true);
    fixture.push(1);
    fixture.backend.wait_for(|state| state.is_writing);
    fixture.queue.wait();
    fixture.queue.push(Vec::new(), 2, MAX_QUEUED_BYTES + 1);
    let (waited, has_waited) = channel();
    let queue = fixture.queue.clone();
    let waiter = thread::spawn(move || {
        queue.wait();
        waited.send(()).unwrap();
    });
    assert!(has_waited.recv_timeout(Duration::from_millis(50)).is_err());
    fixture.backend.set(|state| state.blocked = false);
    has_waited.recv_timeout(TIMEOUT).unwrap();
    waiter.join().unwrap();
}
