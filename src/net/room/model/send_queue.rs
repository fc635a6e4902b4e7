//! Tests one connection: its owner replies, two rooms deliver, another thread closes it, and the peer reads irregularly.
//!
//! In every order the peer receives whole frames, each sender's in order, and at most one Close, as the last frame. No
//! thread waits forever.

use std::sync::Arc;

use shuttle::thread;

use crate::net::connection::message::AsMessage;
use crate::net::room::model::check;
use crate::net::room::model::peer::{Heard, Peer, text_frame};
use crate::protocol::close::{CloseCode, CloseReason};

#[test]
fn frames_stay_whole_and_in_order_and_one_close_is_the_last() {
    check(SCHEDULES, || play(1 << 20));
}

#[test]
fn a_slow_peer_gets_whole_frames_and_then_one_close() {
    check(SCHEDULES, || play(12));
}

/// Runs the owner, two threads that deliver for rooms, and one that closes. Then the owner shuts the connection down.
fn play(max_send_queue: usize) {
    let peer = Peer::fickle();
    let queue = peer.connect(max_send_queue);

    let rooms = ["a", "b"].map(|name| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            for number in 0..MESSAGES {
                queue.send_encoded(&text_frame(&format!("{name}{number}")), 1);
            }
        })
    });
    let closer = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            let reason = CloseReason::new(CloseCode::NormalClosure, "");
            let _ = queue.close(Some(&reason)); // fails if the send queue is full
        })
    };

    queue.owned_by_this_thread();
    let mut accepted = 0;
    for number in 0..MESSAGES {
        queue.set_more_waits(number == 0);
        let text = format!("o{number}");
        accepted += usize::from(queue.send(text.as_message()).is_ok());
    }
    queue.set_more_waits(false);
    let _ = queue.flush(); // fails if the send queue is full
    for thread in rooms.into_iter().chain([closer]) {
        thread.join().expect("it does not panic");
    }
    queue.shutdown_send();

    let heard = peer.heard();
    let (last, texts) = heard.split_last().expect("a Close at least");
    let code = if queue.is_too_slow() { 1008 } else { 1000 };
    assert_eq!(*last, Heard::Close(code), "{heard:?}");
    let texts: Vec<_> = texts.iter().map(Heard::text).collect();
    let of = |name| texts.iter().filter(move |text| text.starts_with(name));
    for name in ["a", "b", "o"] {
        let in_order = (0..).map(|number| format!("{name}{number}"));
        assert!(
            of(name).zip(in_order).all(|(said, due)| *said == due),
            "{heard:?}"
        );
    }
    if !queue.is_too_slow() {
        assert_eq!(
            of("o").count(),
            accepted,
            "what was accepted arrives: {heard:?}"
        );
    }
}

const MESSAGES: usize = 2;
const SCHEDULES: usize = 20_000;
