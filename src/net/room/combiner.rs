//! Flat combiner of a [`Room`](crate::net::room::room::Room): decides which of the appending threads delivers a batch.
//! It is plain data without locks, so the tests below try every order of steps. `model/room.rs` tests it with locks,
//! waiting and members.
//!
//! ```text
//!            enter, entries exist                 next, the last batch
//!   Idle ------------------------------> Busy ----------------------------> Ending
//!      ^                                  |                                   |  enter: wait
//!      |          next, nothing is left   |                                   v
//!      +----------------------------------+                          SuccessorWaiting
//!      ^                                                                      |
//!      +----------------- next: waiting threads re-enter --------------------+
//! ```
//!
//! A delivering thread hands over after a limited number of batches. It announces its last batch, and the next thread to
//! enter waits for that batch and takes over. So no thread delivers for others forever, and no batch is left undelivered.

/// Appended entries that are not delivered yet, and the state of the delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FlatCombiner<E> {
    entries: Vec<E>,
    delivery: Delivery,
    /// Batches that the delivering thread may still take.
    left: u32,
}

/// Instruction for a thread that enters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EnterResult<E> {
    /// Nothing to do: another thread delivers the entries, or there are none.
    Leave,
    /// Wait while [`FlatCombiner::is_awaited`], and enter again.
    Wait,
    /// Deliver this batch, then call [`FlatCombiner::next_batch`].
    Deliver(Vec<E>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Delivery {
    /// No thread delivers.
    Idle,
    /// A thread delivers, and others need not wait.
    Busy,
    /// A thread delivers its last batch. The next thread to enter waits and takes over.
    Ending,
    /// A thread delivers its last batch, and its successor waits.
    SuccessorWaiting,
}

impl<E> FlatCombiner<E> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            delivery: Delivery::Idle,
            left: 0,
        }
    }

    /// Appends entries.
    pub(crate) fn append(&mut self, entries: impl IntoIterator<Item = E>) {
        self.entries.extend(entries);
    }

    /// Whether everything appended was taken by a delivering thread.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Asks for delivery of the appended entries. A delivering thread takes at most `rounds` batches.
    pub(crate) fn enter(&mut self, rounds: u32) -> EnterResult<E> {
        match self.delivery {
            _ if self.entries.is_empty() => EnterResult::Leave,
            Delivery::Idle => {
                self.left = rounds;
                self.take().map_or(EnterResult::Leave, EnterResult::Deliver)
            }
            Delivery::Busy | Delivery::SuccessorWaiting => EnterResult::Leave,
            Delivery::Ending => {
                self.delivery = Delivery::SuccessorWaiting;
                EnterResult::Wait
            }
        }
    }

    /// Whether a thread that got [`EnterResult::Wait`] must keep waiting.
    pub(crate) fn is_awaited(&self) -> bool {
        self.delivery == Delivery::SuccessorWaiting
    }

    /// Returns the next batch after the previous one is delivered. After `None`, the thread is done and must wake all
    /// waiting threads.
    pub(crate) fn next_batch(&mut self) -> Option<Vec<E>> {
        match self.delivery {
            Delivery::Busy | Delivery::Idle => self.take(),
            // The thread that appended entries meanwhile waits, or has not entered yet.
            Delivery::Ending | Delivery::SuccessorWaiting => {
                self.delivery = Delivery::Idle;
                None
            }
        }
    }

    fn take(&mut self) -> Option<Vec<E>> {
        if self.entries.is_empty() {
            self.delivery = Delivery::Idle;
            return None;
        }
        self.left = self.left.saturating_sub(1);
        self.delivery = if self.left == 0 {
            Delivery::Ending
        } else {
            Delivery::Busy
        };
        Some(std::mem::take(&mut self.entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// State of the threads that share a combiner, between two steps. A step is one locked section, or the delivery of one
    /// entry.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct World {
        combiner: FlatCombiner<u32>,
        threads: Vec<Thread>,
        /// Entries are numbered as they are appended, so the order is right if they are delivered as 0, 1, 2, ...
        appended: u32,
        delivered: u32,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Thread {
        /// Number of entries to append before each call of `enter`, in reverse order.
        program: Vec<u32>,
        at: At,
        batches: u32,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    enum At {
        Append,
        Enter,
        /// `true` after a wakeup.
        Waiting(bool),
        Delivering(Vec<u32>),
    }

    impl World {
        fn new(programs: &[&[u32]]) -> Self {
            let thread = |program: &&[u32]| Thread {
                program: program.to_vec(),
                at: At::Append,
                batches: 0,
            };
            Self {
                combiner: FlatCombiner::new(),
                threads: programs.iter().map(thread).collect(),
                appended: 0,
                delivered: 0,
            }
        }

        /// Returns the state after the next step of a thread, or `None` if the thread is done or waits.
        fn step(&self, index: usize, rounds: u32) -> Option<Self> {
            let mut world = self.clone();
            let thread = &mut world.threads[index];
            let count = *thread.program.last()?;
            match &mut thread.at {
                At::Append => {
                    world.combiner.append(self.appended..self.appended + count);
                    world.appended += count;
                    thread.at = At::Enter;
                }
                At::Waiting(false) => return None,
                At::Waiting(woken) if world.combiner.is_awaited() => *woken = false,
                At::Enter | At::Waiting(true) => match world.combiner.enter(rounds) {
                    EnterResult::Leave => thread.leave(),
                    EnterResult::Wait => thread.at = At::Waiting(false),
                    EnterResult::Deliver(batch) => thread.deliver(batch, rounds),
                },
                At::Delivering(batch) if !batch.is_empty() => {
                    assert_eq!(batch.remove(0), self.delivered, "out of order");
                    world.delivered += 1;
                }
                At::Delivering(_) => match world.combiner.next_batch() {
                    Some(batch) => thread.deliver(batch, rounds),
                    None => {
                        thread.leave();
                        for at in world.threads.iter_mut().map(|thread| &mut thread.at) {
                            if let At::Waiting(woken) = at {
                                *woken = true;
                            }
                        }
                    }
                },
            }
            let delivering = |thread: &&Thread| matches!(thread.at, At::Delivering(_));
            assert!(world.threads.iter().filter(delivering).count() <= 1);
            Some(world)
        }

        fn is_done(&self) -> bool {
            self.threads.iter().all(|thread| thread.program.is_empty())
        }
    }

    impl Thread {
        fn leave(&mut self) {
            self.program.pop();
            self.batches = 0;
            self.at = At::Append;
        }

        fn deliver(&mut self, batch: Vec<u32>, rounds: u32) {
            self.batches += 1;
            assert!(
                self.batches <= rounds,
                "a thread delivers more batches than allowed"
            );
            self.at = At::Delivering(batch);
        }
    }

    /// Tries every order of steps. Returns the number of distinct states.
    fn explore(programs: &[&[u32]], rounds: u32) -> usize {
        let mut seen = HashSet::new();
        let mut open = vec![World::new(programs)];
        while let Some(world) = open.pop() {
            if seen.contains(&world) {
                continue;
            }
            let next: Vec<World> = (0..programs.len())
                .filter_map(|index| world.step(index, rounds))
                .collect();
            if next.is_empty() {
                assert!(world.is_done(), "deadlock: {world:?}");
                assert_eq!(world.delivered, world.appended, "not delivered: {world:?}");
                assert_eq!(world.combiner.delivery, Delivery::Idle);
            }
            open.extend(next);
            seen.insert(world);
        }
        seen.len()
    }

    #[test]
    fn every_order_of_steps_delivers_all_entries_in_order_without_deadlock() {
        for rounds in 1..=3 {
            explore(&[&[1]], rounds);
            explore(&[&[1, 1, 1], &[1, 1, 1]], rounds);
            explore(&[&[2, 1], &[1, 2], &[1]], rounds);
            // A thread without entries may still enter.
            explore(&[&[1, 0], &[0, 1], &[2]], rounds);
        }
        let worlds = explore(&[&[1, 1], &[1, 1], &[1], &[1]], 1);
        assert!(worlds > 10_000, "only {worlds} states explored");
    }

    #[test]
    fn one_thread_delivers_what_others_append_meanwhile() {
        let mut combiner = FlatCombiner::new();
        assert_eq!(combiner.enter(2), EnterResult::Leave);
        combiner.append([1, 2]);
        assert_eq!(combiner.enter(2), EnterResult::Deliver(vec![1, 2]));
        combiner.append([3]);
        assert_eq!(combiner.enter(2), EnterResult::Leave);
        assert_eq!(combiner.next_batch(), Some(vec![3]));
        combiner.append([4]);
        assert_eq!(combiner.enter(2), EnterResult::Wait);
        assert_eq!(
            combiner.enter(2),
            EnterResult::Leave,
            "one successor is enough"
        );
        assert!(combiner.is_awaited());
        assert_eq!(combiner.next_batch(), None);
        assert!(!combiner.is_awaited());
        assert_eq!(combiner.enter(2), EnterResult::Deliver(vec![4]));
        assert_eq!(combiner.next_batch(), None);
    }
}
