//! The binary wire (seed 001): a test for each row of its tables.

use crate::chat::domain::command::Rejection;
use crate::chat::domain::status::Status;
use crate::chat::tests::support::{NO_MESSAGES, TestRoom};
use crate::chat::wire::binary_client as client;
use crate::chat::wire::json_error::RequestError;
use enchufe::protocol::MessageKind;

#[test]
fn a_new_user_is_53_to_the_others_and_a_known_one_54() {
    let mut room = TestRoom::binary(&["bo"]);
    room.connect("ana").unwrap();
    assert_eq!(room.take_inbox("bo"), [b"\x35\x03ana\x01"]);
    assert_eq!(room.take_inbox("ana"), NO_MESSAGES);
    room.leave("ana");
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x00"]);
    assert_eq!(room.take_inbox("ana"), NO_MESSAGES);
    room.connect("ana").unwrap();
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x01"]);
}

#[test]
fn a_name_that_is_taken_is_rejected() {
    let mut room = TestRoom::mixed(&["ana"], &["bo"]);
    assert_eq!(room.connect("ana"), Err(Rejection::NameTaken));
    assert_eq!(room.connect("bo"), Err(Rejection::NameTaken));
    assert_eq!(
        room.register("ana"),
        Err(RequestError::Rejected(Rejection::NameTaken))
    );
}

#[test]
fn message_1_is_answered_with_51() {
    let mut room = TestRoom::binary(&["bo", "ana", "cy", "di"]);
    room.leave("di");
    room.take_inbox("ana");
    room.send("cy", &client::change_status("cy", Status::Busy));
    room.take_inbox("ana");
    room.send("ana", b"\x01");
    assert_eq!(
        room.take_inbox("ana"),
        [b"\x33\x03\x03ana\x01\x02bo\x01\x02cy\x02"]
    );
}

#[test]
fn message_2_is_answered_with_52_or_error_1() {
    let mut room = TestRoom::binary(&["ana", "bo"]);
    room.send("ana", b"\x02\x02bo");
    room.leave("bo");
    room.send("ana", b"\x02\x02bo");
    room.send("ana", b"\x02\x06nobody");
    room.send("ana", b"\x02\x01~");
    room.send("ana", b"\x02\x00");
    room.send("ana", b"\x02\x01\xff");
    let expected: [&[u8]; 7] = [
        b"\x34\x02bo\x01",
        b"\x36\x02bo\x00",
        b"\x34\x02bo\x00",
        b"\x32\x01",
        b"\x32\x01",
        b"\x32\x01",
        b"\x32\x01",
    ];
    assert_eq!(room.take_inbox("ana"), expected);
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
}

#[test]
fn message_3_is_54_to_all_or_error_2_or_1() {
    let mut room = TestRoom::binary(&["ana", "bo"]);
    room.send("ana", b"\x03\x03ana\x02");
    room.send("ana", b"\x03\x03ana\x02");
    let busy: [&[u8]; 2] = [b"\x36\x03ana\x02", b"\x36\x03ana\x02"];
    assert_eq!(room.take_inbox("ana"), busy);
    assert_eq!(room.take_inbox("bo"), busy);
    room.send("ana", b"\x03\x06nobody\x04");
    room.send("ana", b"\x03\x06nobody\x01");
    room.send("ana", b"\x03\x02bo\x01");
    assert_eq!(
        room.take_inbox("ana"),
        [b"\x32\x02", b"\x32\x01", b"\x32\x02"]
    );
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
}

#[test]
fn a_user_with_status_0_appears_offline_until_the_next_message_3() {
    let mut room = TestRoom::binary(&["ana", "bo"]);
    room.send("ana", b"\x03\x03ana\x00");
    assert_eq!(room.take_inbox("ana"), [b"\x36\x03ana\x00"]);
    room.take_inbox("bo");
    room.send("bo", b"\x01");
    room.send("bo", b"\x04\x03ana\x01x");
    let answers: [&[u8]; 2] = [b"\x33\x01\x02bo\x01", b"\x32\x04"];
    assert_eq!(room.take_inbox("bo"), answers);
    room.send("ana", b"\x01");
    room.send_text("bo", "~", "hola");
    let answers: [&[u8]; 2] = [b"\x33\x02\x03ana\x00\x02bo\x01", b"\x37\x02bo\x04hola"];
    assert_eq!(
        room.take_inbox("ana"),
        answers,
        "the connection still receives all messages"
    );
    room.send("ana", b"\x03\x03ana\x01");
    room.send("bo", b"\x04\x03ana\x01x");
    let answers: [&[u8]; 2] = [b"\x36\x03ana\x01", b"\x37\x02bo\x01x"];
    assert_eq!(room.take_inbox("ana"), answers);
    room.send("ana", b"\x03\x03ana\x00");
    room.take_inbox("bo");
    room.leave("ana");
    assert_eq!(
        room.take_inbox("bo"),
        [b"\x36\x03ana\x00"],
        "leaving is notified for status 0 too"
    );
}

