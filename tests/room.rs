//! Rooms on real sockets: every member sees one order without holes, with slow members and many publishers.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{Entry, MemberId, PreparedMessage, Recipients, RequestContext, Room, Upgrade};
use enchufe::protocol::Role;
use enchufe::{Error, Limits, Message, MessageRef, Reader, Sender, WebSocket};

use support::peer::{BINARY, CLOSE, Peer, TEXT, masked, reason, unmasked};
use support::server::{PATIENCE, TestServer, limits, within};
use support::wire::OVER_UNIX;

/// A small service on a room. Its state is the number of the next message; the order of the state is the order for all.
///
/// A newcomer is told `welcome <its id> <the next number>`. A message `<audience> <text>` becomes `<number> <text>` for its
/// audience: `all`, `but:<id>`, `only:<id>` or `both:<id>:<id>`. `leave` leaves the room and keeps the connection.
#[derive(Default)]
struct Hall {
    room: Room,
    next_message: Mutex<u64>,
    /// Members by the number that the test knows them by.
    members: Mutex<Vec<MemberId>>,
}

impl Hall {
    fn session(&self, ws: WebSocket) -> Result<(), Error> {
        let (mut reader, sender) = ws.split();
        let member = self.join(sender);
        let outcome = self.serve(member, &mut reader);
        self.room.leave(member);
        outcome
    }

    fn join(&self, sender: Sender) -> MemberId {
        let next = self.next_message.lock().expect("no panic");
        let mut members = self.members.lock().expect("no panic");
        let (number, id) = (members.len(), MemberId::unique());
        members.push(id);
        drop(members);
        self.room.append([Entry::Join { id, sender }]);
        self.room
            .queue(Recipients::Only(id), format!("welcome {number} {next}"));
        drop(next);
        self.room.deliver();
        id
    }

    fn serve(&self, member: MemberId, reader: &mut Reader) -> Result<(), Error> {
        while let Some(message) = reader.read()? {
            let text = message.text().unwrap_or_default();
            if text == "leave" {
                self.room.append([Entry::Leave(member)]);
            } else {
                self.publish(text);
            }
            if !reader.has_buffered_message() {
                self.room.deliver();
            }
        }
        Ok(())
    }

    fn publish(&self, message: &str) {
        let (to, text) = message.split_once(' ').unwrap_or((message, ""));
        let mut parts = to.split(':');
        let kind = parts.next();
        let mut id = || {
            let number = parts.next().and_then(|it| it.parse::<usize>().ok());
            let members = self.members.lock().expect("no panic");
            let member = number.and_then(|number| members.get(number).copied());
            member.unwrap_or_else(MemberId::unique)
        };
        let to = match kind {
            Some("but") => Recipients::Except(id()),
            Some("only") => Recipients::Only(id()),
            Some("both") => Recipients::Members(vec![id(), id()]),
            _ => Recipients::All,
        };
        let mut next = self.next_message.lock().expect("no panic");
        self.room.queue(to, format!("{next} {text}"));
        *next += 1;
    }
}

fn hall(limits: Limits) -> (TestServer, Arc<Hall>) {
    let hall = Arc::new(Hall::default());
    let service = Arc::clone(&hall);
    let server = TestServer::of(limits, move |ws| service.session(ws));
    (server, hall)
}

/// A member: its connection, and what it was told when it came.
struct Member {
    peer: Peer,
    id: u64,
    next: u64,
}

fn enter(server: &TestServer) -> Member {
    let mut peer = server.open("/");
    let welcome = text(&mut peer);
    let words: Vec<&str> = welcome.split(' ').collect();
    let ["welcome", id, next] = words[..] else {
        panic!("{welcome}");
    };
    let number = |text: &str| text.parse().expect("a number");
    Member {
        peer,
        id: number(id),
        next: number(next),
    }
}

fn text(peer: &mut Peer) -> String {
    let frame = peer.frame();
    assert_eq!(frame.first, TEXT);
    String::from_utf8(frame.payload).expect("text")
}

