//! One client of the hub and its clock, for the tests.

use std::time::{Duration, Instant};

use super::changes::{Command, HospitalId};
use super::methods::Call;
use super::session::{Session, Step};
use super::signalr::{self, CallError};

/// A session and its clock.
pub(super) struct Scene {
    pub(super) session: Session,
    pub(super) now: Instant,
}

impl Scene {
    pub(super) fn new() -> Scene {
        let now = Instant::now();
        Scene {
            session: Session::new(now),
            now,
        }
    }

    /// After the handshake.
    pub(super) fn open() -> Scene {
        let mut scene = Scene::new();
        assert_eq!(scene.hear(HELLO), [welcome()]);
        scene
    }

    /// Sends a message, and says what is done about it.
    pub(super) fn hear(&mut self, message: &str) -> Vec<Step> {
        self.hear_bytes(message.as_bytes())
    }

    pub(super) fn hear_bytes(&mut self, message: &[u8]) -> Vec<Step> {
        self.session.receive(message, self.now);
        std::iter::from_fn(|| self.session.next_step()).collect()
    }

    /// Lets time pass, and says what it asks for.
    pub(super) fn wait(&mut self, seconds: u64) -> Option<Step> {
        self.now += Duration::from_secs(seconds);
        self.session.wake(self.now, None)
    }
}

pub(super) fn welcome() -> Step {
    Step::Welcome("{}\x1e".into())
}

pub(super) fn completion(id: &str, error: CallError) -> Step {
    Step::Answer(signalr::completion(id, Err(error)))
}

pub(super) fn invocation(id: Option<&str>, target: &str, arguments: &str) -> String {
    let id = id.map_or(String::new(), |id| format!("\"invocationId\":\"{id}\","));
    format!("{{\"type\":1,{id}\"target\":\"{target}\",\"arguments\":{arguments}}}\x1e")
}

pub(super) fn create_bed(hospital: i32, id: Option<&str>) -> Step {
    Step::Call(
        Call::Change(Command::CreateBed(HospitalId(hospital))),
        id.map(str::to_owned),
    )
}

/// The handshake of a client.
pub(super) const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
