//! Clients of the JSON chat and of the hospital hub, with just enough understanding of what they are told.

use std::time::Instant;

use enchufe::net::{Client, Error, Incoming, Message, WebSocket};
use serde_json::{Value, json};

use crate::server::{PATIENCE, Server};

/// Somebody in the JSON chat.
pub(crate) struct Guest(pub(crate) WebSocket);

impl Guest {
    pub(crate) fn new(server: &Server, name: &str) -> Guest {
        Guest::try_new(server, name).expect("a place in the chat")
    }

    pub(crate) fn try_new(server: &Server, name: &str) -> Result<Guest, Error> {
        Guest::at(&server.address, name)
    }

    /// The same at an address. Fails too if it may not register.
    pub(crate) fn at(address: &str, name: &str) -> Result<Guest, Error> {
        let mut guest = Guest(open_at(address, "/chat")?);
        guest.try_say(&json!({"type": "register", "sender": name}))?;
        loop {
            match guest.try_hear()?["type"].as_str() {
                Some("register_success") => return Ok(guest),
                Some("error") => return Err(Error::Closed),
                _ => {}
            }
        }
    }

    pub(crate) fn says(&mut self, message: &Value) {
        self.try_say(message).expect("it is sent");
    }

    pub(crate) fn broadcasts(&mut self, text: &str) {
        self.says(&json!({"type": "broadcast", "content": text}));
    }

    pub(crate) fn try_say(&mut self, message: &Value) -> Result<(), Error> {
        self.0.send(message.to_string())?;
        // Also while something waits to be read, which may be for long.
        self.0.flush()
    }

    /// The next message.
    pub(crate) fn hears(&mut self) -> Value {
        self.try_hear().expect("a message")
    }

    pub(crate) fn try_hear(&mut self) -> Result<Value, Error> {
        match self.0.read_until(Some(Instant::now() + PATIENCE))? {
            Incoming::Message(message) => Ok(value(&message.to_message())),
            Incoming::Closed => Err(Error::Closed),
            other => panic!("nothing came: {other:?}"),
        }
    }

    /// The next message of a type; others are passed over.
    pub(crate) fn hears_a(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hears();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// All of a chat: sequence number, author, text.
    pub(crate) fn history(&mut self, with: Option<&str>) -> Vec<(u64, String, String)> {
        self.history_after(with, 0)
    }

    pub(crate) fn history_after(
        &mut self,
        with: Option<&str>,
        after: u64,
    ) -> Vec<(u64, String, String)> {
        let mut all = Vec::new();
        let mut after = after;
        loop {
            let mut question = json!({"type": "history", "after": after});
            if let Some(with) = with {
                question["target"] = json!(with);
            }
            self.says(&question);
            let answer = self.hears_a("history_response");
            let page = answer["content"].as_array().expect("a list");
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            for line in page {
                after = line["seq"].as_u64().expect("a number");
                all.push((after, text(&line["sender"]), text(&line["content"])));
            }
            if page.is_empty() {
                return all;
            }
        }
    }
}

/// Somebody who looks at the hospital board.
pub(crate) struct Viewer(WebSocket);

impl Viewer {
    pub(crate) fn new(server: &Server) -> Viewer {
        Viewer::try_new(server).expect("a place at the board")
    }

    pub(crate) fn try_new(server: &Server) -> Result<Viewer, Error> {
        Viewer::at(&server.address)
    }

    /// The same at an address.
    pub(crate) fn at(address: &str) -> Result<Viewer, Error> {
        let mut viewer = Viewer(open_at(address, "/socket")?);
        viewer
            .0
            .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")?;
        viewer.try_hear()?;
        Ok(viewer)
    }

    /// Calls a method and returns the argument of the event it leads to.
    pub(crate) fn call(&mut self, method: &str, arguments: Value) -> Value {
        self.try_call(method, arguments).expect("an answer")
    }

    pub(crate) fn try_call(&mut self, method: &str, arguments: Value) -> Result<Value, Error> {
        let call = json!({"type": 1, "target": method, "arguments": arguments});
        self.0.send(format!("{call}\u{1e}"))?;
        loop {
            let mut answer = self.try_hear()?;
            if answer["type"] == 1 {
                return Ok(answer["arguments"][0].take());
            }
        }
    }

    /// Sends a record.
    #[allow(dead_code)]
    pub(crate) fn sends(&mut self, record: &Value) {
        self.0.send(format!("{record}\u{1e}")).expect("it is sent");
        self.0.flush().expect("it is sent");
    }

    /// The next record that is this one; others are passed over.
    #[allow(dead_code)]
    pub(crate) fn hears_one(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let record = self.try_hear().expect("a record");
            if is_it(&record) {
                return record;
            }
        }
    }

    pub(crate) fn try_hear(&mut self) -> Result<Value, Error> {
        match self.0.read_until(Some(Instant::now() + PATIENCE))? {
            Incoming::Message(message) => Ok(value(&message.to_message())),
            Incoming::Closed => Err(Error::Closed),
            other => panic!("nothing came: {other:?}"),
        }
    }
}

pub(crate) fn open(server: &Server, path: &str) -> Result<WebSocket, Error> {
    open_at(&server.address, path)
}

fn open_at(address: &str, path: &str) -> Result<WebSocket, Error> {
    Client::new(format!("ws://{address}{path}"))
        .timeout(PATIENCE)
        .connect()
}

fn value(message: &Message) -> Value {
    let Message::Text(text) = message else {
        panic!("{message:?}")
    };
    serde_json::from_str(text.trim_end_matches('\u{1e}')).expect("JSON")
}
