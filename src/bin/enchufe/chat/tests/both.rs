//! Users of both wires in one chat.

use crate::chat::tests::support::{NO_MESSAGES, TestRoom, broadcast, name, private, status_update};
use crate::chat::wire::codec::Codec;
use crate::tests::random::XorShift;
use enchufe::protocol::MessageKind;

#[test]
fn a_message_is_55_on_one_wire_and_broadcast_or_private_on_the_other() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.send_text("bo", "~", "hola");
    assert_eq!(room.take_text_inbox("ana"), [broadcast("bo", "hola")]);
    assert_eq!(room.take_inbox("bo"), [b"\x37\x02bo\x04hola"]);
    room.send_text("bo", "ana", "psst");
    assert_eq!(room.take_text_inbox("ana"), [private("bo", "ana", "psst")]);
    assert_eq!(room.take_inbox("bo"), [b"\x37\x02bo\x04psst"]);
    room.json("ana", r#"{"type":"broadcast","content":"¡hola!"}"#);
    assert_eq!(room.take_inbox("bo"), ["\x37\x03ana\x07¡hola!".as_bytes()]);
    room.json(
        "ana",
        r#"{"type":"private","target":"bo","content":"psst"}"#,
    );
    assert_eq!(room.take_inbox("bo"), [b"\x37\x03ana\x04psst"]);
}

#[test]
fn a_status_is_54_on_one_wire_and_status_update_on_the_other() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.send("bo", b"\x03\x02bo\x02");
    room.send("bo", b"\x03\x02bo\x00");
    let updates = [
        status_update("bo", "OCUPADO"),
        status_update("bo", "DESCONECTADO"),
    ];
    assert_eq!(room.take_text_inbox("ana"), updates);
    room.take_inbox("bo");
    room.json("ana", r#"{"type":"change_status","content":"INACTIVO"}"#);
    room.json("ana", r#"{"type":"broadcast","content":"x"}"#);
    let expected: [&[u8]; 3] = [b"\x36\x03ana\x03", b"\x36\x03ana\x01", b"\x37\x03ana\x01x"];
    assert_eq!(room.take_inbox("bo"), expected);
    room.json("ana", r#"{"type":"disconnect"}"#);
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x00"]);
}

#[test]
fn a_user_may_leave_on_one_wire_and_connect_again_on_the_other() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.leave("ana");
    room.take_inbox("bo");
    room.connect("ana").unwrap();
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x01"]);
}

/// After a `disconnect` the name is free, though the connection that sent it is still open.
#[test]
fn the_end_of_a_disconnected_connection_does_not_affect_the_next_user_of_its_name() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    let first = room.connections.members[&name("ana")].id;
    room.json("ana", r#"{"type":"disconnect"}"#);
    room.connect("ana").unwrap();
    room.take_inbox("bo");
    room.end_connection("ana", first);
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
    room.send_text("ana", "~", "hola");
    assert_eq!(room.take_inbox("bo"), [b"\x37\x03ana\x04hola"]);
}

#[test]
fn a_json_text_over_255_bytes_is_several_55_and_several_in_a_56() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    let long = "ñ".repeat(200);
    room.json(
        "ana",
        &format!(r#"{{"type":"broadcast","content":"{long}"}}"#),
    );
    let pieces = ["ñ".repeat(127), "ñ".repeat(73)];
    let said: Vec<Vec<u8>> = pieces
        .iter()
        .map(|piece| {
            let length = u8::try_from(piece.len()).unwrap();
            [b"\x37\x03ana", &[length][..], piece.as_bytes()].concat()
        })
        .collect();
    assert_eq!(room.take_inbox("bo"), said);
    assert_eq!(room.take_text_inbox("ana"), [broadcast("ana", &long)]);
    room.send("bo", b"\x05\x01~");
    let history = room.take_inbox("bo").remove(0);
    assert_eq!(
        history,
        [b"\x38\x02", &said[0][1..], &said[1][1..]].concat()
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced_for_json_users() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.send("bo", b"\x04\x01~\x03a\xffb");
    assert_eq!(room.take_text_inbox("ana"), [broadcast("bo", "a\u{fffd}b")]);
    assert_eq!(room.take_inbox("bo"), [b"\x37\x02bo\x03a\xffb"]);
}

#[test]
fn all_users_see_the_same_order_as_the_history() {
    let mut room = TestRoom::mixed(&["bo", "di"], &["ana", "cy"]);
    for n in 0..50 {
        room.send_text("bo", "~", &format!("b{n}"));
        room.json(
            "ana",
            &format!(r#"{{"type":"broadcast","content":"a{n}"}}"#),
        );
    }
    let bo = room.take_inbox("bo");
    assert_eq!(bo.len(), 100);
    assert_eq!(room.take_inbox("di"), bo);
    let cy = room.take_inbox("cy");
    assert_eq!(room.take_inbox("ana"), cy);
    room.send("bo", b"\x05\x01~");
    let history: Vec<u8> = bo.iter().flat_map(|said| said[1..].to_vec()).collect();
    assert_eq!(
        room.take_inbox("bo"),
        [[&b"\x38\x64"[..], &history].concat()]
    );
}

#[test]
fn a_notice_is_encoded_only_for_wires_with_recipients() {
    let frames = |room: &mut TestRoom, user: &str, kind, message: &[u8]| {
        let effects = room.effects(user, kind, message);
        let is_written = |codec: Codec| {
            effects
                .entries
                .iter()
                .any(|(room, _)| *room == codec as usize)
        };
        Codec::ALL.map(is_written)
    };
    let mut both = TestRoom::mixed(&["bo"], &["ana"]);
    assert_eq!(
        frames(&mut both, "bo", MessageKind::Binary, b"\x04\x01~\x01x"),
        [true, true]
    );
    assert_eq!(
        frames(&mut both, "bo", MessageKind::Binary, b"\x04\x02bo\x01x"),
        [true, false]
    );
    assert_eq!(
        frames(&mut both, "bo", MessageKind::Binary, b"\x04\x03ana\x01x"),
        [true, true]
    );
    assert_eq!(
        frames(&mut both, "ana", MessageKind::Text, b"{}"),
        [false, true]
    );
    both.leave("ana");
    assert_eq!(
        frames(&mut both, "bo", MessageKind::Binary, b"\x04\x01~\x01x"),
        [true, false]
    );
}

#[test]
fn random_bytes_on_either_wire_never_panic() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    let mut random = XorShift(0x0123_4567_89ab_cdef);
    for round in 0..20_000 {
        let message = random.bytes(round % 24, b"\x01\x02\x03\x04\x05boan~{}[]\":,\\u0\0\xff");
        room.send("bo", &message);
        room.send_as("ana", MessageKind::Text, &message);
        room.inboxes.clear();
    }
}
