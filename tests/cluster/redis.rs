//! A Redis of a test's own, and servers that it makes one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::server::{self, PATIENCE, Server};
use crate::tools;

/// A running Redis, killed when the test is done with it.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    folder: Folder,
    append_only: bool,
}

/// Three servers of one Redis.
pub(crate) struct Three {
    pub(crate) servers: Vec<Server>,
    pub(crate) redis: Redis,
}

impl Redis {
    /// `None` where there is no Redis; the test is then skipped.
    pub(crate) fn start() -> Option<Redis> {
        Redis::with(false)
    }

    /// One that keeps what it is told in an append-only file.
    pub(crate) fn append_only() -> Option<Redis> {
        Redis::with(true)
    }

    fn with(append_only: bool) -> Option<Redis> {
        if !tools::available("redis-server", &["--version"]) {
            return None;
        }
        let folder = Folder::new();
        let port = free_port();
        let child = spawn(port, &folder, append_only);
        let redis = Redis {
            child,
            port,
            folder,
            append_only,
        };
        redis.await_answer();
        Some(redis)
    }

    /// Ends it at once, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Starts it again, with what it kept.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, self.append_only);
        self.await_answer();
    }

    /// Starts it again with nothing.
    pub(crate) fn restart_empty(&mut self) {
        let kept = self.folder.path().join("appendonlydir");
        let _ = std::fs::remove_dir_all(kept); // there may be none
        self.restart();
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// The answer to a command, as it comes.
    pub(crate) fn ask(&self, command: &str) -> String {
        ask(self.port, command).expect("Redis answers")
    }

    fn await_answer(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !ask(self.port, "PING").is_ok_and(|answer| answer.starts_with("+PONG")) {
            assert!(Instant::now() < deadline, "Redis does not start");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Three {
    /// With this lease, and further words.
    pub(crate) fn start(redis: Redis, words: &[&str]) -> Three {
        let url = redis.url();
        let servers = (0..3).map(|_| join(&url, words)).collect();
        Three { servers, redis }
    }
}

/// A server of the cluster at a URL.
pub(crate) fn join(url: &str, words: &[&str]) -> Server {
    let mut command = server::command(&["--rate", "0"]);
    command.args(["--cluster", url]).args(words);
    Server::start(command)
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// A signal to a process that the test started.
pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status();
    assert!(sent.expect("kill can be run").success());
}

fn spawn(port: u16, folder: &Folder, append_only: bool) -> Child {
    let append_only = if append_only { "yes" } else { "no" };
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--dir", folder.name(), "--save", ""])
        .args(["--appendonly", append_only, "--daemonize", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server runs")
}

fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// A port that was free a moment ago. Redis cannot be asked to choose one.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
