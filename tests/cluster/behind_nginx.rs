//! Three servers behind one nginx, with the lines that `src/guide/cluster.md` gives for it: a client that comes through it does not
//! notice that there are several.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::Error;
use serde_json::{Value, json};

use crate::guest::{Guest, Viewer};
use crate::nginx::{Nginx, replaced, site_of};
use crate::one_chat::wait_until;
use crate::redis::{Redis, Three, join, url};
use crate::relay::Relay;
use crate::server::{PATIENCE, Server};
use crate::tools;

#[test]
fn a_killed_server_s_people_go_on_at_the_others_and_nobody_has_a_gap() {
    let Some(redis) = redis() else { return };
    let mut three = Three::start(redis, &words(&["--history", "100000"]));
    let nginx = in_front_of(&three.servers);
    let address = nginx.addr.to_string();
    let names: Vec<String> = (0..6).map(|number| format!("guest {number}")).collect();
    let mut placed = BTreeMap::new();
    let mut guests: Vec<Guest> = Vec::new();
    for name in &names {
        let before = three.servers.iter().map(opened).collect::<Vec<_>>();
        guests.push(Guest::at(&address, name).expect("a place in the chat"));
        let after = three.servers.iter().map(opened);
        let mut grown = after.zip(before).map(|(after, before)| after - before);
        let server = grown.position(|grown| grown == 1).expect("it is somewhere");
        placed.entry(server).or_insert_with(Vec::new).push(name);
    }
    // The one with the fewest connections is chosen, whichever process of nginx it is that chooses.
    assert!(placed.len() == 3 && placed.values().all(|names| names.len() == 2));

    // One chat in one order. Nobody has heard anything before, so that what was heard is the beginning of the history.
    for number in 0..TALK {
        for guest in &mut guests {
            guest.broadcasts(&format!("{number}"));
        }
    }
    let mut heard: Vec<Heard> = guests.iter_mut().map(|_| Heard::default()).collect();
    for (guest, heard) in guests.iter_mut().zip(&mut heard) {
        while heard.said.len() < TALK * names.len() {
            heard.one(&guest.hears());
        }
        heard.left.clear();
    }

    let killed = &placed[&1];
    three.servers[1].kill();
    let heard: Vec<Heard> = thread::scope(|scope| {
        let people = names.iter().zip(guests).zip(heard);
        let people: Vec<_> = people
            .map(|((name, guest), heard)| {
                let address = &address;
                let is_lost = killed.contains(&name);
                scope.spawn(move || match is_lost {
                    true => comes_back(name, guest, heard, address),
                    false => goes_on(guest, heard),
                })
            })
            .collect();
        people.into_iter().map(|one| one.join().unwrap()).collect()
    });

    let history: Vec<String> = Guest::at(&address, "reader")
        .expect("a place in the chat")
        .history(None)
        .into_iter()
        .map(|(_, who, text)| format!("{who}: {text}"))
        .collect();
    for (name, heard) in names.iter().zip(heard) {
        assert!(history.starts_with(&heard.said), "{name} has a gap");
        let mut left = heard.left;
        left.sort();
        let expected: Vec<String> = match killed.contains(&name) {
            true => Vec::new(), // it was not there
            false => killed.iter().map(|it| format!("{it} ha salido")).collect(),
        };
        assert_eq!(left, expected, "what {name} heard of those who left");
    }
}

/// What somebody has heard.
#[derive(Default)]
struct Heard {
    said: Vec<String>,
    left: Vec<String>,
    /// How many of those who were lost are there again.
    back: usize,
}

impl Heard {
    fn one(&mut self, message: &Value) {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let content = &message["content"];
        match message["type"].as_str() {
            Some("broadcast") => self.line(&text(&message["sender"]), &text(content)),
            Some("user_disconnected") => self.left.push(text(content)),
            Some("error") => panic!("{message}"),
            _ => {}
        }
    }

    fn line(&mut self, who: &str, text: &str) {
        self.back += usize::from(text == BACK);
        self.said.push(format!("{who}: {text}"));
    }

    /// Hears what is said until both are back, and has something said again and again.
    fn until_both_are_back(mut self, mut guest: Guest, mut say: impl FnMut(&mut Guest)) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        while self.back < 2 {
            assert!(Instant::now() < deadline, "somebody does not come back");
            say(&mut guest);
            self.one(&guest.hears());
        }
        self
    }
}

/// Talks on.
fn goes_on(guest: Guest, heard: Heard) -> Heard {
    let mut next = Instant::now();
    heard.until_both_are_back(guest, |guest| {
        if Instant::now() >= next {
            guest.broadcasts("on and on");
            next = Instant::now() + Duration::from_millis(50);
        }
    })
}

/// Notices that its server is gone, comes back through nginx, asks for what it missed, and talks again.
fn comes_back(name: &str, mut guest: Guest, mut heard: Heard, address: &str) -> Heard {
    while let Ok(message) = guest.try_hear() {
        heard.one(&message);
    }
    let deadline = Instant::now() + PATIENCE;
    let mut guest = loop {
        match Guest::at(address, name) {
            Ok(guest) => break guest,
            // The name is taken until the lease has run out. Nobody is refused by nginx.
            Err(Error::Closed) => thread::sleep(Duration::from_millis(50)),
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "the name is never free again");
    };
    for (_, who, text) in guest.history_after(None, heard.said.len() as u64) {
        heard.line(&who, &text);
    }
    guest.broadcasts(BACK);
    heard.until_both_are_back(guest, |_| {})
}

