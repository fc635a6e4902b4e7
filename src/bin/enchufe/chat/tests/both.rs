//! Users of both chats in one room as a specification: what one wire says, the other tells.

use crate::chat::tests::support::{NOTHING, TestRoom, broadcast, name, private, status_update};
use crate::chat::wire::codec::Codec;
use crate::tests::random::XorShift;
use enchufe::protocol::MessageKind;

#[test]
fn a_55_is_a_broadcast_or_private_and_the_other_way_round() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.say("bo", "~", "hola");
    assert_eq!(room.got_text("ana"), [broadcast("bo", "hola")]);
    assert_eq!(room.take_inbox("bo"), [b"\x37\x02bo\x04hola"]);
    room.say("bo", "ana", "psst");
    assert_eq!(room.got_text("ana"), [private("bo", "ana", "psst")]);
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
fn a_54_is_a_status_update_and_the_other_way_round() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.send("bo", b"\x03\x02bo\x02");
    room.send("bo", b"\x03\x02bo\x00");
    let updates = [
        status_update("bo", "OCUPADO"),
        status_update("bo", "DESCONECTADO"),
    ];
    assert_eq!(room.got_text("ana"), updates);
    room.take_inbox("bo");
    room.json("ana", r#"{"type":"change_status","content":"INACTIVO"}"#);
    room.json("ana", r#"{"type":"broadcast","content":"x"}"#);
    let told: [&[u8]; 3] = [b"\x36\x03ana\x03", b"\x36\x03ana\x01", b"\x37\x03ana\x01x"];
    assert_eq!(room.take_inbox("bo"), told);
    room.json("ana", r#"{"type":"disconnect"}"#);
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x00"]);
}

#[test]
fn who_left_one_chat_comes_back_in_the_other_as_the_same_user() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.leave("ana");
    room.take_inbox("bo");
    room.connect("ana").unwrap();
    assert_eq!(room.take_inbox("bo"), [b"\x36\x03ana\x01"]);
}

/// Between a goodbye and the end of the connection that said it, the name is free.
#[test]
fn the_end_of_a_connection_does_not_end_who_took_its_name() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    let first = room.connections.members[&name("ana")].id;
    room.json("ana", r#"{"type":"disconnect"}"#);
    room.connect("ana").unwrap();
    room.take_inbox("bo");
    room.end("ana", first);
    assert_eq!(room.take_inbox("bo"), NOTHING);
    room.say("ana", "~", "hola");
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
    assert_eq!(room.got_text("ana"), [broadcast("ana", &long)]);
    room.send("bo", b"\x05\x01~");
    let history = room.take_inbox("bo").remove(0);
    assert_eq!(
        history,
        [b"\x38\x02", &said[0][1..], &said[1][1..]].concat()
    );
}

#[test]
fn bytes_that_are_not_utf_8_reach_json_users_with_replacement_characters() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    room.send("bo", b"\x04\x01~\x03a\xffb");
    assert_eq!(room.got_text("ana"), [broadcast("bo", "a\u{fffd}b")]);
    assert_eq!(room.take_inbox("bo"), [b"\x37\x02bo\x03a\xffb"]);
}

#[test]
fn everybody_sees_one_order_and_the_history_agrees_with_it() {
    let mut room = TestRoom::mixed(&["bo", "di"], &["ana", "cy"]);
    for n in 0..50 {
        room.say("bo", "~", &format!("b{n}"));
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
fn a_wire_that_nobody_reads_is_not_written() {
    let frames = |room: &mut TestRoom, who: &str, kind, message: &[u8]| {
        let reaction = room.react(who, kind, message);
        let is_written = |codec: Codec| {
            reaction
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
