//! The DevTools protocol: questions with a number, the answers to them, and events in between, all on one connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender as Tell, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use enchufe::protocol::MessageLimits;
use enchufe::{Client, Limits, Reader, Sender};
use serde_json::{Value, json};

use crate::chromium::PATIENCE;

pub(crate) struct DevTools {
    sender: Sender,
    asked: AtomicU64,
    heard: Mutex<Heard>,
}

/// What came, and for whom.
#[derive(Default)]
struct Heard {
    waiting: HashMap<u64, Tell<Result<Value, String>>>,
    /// Of each session, which is one page: method and parameters.
    events: HashMap<String, Vec<(String, Value)>>,
    /// Why nothing comes any more.
    ended: Option<String>,
}

impl DevTools {
    pub(crate) fn connect(url: &str) -> Arc<Self> {
        // A screenshot is one message.
        let limits = Limits {
            message: MessageLimits {
                max_message: 64 * 1024 * 1024,
                ..MessageLimits::default()
            },
            message_rate: 0,
            ..Limits::default()
        };
        let socket = Client::new(url).limits(limits).connect();
        let (reader, sender) = socket.expect("the browser listens").split();
        let devtools = Arc::new(Self {
            sender,
            asked: AtomicU64::new(0),
            heard: Mutex::default(),
        });
        let listener = Arc::clone(&devtools);
        thread::spawn(move || listener.listen(reader));
        devtools
    }

    /// Asks, and waits for the answer; an error is the browser's or that there is none.
    pub(crate) fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Result<Value, String> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut question = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            question["sessionId"] = session.into();
        }
        let (tell, answer) = channel();
        {
            let mut heard = self.heard();
            if let Some(why) = &heard.ended {
                return Err(format!("the browser is gone: {why}"));
            }
            heard.waiting.insert(id, tell);
        }
        self.sender
            .send(question.to_string())
            .map_err(|error| error.to_string())?;
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer to {method}")),
        }
    }

    /// The parameters of all events of a kind that a session has seen since the last time they were forgotten.
    pub(crate) fn events(&self, session: &str, method: &str) -> Vec<Value> {
        let heard = self.heard();
        let events = heard.events.get(session).into_iter().flatten();
        events
            .filter(|(name, _)| name == method)
            .map(|(_, params)| params.clone())
            .collect()
    }

    pub(crate) fn forget(&self, session: &str) {
        self.heard().events.remove(session);
    }

    fn listen(&self, mut reader: Reader) {
        let why = loop {
            match reader.read() {
                Ok(Some(message)) => match serde_json::from_slice(message.payload()) {
                    Ok(message) => self.sort(message),
                    Err(error) => break error.to_string(),
                },
                Ok(None) => break format!("{:?}", reader.close_reason()),
                Err(error) => break error.to_string(),
            }
        };
        let mut heard = self.heard();
        heard.waiting.clear();
        heard.ended = Some(why);
    }

    fn sort(&self, mut message: Value) {
        let mut heard = self.heard();
        if let Some(id) = message["id"].as_u64() {
            let answer = match message.get("error") {
                Some(error) => Err(error["message"].as_str().unwrap_or("?").to_owned()),
                None => Ok(message["result"].take()),
            };
            if let Some(tell) = heard.waiting.remove(&id) {
                let _ = tell.send(answer); // the caller may have given up
            }
        } else if let (Some(session), Some(method)) =
            (message["sessionId"].as_str(), message["method"].as_str())
        {
            let (session, method) = (session.to_owned(), method.to_owned());
            let params = message["params"].take();
            heard
                .events
                .entry(session)
                .or_default()
                .push((method, params));
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
