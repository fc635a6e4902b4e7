//! A whole chat in one file: a server, rooms by path, names, and a client for two terminals.
//!
//! Run the server with `cargo run --example chat_in_one_file`, then in two other terminals
//! `cargo run --example chat_in_one_file -- ana` and `cargo run --example chat_in_one_file -- jo`. What one types, both see.
//! A second argument names another room. Ctrl-D leaves. `-- serve ADDRESS:PORT` listens elsewhere.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::thread;

use enchufe::http::Response;
use enchufe::net::{MemberId, Recipients, Reply, RequestContext, Room, Upgrade};
use enchufe::{Error, Sender, Server, WebSocket};

const ADDRESS: &str = "127.0.0.1:9002";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (first, second) = (arguments.next(), arguments.next());
    let outcome = match first.as_deref() {
        None => serve(ADDRESS),
        Some("serve") => serve(second.as_deref().unwrap_or(ADDRESS)),
        Some(name) => talk(name, second.as_deref().unwrap_or("lobby")),
    };
    if let Err(error) = outcome {
        eprintln!("The chat stops: {error}.");
        std::process::exit(1);
    }
}

// ---- The state: what the lock protects ------------------------------------------------------------------------------

/// Users of each room, by name.
#[derive(Default)]
struct State {
    users: BTreeMap<String, BTreeMap<String, MemberId>>,
}

impl State {
    /// Adds a user. Fails if the name is taken.
    fn join(&mut self, room: &str, name: &str, member: MemberId) -> bool {
        let users = self.users.entry(room.to_owned()).or_default();
        let free = !users.contains_key(name);
        if free {
            users.insert(name.to_owned(), member);
        }
        free
    }

    fn leave(&mut self, room: &str, name: &str) {
        if let Some(users) = self.users.get_mut(room) {
            users.remove(name);
        }
    }

    fn names(&self, room: &str) -> String {
        let users = self.users.get(room).into_iter().flatten();
        users
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

// ---- The chat: the state and a room of connections per path ---------------------------------------------------------

#[derive(Default)]
struct Chat {
    state: Arc<Mutex<State>>,
    rooms: Mutex<BTreeMap<String, Arc<Room>>>,
}

impl Chat {
    fn room(&self, name: &str) -> Arc<Room> {
        let mut rooms = self
            .rooms
            .lock()
            .expect("no thread panics while it holds this lock");
        Arc::clone(rooms.entry(name.to_owned()).or_default())
    }

    /// Runs one user's connection, from the first message to the last.
    fn session(&self, ws: WebSocket, path: &str, name: &str) -> Result<(), Error> {
        let (mut reader, sender) = ws.split();
        let room = self.room(path);
        let Some(member) = self.join(&room, sender, path, name) else {
            return Ok(());
        };
        let outcome = loop {
            match reader.read() {
                // The order of the room is the order for every member, the author included.
                Ok(Some(message)) => {
                    let text = message.text().unwrap_or("(bytes)");
                    room.send(Recipients::All, format!("{name}: {text}"));
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.state.lock().expect("as above").leave(path, name);
        room.leave(member);
        room.send(Recipients::All, format!("* {name} left"));
        outcome
    }

    /// Lock, change, queue, unlock, and only then deliver: no lock is held during I/O.
    fn join(&self, room: &Room, sender: Sender, path: &str, name: &str) -> Option<MemberId> {
        let member = room.join(sender);
        let mut state = self.state.lock().expect("as above");
        let joined = state.join(path, name, member);
        if joined {
            let here = format!("* here: {}", state.names(path));
            room.queue(Recipients::Only(member), here);
            room.queue(Recipients::Except(member), format!("* {name} joined"));
        } else {
            room.queue(Recipients::Only(member), "* this name is taken");
        }
        drop(state);
        room.deliver();
        if !joined {
            room.leave(member);
        }
        joined.then_some(member)
    }
}

// ---- The server and the client --------------------------------------------------------------------------------------

fn serve(address: &str) -> Result<(), Error> {
    let chat = Arc::new(Chat::default());
    let server = Server::bind(address)?.service(move |context: &RequestContext<'_>| {
        let name = context
            .request
            .query_value("name")
            .and_then(|it| String::from_utf8(it).ok());
        match (&context.offer, name) {
            (Some(Ok(_)), Some(name)) => {
                let (chat, path) = (Arc::clone(&chat), context.request.path().to_owned());
                Reply::Upgrade(Upgrade::new(move |ws| chat.session(ws, &path, &name)))
            }
            (Some(Err(error)), _) => Reply::Respond(error.response()),
            _ => Reply::Respond(Response::rejection(
                400,
                "connect with ws://…/ROOM?name=NAME\n",
            )),
        }
    });
    println!("chat on ws://{}/lobby?name=NAME", server.local_addrs()[0]);
    server.run();
    Ok(())
}

fn talk(name: &str, room: &str) -> Result<(), Error> {
    let (mut reader, sender) =
        enchufe::connect(&format!("ws://{ADDRESS}/{room}?name={name}"))?.split();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        let _ = sender.close(enchufe::CloseCode::NormalClosure, ""); // it may be closed already
    });
    while let Some(message) = reader.read()? {
        println!("{}", message.text().unwrap_or("(bytes)"));
    }
    Ok(())
}
