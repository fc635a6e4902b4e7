//! The program under attack, as the system sees it from outside.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::peer::Peer;

/// The program, started with a few of its limits shortened so that their end can be waited for.
pub(crate) struct Fortress {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
}

impl Fortress {
    pub(crate) fn start(shell: &str, words: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", shell, words)
    }

    pub(crate) fn start_at(address: &str, shell: &str, words: &[&str]) -> Self {
        let short = [
            "--bind",
            address,
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
        let mut child = Command::new("sh")
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
            .arg(another_build().unwrap_or_else(|| env!("CARGO_BIN_EXE_enchufe").into()))
            .args(short)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says where it listens");
        let addr = line
            .trim_end()
            .trim_start_matches("listening on http://")
            .trim_end_matches('/');
        Self {
            addr: addr.parse().expect("an address"),
            child,
        }
    }

    pub(crate) fn open(&self, path: &str) -> Peer {
        let mut peer = Peer::connect(self.addr);
        peer.upgrade(path);
        peer
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

    /// Bytes of memory that are no file's, counted page by page: what `resident` knows may be a little old.
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

/// Another build of the program, for tests that ask about that one: `ENCHUFE_PROGRAM=target/release/enchufe`.
fn another_build() -> Option<OsString> {
    std::env::var_os("ENCHUFE_PROGRAM")
}

impl Drop for Fortress {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