impl Member {
    fn send(&mut self, text: impl AsRef<[u8]>) {
        self.peer.send(masked(TEXT, text));
    }

    /// The next message.
    fn read(&mut self) -> String {
        text(&mut self.peer)
    }
}

/// As many connections as the descriptors allow, two for each, but a thousand at most.
fn crowd() -> usize {
    let table = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = table
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(1_000, |soft| {
        (soft.saturating_sub(200) / 2 * 8 / 10).min(1_000)
    })
}

/// Promise 1: one total order per room.
#[test]
fn a_thousand_in_one_room_see_each_others_messages_in_one_order() {
    const LINE: usize = 16;
    let count = crowd();
    let (server, _) = hall(limits());
    let start = Instant::now();
    let mut members: Vec<Member> = (0..count).map(|_| enter(&server)).collect();
    println!("{count} members after {:?}", start.elapsed());

    // Four threads send for them all, so that many sessions are ready at once.
    thread::scope(|scope| {
        for quarter in members.chunks_mut(count.div_ceil(4)) {
            scope.spawn(move || {
                for member in quarter {
                    member.send(format!("all {:08}", member.id));
                }
            });
        }
    });
    // `a`, a number below 1,000 in as many digits as it has, and 8 digits: the length varies, so read it frame by frame.
    let order: Vec<String> = (0..count).map(|_| members[0].read()).collect();
    println!("the first has it all after {:?}", start.elapsed());
    for (number, line) in order.iter().enumerate() {
        assert!(
            line.starts_with(&format!("{number} ")),
            "{line} is number {number}"
        );
    }
    let mut authors: Vec<&str> = order
        .iter()
        .map(|line| line.split_once(' ').expect("two words").1)
        .collect();
    authors.sort_unstable();
    authors.dedup();
    assert_eq!(authors.len(), count, "everybody's message, once");

    for member in &mut members[1..] {
        // What the first has seen, byte by byte.
        let expected: Vec<u8> = order.iter().flat_map(|line| unmasked(TEXT, line)).collect();
        assert!(expected.len() <= count * (LINE + 2));
        let seen = member.peer.octets(expected.len());
        assert!(seen == expected, "member {} saw another order", member.id);
    }
    println!("and all of them after {:?}", start.elapsed());
    assert_eq!(server.counters.too_slow.load(Ordering::Relaxed), 0);
}

/// Promises 2 and 3: a client that never reads delays nobody, and is closed with a code and a reason that say so.
#[test]
fn who_never_reads_delays_nobody_and_is_closed_at_the_bound_of_its_backlog() {
    const MESSAGES: usize = 250;
    let text = "x".repeat(60_000); // 15 MB in all: more than two sockets and the backlog hold
    // The buffers of a Unix-domain socket are a tenth of those of TCP, and a reader may be behind for a moment.
    let max_send_queue = if OVER_UNIX { 5 << 20 } else { 1 << 20 };
    let (server, _) = hall(Limits {
        max_send_queue,
        close_timeout: Duration::from_secs(10),
        ..limits()
    });
    let mut stuck = enter(&server);
    let mut publisher = enter(&server);
    let readers: Vec<_> = (0..5)
        .map(|_| {
            let mut member = enter(&server);
            thread::spawn(move || {
                let mut last = Instant::now();
                let mut longest = Duration::ZERO;
                for number in 0..MESSAGES {
                    let line = member.read();
                    assert!(line.starts_with(&format!("{number} ")));
                    longest = longest.max(std::mem::replace(&mut last, Instant::now()).elapsed());
                }
                longest
            })
        })
        .collect();
    for number in 0..MESSAGES {
        publisher.send(format!("all {text}"));
        assert!(publisher.read().starts_with(&format!("{number} ")));
    }
    for reader in readers {
        let longest = within(PATIENCE, move || reader.join()).expect("all of them");
        assert!(
            longest < Duration::from_secs(10),
            "a message was {longest:?} behind the one before it"
        );
    }
    assert_eq!(server.counters.too_slow.load(Ordering::Relaxed), 1);

    // When it reads at last it has missed nothing up to the Close.
    let mut number = 0;
    let close = loop {
        let frame = stuck.peer.frame();
        if frame.first == CLOSE {
            break frame.payload;
        }
        let line = format!("{number} {text}");
        assert!(
            frame.payload == line.as_bytes(),
            "a hole before message {number}"
        );
        number += 1;
    };
    assert_eq!(close, reason(1008, "too slow"));
    assert!(number < MESSAGES);
}

