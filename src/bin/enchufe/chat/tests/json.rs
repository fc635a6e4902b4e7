//! The JSON wire (seed 002): a test for each row of its table.

use crate::chat::domain::command::Rejection;
use crate::chat::tests::support::{
    NO_MESSAGES, TestRoom, broadcast, error, private, server_message, status_update,
};
use crate::chat::wire::json_error::RequestError;
use enchufe::protocol::{CloseCode, MessageKind};

#[test]
fn register_is_answered_with_all_connected_users() {
    let mut room = TestRoom::mixed(&["bo"], &["cy"]);
    room.register("ana").unwrap();
    let welcome = r#""content":"Registro exitoso","userList":["ana","bo","cy"]"#;
    assert_eq!(
        room.take_text_inbox("ana"),
        [server_message("register_success", welcome)]
    );
    assert_eq!(room.take_text_inbox("cy"), [status_update("ana", "ACTIVO")]);
    assert_eq!(room.take_inbox("bo"), [b"\x35\x03ana\x01"]);
}

#[test]
fn register_is_rejected_for_a_taken_or_invalid_name() {
    let mut room = TestRoom::mixed(&[], &["ana"]);
    let error = room.register("ana").unwrap_err();
    assert_eq!(error.to_string(), "El usuario ya existe");
    for (bad, rejection) in [
        ("", Rejection::NameEmpty),
        ("~", Rejection::NameReserved),
        ("server", Rejection::NameReserved),
        ("a\\u0000", Rejection::NameHasControlCharacter),
        ("a\\r\\nb", Rejection::NameHasControlCharacter),
    ] {
        assert_eq!(room.register(bad), Err(RequestError::Rejected(rejection)));
    }
    let long = "x".repeat(256);
    assert_eq!(
        room.register(&long),
        Err(RequestError::Rejected(Rejection::NameTooLong))
    );
    assert_eq!(room.take_inbox("ana"), NO_MESSAGES);
    room.register("bo").expect("the connection may try again");
}

