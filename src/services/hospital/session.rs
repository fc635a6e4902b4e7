//! One client of the hub, as a machine without sockets or clock: messages and moments go in, steps
//! come out one by one, in the order the client must see their effects.
//!
//! ```text
//!            message                     message: one step per record
//!   began ------------> handshake ok ----------------------------------+
//!     |                 Welcome       Answer | Call                    |
//!     | 15 s, or not a handshake                                       |
//!     v                               silent 30 s, bad record, Close   |
//!    End <-------------------------------------------------------------+
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::methods::{self, Call};
use super::records::{RecordError, Splitter};
use super::signalr::{self, CallError, HandshakeRefusal, Message};
use crate::protocol::CloseCode;
use crate::services::json::MAX_DEPTH;

/// What one client has sent so far, and when.
#[derive(Debug)]
pub struct Session {
    records: Splitter,
    max_record: usize,
    json_depth: usize,
    phase: Phase,
    began: Instant,
    /// When the client last sent a message.
    heard: Instant,
    /// When we last sent it something.
    spoke: Instant,
    ids: Ids,
}

/// The last invocation ids a client used, to notice one that comes again.
#[derive(Debug, Default)]
struct Ids(VecDeque<String>);

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The handshake is done: send this record, and from here on what everybody is told.
    Welcome(String),
    /// Send this record to this client.
    Answer(String),
    /// Carry out the call, tell those it concerns, and then, if there is an id, complete it.
    Call(Call, Option<String>),
    /// Send the last record, if [`End::record`] has one, and close. No step follows.
    End(End),
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client said Close.
    Left,
    /// No handshake within [`HANDSHAKE_TIME`].
    NoHandshake,
    /// The first record was no handshake for this server.
    Refused(HandshakeRefusal),
    /// Nothing came from the client for [`SILENCE`].
    Silent,
    /// What came was no message of the protocol.
    BadRecord(RecordError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Ended,
}

impl Session {
    /// A connection that has just been upgraded.
    pub fn new(now: Instant) -> Session {
        Session {
            records: Splitter::new(),
            max_record: MAX_RECORD,
            json_depth: MAX_DEPTH,
            phase: Phase::Handshake,
            began: now,
            heard: now,
            spoke: now,
            ids: Ids::default(),
        }
    }

    /// Takes records of up to so many bytes after the handshake instead of [`MAX_RECORD`].
    #[must_use]
    pub fn with_max_record(self, max_record: usize) -> Session {
        Session { max_record, ..self }
    }

    /// Takes records nested at most so deep instead of [`MAX_DEPTH`].
    #[must_use]
    pub fn with_json_depth(self, json_depth: usize) -> Session {
        Session { json_depth, ..self }
    }

    /// Takes a WebSocket message, text or binary. Call [`Session::next_step`] until it has no more.
    pub fn receive(&mut self, message: &[u8], now: Instant) {
        self.heard = now;
        if self.phase != Phase::Ended {
            self.records.push(message);
        }
    }

    /// What the next record asks for, or `None` when more messages are needed. One record at a time,
    /// so that a message full of small records cannot pile up large answers.
    pub fn next_step(&mut self) -> Option<Step> {
        loop {
            let limit = match self.phase {
                Phase::Handshake => MAX_HANDSHAKE,
                Phase::Open => self.max_record,
                Phase::Ended => return None,
            };
            let step = match (self.records.take(limit), self.phase) {
                (Ok(None), _) => return None,
                (Ok(Some(record)), Phase::Handshake) => {
                    match signalr::check_handshake(record, self.json_depth) {
                        Ok(()) => {
                            self.phase = Phase::Open;
                            Step::Welcome(signalr::handshake_response(None))
                        }
                        Err(refusal) => self.end(End::Refused(refusal)),
                    }
                }
                (Ok(Some(record)), _) => match signalr::parse(record, self.json_depth) {
                    Ok(Message::Invocation(invocation)) => match self.ids.invoke(invocation) {
                        Some(step) => step,
                        None => continue,
                    },
                    Ok(Message::Close) => self.end(End::Left),
                    Ok(Message::Nothing) => continue,
                    Err(error) => self.end(End::BadRecord(error)),
                },
                (Err(error), _) => self.end(End::BadRecord(error)),
            };
            self.spoke = self.heard;
            return Some(step);
        }
    }

