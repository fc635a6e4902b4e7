//! Two people, or a person and a file, in the chat of a real server.

use crate::program::{Program, run, run_with, server};
#[cfg(feature = "store")]
use crate::support::folder::Folder;

/// A client that is in the chat: it has seen who is here.
fn enter(address: &str, name: &str) -> Program {
    let client = Program::start(&["chat", &format!("ws://{address}"), "--name", name]);
    client.line_with("- here: ");
    client
}

#[test]
fn people_see_each_other_come_speak_and_leave() {
    let (_server, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    let mut beto = enter(&address, "beto");
    assert_eq!(ana.line(), "* beto is here for the first time");
    ana.type_line("hola");
    assert_eq!(ana.line(), "ana: hola");
    assert_eq!(beto.line(), "ana: hola");
    beto.type_line("/status inactivo");
    assert_eq!(beto.line(), "* you are inactive");
    assert_eq!(ana.line(), "* beto is inactive");
    let end = beto.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    assert_eq!(ana.line(), "* beto has left");
    let _beto = enter(&address, "beto");
    assert_eq!(ana.line(), "* beto is here again");
}

#[test]
fn a_private_message_goes_to_one_whose_name_may_have_spaces() {
    let (_server, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    let beto = enter(&address, "Beto Pérez");
    let carla = enter(&address, "carla");
    ana.type_line("/msg \"Beto Pérez\" psst");
    assert_eq!(ana.line_with("psst"), "ana -> \"Beto Pérez\": psst");
    assert_eq!(beto.line_with("psst"), "ana: psst");
    ana.type_line("/msg zoe psst");
    assert_eq!(ana.line(), "! zoe is not here; not sent: psst");
    ana.type_line("to all");
    assert_eq!(carla.line(), "ana: to all", "and nothing private before it");
}

#[test]
fn the_history_is_shown_on_entry() {
    let (_server, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    ana.type_line("one");
    ana.type_line("two");
    ana.line_with("ana: two");
    let beto = enter(&address, "beto");
    assert_eq!(
        [beto.line(), beto.line(), beto.line()],
        ["ana: one", "ana: two", "- that was before you came"]
    );
}

#[test]
fn messages_wait_while_one_is_busy() {
    let (_server, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    let mut beto = enter(&address, "beto");
    ana.line_with("beto");
    ana.type_line("/status ocupado");
    assert!(ana.line().starts_with("* you are busy"));
    assert_eq!(beto.line(), "* ana is busy");
    beto.type_line("one");
    beto.type_line("two");
    beto.line_with("two");
    ana.type_line("/status activo");
    let lines = [ana.line(), ana.line(), ana.line(), ana.line()];
    assert_eq!(
        lines,
        [
            "* you are active",
            "- 2 messages came while you were busy:",
            "beto: one",
            "beto: two"
        ]
    );
}

#[test]
fn control_characters_of_others_are_escaped() {
    let (_server, address) = server(&[]);
    let ana = enter(&address, "ana");
    let mut beto = enter(&address, "beto\u{202e}");
    assert_eq!(ana.line(), "* \"beto\\u{202e}\" is here for the first time");
    beto.type_line("\x1b]52;c;aGk=\x07 \u{9b}2J");
    assert_eq!(
        ana.line(),
        "\"beto\\u{202e}\": \\x1b]52;c;aGk=\\x07 \\u{9b}2J"
    );
}

#[test]
fn a_refused_name_is_explained_in_one_line_and_is_status_1() {
    let (_server, address) = server(&[]);
    let _ana = enter(&address, "ana");
    for name in ["ana", "~", "a\x07b"] {
        let end = run(&["chat", &format!("ws://{address}"), "--name", name]);
        assert_eq!((end.code, end.output.as_str()), (Some(1), ""));
        assert!(
            end.errors
                .starts_with("enchufe: the server refuses the name '"),
            "{end:?}"
        );
        assert_eq!(end.errors.lines().count(), 1, "{end:?}");
    }
}

#[test]
fn a_file_is_said_line_by_line_and_long_lines_in_parts() {
    let (_server, address) = server(&[]);
    let ana = enter(&address, "ana");
    let input: String =
        (0..300).map(|n| format!("line {n}\n")).collect::<String>() + &"ñ".repeat(200) + "\n";
    let end = run_with(
        &["chat", &format!("ws://{address}"), "--name", "robot"],
        &[],
        input.as_bytes(),
    );
    assert_eq!(end.code, Some(0));
    assert!(end.output.contains("robot: line 299\n"), "{end:?}");
    ana.line_with("robot is here");
    for n in 0..300 {
        assert_eq!(ana.line(), format!("robot: line {n}"));
    }
    assert_eq!(ana.line(), format!("robot: {}", "ñ".repeat(127)));
    assert_eq!(ana.line(), format!("robot: {}", "ñ".repeat(73)));
    assert_eq!(ana.line(), "* robot has left");
}

#[test]
#[cfg(feature = "store")]
fn a_file_hears_that_what_it_said_is_on_disk_before_it_leaves() {
    let folder = Folder::new();
    let (_server, address) = server(&["--data", folder.name()]);
    for input in ["hola\n", "hola\n/quit\n"] {
        let end = run_with(
            &["chat", &format!("ws://{address}"), "--name", "robot"],
            &[],
            input.as_bytes(),
        );
        assert_eq!(end.code, Some(0));
        assert!(end.output.ends_with("robot: hola\n"), "{end:?}");
    }
}

#[test]
fn a_lost_connection_is_made_again() {
    let (first, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    drop(first);
    assert!(ana.line().starts_with("! no connection ("));
    let _second = Program::start(&["--bind", &address]);
    ana.line_with("- connected again");
    ana.line_with("- here: ana");
    ana.type_line("hola");
    assert_eq!(ana.line(), "ana: hola");
}

#[test]
fn a_server_that_stops_is_said_to() {
    let (server, address) = server(&[]);
    let ana = enter(&address, "ana");
    server.signal("TERM");
    let line = ana.line();
    assert!(
        line.contains("1001") && line.contains("trying again in"),
        "{line}"
    );
}

#[test]
fn a_signal_leaves_cleanly_even_without_a_connection() {
    let (server, address) = server(&[]);
    let (ana, beto) = (enter(&address, "ana"), enter(&address, "beto"));
    ana.line_with("beto");
    ana.signal("INT");
    let end = ana.wait();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    assert_eq!(beto.line(), "* ana has left");
    drop(server);
    beto.line_with("! no connection (");
    beto.signal("TERM");
    assert_eq!(beto.wait().code, Some(0));
}

#[test]
fn quit_leaves_and_help_helps() {
    let (_server, address) = server(&[]);
    let mut ana = enter(&address, "ana");
    ana.type_line("/help");
    ana.line_with("/msg NAME TEXT");
    ana.type_line("/dance");
    assert!(ana.line_with("/dance").contains("/help"));
    ana.type_line("/quit");
    assert_eq!(ana.wait().code, Some(0));
}