/// Each recipient's own sequence is the common one without what was not for it.
#[test]
fn audiences_keep_the_order_for_every_recipient() {
    const MESSAGES: u64 = 300;
    let (server, _) = hall(limits());
    let mut members: Vec<Member> = (0..5).map(|_| enter(&server)).collect();
    let ids: Vec<u64> = members.iter().map(|member| member.id).collect();
    // The text repeats the audience, so every recipient can tell what it should have got from what it got of the rest.
    let line = |n: u64| {
        let pick = |k: u64| ids[((n * 7 + k * 3) % 5) as usize];
        match n % 5 {
            0 => format!("all {n}/*"),
            1 => format!("but:{0} {n}/-{0}", pick(0)),
            2 => format!("only:{0} {n}/+{0}+", pick(1)),
            3 => format!("both:{0}:{1} {n}/+{0}+{1}+", pick(2), pick(3)),
            _ => format!("both:{0}:{0} {n}/+{0}+", pick(4)),
        }
    };
    // One sender in bursts, so that batches mix audiences; numbers are then known beforehand.
    let mut sender = enter(&server);
    let burst: Vec<u8> = (0..MESSAGES).flat_map(|n| masked(TEXT, line(n))).collect();
    sender.peer.send(burst);
    for member in &mut members {
        let id = member.id;
        let expected = (0..MESSAGES).filter(|n| {
            let line = line(*n);
            let (_, to) = line.split_once('/').expect("an audience");
            to == "*"
                || to.contains(&format!("+{id}+"))
                || to.starts_with('-') && to != format!("-{id}")
        });
        for n in expected {
            let text = line(n);
            let (_, text) = text.split_once(' ').expect("a text");
            assert_eq!(member.read(), format!("{n} {text}"), "member {id}");
        }
    }
    // Nothing more came to anybody: the next that all get is the next that each sees.
    sender.send("all the end");
    for member in &mut members {
        assert_eq!(member.read(), format!("{MESSAGES} the end"));
    }
}

/// A newcomer gets exactly what was appended after it came, from the number that it was told.
#[test]
fn joins_take_their_place_in_the_order() {
    let (server, hall) = hall(limits());
    let stop = Arc::new(AtomicU64::new(0));
    let publishers: Vec<_> = (0..2)
        .map(|_| {
            let (hall, stop) = (Arc::clone(&hall), Arc::clone(&stop));
            thread::spawn(move || {
                while stop.load(Ordering::Relaxed) == 0 {
                    hall.publish("all tick");
                    hall.room.deliver();
                    thread::sleep(Duration::from_micros(200));
                }
            })
        })
        .collect();
    for _ in 0..50 {
        let mut member = enter(&server);
        for number in member.next..member.next + 20 {
            assert_eq!(member.read(), format!("{number} tick"));
        }
    }
    stop.store(1, Ordering::Relaxed);
    for publisher in publishers {
        publisher.join().expect("no panic");
    }
}

#[test]
fn who_left_gets_nothing_more_and_the_others_do() {
    let (server, _) = hall(limits());
    let (mut one, mut other) = (enter(&server), enter(&server));
    one.send("all before");
    assert_eq!(
        (one.read(), other.read()),
        ("0 before".into(), "0 before".into())
    );
    one.send("leave");
    one.send("all after");
    assert_eq!(other.read(), "1 after");
    // Its connection is still open, and its own Close is the next thing it sees.
    one.peer.send(masked(CLOSE, reason(1000, "")));
    one.peer.close(1000);
}