    /// When [`Session::wake`] is due if no message comes before.
    pub fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Handshake => self.began + HANDSHAKE_TIME,
            Phase::Open | Phase::Ended => (self.heard + SILENCE).min(self.spoke + PING_EVERY),
        }
    }

    /// What time alone asks for. `told` is when everybody was last told something: a client that
    /// heard that needs no ping.
    pub fn wake(&mut self, now: Instant, told: Option<Instant>) -> Option<Step> {
        self.spoke = told.map_or(self.spoke, |told| self.spoke.max(told));
        if now < self.deadline() || self.phase == Phase::Ended {
            return None;
        }
        if self.phase == Phase::Handshake {
            return Some(self.end(End::NoHandshake));
        }
        if now >= self.heard + SILENCE {
            return Some(self.end(End::Silent));
        }
        self.spoke = now;
        Some(Step::Answer(signalr::ping()))
    }

    /// Notes that the client is listened to again: while its earlier requests were carried out nothing could be heard.
    pub fn listen(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.heard = now;
        }
    }

    fn end(&mut self, end: End) -> Step {
        self.phase = Phase::Ended;
        Step::End(end)
    }
}

impl Ids {
    /// A call, or the answer that there is none; nothing for a bad call that wants no answer.
    fn invoke(&mut self, invocation: signalr::Invocation<'_>) -> Option<Step> {
        let id = invocation.id.clone();
        let call = match &id {
            Some(id) if !self.is_new(id) => Err(CallError::IdUsedBefore),
            _ => methods::call(invocation),
        };
        match (call, id) {
            (Ok(call), id) => Some(Step::Call(call, id)),
            (Err(error), Some(id)) => Some(Step::Answer(signalr::completion(&id, Err(error)))),
            (Err(_), None) => None,
        }
    }

    /// Notes the id. Every call is complete before the next is read, so a repeated id confuses only
    /// the client; the last few are enough to tell it.
    fn is_new(&mut self, id: &str) -> bool {
        if self.0.iter().any(|used| used == id) {
            return false;
        }
        if self.0.len() == IDS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(id.to_owned());
        true
    }
}

impl End {
    /// The last record, before the WebSocket closes. It says no more than the client needs.
    pub fn record(self) -> Option<String> {
        match self {
            End::Left => None,
            End::NoHandshake => Some(signalr::handshake_response(Some(HandshakeRefusal::TooLate))),
            End::Refused(refusal) => Some(signalr::handshake_response(Some(refusal))),
            End::Silent => Some(signalr::close(
                "Nothing was heard from you for too long.",
                true,
            )),
            End::BadRecord(_) => Some(signalr::close(
                "What you sent is not the SignalR JSON hub protocol.",
                false,
            )),
        }
    }

    /// How the WebSocket is closed: code and reason.
    pub fn close(self) -> (CloseCode, &'static str) {
        match self {
            End::Left => (CloseCode::NormalClosure, ""),
            End::NoHandshake => (CloseCode::PolicyViolation, "no handshake in time"),
            End::Silent => (CloseCode::PolicyViolation, "silent for too long"),
            End::Refused(HandshakeRefusal::OtherProtocol) => {
                (CloseCode::UnsupportedData, "only the protocol json")
            }
            End::BadRecord(RecordError::TooLong) => {
                (CloseCode::MessageTooBig, "the record is too long")
            }
            // 7.4.1: data that is not what it has to be.
            End::Refused(_) | End::BadRecord(_) => {
                (CloseCode::InvalidFramePayloadData, "not a SignalR record")
            }
        }
    }
}

