//! A client's conversation with the hub as a specification: what it sends, and the steps that follow.

use crate::hospital::methods::Call;
use crate::hospital::tests::fixture::{
    Fixture, HELLO, completion, create_bed, invocation, welcome,
};
use crate::signalr::close::EndReason;
use crate::signalr::handshake::HandshakeRefusal;
use crate::signalr::messages::CallError;
use crate::signalr::records::RecordError;
use crate::signalr::session::{MAX_HANDSHAKE, MAX_RECORD, Step};
use crate::tests::random::XorShift;

#[test]
fn a_handshake_is_welcomed() {
    assert_eq!(Fixture::new().receive(HELLO), [welcome()]);
}

#[test]
fn records_behind_the_handshake_in_the_same_message_count() {
    let message = format!("{HELLO}{}", invocation(None, "VerEstadoActual", "[]"));
    assert_eq!(
        Fixture::new().receive(&message),
        [welcome(), Step::Call(Call::View, None)]
    );
}

#[test]
fn a_handshake_may_come_in_pieces() {
    for cut in 0..HELLO.len() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.receive(&HELLO[..cut]), []);
        assert_eq!(fixture.receive(&HELLO[cut..]), [welcome()], "cut at {cut}");
    }
}

#[test]
fn another_protocol_is_told_so_and_the_connection_ends() {
    let mut fixture = Fixture::new();
    let refused = EndReason::Refused(HandshakeRefusal::OtherProtocol);
    assert_eq!(
        fixture.receive("{\"protocol\":\"messagepack\",\"version\":1}\x1e"),
        [Step::End(refused)]
    );
    let record = refused.record().unwrap();
    assert!(record.starts_with("{\"error\":"), "{record:?}");
}

#[test]
fn an_invocation_before_the_handshake_ends_the_connection() {
    let steps = Fixture::new().receive(&invocation(Some("1"), "VerEstadoActual", "[]"));
    assert_eq!(
        steps,
        [Step::End(EndReason::Refused(
            HandshakeRefusal::NotAHandshake
        ))]
    );
}

#[test]
fn a_handshake_has_at_most_4_kib() {
    assert_eq!(Fixture::new().receive(&" ".repeat(MAX_HANDSHAKE)), []);
    let too_long = Step::End(EndReason::BadRecord(RecordError::TooLong));
    assert_eq!(
        Fixture::new().receive(&" ".repeat(MAX_HANDSHAKE + 1)),
        [too_long]
    );
}

#[test]
fn a_record_has_at_most_64_kib() {
    let mut fixture = Fixture::open();
    assert_eq!(fixture.receive(&" ".repeat(MAX_RECORD)), []);
    assert_eq!(
        fixture.receive(" "),
        [Step::End(EndReason::BadRecord(RecordError::TooLong))]
    );
}

#[test]
fn a_call_is_carried_out_and_completed_under_its_id() {
    let mut fixture = Fixture::open();
    assert_eq!(
        fixture.receive(&invocation(Some("0"), "CrearCama", "[4]")),
        [create_bed(4, Some("0"))]
    );
    assert_eq!(
        fixture.receive(&invocation(None, "crearcama", "[4]")),
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
        Step::End(EndReason::Left),
    ];
    assert_eq!(Fixture::open().receive(&message), expected);
}

#[test]
fn a_bad_call_is_completed_with_an_error_and_the_connection_kept() {
    let mut fixture = Fixture::open();
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
        assert_eq!(
            fixture.receive(&message),
            [completion(&id, error)],
            "{message}"
        );
    }
    assert_eq!(
        fixture.receive(&invocation(None, "CrearCama", "[1]")),
        [create_bed(1, None)]
    );
}

#[test]
fn a_bad_call_without_id_is_answered_with_nothing() {
    let mut fixture = Fixture::open();
    assert_eq!(fixture.receive(&invocation(None, "Nada", "[]")), []);
    assert_eq!(
        fixture.receive(&invocation(None, "CrearCama", "[\"a\"]")),
        []
    );
    assert_eq!(
        fixture.receive("{\"type\":4,\"target\":\"CrearCama\",\"arguments\":[1]}\x1e"),
        []
    );
}

#[test]
fn an_id_that_comes_again_is_completed_with_an_error_and_nothing_is_done() {
    let mut fixture = Fixture::open();
    let message = invocation(Some("9"), "CrearCama", "[1]");
    assert_eq!(fixture.receive(&message), [create_bed(1, Some("9"))]);
    assert_eq!(
        fixture.receive(&message),
        [completion("9", CallError::IdUsedBefore)]
    );
}

#[test]
fn empty_records_and_other_types_ask_for_nothing() {
    let mut fixture = Fixture::open();
    assert_eq!(fixture.receive(&"\x1e".repeat(10_000)), []);
    for kind in [2, 3, 5, 6, 8, 9, 99] {
        assert_eq!(
            fixture.receive(&format!("{{\"type\":{kind},\"invocationId\":\"1\"}}\x1e")),
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
        let mut fixture = Fixture::open();
        let steps = fixture.receive(&format!(
            "{bad}\x1e{}",
            invocation(Some("1"), "CrearCama", "[1]")
        ));
        assert!(
            matches!(steps[..], [Step::End(EndReason::BadRecord(_))]),
            "{bad}: {steps:?}"
        );
        assert_eq!(fixture.receive(&invocation(None, "CrearCama", "[1]")), []);
        assert_eq!(fixture.advance(60), None);
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
    let whole = Fixture::new().receive_bytes(stream);
    assert_eq!(whole.len(), 3);
    for cut in 0..=stream.len() {
        let mut fixture = Fixture::new();
        let mut steps = fixture.receive_bytes(&stream[..cut]);
        steps.extend(fixture.receive_bytes(&stream[cut..]));
        assert_eq!(steps, whole, "cut at {cut}");
    }
}

#[test]
fn random_bytes_never_panic_and_never_carry_out_a_call_they_do_not_spell() {
    let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
    let all_bytes: Vec<u8> = (0..=255).collect();
    let alphabet =
        b"{}[]\":,\\\x1e type1234567.-e invocationId target arguments CrearCama \xff\xc3\x00";
    for round in 0..2_000 {
        let mut fixture = if round % 4 == 0 {
            Fixture::new()
        } else {
            Fixture::open()
        };
        for _ in 0..8 {
            let source = if round % 2 == 0 {
                &all_bytes[..]
            } else {
                alphabet
            };
            let length = random.below(64);
            let bytes = random.bytes(length, source);
            for step in fixture.receive_bytes(&bytes) {
                assert!(
                    !matches!(step, Step::Welcome(_) | Step::Call(..)),
                    "{bytes:?}"
                );
            }
            fixture.advance(1);
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
            Fixture::new().receive_bytes(&changed);
        }
    }
}
