//! The commands for people in a real terminal: tmux shows what a person would see, and types what a person would type.
//! Without tmux the tests say so and pass, except where `CI` is `true`.
#![cfg(all(unix, feature = "cli"))]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::{Message, WebSocket};

use support::folder::Folder;
use support::host::Host;
use support::peer::CLOSE;
use support::server::{PATIENCE, TestServer, limits, wait_until};
use support::server_process::ServerProcess;
use support::tools;

#[test]
fn a_line_that_comes_stands_above_the_prompt_and_what_is_typed_stays() {
    let Some((server, ana)) = chat(&[]) else {
        return;
    };
    ana.type_in("hal");
    ana.wait_for(&["- here: ana", "ana> hal"]);
    let mut beto = enter(&server, "beto");
    say(&mut beto, "hola");
    let above = [
        "- here: ana",
        "* beto is here for the first time",
        "beto: hola",
    ];
    ana.wait_for(&[&above[..], &["ana> hal"]].concat());
    assert_eq!(ana.cursor(), (8, 3));
    ana.type_in("lo");
    ana.press("Enter");
    ana.wait_for(&[&above[..], &["ana: hallo", "ana>"]].concat());
    assert_eq!(ana.cursor(), (5, 4));
}

#[test]
fn a_line_longer_than_the_window_leaves_no_pieces() {
    let Some((server, ana)) = chat(&[]) else {
        return;
    };
    let words = "one two three four five six seven eight nine ten";
    ana.type_in(words);
    ana.wait_for(&["- here: ana", "ana> …our five six seven eight nine ten"]);
    // The window gets wider and narrower again, and a line comes that is longer too.
    ana.tmux(&["resize-window", "-x", "50"]);
    ana.wait_for(&[
        "- here: ana",
        "ana> …wo three four five six seven eight nine ten",
    ]);
    ana.press("C-w");
    ana.press("C-w");
    ana.press("C-w");
    let shorter = ["- here: ana", "ana> one two three four five six seven"];
    ana.wait_for(&shorter);
    ana.tmux(&["resize-window", "-x", "40"]);
    ana.wait_for(&shorter);
    ana.type_in("eight nine ten");
    let mut beto = enter(&server, "beto");
    say(&mut beto, &"0123456789".repeat(5));
    let above = [
        "- here: ana",
        "* beto is here for the first time",
        "beto: 0123456789012345678901234567890123",
        "4567890123456789",
    ];
    ana.wait_for(&[&above[..], &["ana> …our five six seven eight nine ten"]].concat());
    ana.press("Enter");
    let below = [
        "ana: one two three four five six seven e",
        "ight nine ten",
        "ana>",
    ];
    ana.wait_for(&[&above[..], &below].concat());
}

#[test]
fn wide_characters_and_those_of_several_parts_are_typed_taken_back_and_shown() {
    let Some((server, ana)) = chat(&[]) else {
        return;
    };
    let mut carla = enter(&server, "漢字");
    say(&mut carla, "한글 かな ñ 🦀");
    let above = [
        "- here: ana",
        "* 漢字 is here for the first time",
        "漢字: 한글 かな ñ 🦀",
    ];
    ana.wait_for(&[&above[..], &["ana>"]].concat());
    ana.type_in("año 漢字🦀");
    ana.wait_for(&[&above[..], &["ana> año 漢字🦀"]].concat());
    assert_eq!(ana.cursor(), (5 + 4 + 4 + 2, 3));
    ana.press("BSpace");
    ana.press("BSpace");
    ana.wait_for(&[&above[..], &["ana> año 漢"]].concat());
    ana.press("Left"); // does nothing
    ana.type_in("!");
    ana.press("Enter");
    ana.wait_for(&[&above[..], &["ana: año 漢!", "ana>"]].concat());
    // Wider than the window: the row stays one row.
    ana.type_in(&"漢字".repeat(12));
    ana.wait_until("the end of the line", |screen| {
        screen
            .last()
            .is_some_and(|row| row.starts_with("ana> …") && row.ends_with("漢字漢字"))
    });
}

