//! One client of the hub and its clock, for the tests.

use std::time::{Duration, Instant};

use crate::hospital::events::{Command, HospitalId};
use crate::hospital::methods::{self, Call};
use crate::signalr::messages::{self, CallError};
use crate::signalr::session::{Session, Step};

/// A session and its clock.
pub struct Fixture {
    pub session: Session<Call>,
    pub now: Instant,
}

impl Fixture {
    pub fn new() -> Fixture {
        let now = Instant::now();
        Fixture {
            session: Session::new(now, methods::call),
            now,
        }
    }

    /// After the handshake.
    pub fn open() -> Fixture {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.receive(HELLO), [welcome()]);
        fixture
    }

    /// Sends a message, and says what is done about it.
    pub fn receive(&mut self, message: &str) -> Vec<Step<Call>> {
        self.receive_bytes(message.as_bytes())
    }

    pub fn receive_bytes(&mut self, message: &[u8]) -> Vec<Step<Call>> {
        self.session.receive(message, self.now);
        std::iter::from_fn(|| self.session.next_step()).collect()
    }

    /// Lets time pass, and says what it asks for.
    pub fn advance(&mut self, seconds: u64) -> Option<Step<Call>> {
        self.now += Duration::from_secs(seconds);
        self.session.wake(self.now, None)
    }
}

pub fn welcome() -> Step<Call> {
    Step::Welcome("{}\x1e".into())
}

pub fn completion(id: &str, error: CallError) -> Step<Call> {
    Step::Answer(messages::completion(id, Err(error)))
}

pub fn invocation(id: Option<&str>, target: &str, arguments: &str) -> String {
    let id = id.map_or(String::new(), |id| format!("\"invocationId\":\"{id}\","));
    format!("{{\"type\":1,{id}\"target\":\"{target}\",\"arguments\":{arguments}}}\x1e")
}

pub fn create_bed(hospital: i32, id: Option<&str>) -> Step<Call> {
    Step::Call(
        Call::Change(Command::CreateBed(HospitalId(hospital))),
        id.map(str::to_owned),
    )
}

/// The handshake of a client.
pub const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