#[test]
fn members_that_vanish_do_not_disturb_the_others() {
    let (server, _) = hall(limits());
    let mut stays = enter(&server);
    for number in 0..30 {
        let mut goes = enter(&server);
        goes.send("all farewell");
        drop(goes); // with a message on its way to it, so its socket answers with a reset
        assert_eq!(stays.read(), format!("{number} farewell"));
    }
    stays.send("all alone");
    assert_eq!(stays.read(), "30 alone");
}

/// A session that dies between its two steps has appended to the order, and the next one to deliver hands that out too.
#[test]
fn what_was_appended_before_a_panic_is_delivered_by_the_next() {
    let hall = Arc::new(Hall::default());
    let service = Arc::clone(&hall);
    let server = TestServer::with(limits(), move |call: &RequestContext<'_>| {
        let (hall, dies) = (Arc::clone(&service), call.request.path() == "/dies");
        enchufe::net::Reply::Upgrade(Upgrade::new(move |mut ws| {
            if dies {
                ws.read()?;
                hall.publish("all last words");
                panic!("a session that panics, on purpose");
            }
            hall.session(ws)
        }))
    });
    let mut member = enter(&server);
    let mut dying = server.open("/dies");
    dying.send(masked(TEXT, "now"));
    dying.closes(1011);
    member.send("all life goes on");
    assert_eq!(member.read(), "0 last words");
    assert_eq!(member.read(), "1 life goes on");
}

/// Connections whose senders are in the test's hands.
fn senders(count: usize) -> (TestServer, Vec<(Peer, Sender)>) {
    let (tell, senders): (_, Receiver<Sender>) = channel();
    let server = TestServer::of(
        Limits {
            max_send_queue: 64 << 20,
            ..limits()
        },
        move |mut ws| {
            tell.send(ws.sender()).expect("the test listens");
            while ws.read()?.is_some() {}
            Ok(())
        },
    );
    let pairs = (0..count)
        .map(|_| {
            let peer = server.open("/");
            (peer, senders.recv_timeout(PATIENCE).expect("a sender"))
        })
        .collect();
    (server, pairs)
}

/// The hand-over from one deliverer to the next, under more publishers than there are processors: nothing is lost, nothing
/// comes twice, everybody has the same order, and nobody waits for ever.
#[test]
fn eight_publishers_at_once_lose_nothing_and_agree_on_one_order() {
    const PUBLISHERS: usize = 8;
    const MESSAGES: usize = 2_000;
    let (_server, members) = senders(3);
    let room = Arc::new(Room::new());
    let mut peers = Vec::new();
    for (peer, sender) in members {
        peers.push(peer);
        room.join(sender);
    }
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let room = Arc::clone(&room);
            thread::spawn(move || {
                for number in 0..MESSAGES {
                    room.queue(Recipients::All, format!("{publisher} {number}"));
                    // Some deliver for several at once, as a session does while more messages wait.
                    if number % (publisher + 1) == 0 || number + 1 == MESSAGES {
                        room.deliver();
                    }
                }
            })
        })
        .collect();
    let readers: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            thread::spawn(move || {
                (0..PUBLISHERS * MESSAGES)
                    .map(|_| text(&mut peer))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    within(PATIENCE, move || {
        publishers
            .into_iter()
            .try_for_each(thread::JoinHandle::join)
    })
    .expect("no panic");
    let mut seen: Vec<Vec<String>> = Vec::new();
    for reader in readers {
        seen.push(within(PATIENCE, move || reader.join()).expect("everything came"));
    }
    let mut next = BTreeMap::new();
    for line in &seen[0] {
        let (publisher, number) = line.split_once(' ').expect("two words");
        let next = next.entry(publisher.to_owned()).or_insert(0);
        assert_eq!(number, next.to_string(), "of publisher {publisher}");
        *next += 1;
    }
    assert!(
        seen.iter().all(|other| *other == seen[0]),
        "members saw different orders"
    );
}

#[test]
fn a_barrier_passes_after_everything_before_it_was_delivered() {
    let (_server, mut members) = senders(1);
    let (mut peer, sender) = members.remove(0);
    let room = Room::new();
    let (done, passed) = channel();
    room.append([
        Entry::Join {
            id: MemberId::unique(),
            sender,
        },
        Entry::Message {
            to: Recipients::All,
            message: PreparedMessage::new("before the barrier"),
        },
        Entry::Barrier(done),
    ]);
    assert!(passed.try_recv().is_err(), "nothing is delivered yet");
    room.deliver();
    assert!(passed.try_recv().is_ok());
    assert!(room.flush(PATIENCE));
    peer.expect(TEXT, "before the barrier");
}

#[test]
fn a_room_takes_connections_over_any_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let near = TcpStream::connect(address).expect("it listens");
    near.set_read_timeout(Some(PATIENCE)).expect("above zero");
    let (far, _) = listener.accept().expect("somebody called");
    let ours = WebSocket::from_stream(far, Role::Server, &limits());
    let room = Room::default();
    room.join(ours.sender());
    room.send(Recipients::All, "hola");
    let mut theirs = WebSocket::from_stream(near, Role::Client, &limits());
    let heard = theirs.read().expect("a message in time");
    assert_eq!(heard, Some(Message::from("hola")));
}