#[test]
fn a_killed_server_s_viewers_see_the_same_board_at_the_others_at_once() {
    let Some(redis) = redis() else { return };
    let mut three = Three::start(redis, &words(&[]));
    let nginx = in_front_of(&three.servers);
    let address = nginx.addr.to_string();
    let view = || Viewer::at(&address).expect("a place at the board");
    let mut viewers = [view(), view(), view()];
    assert!(three.servers.iter().map(opened).eq([1, 1, 1]));
    // Every client receives each call.
    let change = |viewers: &mut [Viewer], by: usize, method: &str, arguments: Value| {
        let call = json!({"type": 1, "target": method, "arguments": arguments});
        viewers[by].sends(&call);
        let mut told = viewers.iter_mut().map(event);
        let first = told.next().expect("a viewer");
        assert!(told.all(|told| told == first), "{method}");
        first
    };
    change(&mut viewers, 0, "CrearHospital", json!(["Norte"]));
    for bed in 1..=9 {
        let told = change(&mut viewers, bed % 3, "CrearCama", json!([1]));
        assert_eq!(told["target"], "CamaCreada");
    }

    three.servers[1].kill();
    let lost = viewers.each_mut().map(|viewer| {
        viewer.sends(&json!({"type": 1, "target": "VerEstadoActual", "arguments": []}));
        viewer.try_hear().is_err()
    });
    let place = lost.iter().position(|lost| *lost).expect("one is lost");
    assert_eq!(lost.iter().filter(|lost| **lost).count(), 1);
    // What a SignalR client asks first is answered by one server, and the connection may be to another.
    let (status, negotiated) = ask(&address, "POST /socket/negotiate", "chat.example.org");
    assert_eq!(status, 200, "{negotiated}");
    viewers[place] = view();
    for bed in 10..=18 {
        let told = change(&mut viewers, bed % 3, "CrearCama", json!([1]));
        assert_eq!(told["target"], "CamaCreada");
    }
    let told = change(&mut viewers, place, "EliminarCama", json!([1]));
    assert_eq!(told["target"], "CamaEliminada");
    let boards = viewers.each_mut().map(|viewer| {
        viewer.sends(&json!({"type": 1, "target": "VerEstadoActual", "arguments": []}));
        event(viewer)
    });
    assert_eq!(boards[0]["target"], "EstadoRecibido");
    assert!(boards.iter().all(|board| *board == boards[0]));
    let beds = boards[0]["arguments"][0][0]["camas"].as_array();
    let beds = beds.expect("beds").iter().map(|bed| &bed["id"]);
    assert!(beds.eq(&Vec::from_iter(2..=18)));
}

#[test]
fn newcomers_are_given_a_server_that_is_not_cut_off_and_only_names_of_the_site_are_answered() {
    let Some(redis) = redis() else { return };
    let relay = Relay::to(redis.port);
    let words = words(&[]);
    let mut servers: Vec<Server> = (0..2).map(|_| join(&redis.url(), &words)).collect();
    servers.push(join(&url(relay.port), &words));
    let nginx = in_front_of(&servers);
    let address = nginx.addr.to_string();
    relay.cut();
    wait_until("it notices", || {
        servers[2].metric("enchufe_cluster_redis_unavailable") == 1
    });
    let guests: Vec<Guest> = (0..6)
        .map(|number| Guest::at(&address, &format!("guest {number}")).expect("a place"))
        .collect();
    assert!(servers.iter().map(opened).eq([3, 3, 0]));
    drop(guests);

    let of_the_site = |what: &str| ask(&address, what, "chat.example.org").0;
    for _ in 0..servers.len() {
        assert_eq!(of_the_site("GET /healthz"), 200);
    }
    assert_eq!(of_the_site("GET /metrics"), 403);
    // `--allowed-host`: a foreign name gets no further than to a server.
    assert_eq!(ask(&address, "GET /healthz", "evil.example").0, 421);
}

/// nginx as in the guide, in front of these three.
fn in_front_of(servers: &[Server]) -> Nginx {
    let mut site = site_of(GUIDE);
    for (port, server) in [8081, 8082, 8083].iter().zip(servers) {
        site = replaced(&site, &format!("127.0.0.1:{port}"), &server.address);
    }
    Nginx::start(&site)
}

/// What a server is told that stands behind it, as in the guide, with a lease to wait for.
fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    assert!(GUIDE.contains(&format!("`{}`", BEHIND.join(" "))));
    [&BEHIND[..], &["--cluster-lease", "2s"], more].concat()
}

/// `None` if the test has to be skipped.
fn redis() -> Option<Redis> {
    tools::available("nginx", &["-v"])
        .then(Redis::start)
        .flatten()
}

/// How many WebSockets a server has opened.
fn opened(server: &Server) -> u64 {
    server.metric("enchufe_websockets_opened_total")
}

/// The next event.
fn event(viewer: &mut Viewer) -> Value {
    viewer.hears_one(|record| record["type"] == 1)
}

/// The status and the body of an answer to a request without one.
pub(crate) fn ask(address: &str, what: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("nginx listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.get(9..12).and_then(|it| it.parse().ok());
    (status.expect("a status"), answer)
}

const GUIDE: &str = include_str!("../../src/guide/cluster.md");

const BEHIND: [&str; 4] = [
    "--allowed-host",
    "chat.example.org",
    "--trusted-proxy",
    "127.0.0.1",
];

/// How often each of six says something before a server is killed.
const TALK: usize = 40;

const BACK: &str = "here again";
