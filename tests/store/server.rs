//! A server with a directory of its own, run as a program so that it can be killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder;

/// A directory for what one test keeps, gone when the test is done.
pub(crate) struct Folder(folder::Folder);

/// A running server, killed when the test is done with it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    errors: Receiver<String>,
}

/// How a server ended that never listened, or was told to stop.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) errors: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(folder::Folder::new())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.name()
    }

    /// The file that the server keeps in it.
    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("enchufe.redb")
    }

    pub(crate) fn start(&self, words: &[&str]) -> Server {
        Server::start(self.command(words))
    }

    /// A server that is to keep everything in this directory.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = command(words);
        command.args(["--data", self.text()]);
        command
    }
}

/// A server on a free port.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_enchufe"));
    command.args(["--bind", "127.0.0.1:0"]).args(words);
    command
}

/// The same under `sh`, which does something first.
pub(crate) fn after(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

/// Runs a server that does not get as far as listening.
pub(crate) fn fails(mut command: Command) -> End {
    let child = clean(&mut command).spawn().expect("it was built");
    end(child)
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Server {
        let mut child = clean(&mut command).spawn().expect("it was built");
        let errors = lines(child.stderr.take().expect("it is piped"));
        let output = lines(child.stdout.take().expect("it is piped"));
        let line = output.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let errors: Vec<String> = errors.try_iter().collect();
            panic!("it does not listen: {error}; {errors:?}")
        });
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix('/'))
            .expect("its address")
            .to_owned();
        Server {
            child,
            address,
            errors,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut does to a process: at once, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(mut self) -> End {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill can be run").success());
        let code = self.child.wait().expect("it was started").code();
        let errors = self.errors.iter().collect::<Vec<_>>().join("\n");
        End { code, errors }
    }

    /// Waits for a line of the log that contains `part`.
    pub(crate) fn says(&self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.errors.recv_timeout(left) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("no line with {part:?}: {error}; there were {before:?}"),
            }
        }
    }

    /// The lines of the log since it was looked at.
    pub(crate) fn said(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// The value of one of its metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it answers");
        page.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {page}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing of the environment changes what is tested.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("ENCHUFE_") || text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
}

fn end(mut child: Child) -> End {
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().expect("it was started").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let mut errors = String::new();
    let mut stderr = child.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut errors).expect("text");
    let code = child.wait().expect("it has ended").code();
    End { code, errors }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Far more than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
