//! A room: three people talk at once. One of them comes in the middle, one leaves in the middle, and one of the members takes
//! nothing for a while.
//!
//! Whatever the order: there is *one* order of messages, and every member hears it from where it came to where it left, or
//! to where it was closed, without a hole; the last frame is a Close that says why. Nothing is left behind: nobody delivers
//! again when everybody is done, and nobody waits for ever, neither a thread that takes over from a deliverer nor one that
//! wants to know that all before is delivered.

use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::net::connection::send_queue::SendQueue;
use crate::net::connection::sync::Mutex;
use crate::net::connection::websocket::Sender;
use crate::net::room::model::check;
use crate::net::room::model::peer::{Heard, Peer};
use crate::net::room::room::{Entry, MemberId, PreparedMessage, Recipients, Room};
use crate::protocol::close::{CloseCode, CloseReason};

#[test]
fn everybody_hears_one_order_without_a_hole_while_members_come_and_go_and_one_is_slow() {
    check(SCHEDULES, || {
        let scene = Scene::new(AMPLE);
        scene.play(|_| {});
        scene.close_all();
        for told in scene.end() {
            assert!(told.heard.len() >= told.owed, "{told:?}");
            assert_eq!(told.code, told.guest.farewell(), "{told:?}");
        }
    });
}

#[test]
fn who_is_too_slow_hears_the_beginning_and_1008_and_nobody_else_minds() {
    check(SCHEDULES, || {
        let scene = Scene::new(SCARCE);
        scene.play(|_| {});
        scene.close_all();
        for told in scene.end() {
            if told.code == 1008 {
                assert_eq!(told.guest, Guest::Slow, "{told:?}");
            } else {
                assert!(told.heard.len() >= told.owed, "{told:?}");
                assert_eq!(told.code, told.guest.farewell(), "{told:?}");
            }
        }
    });
}

#[test]
fn who_is_closed_in_the_middle_hears_the_beginning_and_one_close() {
    check(SCHEDULES, || {
        let scene = Scene::new(AMPLE);
        scene.play(Scene::close_all);
        for told in scene.end() {
            assert!(
                [1001, told.guest.farewell()].contains(&told.code),
                "{told:?}"
            );
        }
    });
}

/// Who takes part. Each of them is a member of the room, and says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guest {
    /// Its socket takes nothing for a while.
    Slow,
    /// It comes in the middle.
    Newcomer,
    /// It leaves in the middle.
    Leaver,
}

struct Scene {
    room: Room<Peer>,
    /// What happened in the room. Whatever is appended to it is appended under this lock, as a service does it.
    order: Mutex<Vec<Step>>,
    guests: [(Peer, Arc<SendQueue<Peer>>); 3],
}

#[derive(Debug)]
enum Step {
    Joined(Guest),
    Said(Recipients, String),
    /// A guest wants to know when all before is delivered.
    Marked(Guest),
    Left(Guest),
}

/// What a guest heard, and how it was closed.
#[derive(Debug)]
struct Told {
    guest: Guest,
    /// What was said to it from when it came to when it left. It may be closed before the end.
    #[expect(dead_code, reason = "it is for whoever reads why a test failed")]
    meant: Vec<String>,
    /// So much of it must have arrived, unless it was closed before.
    owed: usize,
    heard: Vec<String>,
    code: u16,
}

impl Scene {
    /// A room with two members. The slow one may have a backlog of so many bytes.
    fn new(max_send_queue: usize) -> Scene {
        let mut room = Room::default();
        // So few that a deliverer has to hand over although little is said.
        room.rounds = thread_rng().gen_range(1..=2);
        let guests = [
            (Peer::stalled(), max_send_queue),
            (Peer::quick(), AMPLE),
            (Peer::fickle(), AMPLE),
        ];
        let scene = Scene {
            room,
            order: Mutex::default(),
            guests: guests
                .map(|(peer, max_send_queue)| (peer.clone(), peer.connect(max_send_queue))),
        };
        scene.join(Guest::Slow);
        scene.join(Guest::Leaver);
        scene
    }

