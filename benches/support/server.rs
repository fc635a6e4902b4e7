//! The release server as a bench watches it: a process of its own, and what it holds.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The release server on a port of its own.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// What a process holds; memory in KiB.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) resident: u64,
    pub(crate) threads: u64,
    pub(crate) files: usize,
}

impl Server {
    /// With these options beside its own.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_enchufe"))
            .args(["serve", "--bind", "127.0.0.1:0", "--log", "error"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let out = process
            .stdout
            .as_mut()
            .expect("its standard output is ours");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line
            .trim()
            .trim_start_matches("listening on http://")
            .trim_end_matches('/')
            .to_owned();
        Self { process, address }
    }

    pub(crate) fn usage(&self) -> Usage {
        let folder = format!("/proc/{}", self.process.id());
        let status = std::fs::read_to_string(format!("{folder}/status")).expect("the server lives");
        let number = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .expect("the kernel says so");
            line.split_whitespace()
                .next()
                .and_then(|word| word.parse().ok())
                .expect("a number")
        };
        let files = Path::new(&folder)
            .join("fd")
            .read_dir()
            .expect("the server lives")
            .count();
        Usage {
            resident: number("VmRSS:"),
            threads: number("Threads:"),
            files,
        }
    }

    /// Seconds of processor time that it has taken.
    pub(crate) fn processor_time(&self) -> f64 {
        processor_time(&self.process)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may be gone
        let _ = self.process.wait();
    }
}

/// Seconds of processor time that a process has taken, from `/proc`: fields 14 and 15, in hundredths.
pub(crate) fn processor_time(process: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it lives");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields = fields.split(' ').skip(11).take(2);
    fields.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A chat message on the binary wire, to one user or to everyone: `4`, destination, text.
pub(crate) fn say(to: Option<&str>, text: &str) -> Vec<u8> {
    let mut message = vec![4];
    for field in [to.unwrap_or("~"), text] {
        message.push(u8::try_from(field.len()).expect("at most 255 bytes"));
        message.extend(field.as_bytes());
    }
    message
}
