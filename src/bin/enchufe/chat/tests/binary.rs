//! The binary chat (seed 001) as a specification: each row of its tables, on the wire.

use crate::chat::domain::command::Refusal;
use crate::chat::domain::status::Status;
use crate::chat::tests::support::{Hall, NOTHING};
use crate::chat::wire::binary_client as client;
use crate::chat::wire::json_error::Fault;
use enchufe::protocol::MessageKind;

#[test]
fn a_first_time_name_is_53_to_the_others_and_one_that_comes_back_54() {
    let mut hall = Hall::binary(&["bo"]);
    hall.connect("ana").unwrap();
    assert_eq!(hall.got("bo"), [b"\x35\x03ana\x01"]);
    assert_eq!(hall.got("ana"), NOTHING);
    hall.leave("ana");
    assert_eq!(hall.got("bo"), [b"\x36\x03ana\x00"]);
    assert_eq!(hall.got("ana"), NOTHING);
    hall.connect("ana").unwrap();
    assert_eq!(hall.got("bo"), [b"\x36\x03ana\x01"]);
}

#[test]
fn a_name_that_is_online_is_refused() {
    let mut hall = Hall::mixed(&["ana"], &["bo"]);
    assert_eq!(hall.connect("ana"), Err(Refusal::NameTaken));
    assert_eq!(hall.connect("bo"), Err(Refusal::NameTaken));
    assert_eq!(
        hall.register("ana"),
        Err(Fault::Refused(Refusal::NameTaken))
    );
}

#[test]
fn message_1_is_answered_with_51_to_the_asker() {
    let mut hall = Hall::binary(&["bo", "ana", "cy", "di"]);
    hall.leave("di");
    hall.got("ana");
    hall.send("cy", &client::change_status("cy", Status::Busy));
    hall.got("ana");
    hall.send("ana", b"\x01");
    assert_eq!(
        hall.got("ana"),
        [b"\x33\x03\x03ana\x01\x02bo\x01\x02cy\x02"]
    );
}

#[test]
fn message_2_is_answered_with_52_or_error_1() {
    let mut hall = Hall::binary(&["ana", "bo"]);
    hall.send("ana", b"\x02\x02bo");
    hall.leave("bo");
    hall.send("ana", b"\x02\x02bo");
    hall.send("ana", b"\x02\x06nobody");
    hall.send("ana", b"\x02\x01~");
    hall.send("ana", b"\x02\x00");
    hall.send("ana", b"\x02\x01\xff");
    let expected: [&[u8]; 7] = [
        b"\x34\x02bo\x01",
        b"\x36\x02bo\x00",
        b"\x34\x02bo\x00",
        b"\x32\x01",
        b"\x32\x01",
        b"\x32\x01",
        b"\x32\x01",
    ];
    assert_eq!(hall.got("ana"), expected);
    assert_eq!(hall.got("bo"), NOTHING);
}

#[test]
fn message_3_is_54_to_all_or_error_2_or_1() {
    let mut hall = Hall::binary(&["ana", "bo"]);
    hall.send("ana", b"\x03\x03ana\x02");
    hall.send("ana", b"\x03\x03ana\x02");
    let busy: [&[u8]; 2] = [b"\x36\x03ana\x02", b"\x36\x03ana\x02"];
    assert_eq!(hall.got("ana"), busy);
    assert_eq!(hall.got("bo"), busy);
    hall.send("ana", b"\x03\x06nobody\x04");
    hall.send("ana", b"\x03\x06nobody\x01");
    hall.send("ana", b"\x03\x02bo\x01");
    assert_eq!(hall.got("ana"), [b"\x32\x02", b"\x32\x01", b"\x32\x02"]);
    assert_eq!(hall.got("bo"), NOTHING);
}

#[test]
fn status_0_is_offline_to_others_until_another_3() {
    let mut hall = Hall::binary(&["ana", "bo"]);
    hall.send("ana", b"\x03\x03ana\x00");
    assert_eq!(hall.got("ana"), [b"\x36\x03ana\x00"]);
    hall.got("bo");
    hall.send("bo", b"\x01");
    hall.send("bo", b"\x04\x03ana\x01x");
    let answers: [&[u8]; 2] = [b"\x33\x01\x02bo\x01", b"\x32\x04"];
    assert_eq!(hall.got("bo"), answers);
    hall.send("ana", b"\x01");
    hall.say("bo", "~", "hola");
    let answers: [&[u8]; 2] = [b"\x33\x02\x03ana\x00\x02bo\x01", b"\x37\x02bo\x04hola"];
    assert_eq!(
        hall.got("ana"),
        answers,
        "the connection is open and misses nothing"
    );
    hall.send("ana", b"\x03\x03ana\x01");
    hall.send("bo", b"\x04\x03ana\x01x");
    let answers: [&[u8]; 2] = [b"\x36\x03ana\x01", b"\x37\x02bo\x01x"];
    assert_eq!(hall.got("ana"), answers);
    hall.send("ana", b"\x03\x03ana\x00");
    hall.got("bo");
    hall.leave("ana");
    assert_eq!(
        hall.got("bo"),
        [b"\x36\x03ana\x00"],
        "also when it counted as offline"
    );
}