#[test]
fn any_other_message_before_register_is_an_error() {
    let mut room = TestRoom::new();
    let text = MessageKind::Text;
    assert_eq!(
        room.send_first(text, br#"{"type":"list_users"}"#),
        Err(RequestError::NotRegistered)
    );
    assert_eq!(room.send_first(text, b"hola"), Err(RequestError::NotJson));
    assert_eq!(room.send_first(text, b"\xff"), Err(RequestError::NotUtf8));
    let register = br#"{"type":"register","sender":"ana"}"#;
    assert_eq!(
        room.send_first(MessageKind::Binary, register),
        Err(RequestError::NotText)
    );
    room.send_first(text, register).unwrap();
}

#[test]
fn broadcast_is_sent_to_all_users_including_the_sender() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    room.json(
        "ana",
        r#"{"type":"broadcast","sender":"ana","content":"hola"}"#,
    );
    for user in ["ana", "bo"] {
        assert_eq!(room.take_text_inbox(user), [broadcast("ana", "hola")]);
    }
    room.json("ana", r#"{"type":"broadcast","content":""}"#);
    assert_eq!(
        room.take_text_inbox("ana"),
        [error("El mensaje está vacío")]
    );
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
}

#[test]
fn private_is_sent_to_the_target_and_the_sender() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo", "cy"]);
    room.json(
        "ana",
        r#"{"type":"private","target":"bo","content":"psst"}"#,
    );
    for user in ["ana", "bo"] {
        assert_eq!(room.take_text_inbox(user), [private("ana", "bo", "psst")]);
    }
    assert_eq!(room.take_inbox("cy"), NO_MESSAGES);
    room.json(
        "ana",
        r#"{"type":"private","target":"ana","content":"nota"}"#,
    );
    assert_eq!(room.take_text_inbox("ana"), [private("ana", "ana", "nota")]);
    room.leave("bo");
    room.inboxes.clear();
    for target in ["bo", "nobody", "~", "server", ""] {
        room.json(
            "ana",
            &format!(r#"{{"type":"private","target":"{target}","content":"x"}}"#),
        );
        assert_eq!(
            room.take_text_inbox("ana"),
            [error("El destinatario no está conectado")]
        );
    }
}

#[test]
fn list_users_is_answered_with_names() {
    let mut room = TestRoom::mixed(&["bo"], &["ana", "cy"]);
    room.leave("cy");
    room.inboxes.clear();
    room.json("ana", r#"{"type":"list_users","sender":"ana"}"#);
    let answer = server_message("list_users_response", r#""content":["ana","bo"]"#);
    assert_eq!(room.take_text_inbox("ana"), [answer]);
}

#[test]
fn user_info_is_answered_with_ip_and_status() {
    let mut room = TestRoom::mixed(&["bo"], &["ana"]);
    let info = |name: &str, ip: &str, status: &str| {
        let content = format!(r#""target":"{name}","content":{{"ip":"{ip}","status":"{status}"}}"#);
        server_message("user_info_response", &content)
    };
    room.json("ana", r#"{"type":"user_info","target":"ana"}"#);
    room.json("ana", r#"{"type":"user_info","target":"bo"}"#);
    room.json("ana", r#"{"type":"user_info","target":"nobody"}"#);
    let answers = [
        info("ana", "10.0.0.2", "ACTIVO"),
        info("bo", "10.0.0.1", "ACTIVO"),
        error("Usuario no encontrado"),
    ];
    assert_eq!(room.take_text_inbox("ana"), answers);
    room.leave("bo");
    room.inboxes.clear();
    room.json("ana", r#"{"type":"user_info","target":"bo"}"#);
    assert_eq!(
        room.take_text_inbox("ana"),
        [info("bo", "10.0.0.1", "DESCONECTADO")]
    );
}

#[test]
fn change_status_notifies_all_users_including_the_sender() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    for status in ["OCUPADO", "INACTIVO", "ACTIVO", "ACTIVO"] {
        room.json(
            "ana",
            &format!(r#"{{"type":"change_status","content":"{status}"}}"#),
        );
        for user in ["ana", "bo"] {
            assert_eq!(room.take_text_inbox(user), [status_update("ana", status)]);
        }
    }
    room.json(
        "ana",
        r#"{"type":"change_status","content":"DESCONECTADO"}"#,
    );
    assert_eq!(
        room.take_text_inbox("ana"),
        [error("El estado es inválido")]
    );
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
}

#[test]
fn disconnect_notifies_all_users_including_the_sender_and_closes_the_connection() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    let close = room.json(
        "ana",
        r#"{"type":"disconnect","sender":"ana","content":"Cierre"}"#,
    );
    assert_eq!(close, Some(CloseCode::NormalClosure));
    let gone = server_message("user_disconnected", r#""content":"ana ha salido""#);
    assert_eq!(room.take_text_inbox("ana"), std::slice::from_ref(&gone));
    assert_eq!(room.take_text_inbox("bo"), [gone]);
    room.leave("ana");
    assert_eq!(
        room.take_inbox("bo"),
        NO_MESSAGES,
        "the notice is not repeated"
    );
}

#[test]
fn the_end_of_a_connection_notifies_the_others() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    room.leave("ana");
    let gone = server_message("user_disconnected", r#""content":"ana ha salido""#);
    assert_eq!(room.take_text_inbox("bo"), [gone]);
    room.register("ana").unwrap();
    assert_eq!(room.take_text_inbox("bo"), [status_update("ana", "ACTIVO")]);
}

#[test]
fn history_has_sequence_numbers_to_continue_from() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    room.json("ana", r#"{"type":"broadcast","content":"uno"}"#);
    room.json("ana", r#"{"type":"private","target":"bo","content":"dos"}"#);
    room.json("bo", r#"{"type":"broadcast","content":"tres"}"#);
    room.inboxes.clear();
    let entry = |seq: u64, sender: &str, content: &str| {
        format!(
            r#"{{"seq":{seq},"sender":"{sender}","content":"{content}","timestamp":"2025-03-16T09:05:00Z"}}"#
        )
    };
    let (one, two, three) = (
        entry(1, "ana", "uno"),
        entry(2, "ana", "dos"),
        entry(3, "bo", "tres"),
    );
    room.json("bo", r#"{"type":"history"}"#);
    room.json("bo", r#"{"type":"history","after":1}"#);
    room.json("bo", r#"{"type":"history","after":3}"#);
    room.json("bo", r#"{"type":"history","target":"ana"}"#);
    room.json("bo", r#"{"type":"history","target":"nobody"}"#);
    let answers = [
        server_message("history_response", &format!(r#""content":[{one},{three}]"#)),
        server_message("history_response", &format!(r#""content":[{three}]"#)),
        server_message("history_response", r#""content":[]"#),
        server_message(
            "history_response",
            &format!(r#""target":"ana","content":[{two}]"#),
        ),
        error("Usuario no encontrado"),
    ];
    assert_eq!(room.take_text_inbox("bo"), answers);
}

#[test]
fn an_invalid_message_is_answered_with_an_error_and_has_no_effect() {
    let mut room = TestRoom::mixed(&[], &["ana", "bo"]);
    for (message, sentence) in [
        ("hola", "El mensaje no es JSON válido"),
        ("[]", "El mensaje no es un objeto JSON"),
        ("{}", "Falta el campo type"),
        (r#"{"type":1}"#, "El campo type es de otro tipo"),
        (r#"{"type":"nada"}"#, "El tipo de mensaje no existe"),
        (
            r#"{"type":"broadcast","content":1}"#,
            "El campo content es de otro tipo",
        ),
        (
            r#"{"type":"broadcast","sender":"bo","content":"x"}"#,
            "El campo sender no es el nombre registrado",
        ),
        (
            r#"{"type":"register","sender":"ana"}"#,
            "Ya hay un registro en esta conexión",
        ),
    ] {
        assert_eq!(room.json("ana", message), None);
        assert_eq!(room.take_text_inbox("ana"), [error(sentence)]);
    }
    assert_eq!(room.send("ana", br#"{"type":"list_users"}"#), None);
    assert_eq!(
        room.take_text_inbox("ana"),
        [error("El mensaje no es de texto")]
    );
    assert_eq!(room.take_inbox("bo"), NO_MESSAGES);
}

#[test]
fn text_that_is_not_utf_8_fails_the_connection_unless_it_follows_a_nul() {
    let mut room = TestRoom::mixed(&[], &["ana"]);
    let close = room.send_as("ana", MessageKind::Text, b"{\"type\":\"\xff\"}");
    assert_eq!(close, Some(CloseCode::InvalidFramePayloadData));
    let close = room.send_as("ana", MessageKind::Text, b"{\"type\":\"list_users\"}\0\xff");
    assert_eq!((close, room.take_inbox("ana").len()), (None, 1));
}
