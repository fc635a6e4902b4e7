//! The clock of a hub client.

use crate::hospital::methods::Call;
use crate::hospital::tests::fixture::{Fixture, invocation};
use std::time::Duration;

use crate::signalr::close::EndReason;
use crate::signalr::keep_alive::KEEP_ALIVE_INTERVAL;
use crate::signalr::session::Step;

fn ping() -> Option<Step<Call>> {
    Some(Step::Answer("{\"type\":6}\x1e".into()))
}

#[test]
fn no_handshake_within_15_s_ends_the_connection() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.advance(14), None);
    assert_eq!(fixture.advance(1), Some(Step::End(EndReason::NoHandshake)));
}

#[test]
fn pieces_of_a_handshake_do_not_put_off_its_deadline() {
    let mut fixture = Fixture::new();
    for _ in 0..14 {
        assert_eq!(fixture.advance(1), None);
        assert_eq!(fixture.receive(" "), []);
    }
    assert_eq!(fixture.advance(1), Some(Step::End(EndReason::NoHandshake)));
}

#[test]
fn a_client_that_is_sent_nothing_for_15_s_is_sent_a_ping() {
    let mut fixture = Fixture::open();
    for _ in 0..4 {
        assert_eq!(fixture.advance(14), None);
        assert_eq!(fixture.advance(1), ping());
        fixture.receive("{\"type\":6}\x1e");
    }
}

#[test]
fn an_answer_or_something_told_to_everybody_puts_the_ping_off() {
    let mut fixture = Fixture::open();
    fixture.advance(10);
    fixture.receive(&invocation(Some("1"), "Nada", "[]"));
    assert_eq!(fixture.advance(14), None);
    let told = fixture.now;
    fixture.now += Duration::from_secs(14);
    assert_eq!(fixture.session.wake(fixture.now, Some(told)), None);
    assert_eq!(fixture.session.deadline(), told + KEEP_ALIVE_INTERVAL);
    fixture.receive("{\"type\":6}\x1e");
    assert_eq!(fixture.advance(1), ping());
}

#[test]
fn a_client_silent_for_30_s_is_dropped_and_may_come_again() {
    let mut fixture = Fixture::open();
    assert_eq!(fixture.advance(15), ping());
    assert_eq!(fixture.advance(14), None);
    assert_eq!(fixture.advance(1), Some(Step::End(EndReason::Silent)));
    let record = EndReason::Silent.record().unwrap();
    assert!(record.contains("\"allowReconnect\":true"), "{record}");
}

#[test]
fn any_message_is_a_sign_of_life() {
    let mut fixture = Fixture::open();
    for message in ["{\"type\":6}\x1e", "\x1e", "{\"type\":", "99}\x1e"] {
        fixture.advance(15);
        assert_eq!(fixture.advance(14), None);
        assert_eq!(fixture.receive(message), []);
    }
}

#[test]
fn nobody_is_blamed_for_silence_while_his_earlier_requests_were_carried_out() {
    let mut fixture = Fixture::open();
    fixture.receive("{\"type\":6}\x1e");
    fixture.now += Duration::from_secs(60);
    fixture.session.listen(fixture.now);
    assert_eq!(fixture.advance(0), ping());
    assert_eq!(fixture.advance(29), ping());
    assert_eq!(fixture.advance(1), Some(Step::End(EndReason::Silent)));
}
