//! What the view promises to the person in front of it, rule by rule.

use crate::chat::domain::status::Status;
use crate::chat::wire::binary_client::ServerMessage;

use crate::cli::chat::output::Line;
use crate::cli::chat::request::Request;
use crate::cli::chat::view::View;

/// A view of ana, connected, with an empty history.
fn ana() -> View {
    let mut view = View::new("ana");
    view.connected();
    view.notice(ServerMessage::Users(vec![(b"ana", 1), (b"beto", 1)]));
    assert_eq!(view.notice(history(&[])), []);
    view
}

fn says<'a>(from: &'a str, text: &'a str) -> ServerMessage<'a> {
    ServerMessage::Message(from.as_bytes(), text.as_bytes())
}

fn history<'a>(messages: &[(&'a str, &'a str)]) -> ServerMessage<'a> {
    ServerMessage::History(
        messages
            .iter()
            .map(|(from, text)| (from.as_bytes(), text.as_bytes()))
            .collect(),
    )
}

fn shown(from: &str, text: &str) -> Line {
    Line::Said {
        from: from.to_owned(),
        to: None,
        text: text.to_owned(),
    }
}

fn status(name: &str, status: Status) -> ServerMessage<'_> {
    ServerMessage::StatusChanged(name.as_bytes(), status.number())
}

fn say(to: Option<&str>, text: &str) -> Request {
    Request::Say {
        to: to.map(str::to_owned),
        text: text.to_owned(),
    }
}

fn info(text: &str) -> Line {
    Line::Info(text.to_owned())
}

fn presence(text: &str) -> Line {
    Line::Presence(text.to_owned())
}

fn problem(text: &str) -> Line {
    Line::Problem(text.to_owned())
}

#[test]
fn on_entry_it_asks_who_is_here_and_what_was_said() {
    assert_eq!(
        View::new("ana").connected(),
        [Request::Users, Request::History(None)]
    );
}

#[test]
fn the_history_is_shown_on_entry() {
    let mut view = View::new("ana");
    view.connected();
    let lines = view.notice(history(&[("beto", "one"), ("carla", "two")]));
    assert_eq!(
        lines,
        [
            shown("beto", "one"),
            shown("carla", "two"),
            info("that was before you came")
        ]
    );
}

#[test]
fn people_come_go_and_change() {
    let mut view = ana();
    for (message, text) in [
        (
            ServerMessage::NewUser(b"carla", 1),
            "carla is here for the first time",
        ),
        (status("carla", Status::Busy), "carla is busy"),
        (status("carla", Status::Active), "carla is active"),
        (status("carla", Status::Inactive), "carla is inactive"),
        (status("carla", Status::Disconnected), "carla has left"),
        (status("carla", Status::Active), "carla is here again"),
    ] {
        assert_eq!(view.notice(message), [presence(text)]);
    }
}

#[test]
fn who_lists_names_and_says_what_is_unusual() {
    let mut view = ana();
    let users = vec![(&b"ana"[..], 1), (b"beto", 2)];
    assert_eq!(
        view.notice(ServerMessage::Users(users)),
        [info("here: ana, beto (busy)")]
    );
}

#[test]
fn while_busy_messages_of_others_wait_and_come_in_order_afterwards() {
    let mut view = ana();
    view.sent(view.set_status(Status::Busy));
    assert_eq!(view.notice(status("ana", Status::Busy)).len(), 1);
    assert_eq!(view.notice(says("beto", "one")), []);
    assert_eq!(view.notice(says("beto", "two")), []);
    assert_eq!(view.prompt(), "ana (busy, 2 waiting)> ");
    let lines = view.notice(status("ana", Status::Active));
    assert_eq!(
        lines,
        [
            presence("you are active"),
            info("2 messages came while you were busy:"),
            shown("beto", "one"),
            shown("beto", "two"),
        ]
    );
    assert_eq!(view.notice(says("beto", "three")), [shown("beto", "three")]);
    assert_eq!(view.prompt(), "ana> ");
}

#[test]
fn while_busy_our_own_messages_and_presence_are_shown() {
    let mut view = ana();
    view.notice(status("ana", Status::Busy));
    view.sent(say(None, "back at five"));
    assert_eq!(
        view.notice(says("ana", "back at five")),
        [shown("ana", "back at five")]
    );
    assert_eq!(
        view.notice(status("beto", Status::Disconnected)),
        [presence("beto has left")]
    );
}