#[test]
fn ctrl_c_and_ctrl_d_leave_with_a_close_and_a_tidy_terminal() {
    for key in ["C-c", "C-d"] {
        let Some((server, ana)) = chat(&[]) else {
            return;
        };
        if key == "C-c" {
            ana.type_in("half a li");
            ana.wait_for(&["- here: ana", "ana> half a li"]);
        }
        ana.press(key);
        // The terminal shows again what is typed.
        ana.wait_for(&["- here: ana", "[left with 0]"]);
        ana.type_in("echo");
        ana.wait_for(&["- here: ana", "[left with 0]", "echo"]);
        wait_until("the server has seen the Close", || {
            server.closes() == [(1000, 1)]
        });
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_the_terminal_as_it_was() {
    if !tools::available("tmux", &["-V"]) {
        return;
    }
    let host = Host::new();
    let ana = Terminal::start(&["chat", &host.url(), "--name", "ana"], &[]);
    let mut peer = host.upgrade("");
    ana.type_in("hal");
    ana.wait_for(&["ana> hal"]);
    ana.press("C-c");
    while peer.frame().first != CLOSE {} // which nobody answers
    ana.press("C-c");
    ana.wait_until("it has ended", |screen| {
        screen.iter().any(|row| row.ends_with("[left with 130]"))
    });
    ana.type_in("echo");
    ana.wait_until("it shows what is typed", |screen| {
        screen.last().is_some_and(|row| row == "echo")
    });
}

#[test]
fn a_chat_that_was_stopped_goes_on_where_it_was() {
    let Some((server, ana)) = chat(&[]) else {
        return;
    };
    ana.type_in("hal");
    ana.wait_for(&["- here: ana", "ana> hal"]);
    let beto = enter(&server, "beto");
    ana.wait_for(&[
        "- here: ana",
        "* beto is here for the first time",
        "ana> hal",
    ]);
    ana.signal("STOP");
    drop(beto);
    ana.signal("CONT");
    let above = [
        "- here: ana",
        "* beto is here for the first time",
        "* beto has left",
    ];
    ana.wait_for(&[&above[..], &["ana> hal"]].concat());
    ana.type_in("lo");
    ana.press("Enter");
    ana.wait_for(&[&above[..], &["ana: hallo", "ana>"]].concat());
}

#[test]
fn there_are_colours_and_none_with_no_color() {
    for (variables, coloured) in [(&[][..], true), (&["NO_COLOR=1"][..], false)] {
        let Some((_server, ana)) = chat(variables) else {
            return;
        };
        ana.type_in("hola");
        ana.press("Enter");
        ana.wait_for(&["- here: ana", "ana: hola", "ana>"]);
        let drawn = ana.tmux(&["capture-pane", "-p", "-e"]);
        assert_eq!(drawn.contains("\x1b["), coloured, "{drawn:?}");
    }
}

#[test]
fn send_leaves_with_a_close_on_ctrl_c_and_ctrl_d() {
    for key in ["C-c", "C-d"] {
        if !tools::available("tmux", &["-V"]) {
            return;
        }
        let server = TestServer::echo(limits());
        let url = server.url("/");
        let terminal = Terminal::start(&["send", &url], &[]);
        terminal.type_in("ñandú 漢字");
        terminal.press("Enter");
        terminal.wait_for(&["ñandú 漢字", "ñandú 漢字"]);
        terminal.press(key);
        terminal.wait_until("it has ended", |screen| {
            screen
                .last()
                .is_some_and(|row| row.ends_with("[left with 0]"))
        });
        wait_until("the server has seen the Close", || {
            server.counters.closes().eq([(1000, 1)])
        });
    }
}

/// A chat with one person in it, at a terminal.
fn chat(variables: &[&str]) -> Option<(ServerProcess, Terminal)> {
    if !tools::available("tmux", &["-V"]) {
        return None;
    }
    let server = ServerProcess::start(&[]);
    let url = server.url("/");
    let ana = Terminal::start(&["chat", &url, "--name", "ana"], variables);
    ana.wait_for(&["- here: ana", "ana>"]);
    Some((server, ana))
}

/// Somebody else in the chat.
fn enter(server: &ServerProcess, name: &str) -> WebSocket {
    let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    enchufe::connect(&server.url(&format!("/?name={name}"))).expect("the name is free")
}

/// To everybody, who have it when this returns.
fn say(socket: &mut WebSocket, words: &str) {
    let field = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    socket
        .send([&[4][..], &field("~"), &field(words)].concat())
        .expect("it is sent");
    while let Some(message) = socket.read().expect("an open connection") {
        if matches!(message, Message::Binary(bytes) if bytes.ends_with(words.as_bytes())) {
            return;
        }
    }
}

/// A window of 40 columns and 12 rows, with a command in it.
struct Terminal {
    /// With the socket of a tmux of its own, and the command's id.
    folder: Folder,
}

impl Terminal {
    fn start(words: &[&str], variables: &[&str]) -> Self {
        let terminal = Self {
            folder: Folder::new(),
        };
        let id = terminal.folder.path().join("id");
        let id = id.to_str().expect("a plain path");
        let mut command = vec!["new-session", "-d", "-x", "40", "-y", "12", "--"];
        command.extend(["env", "-u", "NO_COLOR", "-u", "RUST_LOG"]);
        command.extend(variables);
        command.extend(["sh", "-c", THEN_STAY, id, env!("CARGO_BIN_EXE_enchufe")]);
        command.extend(words);
        terminal.tmux(&command);
        terminal
    }

    fn type_in(&self, words: &str) {
        self.tmux(&["send-keys", "-l", "--", words]);
    }

    /// A key as tmux calls it: `Enter`, `C-c`, `BSpace`.
    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Waits until these rows are to be seen, and nothing else.
    #[track_caller]
    fn wait_for(&self, rows: &[&str]) {
        self.wait_until(&format!("{rows:#?}"), |screen| screen == rows);
    }

    #[track_caller]
    fn wait_until(&self, what: &str, condition: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            let rows: Vec<String> = screen
                .trim_end()
                .lines()
                .map(|row| row.trim_end().to_owned())
                .collect();
            if condition(&rows) {
                return;
            }
            assert!(Instant::now() < deadline, "in vain: {what}\n{rows:#?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Column and row.
    fn cursor(&self) -> (u32, u32) {
        let place = self.tmux(&["display-message", "-p", "#{cursor_x} #{cursor_y}"]);
        let (x, y) = place.trim().split_once(' ').expect("two numbers");
        (x.parse().expect("a number"), y.parse().expect("a number"))
    }

    /// To the command, by its id.
    fn signal(&self, name: &str) {
        let id = fs::read_to_string(self.folder.path().join("id")).expect("it has begun");
        let sent = Command::new("kill")
            .args([&format!("-{name}"), id.trim()])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(self.folder.path().join("tmux"))
            .args(words)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("tmux starts");
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .arg("-S")
            .arg(self.folder.path().join("tmux"))
            .arg("kill-server")
            .output(); // if it does not run any more, nothing is left to end
    }
}

/// Writes down the command's id, runs it, and tells how it ended. Ctrl-C is for the command alone.
const THEN_STAY: &str = r#"
    trap : INT
    sh -c 'echo $$ > "$0"; exec "$@"' "$0" "$@"
    echo "[left with $?]"
    cat
"#;
