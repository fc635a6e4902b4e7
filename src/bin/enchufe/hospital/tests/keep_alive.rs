//! The clock of a hub client.

use crate::hospital::methods::Call;
use crate::hospital::tests::fixture::{Scene, invocation};
use std::time::Duration;

use crate::signalr::close::End;
use crate::signalr::keep_alive::KEEP_ALIVE_INTERVAL;
use crate::signalr::session::Step;

fn ping() -> Option<Step<Call>> {
    Some(Step::Answer("{\"type\":6}\x1e".into()))
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
    assert_eq!(scene.session.deadline(), told + KEEP_ALIVE_INTERVAL);
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
