//! Lines out, messages back.

use std::net::TcpListener;

use crate::program::{Program, run, run_with, server};

#[test]
fn each_line_is_a_message_and_each_answer_a_line() {
    let (_server, address) = server(&[]);
    let end = run_with(
        &["send", &format!("ws://{address}/echo")],
        &[],
        "hola\n\nñandú\nlast".as_bytes(),
    );
    assert_eq!(
        (end.code, end.output.as_str(), end.errors.as_str()),
        (Some(0), "hola\n\nñandú\nlast\n", "")
    );
}

#[test]
fn more_than_any_buffer_holds_comes_back_whole() {
    let (_server, address) = server(&["--rate", "0"]);
    let input: String = (0..200_000).map(|n| format!("line number {n}\n")).collect();
    let mut program = Program::start(&["send", &format!("ws://{address}/echo")]);
    program.write(input.as_bytes());
    assert_eq!(program.end().output, input);
}

#[test]
fn what_the_server_prints_is_a_url_for_send() {
    let (_server, address) = server(&[]);
    assert_eq!(
        run_with(&["send", &format!("http://{address}/echo")], &[], b"hola\n").output,
        "hola\n"
    );
    assert_eq!(
        run_with(&["send", &format!("{address}/echo")], &[], b"hola\n").output,
        "hola\n"
    );
}

#[test]
fn control_characters_that_come_back_are_escaped_unless_raw() {
    let (_server, address) = server(&[]);
    let url = format!("ws://{address}/echo");
    let evil = "\x1b]52;c;aGk=\x07 \u{9b}2J \u{202e}\n".as_bytes();
    let end = run_with(&["send", &url], &[], evil);
    assert_eq!(end.output, "\\x1b]52;c;aGk=\\x07 \\u{9b}2J \\u{202e}\n");
    let end = run_with(&["send", &url, "--raw"], &[], evil);
    assert_eq!(end.output.as_bytes(), evil);
}

#[test]
fn bytes_that_are_not_utf8_need_binary() {
    let (_server, address) = server(&[]);
    let url = format!("ws://{address}/echo");
    let end = run_with(&["send", &url], &[], b"a\xff\n");
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains("--binary"), "{end:?}");
    let end = run_with(&["send", &url, "--binary"], &[], b"a\xff\n");
    assert_eq!((end.code, end.output.as_str()), (Some(0), "a\\xff\n"));
}

#[test]
fn trace_draws_handshakes_and_frames_on_standard_error() {
    let (_server, address) = server(&[]);
    let end = run_with(
        &["send", &format!("ws://{address}/echo"), "--trace"],
        &[],
        b"Hello\n",
    );
    assert_eq!(end.output, "Hello\n");
    for part in [
        "> GET /echo HTTP/1.1",
        "< HTTP/1.1 101",
        "Sec-WebSocket-Accept",
        "masking key",
        "close code: 1000",
    ] {
        assert!(end.errors.contains(part), "{part}: {}", end.errors);
    }
}

#[cfg(feature = "deflate")]
#[test]
fn deflate_is_offered_and_each_frame_is_drawn_as_it_is_on_the_wire() {
    let (_server, address) = server(&["--deflate"]);
    let line = "hola ".repeat(100) + "\n";
    let end = run_with(
        &[
            "send",
            &format!("ws://{address}/echo"),
            "--trace",
            "--deflate",
        ],
        &[],
        line.as_bytes(),
    );
    assert_eq!((end.code, &end.output), (Some(0), &line));
    for part in [
        "Sec-WebSocket-Extensions: permessage-deflate",
        "> text FIN RSV1 mask=",
        "< text FIN RSV1 ",
    ] {
        assert!(end.errors.contains(part), "{part}: {}", end.errors);
    }
}

#[test]
fn a_refusal_is_shown_with_status_and_body_and_is_status_1() {
    let (_server, address) = server(&[]);
    let end = run(&["send", &format!("ws://{address}/nowhere")]);
    assert_eq!((end.code, end.output.as_str()), (Some(1), ""));
    assert!(
        end.errors.contains("404 Not Found") && end.errors.lines().count() == 1,
        "{end:?}"
    );
}

#[test]
fn headers_are_sent() {
    let (_server, address) = server(&[]);
    let end = run(&[
        "send",
        &format!("ws://{address}/echo"),
        "--header",
        "Origin: http://evil.example",
    ]);
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains("403"), "{end:?}");
}

#[test]
fn a_close_with_an_error_code_is_status_1_and_explained() {
    let (_server, address) = server(&["--max-message", "10"]);
    let end = run_with(
        &["send", &format!("ws://{address}/echo")],
        &[],
        b"more than ten bytes\n",
    );
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains("1009"), "{end:?}");
}

#[test]
fn nobody_there_is_status_1_and_one_line() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let end = run(&["send", &format!("ws://{free}/")]);
    assert_eq!(end.code, Some(1));
    assert!(
        end.errors.contains("cannot connect") && end.errors.lines().count() == 1,
        "{end:?}"
    );
}

#[test]
fn the_first_signal_closes_politely() {
    let (_server, address) = server(&[]);
    let mut program = Program::start(&["send", &format!("ws://{address}/echo")]);
    program.type_line("hola");
    assert_eq!(program.line(), "hola");
    program.signal("INT");
    // The input has not ended, so not everything was sent.
    assert_eq!(program.wait().code, Some(1));
}
