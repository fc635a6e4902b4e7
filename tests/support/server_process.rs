//! The program as a process of its own: started on a free port, asked over sockets, stopped by a signal.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::folder::Folder;
use super::peer::Peer;
use super::server::{PATIENCE, wait_until};
use super::wire::{self, OVER_UNIX, Place};

/// A running server, killed when the test is done with it.
pub(crate) struct ServerProcess {
    pub(crate) child: Child,
    /// The unspecified port of loopback for a server that listens on a Unix-domain socket.
    pub(crate) addr: SocketAddr,
    place: Place,
    log: Arc<Mutex<String>>,
    /// `Authorization` field for `/metrics`, or nothing.
    authorization: String,
    _token_file: Option<Folder>,
}

impl ServerProcess {
    /// Starts a server with the limits of `server::limits`, and further arguments.
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", words)
    }

    /// Starts one at this address.
    pub(crate) fn start_on(address: &str, words: &[&str]) -> Self {
        let limits = [
            "--close-timeout",
            "500ms",
            "--ping-every",
            "0",
            "--rate",
            "0",
        ];
        Self::spawn("", address, &[&limits, words].concat(), &[])
    }

    /// Starts one with the default limits and these environment variables.
    pub(crate) fn start_with(words: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn("", "127.0.0.1:0", words, variables)
    }

    /// Starts one that accepts only requests with `token`.
    pub(crate) fn start_with_token(token: &str, words: &[&str]) -> Self {
        let folder = Folder::new();
        folder.write("tokens", token);
        let file = format!("{}/tokens", folder.name());
        let mut server = Self::start(&[&["--token-file", &file], words].concat());
        server.authorization = format!("Authorization: Bearer {token}\r\n");
        server._token_file = Some(folder);
        server
    }

    /// Starts one whose timeouts are short enough to wait for, after `shell` has run in the same process.
    pub(crate) fn start_with_short_timeouts(shell: &str, words: &[&str]) -> Self {
        Self::start_with_short_timeouts_on("127.0.0.1:0", shell, words)
    }

    pub(crate) fn start_with_short_timeouts_on(address: &str, shell: &str, words: &[&str]) -> Self {
        let short = [
            "--log",
            "off",
            "--handshake-timeout",
            "1s",
            "--message-timeout",
            "1s",
            "--close-timeout",
            "1s",
            "--register-timeout",
            "1s",
        ];
        Self::spawn(shell, address, &[&short, words].concat(), &[])
    }

    fn spawn(shell: &str, address: &str, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
            .arg(another_build().unwrap_or_else(|| env!("CARGO_BIN_EXE_enchufe").into()));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("ENCHUFE_") || text == "RUST_LOG" {
                command.env_remove(&name);
            }
        }
        command.args(["--bind", &bind_argument(address)]);
        #[cfg(feature = "tls")]
        if wire::OVER_TLS {
            command.arg("--tls-cert").arg(super::tls::root_file());
            command.arg("--tls-key").arg(super::tls::key_file());
        }
        let mut child = command
            .args(words)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let log = collect(child.stderr.take().expect("it is piped"));
        let first_line = first_line(child.stdout.take().expect("it is piped"));
        let line = first_line.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let _ = child.kill(); // it may have ended
            panic!(
                "it does not listen: {error}; {}",
                log.lock().expect("no panic")
            )
        });
        let place = place(line.trim_end());
        let addr = match place {
            Place::Tcp(addr) => addr,
            Place::Unix(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        Self {
            child,
            addr,
            place,
            log,
            authorization: String::new(),
            _token_file: None,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.place.url(path)
    }

    /// A connection on which nothing has been sent yet.
    pub(crate) fn connect(&self) -> Peer {
        Peer::on(self.place.connect())
    }

    /// A WebSocket connection on `path`.
    pub(crate) fn open(&self, path: &str) -> Peer {
        let mut peer = self.connect();
        peer.upgrade(path);
        peer
    }

    /// Stops it by SIGTERM and returns its exit status.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut status = None;
        wait_until("the server has ended", || {
            status = self.child.try_wait().expect("it was started");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Stops it by SIGTERM, which must succeed.
    pub(crate) fn stop(mut self) {
        let status = self.terminate();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Sends it a signal: `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Everything it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// Waits until the log contains `part`.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, part: &str) {
        wait_until(part, || self.log.lock().expect("no panic").contains(part));
    }

    /// The page `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        let mut peer = self.connect();
        peer.send(format!(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
            self.authorization
        ));
        let answer = peer.answer();
        assert_eq!(answer.status, 200, "{}", answer.head);
        answer.body
    }

    /// The value of a metric, named as on that page, with its label if it has one.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = self.metrics();
        let value = page.lines().find_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            (key == name).then(|| value.parse().expect("a number"))
        });
        value.unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// The values of a metric with one label, in the order of the page: the label's value and the count above zero.
    pub(crate) fn labeled_metrics(&self, name: &str) -> Vec<(u16, u64)> {
        let page = self.metrics();
        let rows = page.lines().filter_map(|line| {
            let (label, count) = line
                .strip_prefix(name)?
                .strip_prefix('{')?
                .split_once("} ")?;
            let value = label.split('"').nth(1)?.parse().ok()?;
            Some((value, count.parse().expect("a number")))
        });
        rows.filter(|(_, count)| *count > 0).collect()
    }

    /// How many WebSocket connections ended with each code.
    pub(crate) fn closes(&self) -> Vec<(u16, u64)> {
        self.labeled_metrics("enchufe_closes_total")
    }

    /// Waits until no connection is open but the one that asks.
    #[track_caller]
    pub(crate) fn wait_until_empty(&self) {
        wait_until("every connection is closed", || {
            self.metric("enchufe_connections_open") <= 1
        });
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("it is alive")
    }

    pub(crate) fn threads(&self) -> usize {
        let status = self.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"));
        line.and_then(|it| it.trim().parse().ok())
            .expect("a number")
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .expect("it is alive")
            .count()
    }

    /// Bytes of memory.
    pub(crate) fn resident(&self) -> usize {
        let statm = self.proc("statm");
        let pages: usize = statm
            .split(' ')
            .nth(1)
            .and_then(|it| it.parse().ok())
            .expect("a number");
        pages * 4096
    }

    /// Bytes of memory that belong to no file, counted page by page: the number of `resident` may be a little old.
    pub(crate) fn anonymous(&self) -> usize {
        let rollup = self.proc("smaps_rollup");
        let line = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Anonymous:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kib.expect("a number") * 1024
    }

    /// Whether it is not the program that was built beside the tests.
    pub(crate) fn is_another_build() -> bool {
        another_build().is_some()
    }

    /// Processor time used so far, in ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = self.proc("stat");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        let fields: Vec<&str> = fields.split(' ').collect();
        fields[11..13]
            .iter()
            .map(|it| it.parse::<u64>().expect("a number"))
            .sum()
    }
}