    /// Lets everybody say what they have to say, all at once, and `meanwhile` happen.
    fn play(&self, meanwhile: impl Fn(&Scene)) {
        thread::scope(|scope| {
            scope.spawn(|| {
                self.say(Recipients::All, "s0");
                self.say(Recipients::Except(Guest::Slow.id()), "s1");
            });
            scope.spawn(|| {
                self.join(Guest::Newcomer);
                self.say(Recipients::All, "n0");
                self.say(Recipients::All, "n1");
            });
            scope.spawn(|| {
                self.say(Recipients::All, "l0");
                self.settle(Guest::Leaver);
                self.leave(Guest::Leaver);
            });
            scope.spawn(|| self.peer(Guest::Slow).resume());
            meanwhile(self);
        });
    }

    /// Winds all connections down. Checks that nobody has heard anything else than was meant for it, in that order, and then
    /// one Close.
    fn end(&self) -> [Told; 3] {
        [Guest::Slow, Guest::Newcomer, Guest::Leaver].map(|guest| {
            self.queue(guest).shutdown_send();
            let (meant, owed) = self.meant_for(guest);
            let mut frames = self.peer(guest).heard();
            let Some(Heard::Close(code)) = frames.pop() else {
                panic!("{guest:?} was not closed");
            };
            let heard: Vec<_> = frames.iter().map(|frame| frame.text().to_owned()).collect();
            assert!(
                meant.starts_with(&heard),
                "{guest:?}: {heard:?}, not {meant:?}"
            );
            Told {
                guest,
                meant,
                owed,
                heard,
                code,
            }
        })
    }

    /// What was said to a guest while it was here, and how much of it before it asked whether all was delivered.
    fn meant_for(&self, guest: Guest) -> (Vec<String>, usize) {
        let (mut here, mut meant, mut owed) = (false, Vec::new(), None);
        for step in &*self.order.lock() {
            match step {
                Step::Joined(who) if *who == guest => here = true,
                Step::Left(who) if *who == guest => here = false,
                Step::Marked(who) if *who == guest => owed = Some(meant.len()),
                Step::Said(to, text) if here && to.includes(guest.id()) => meant.push(text.clone()),
                _ => {}
            }
        }
        let owed = owed.unwrap_or(meant.len());
        (meant, owed)
    }

    fn say(&self, to: Recipients, text: &str) {
        let message = PreparedMessage::new(text);
        self.share(
            Step::Said(to.clone(), text.to_owned()),
            Entry::Message { to, message },
        );
    }

    fn join(&self, guest: Guest) {
        let (id, sender) = (guest.id(), self.sender(guest));
        self.share(Step::Joined(guest), Entry::Join { id, sender });
    }

    /// Waits until all that was said before is delivered.
    fn settle(&self, guest: Guest) {
        let (done, settled) = mpsc::channel();
        self.share(Step::Marked(guest), Entry::Barrier(done));
        while settled.try_recv() == Err(TryRecvError::Empty) {
            thread::yield_now();
        }
    }

    /// As a service takes leave: out of the room, and then the Close.
    fn leave(&self, guest: Guest) {
        self.share(Step::Left(guest), Entry::Leave(guest.id()));
        let _ = self.sender(guest).close(CloseCode::NormalClosure, ""); // it may be closed already
    }

    /// As a server that stops takes leave of everybody.
    fn close_all(&self) {
        let reason = CloseReason::new(CloseCode::GoingAway, "");
        for (_, queue) in &self.guests {
            let _ = queue.close(Some(&reason)); // it may be closed already
        }
    }

    fn share(&self, step: Step, entry: Entry<Peer>) {
        let mut order = self.order.lock();
        order.push(step);
        self.room.append([entry]);
        drop(order);
        self.room.deliver();
    }

    fn peer(&self, guest: Guest) -> &Peer {
        &self.guests[guest as usize].0
    }

    fn queue(&self, guest: Guest) -> &Arc<SendQueue<Peer>> {
        &self.guests[guest as usize].1
    }

    fn sender(&self, guest: Guest) -> Sender<Peer> {
        let queue = Arc::clone(self.queue(guest));
        Sender { queue }
    }
}

impl Guest {
    fn id(self) -> MemberId {
        MemberId(self as u64)
    }

    /// The code of its Close, if all goes well.
    fn farewell(self) -> u16 {
        match self {
            Guest::Leaver => 1000,
            Guest::Slow | Guest::Newcomer => 1001,
        }
    }
}

/// Bytes of backlog: more than is ever said, and less than is said in most schedules.
const AMPLE: usize = 1 << 20;
const SCARCE: usize = 6;
const SCHEDULES: usize = 10_000;