#[test]
fn message_4_to_the_general_chat_is_55_to_all_users_including_the_sender() {
    let mut room = TestRoom::binary(&["ana", "bo", "cy"]);
    room.send("ana", b"\x04\x01~\x04hola");
    for user in ["ana", "bo", "cy"] {
        assert_eq!(room.take_inbox(user), [b"\x37\x03ana\x04hola"]);
    }
}

#[test]
fn message_4_to_a_user_is_55_to_that_user_and_the_sender() {
    let mut room = TestRoom::binary(&["ana", "bo", "cy"]);
    room.send("ana", b"\x04\x02bo\x04psst");
    for user in ["ana", "bo"] {
        assert_eq!(room.take_inbox(user), [b"\x37\x03ana\x04psst"]);
    }
    assert_eq!(room.take_inbox("cy"), NO_MESSAGES);
    room.send("ana", b"\x04\x03ana\x04nota");
    assert_eq!(
        room.take_inbox("ana"),
        [b"\x37\x03ana\x04nota"],
        "one copy for a message to oneself"
    );
}

#[test]
fn message_4_without_text_is_error_3_and_without_a_recipient_error_4() {
    let mut room = TestRoom::binary(&["ana", "bo"]);
    room.leave("bo");
    room.take_inbox("ana");
    room.send("ana", b"\x04\x06nobody\x00");
    room.send("ana", b"\x04\x06nobody\x01x");
    room.send("ana", b"\x04\x02bo\x01x");
    room.send("ana", b"\x05\x02bo");
    let answers: [&[u8]; 4] = [b"\x32\x03", b"\x32\x04", b"\x32\x04", b"\x38\x00"];
    assert_eq!(room.take_inbox("ana"), answers, "nothing is stored");
}

#[test]
fn message_5_is_answered_with_56_or_error_1() {
    let mut room = TestRoom::binary(&["ana", "bo", "cy"]);
    room.send("ana", b"\x05\x01~");
    room.send("ana", b"\x05\x06nobody");
    let answers: [&[u8]; 2] = [b"\x38\x00", b"\x32\x01"];
    assert_eq!(room.take_inbox("ana"), answers);
    room.send_text("ana", "~", "uno");
    room.send_text("ana", "bo", "dos");
    room.send_text("bo", "ana", "tres");
    room.send_text("bo", "~", "cuatro");
    room.inboxes.clear();
    room.send("cy", b"\x05\x01~");
    assert_eq!(
        room.take_inbox("cy"),
        [b"\x38\x02\x03ana\x03uno\x02bo\x06cuatro"]
    );
    for (user, other) in [("ana", "bo"), ("bo", "ana")] {
        room.send(user, &client::get_history(Some(other)));
        assert_eq!(
            room.take_inbox(user),
            [b"\x38\x02\x03ana\x03dos\x02bo\x04tres"]
        );
    }
    room.send("cy", b"\x05\x03ana");
    assert_eq!(room.take_inbox("cy"), [b"\x38\x00"]);
    room.leave("ana");
    room.take_inbox("bo");
    room.send("bo", b"\x05\x03ana");
    assert_eq!(
        room.take_inbox("bo"),
        [b"\x38\x02\x03ana\x03dos\x02bo\x04tres"],
        "the history remains"
    );
}

#[test]
fn a_text_message_is_accepted_and_need_not_be_utf_8() {
    let mut room = TestRoom::binary(&["ana"]);
    room.send_as("ana", MessageKind::Text, b"\x04\x01~\x02\xff\x80");
    assert_eq!(room.take_inbox("ana"), [b"\x37\x03ana\x02\xff\x80"]);
}

#[test]
fn invalid_messages_are_ignored() {
    let mut room = TestRoom::binary(&["ana"]);
    for message in [
        &b""[..],
        b"\x00",
        b"\x06",
        b"\x37\x01a\x01b",
        b"\x04\x01~\x05hola",
        b"\x03\x03ana",
    ] {
        assert_eq!(room.send("ana", message), None);
    }
    assert_eq!(room.take_inbox("ana"), NO_MESSAGES);
}

#[test]
fn an_idle_user_becomes_inactive_and_a_message_makes_it_active_first() {
    let mut room = TestRoom::binary(&["ana", "bo"]);
    room.advance(60);
    room.tick("ana");
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x03"]);
    assert_eq!(room.take_inbox("ana"), [b"\x36\x03ana\x03"]);
    room.send("ana", b"\x04\x01~\x01x");
    let expected: [&[u8]; 2] = [b"\x36\x03ana\x01", b"\x37\x03ana\x01x"];
    assert_eq!(room.take_inbox("ana"), expected);
    assert_eq!(room.take_inbox("bo"), expected);
    room.advance(59);
    room.tick("ana");
    assert_eq!(room.take_inbox("ana"), NO_MESSAGES);
}