#[test]
fn text_and_bytes_reach_all_all_but_one_and_some() {
    let (_server, members) = senders(3);
    let room = Room::new();
    let (mut peers, mut ids) = (Vec::new(), Vec::new());
    for (peer, sender) in members {
        peers.push(peer);
        ids.push(room.join(sender));
    }
    room.send(Recipients::All, "all");
    room.send(Recipients::Except(ids[0]), &b"but one"[..]);
    room.send(Recipients::Members(vec![ids[0], ids[2], ids[2]]), "some");
    room.send(Recipients::Only(ids[1]), "one");
    peers[0].expect(TEXT, "all").expect(TEXT, "some");
    peers[1]
        .expect(TEXT, "all")
        .expect(BINARY, "but one")
        .expect(TEXT, "one");
    peers[2]
        .expect(TEXT, "all")
        .expect(BINARY, "but one")
        .expect(TEXT, "some");
}

#[test]
fn a_prepared_message_may_hold_several_that_stay_together() {
    let (_server, mut members) = senders(1);
    let (mut peer, sender) = members.remove(0);
    let room = Room::new();
    let id = MemberId::unique();
    let mut message = PreparedMessage::new("one");
    message.push("two");
    assert!(!message.is_empty() && PreparedMessage::default().is_empty());
    let to = Recipients::Only(id);
    room.append([Entry::Join { id, sender }, Entry::Message { to, message }]);
    room.deliver();
    peer.expect(TEXT, "one").expect(TEXT, "two");
}

/// A membership that is prepared before the 101 misses nothing: what is delivered meanwhile comes right behind it.
#[test]
fn what_a_room_sends_before_the_101_comes_right_behind_it() {
    let room = Arc::new(Room::new());
    let server = TestServer::with(limits(), move |_: &RequestContext<'_>| {
        let room = Arc::clone(&room);
        enchufe::net::Reply::Upgrade(Upgrade::with_setup(
            move |sender| {
                room.join(sender);
                room.send(Recipients::All, "early");
            },
            |ws, ()| support::server::echo(ws),
        ))
    });
    for _ in 0..20 {
        let mut peer = server.open("/");
        peer.expect(TEXT, "early");
        peer.send(masked(TEXT, "late")).expect(TEXT, "late");
    }
}

/// `MessageRef` is what a room's session is lent; it can be sent on as it is.
#[test]
fn a_lent_message_can_be_sent_to_another_connection() {
    let (_server, mut members) = senders(1);
    let (mut peer, sender) = members.remove(0);
    let relay = TestServer::of(limits(), move |ws| {
        let (mut reader, _) = ws.split();
        while let Some(message) = reader.read()? {
            let lent: MessageRef<'_> = message;
            sender.send(lent)?;
        }
        Ok(())
    });
    relay.open("/").send(masked(TEXT, "over there"));
    peer.expect(TEXT, "over there");
}