#[test]
fn message_4_to_the_general_chat_is_55_to_all_sender_included() {
    let mut hall = Hall::binary(&["ana", "bo", "cy"]);
    hall.send("ana", b"\x04\x01~\x04hola");
    for who in ["ana", "bo", "cy"] {
        assert_eq!(hall.got(who), [b"\x37\x03ana\x04hola"]);
    }
}

#[test]
fn message_4_to_a_user_is_55_to_that_user_and_the_sender_with_the_sender_as_origin() {
    let mut hall = Hall::binary(&["ana", "bo", "cy"]);
    hall.send("ana", b"\x04\x02bo\x04psst");
    for who in ["ana", "bo"] {
        assert_eq!(hall.got(who), [b"\x37\x03ana\x04psst"]);
    }
    assert_eq!(hall.got("cy"), NOTHING);
    hall.send("ana", b"\x04\x03ana\x04nota");
    assert_eq!(
        hall.got("ana"),
        [b"\x37\x03ana\x04nota"],
        "one copy to oneself"
    );
}

#[test]
fn message_4_without_text_is_error_3_and_to_nobody_error_4() {
    let mut hall = Hall::binary(&["ana", "bo"]);
    hall.leave("bo");
    hall.got("ana");
    hall.send("ana", b"\x04\x06nobody\x00");
    hall.send("ana", b"\x04\x06nobody\x01x");
    hall.send("ana", b"\x04\x02bo\x01x");
    hall.send("ana", b"\x05\x02bo");
    let answers: [&[u8]; 4] = [b"\x32\x03", b"\x32\x04", b"\x32\x04", b"\x38\x00"];
    assert_eq!(hall.got("ana"), answers, "nothing is stored");
}

#[test]
fn message_5_is_answered_with_56_or_error_1() {
    let mut hall = Hall::binary(&["ana", "bo", "cy"]);
    hall.send("ana", b"\x05\x01~");
    hall.send("ana", b"\x05\x06nobody");
    let answers: [&[u8]; 2] = [b"\x38\x00", b"\x32\x01"];
    assert_eq!(hall.got("ana"), answers);
    hall.say("ana", "~", "uno");
    hall.say("ana", "bo", "dos");
    hall.say("bo", "ana", "tres");
    hall.say("bo", "~", "cuatro");
    hall.inboxes.clear();
    hall.send("cy", b"\x05\x01~");
    assert_eq!(hall.got("cy"), [b"\x38\x02\x03ana\x03uno\x02bo\x06cuatro"]);
    for (who, other) in [("ana", "bo"), ("bo", "ana")] {
        hall.send(who, &client::get_history(Some(other)));
        assert_eq!(hall.got(who), [b"\x38\x02\x03ana\x03dos\x02bo\x04tres"]);
    }
    hall.send("cy", b"\x05\x03ana");
    assert_eq!(hall.got("cy"), [b"\x38\x00"]);
    hall.leave("ana");
    hall.got("bo");
    hall.send("bo", b"\x05\x03ana");
    assert_eq!(
        hall.got("bo"),
        [b"\x38\x02\x03ana\x03dos\x02bo\x04tres"],
        "the chat stays"
    );
}

#[test]
fn a_text_frame_is_as_good_as_a_binary_one_and_need_not_be_utf_8() {
    let mut hall = Hall::binary(&["ana"]);
    hall.send_as("ana", MessageKind::Text, b"\x04\x01~\x02\xff\x80");
    assert_eq!(hall.got("ana"), [b"\x37\x03ana\x02\xff\x80"]);
}

#[test]
fn what_makes_no_sense_is_ignored() {
    let mut hall = Hall::binary(&["ana"]);
    for message in [
        &b""[..],
        b"\x00",
        b"\x06",
        b"\x37\x01a\x01b",
        b"\x04\x01~\x05hola",
        b"\x03\x03ana",
    ] {
        assert_eq!(hall.send("ana", message), None);
    }
    assert_eq!(hall.got("ana"), NOTHING);
}

#[test]
fn an_idle_user_turns_inactive_and_a_chat_makes_it_active_before_the_message() {
    let mut hall = Hall::binary(&["ana", "bo"]);
    hall.wait(60);
    hall.tick("ana");
    assert_eq!(hall.got("bo"), [b"\x36\x03ana\x03"]);
    assert_eq!(hall.got("ana"), [b"\x36\x03ana\x03"]);
    hall.send("ana", b"\x04\x01~\x01x");
    let told: [&[u8]; 2] = [b"\x36\x03ana\x01", b"\x37\x03ana\x01x"];
    assert_eq!(hall.got("ana"), told);
    assert_eq!(hall.got("bo"), told);
    hall.wait(59);
    hall.tick("ana");
    assert_eq!(hall.got("ana"), NOTHING);
}
