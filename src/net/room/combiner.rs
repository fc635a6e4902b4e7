//! Who hands out a batch that many threads append to: the decisions of a [`Room`](crate::net::room::room::Room) as plain data, without its
//! locks and its waiting, so that every order in which threads can take them is tried in the tests below. With both, and
//! with what members do, they are tried in `model/room.rs`.
//!
//! ```text
//!            enter, something is there            next, the last batch
//!   Nobody ----------------------------> Busy ----------------------------> Ending
//!      ^                                  |                                   |  enter: wait
//!      |          next, nothing is left   |                                   v
//!      +----------------------------------+                                Awaited
//!      ^                                                                      |
//!      +----------------- next: those who wait enter again -------------------+
//! ```
//!
//! A thread that others keep busy hands over: it announces its last batch, and the next one to enter waits for that batch
//! and takes its place. So nobody hands out for others for long, and no batch is left behind.

/// What was appended and not handed out, and who is at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FlatCombiner<E> {
    entries: Vec<E>,
    delivery: Delivery,
    /// Batches that the one who delivers may still take.
    left: u32,
}

/// What a thread that enters has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EnterResult<E> {
    /// Nothing: somebody else sees to what is there, or there is nothing.
    Leave,
    /// Wait while [`FlatCombiner::is_awaited`], and enter again.
    Wait,
    /// Hand this out, and ask for the [next](FlatCombiner::next).
    Deliver(Vec<E>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Delivery {
    Nobody,
    /// Somebody, and everyone else may go.
    Busy,
    /// Somebody who is on its last batch; the next one to come waits and takes over.
    Ending,
    /// Somebody on its last batch, and its successor waits.
    SuccessorWaiting,
}

impl<E> FlatCombiner<E> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            delivery: Delivery::Nobody,
            left: 0,
        }
    }

    /// Appends to the order.
    pub(crate) fn append(&mut self, entries: impl IntoIterator<Item = E>) {
        self.entries.extend(entries);
    }

    /// Whether everything appended was taken by a delivering thread.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// For a thread that wants what was appended to be handed out. The thread that delivers takes at most `rounds` batches.
    pub(crate) fn enter(&mut self, rounds: u32) -> EnterResult<E> {
        match self.delivery {
            _ if self.entries.is_empty() => EnterResult::Leave,
            Delivery::Nobody => {
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

    /// Whether those who were told to wait must go on waiting.
    pub(crate) fn is_awaited(&self) -> bool {
        self.delivery == Delivery::SuccessorWaiting
    }

    /// For the one who delivers, when its batch is handed out: the next batch. `None`: it is done, and wakes all who wait.
    pub(crate) fn next_batch(&mut self) -> Option<Vec<E>> {
        match self.delivery {
            Delivery::Busy | Delivery::Nobody => self.take(),
            // If entries came meanwhile, their author waits, or has yet to enter.
            Delivery::Ending | Delivery::SuccessorWaiting => {
                self.delivery = Delivery::Nobody;
                None
            }
        }
    }

    fn take(&mut self) -> Option<Vec<E>> {
        if self.entries.is_empty() {
            self.delivery = Delivery::Nobody;
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

    /// Threads that share a combiner, stopped between two steps. Each step is what one of them does under the lock, or
    /// the handing out of one entry.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct World {
        combiner: FlatCombiner<u32>,
        threads: Vec<Thread>,
        /// Entries are numbered as they are appended, so the order is right if they are handed out as 0, 1, 2, ...
        appended: u32,
        handed_out: u32,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Thread {
        /// How many entries it appends before each time it enters; the last is done first.
        program: Vec<u32>,
        at: At,
        batches: u32,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    enum At {
        Append,
        Enter,
        /// `true` once it was woken.
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
                handed_out: 0,
            }
        }

        /// Where the world is after the next step of a thread; `None` if that one is done or waits.
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
                    assert_eq!(batch.remove(0), self.handed_out, "out of order");
                    world.handed_out += 1;
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
            assert!(self.batches <= rounds, "it delivers for others for ever");
            self.at = At::Delivering(batch);
        }
    }

    /// Tries every order of steps: how many different worlds there are on the way.
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
                assert!(world.is_done(), "nobody can go on: {world:?}");
                assert_eq!(world.handed_out, world.appended, "left behind: {world:?}");
                assert_eq!(world.combiner.delivery, Delivery::Nobody);
            }
            open.extend(next);
            seen.insert(world);
        }
        seen.len()
    }

    #[test]
    fn in_every_order_of_steps_all_is_handed_out_in_order_and_nobody_waits_for_ever() {
        for rounds in 1..=3 {
            explore(&[&[1]], rounds);
            explore(&[&[1, 1, 1], &[1, 1, 1]], rounds);
            explore(&[&[2, 1], &[1, 2], &[1]], rounds);
            // Who has nothing to append may still enter.
            explore(&[&[1, 0], &[0, 1], &[2]], rounds);
        }
        let worlds = explore(&[&[1, 1], &[1, 1], &[1], &[1]], 1);
        assert!(worlds > 10_000, "{worlds} are too few to have tried much");
    }

    #[test]
    fn one_thread_delivers_at_once_and_alone_what_others_append_meanwhile() {
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