/// Another build of the program, for tests that measure that one: `ENCHUFE_PROGRAM=target/release/enchufe`.
fn another_build() -> Option<OsString> {
    std::env::var_os("ENCHUFE_PROGRAM")
}

/// The value of `--bind`: a socket file where everything goes over those.
fn bind_argument(address: &str) -> String {
    if OVER_UNIX {
        return format!("unix:{}", wire::socket_file().display());
    }
    address.to_owned()
}

/// The place that the first line of output names.
fn place(line: &str) -> Place {
    let place = line.strip_prefix("listening on ").expect("its address");
    if let Some(path) = place.strip_prefix("unix:") {
        return Place::Unix(path.into());
    }
    let (_, addr) = place.split_once("://").expect("a URL");
    Place::Tcp(addr.trim_end_matches('/').parse().expect("an address"))
}

fn first_line(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        if lines.read_line(&mut line).is_ok_and(|count| count > 0) {
            let _ = sender.send(line); // nobody waits when the test has failed
        }
        let _ = std::io::copy(&mut lines, &mut std::io::sink()); // it may write on
    });
    receiver
}

fn collect(stream: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&log);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let mut log = shared.lock().expect("no panic");
            *log += &String::from_utf8_lossy(&line);
            log.push('\n');
        }
    });
    log
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
        if let Place::Unix(path) = &self.place {
            let _ = fs::remove_file(path); // a killed server leaves it behind
        }
    }
}