#[test]
fn busy_outlasts_the_connection() {
    let mut view = ana();
    view.notice(status("ana", Status::Busy));
    view.notice(says("beto", "one"));
    view.disconnected();
    let requests = view.connected();
    assert_eq!(
        requests[0],
        Request::SetStatus {
            name: "ana".to_owned(),
            status: Status::Busy
        }
    );
    assert_eq!(view.notice(status("ana", Status::Busy)), []);
    assert_eq!(
        view.notice(history(&[("beto", "one"), ("beto", "two")])),
        []
    );
    assert_eq!(
        view.leaving()[1..],
        [shown("beto", "one"), shown("beto", "two")]
    );
}

#[test]
fn our_private_messages_show_whom_they_are_for() {
    let mut view = ana();
    view.sent(say(Some("beto"), "psst"));
    view.sent(say(None, "hola"));
    let to = Some("beto".to_owned());
    assert_eq!(
        view.notice(says("ana", "psst")),
        [Line::Said {
            from: "ana".to_owned(),
            to,
            text: "psst".to_owned()
        }]
    );
    assert_eq!(view.notice(says("ana", "hola")), [shown("ana", "hola")]);
}

#[test]
fn an_error_says_what_it_is_about() {
    let mut view = ana();
    view.sent(say(Some("beto"), "psst"));
    view.sent(Request::User("zoe".to_owned()));
    view.sent(say(None, "hola"));
    assert_eq!(
        view.notice(ServerMessage::Error(1)),
        [problem("there is no zoe")]
    );
    let gone = problem("beto is not here; not sent: psst");
    assert_eq!(view.notice(ServerMessage::Error(4)), [gone]);
    let unkept = problem("history is unavailable: what you say arrives, and may be lost");
    assert_eq!(view.notice(ServerMessage::Error(5)), [unkept]);
    assert_eq!(view.notice(says("ana", "hola")), [shown("ana", "hola")]);
    for (code, words) in [
        (
            6,
            "the server is cut off from the others: what you say waits",
        ),
        (7, "the server is not cut off any more"),
        (8, "what you said last was not delivered"),
        (
            9,
            "the chat has begun anew: what was said last may be missing",
        ),
        (10, "the server answered with error 10"),
    ] {
        let line = problem(words);
        assert_eq!(view.notice(ServerMessage::Error(code)), [line]);
    }
}

#[test]
fn a_history_that_was_asked_for_says_of_whom() {
    let mut view = ana();
    view.sent(Request::History(Some("beto".to_owned())));
    view.sent(Request::History(None));
    let lines = view.notice(history(&[("ana", "psst")]));
    assert_eq!(lines, [info("1 message with beto:"), shown("ana", "psst")]);
    let lines = view.notice(history(&[("ana", "hola")]));
    assert_eq!(lines, [info("the last 1 message:"), shown("ana", "hola")]);
}

#[test]
fn what_was_said_and_did_not_come_back_may_be_lost() {
    let mut view = ana();
    view.sent(say(None, "hola"));
    view.sent(Request::Users);
    view.sent(say(Some("beto"), "psst"));
    view.notice(says("ana", "hola"));
    assert_eq!(
        view.disconnected(),
        [problem("perhaps not delivered: psst")]
    );
    assert_eq!(view.disconnected(), []);
}

#[test]
fn after_a_reconnection_only_what_was_missed_is_shown() {
    let mut view = ana();
    for text in ["one", "two"] {
        view.notice(says("beto", text));
    }
    view.notice(says("carla", "a private message, in no history"));
    view.disconnected();
    view.connected();
    view.notice(says("beto", "four"));
    let all = [
        ("beto", "one"),
        ("beto", "two"),
        ("beto", "three"),
        ("beto", "four"),
    ];
    let lines = view.notice(history(&all));
    assert_eq!(
        lines,
        [
            info("1 message came while there was no connection:"),
            shown("beto", "three")
        ]
    );
    view.disconnected();
    view.connected();
    assert_eq!(view.notice(history(&all)), []);
}
