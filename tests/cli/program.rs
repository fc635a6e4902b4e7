//! Runs the built command: types to it, reads its lines, sees how it ends. Every wait has a deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A running `enchufe`, killed when the test is done with it.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
}

/// How a program ended, and what of its output nobody had read.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs `enchufe` with these words and no input, to its end.
pub(crate) fn run(words: &[&str]) -> End {
    run_with(words, &[], b"")
}

/// Runs `enchufe` with variables and input, to its end.
pub(crate) fn run_with(words: &[&str], variables: &[(&str, &str)], input: &[u8]) -> End {
    let mut program = Program::start_with(words, variables);
    program.write(input);
    program.end()
}

/// A server on a free port, and its URL without the scheme's part: `127.0.0.1:PORT`.
pub(crate) fn server(words: &[&str]) -> (Program, String) {
    let words = [&["--bind", "127.0.0.1:0"], words].concat();
    let server = Program::start(&words);
    let address = server.address();
    (server, address)
}

impl Program {
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::start_with(words, &[])
    }

    pub(crate) fn start_with(words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enchufe"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let proxy = name.to_ascii_lowercase().ends_with("_proxy");
            if name.starts_with("ENCHUFE_") || name == "RUST_LOG" || proxy {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(words)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command was built with this test");
        let output = lines_of(child.stdout.take().expect("it is piped"));
        let errors = lines_of(child.stderr.take().expect("it is piped"));
        let input = child.stdin.take();
        Self {
            child,
            input,
            output,
            errors,
        }
    }

    /// Types these bytes. A program that is gone does not read them, which its end will show.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// Ends its input, as Ctrl-D does.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Its next line of output.
    pub(crate) fn line(&self) -> String {
        match self.output.recv_timeout(DEADLINE) {
            Ok(line) => utf8(&line),
            Err(error) => panic!(
                "no further line: {error}; its errors: {:?}",
                self.errors
                    .try_iter()
                    .map(|line| utf8(&line))
                    .collect::<Vec<_>>()
            ),
        }
    }

    /// Its next line on standard error.
    pub(crate) fn error_line(&self) -> String {
        self.errors
            .recv_timeout(DEADLINE)
            .map(|line| utf8(&line))
            .expect("a line on standard error")
    }

    /// Reads lines on standard error until one contains `part`; that one.
    pub(crate) fn error_line_with(&self, part: &str) -> String {
        loop {
            let line = self.error_line();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Reads lines until one contains `part`; that one.
    pub(crate) fn line_with(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.output.recv_timeout(DEADLINE).map(|line| utf8(&line)) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("no line with {part:?}: {error}; there were {before:?}"),
            }
        }
    }

    /// The address a server says it listens on.
    pub(crate) fn address(&self) -> String {
        let line = self.line();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix('/'));
        address
            .unwrap_or_else(|| panic!("not an address: {line}"))
            .to_owned()
    }

    /// Sends it a signal: `INT`, `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Ends its input and waits for it to end.
    pub(crate) fn end(mut self) -> End {
        self.end_input();
        self.wait()
    }

    /// Waits for it to end, while its input stays open.
    pub(crate) fn wait(mut self) -> End {
        let deadline = Instant::now() + DEADLINE;
        let (output, errors) = (rest(&self.output, deadline), rest(&self.errors, deadline));
        // It has closed both, so it is ending.
        let code = self.child.wait().expect("it was started").code();
        End {
            code,
            output,
            errors,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, without their ends, as they come.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// All lines until the stream ends.
fn rest(lines: &Receiver<Vec<u8>>, deadline: Instant) -> String {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text += &(utf8(&line) + "\n"),
            Err(RecvTimeoutError::Disconnected) => return text,
            Err(RecvTimeoutError::Timeout) => panic!("it does not end; so far: {text}"),
        }
    }
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Far more than anything here takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