/// From the upgrade to the handshake, whatever arrives in between.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(15);

/// A client that was sent nothing for so long is sent a ping; it expects something every 30 s.
pub const PING_EVERY: Duration = Duration::from_secs(15);

/// A client that sends nothing for so long is gone: it would have sent a ping every 15 s.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Bytes in the handshake record: nobody has introduced himself yet.
pub const MAX_HANDSHAKE: usize = 4 * 1024;

/// Bytes in a record, and in a message of the hub, unless told otherwise.
pub const MAX_RECORD: usize = 64 * 1024;

/// Invocation ids remembered.
const IDS_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::changes::{Command, HospitalId};
    use super::*;

    const HELLO: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";

    /// A session and its clock.
    struct Scene {
        session: Session,
        now: Instant,
    }

    impl Scene {
        fn new() -> Scene {
            let now = Instant::now();
            Scene {
                session: Session::new(now),
                now,
            }
        }

        fn open() -> Scene {
            let mut scene = Scene::new();
            assert_eq!(scene.hear(HELLO), [welcome()]);
            scene
        }

        fn hear(&mut self, message: &str) -> Vec<Step> {
            self.hear_bytes(message.as_bytes())
        }

        fn hear_bytes(&mut self, message: &[u8]) -> Vec<Step> {
            self.session.receive(message, self.now);
            std::iter::from_fn(|| self.session.next_step()).collect()
        }

        /// Lets time pass, and says what it asks for.
        fn wait(&mut self, seconds: u64) -> Option<Step> {
            self.now += Duration::from_secs(seconds);
            self.session.wake(self.now, None)
        }
    }

    fn welcome() -> Step {
        Step::Welcome("{}\x1e".into())
    }

    fn ping() -> Option<Step> {
        Some(Step::Answer("{\"type\":6}\x1e".into()))
    }

    fn completion(id: &str, error: CallError) -> Step {
        Step::Answer(signalr::completion(id, Err(error)))
    }

    fn invocation(id: Option<&str>, target: &str, arguments: &str) -> String {
        let id = id.map_or(String::new(), |id| format!("\"invocationId\":\"{id}\","));
        format!("{{\"type\":1,{id}\"target\":\"{target}\",\"arguments\":{arguments}}}\x1e")
    }

    fn create_bed(hospital: i32, id: Option<&str>) -> Step {
        Step::Call(
            Call::Change(Command::CreateBed(HospitalId(hospital))),
            id.map(str::to_owned),
        )
    }

    #[test]
    fn a_handshake_is_welcomed() {
        assert_eq!(Scene::new().hear(HELLO), [welcome()]);
    }

    #[test]
    fn records_behind_the_handshake_in_the_same_message_count() {
        let message = format!("{HELLO}{}", invocation(None, "VerEstadoActual", "[]"));
        assert_eq!(
            Scene::new().hear(&message),
            [welcome(), Step::Call(Call::View, None)]
        );
    }

    #[test]
    fn a_handshake_may_come_in_pieces() {
        for cut in 0..HELLO.len() {
            let mut scene = Scene::new();
            assert_eq!(scene.hear(&HELLO[..cut]), []);
            assert_eq!(scene.hear(&HELLO[cut..]), [welcome()], "cut at {cut}");
        }
    }

    #[test]
    fn another_protocol_is_told_so_and_the_connection_ends() {
        let mut scene = Scene::new();
        let refused = End::Refused(HandshakeRefusal::OtherProtocol);
        assert_eq!(
            scene.hear("{\"protocol\":\"messagepack\",\"version\":1}\x1e"),
            [Step::End(refused)]
        );
        let record = refused.record().unwrap();
        assert!(record.starts_with("{\"error\":"), "{record:?}");
    }

    #[test]
    fn an_invocation_before_the_handshake_ends_the_connection() {
        let steps = Scene::new().hear(&invocation(Some("1"), "VerEstadoActual", "[]"));
        assert_eq!(
            steps,
            [Step::End(End::Refused(HandshakeRefusal::NotAHandshake))]
        );
    }

    #[test]
    fn no_handshake_within_15_s_ends_the_connection() {
        let mut scene = Scene::new();
        assert_eq!(scene.wait(14), None);
        assert_eq!(scene.wait(1), Some(Step::End(End::NoHandshake)));
    }

    #[test]
    fn pieces_of_a_handshake_do_not_put_off_its_deadline() {
        let mut scene = Scene::new();
        for _ in 0..14 {
            assert_eq!(scene.wait(1), None);
            assert_eq!(scene.hear(" "), []);
        }
        assert_eq!(scene.wait(1), Some(Step::End(End::NoHandshake)));
    }

    #[test]
    fn a_handshake_has_at_most_4_kib() {
        assert_eq!(Scene::new().hear(&" ".repeat(MAX_HANDSHAKE)), []);
        let too_long = Step::End(End::BadRecord(RecordError::TooLong));
        assert_eq!(
            Scene::new().hear(&" ".repeat(MAX_HANDSHAKE + 1)),
            [too_long]
        );
    }

    #[test]
    fn a_record_has_at_most_64_kib() {
        let mut scene = Scene::open();
        assert_eq!(scene.hear(&" ".repeat(MAX_RECORD)), []);
        assert_eq!(
            scene.hear(" "),
            [Step::End(End::BadRecord(RecordError::TooLong))]
        );
    }

    #[test]
    fn a_call_is_carried_out_and_completed_under_its_id() {
        let mut scene = Scene::open();
        assert_eq!(
            scene.hear(&invocation(Some("0"), "CrearCama", "[4]")),
            [create_bed(4, Some("0"))]
        );
        assert_eq!(
            scene.hear(&invocation(None, "crearcama", "[4]")),
            [create_bed(4, None)]
        );
    }

    #[test]
    fn several_records_in_a_message_are_several_steps_in_order() {
        let message = invocation(Some("a"), "CrearCama", "[1]")
            + &invocation(Some("b"), "Nada", "[]")
            + "{\"type\":7}\x1e";
        let expected = [
            create_bed(1, Some("a")),
            completion("b", CallError::UnknownMethod),
            Step::End(End::Left),
        ];
        assert_eq!(Scene::open().hear(&message), expected);
    }

    #[test]
    fn a_bad_call_is_completed_with_an_error_and_the_connection_kept() {
        let mut scene = Scene::open();
        let cases = [
            (
                invocation(Some("1"), "Nada", "[]"),
                CallError::UnknownMethod,
            ),
            (
                invocation(Some("1"), "CrearCama", "[]"),
                CallError::WrongArguments,
            ),
            (
                invocation(Some("1"), "CrearCama", "[1.5]"),
                CallError::WrongArguments,
            ),
            (
                invocation(Some("1"), "CrearCama", "{}"),
                CallError::WrongArguments,
            ),
            (
                "{\"type\":1,\"invocationId\":\"1\"}\x1e".into(),
                CallError::UnknownMethod,
            ),
            (
                invocation(Some("1"), "CrearCama", "[1]").replace(":1,\"inv", ":4,\"inv"),
                CallError::NoStream,
            ),
        ];
        for (n, (message, error)) in cases.into_iter().enumerate() {
            let id = format!("{n}x");
            let message = message.replace(
                "\"invocationId\":\"1\"",
                &format!("\"invocationId\":\"{id}\""),
            );
            assert_eq!(scene.hear(&message), [completion(&id, error)], "{message}");
        }
        assert_eq!(
            scene.hear(&invocation(None, "CrearCama", "[1]")),
            [create_bed(1, None)]
        );
    }

    #[test]
    fn a_bad_call_without_id_is_answered_with_nothing() {
        let mut scene = Scene::open();
        assert_eq!(scene.hear(&invocation(None, "Nada", "[]")), []);
        assert_eq!(scene.hear(&invocation(None, "CrearCama", "[\"a\"]")), []);
        assert_eq!(
            scene.hear("{\"type\":4,\"target\":\"CrearCama\",\"arguments\":[1]}\x1e"),
            []
        );
    }

    #[test]
    fn an_id_that_comes_again_is_completed_with_an_error_and_nothing_is_done() {
        let mut scene = Scene::open();
        let message = invocation(Some("9"), "CrearCama", "[1]");
        assert_eq!(scene.hear(&message), [create_bed(1, Some("9"))]);
        assert_eq!(
            scene.hear(&message),
            [completion("9", CallError::IdUsedBefore)]
        );
    }

    #[test]
    fn the_memory_for_ids_is_bounded() {
        let mut scene = Scene::open();
        for id in 0..1_000 {
            scene.hear(&invocation(Some(&id.to_string()), "CrearCama", "[1]"));
        }
        assert_eq!(scene.session.ids.0.len(), IDS_KEPT);
    }

    #[test]
    fn empty_records_and_other_types_ask_for_nothing() {
        let mut scene = Scene::open();
        assert_eq!(scene.hear(&"\x1e".repeat(10_000)), []);
        for kind in [2, 3, 5, 6, 8, 9, 99] {
            assert_eq!(
                scene.hear(&format!("{{\"type\":{kind},\"invocationId\":\"1\"}}\x1e")),
                []
            );
        }
    }

    #[test]
    fn a_record_that_is_no_message_ends_the_connection_and_nothing_follows() {
        for bad in [
            "nonsense",
            "[]",
            "{}",
            "\u{feff}{\"type\":6}",
            "{\"type\":6,\"type\":6}",
            "{\"type\":1,\"invocationId\":5}",
        ] {
            let mut scene = Scene::open();
            let steps = scene.hear(&format!(
                "{bad}\x1e{}",
                invocation(Some("1"), "CrearCama", "[1]")
            ));
            assert!(
                matches!(steps[..], [Step::End(End::BadRecord(_))]),
                "{bad}: {steps:?}"
            );
            assert_eq!(scene.hear(&invocation(None, "CrearCama", "[1]")), []);
            assert_eq!(scene.wait(60), None);
        }
    }

    #[test]
    fn the_last_record_tells_nothing_about_the_inside() {
        let expected =
            "{\"type\":7,\"error\":\"What you sent is not the SignalR JSON hub protocol.\"}\x1e";
        for error in [
            RecordError::NotJson,
            RecordError::TooDeep,
            RecordError::TooLong,
        ] {
            assert_eq!(End::BadRecord(error).record().unwrap(), expected);
        }
        assert_eq!(End::Left.record(), None);
    }

    #[test]
    fn a_client_that_is_sent_nothing_for_15_s_is_sent_a_ping() {
        let mut scene = Scene::open();
        for _ in 0..4 {
            assert_eq!(scene.wait(14), None);
            assert_eq!(scene.wait(1), ping());
            scene.hear("{\"type\":6}\x1e");
        }
    }

    #[test]
    fn an_answer_or_something_told_to_everybody_puts_the_ping_off() {
        let mut scene = Scene::open();
        scene.wait(10);
        scene.hear(&invocation(Some("1"), "Nada", "[]"));
        assert_eq!(scene.wait(14), None);
        let told = scene.now;
        scene.now += Duration::from_secs(14);
        assert_eq!(scene.session.wake(scene.now, Some(told)), None);
        assert_eq!(scene.session.deadline(), told + PING_EVERY);
        scene.hear("{\"type\":6}\x1e");
        assert_eq!(scene.wait(1), ping());
    }

    #[test]
    fn a_client_silent_for_30_s_is_dropped_and_may_come_again() {
        let mut scene = Scene::open();
        assert_eq!(scene.wait(15), ping());
        assert_eq!(scene.wait(14), None);
        assert_eq!(scene.wait(1), Some(Step::End(End::Silent)));
        let record = End::Silent.record().unwrap();
        assert!(record.contains("\"allowReconnect\":true"), "{record}");
    }

    #[test]
    fn any_message_is_a_sign_of_life() {
        let mut scene = Scene::open();
        for message in ["{\"type\":6}\x1e", "\x1e", "{\"type\":", "99}\x1e"] {
            scene.wait(15);
            assert_eq!(scene.wait(14), None);
            assert_eq!(scene.hear(message), []);
        }
    }

    #[test]
    fn nobody_is_blamed_for_silence_while_his_earlier_requests_were_carried_out() {
        let mut scene = Scene::open();
        scene.hear("{\"type\":6}\x1e");
        scene.now += Duration::from_secs(60);
        scene.session.listen(scene.now);
        assert_eq!(scene.wait(0), ping());
        assert_eq!(scene.wait(29), ping());
        assert_eq!(scene.wait(1), Some(Step::End(End::Silent)));
    }

    #[test]
    fn every_end_has_a_close_code() {
        let cases = [
            (End::Left, 1000),
            (End::Refused(HandshakeRefusal::OtherProtocol), 1003),
            (End::Refused(HandshakeRefusal::NotAHandshake), 1007),
            (End::BadRecord(RecordError::NotJson), 1007),
            (End::NoHandshake, 1008),
            (End::Silent, 1008),
            (End::BadRecord(RecordError::TooLong), 1009),
        ];
        for (end, code) in cases {
            assert_eq!(u16::from(end.close().0), code, "{end:?}");
        }
    }

    #[test]
    fn a_session_cut_at_every_byte_takes_the_same_steps() {
        let stream = format!(
            "{HELLO}{}{}",
            invocation(Some("1"), "CrearHospital", "[\"Ñ€😀\"]"),
            invocation(None, "CrearCama", "[1]")
        );
        let stream = stream.as_bytes();
        let whole = Scene::new().hear_bytes(stream);
        assert_eq!(whole.len(), 3);
        for cut in 0..=stream.len() {
            let mut scene = Scene::new();
            let mut steps = scene.hear_bytes(&stream[..cut]);
            steps.extend(scene.hear_bytes(&stream[cut..]));
            assert_eq!(steps, whole, "cut at {cut}");
        }
    }

    #[test]
    fn random_bytes_never_panic_and_never_carry_out_a_call_they_do_not_spell() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let alphabet =
            b"{}[]\":,\\\x1e type1234567.-e invocationId target arguments CrearCama \xff\xc3\x00";
        for round in 0..2_000 {
            let mut scene = if round % 4 == 0 {
                Scene::new()
            } else {
                Scene::open()
            };
            for _ in 0..8 {
                let pick = |n: u64| alphabet[usize::try_from(n % alphabet.len() as u64).unwrap()];
                let noise: Vec<u8> = (0..next() % 64)
                    .map(|_| {
                        if round % 2 == 0 {
                            next().to_le_bytes()[0]
                        } else {
                            pick(next())
                        }
                    })
                    .collect();
                for step in scene.hear_bytes(&noise) {
                    assert!(
                        !matches!(step, Step::Welcome(_) | Step::Call(..)),
                        "{noise:?}"
                    );
                }
                scene.wait(1);
            }
        }
    }

    #[test]
    fn a_valid_record_with_any_byte_changed_never_panics() {
        let record = format!("{HELLO}{}", invocation(Some("1"), "CrearCama", "[12]"));
        for position in 0..record.len() {
            for byte in [0, 0x1e, b'"', b'{', b'}', b'\\', b'9', 0x7f, 0x80, 0xff] {
                let mut changed = record.clone().into_bytes();
                changed[position] = byte;
                Scene::new().hear_bytes(&changed);
            }
        }
    }
}
