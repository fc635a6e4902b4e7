//! Starts a server, drives it, stops it; nothing runs longer than it may, and nothing is left running.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::cells::{Cell, Kind};
use crate::certificate::Certificate;
use crate::options::Options;
use crate::peers::Peer;

/// What the load generator printed.
pub(crate) type Figures = BTreeMap<String, f64>;

/// All rounds, by cell and peer.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<(String, String), Vec<Figures>>);

/// Where everything runs.
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) processors: Vec<usize>,
    programs: PathBuf,
    certificate: Certificate,
}

/// Every peer in turn, and that for several rounds.
pub(crate) fn cell(
    cell: &Cell,
    peers: &[Peer],
    options: &Options,
    machine: &Machine,
    results: &mut Results,
) {
    for round in 1..=options.rounds {
        for peer in peers {
            let Some(command) = peer.command(cell, &machine.certificate) else {
                continue;
            };
            show(&format!(
                "{} {round}/{} {}",
                cell.name, options.rounds, peer.name
            ));
            match once(cell, peer, &command, options, machine) {
                Ok(figures) => results.add(&cell.name, &peer.name, figures),
                Err(error) => {
                    show("");
                    eprintln!("{}: {}: {error}", cell.name, peer.name);
                }
            }
        }
    }
    show("");
}

/// Where we are, on one line of a terminal that the next one takes the place of.
fn show(progress: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{progress}");
    }
}

fn once(
    cell: &Cell,
    peer: &Peer,
    command: &[String],
    options: &Options,
    machine: &Machine,
) -> io::Result<Figures> {
    let (first, last) = machine.ends();
    let mut server = Running(
        machine
            .pinned(last, Path::new(&command[0]))
            .args(&command[1..])
            .spawn()?,
    );
    let address = server.address()?;
    let kind = match cell.kind {
        Kind::Echo | Kind::Deflate => "echo",
        Kind::FanOut => "fan-out",
        Kind::Idle => "idle",
        Kind::Connects => "connects",
    };
    let mut load = machine.pinned(first, &machine.programs.join("load"));
    load.args([
        kind,
        "--addr",
        &address,
        "--pid",
        &server.0.id().to_string(),
    ])
    .args(["--warm-up", &WARM_UP.as_millis().to_string()])
    .args(["--measure", &options.measure.as_millis().to_string()])
    .args(&cell.args)
    .args(machine.trust(cell))
    .args(peer.load_args(cell.kind))
    .stderr(Stdio::piped());
    let output = Running(load.spawn()?).output(options.measure + PATIENCE)?;
    let figure = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Ok(output.lines().filter_map(figure).collect())
}

impl Results {
    fn add(&mut self, cell: &str, peer: &str, figures: Figures) {
        self.0
            .entry((cell.to_owned(), peer.to_owned()))
            .or_default()
            .push(figures);
    }

    pub(crate) fn rounds(&self, cell: &str, peer: &str) -> &[Figures] {
        self.0
            .get(&(cell.to_owned(), peer.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The peers that have results in this cell, by name.
    pub(crate) fn peers(&self, cell: &str) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter(move |key| key.0 == cell)
            .map(|key| key.1.as_str())
    }

    /// The median over the rounds.
    pub(crate) fn median(&self, cell: &str, peer: &str, figure: &str) -> Option<f64> {
        let mut values: Vec<f64> = self
            .rounds(cell, peer)
            .iter()
            .filter_map(|figures| figures.get(figure).copied())
            .collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(values[middle]),
            _ => Some((values[middle - 1] + values[middle]) / 2.0),
        }
    }

    /// How far the rounds lie apart, as a share of their median.
    pub(crate) fn spread(&self, cell: &str, peer: &str, figure: &str) -> Option<f64> {
        let values = || {
            self.rounds(cell, peer)
                .iter()
                .filter_map(|figures| figures.get(figure).copied())
        };
        let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        Some((most - least) / self.median(cell, peer, figure)?)
    }
}

impl Machine {
    pub(crate) fn look(programs: &Path, certificate: Certificate) -> io::Result<Self> {
        let line = |path: &str, start: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let found = text.lines().find_map(|line| line.strip_prefix(start));
            found
                .map_or("unknown", |rest| rest.trim_matches([' ', '\t', ':']))
                .to_owned()
        };
        let processors = list(&line("/proc/self/status", "Cpus_allowed_list"));
        match processors.as_slice() {
            [] => return Err(io::Error::other("cannot tell which processors there are")),
            [_] => {
                println!("one processor only: server and load generator share it, and that shows");
            }
            _ => {}
        }
        Ok(Self {
            processor: line("/proc/cpuinfo", "model name"),
            kernel: line("/proc/sys/kernel/osrelease", ""),
            processors,
            programs: programs.to_owned(),
            certificate,
        })
    }

    /// The load generator's processor and the server's.
    fn ends(&self) -> (usize, usize) {
        (
            self.processors[0],
            self.processors[self.processors.len() - 1],
        )
    }

    /// What the load generator is told about TLS.
    fn trust(&self, cell: &Cell) -> Vec<OsString> {
        match cell.tls {
            true => vec!["--tls".into(), self.certificate.chain.clone().into()],
            false => Vec::new(),
        }
    }

    /// A command on one processor, its output to us.
    fn pinned(&self, processor: usize, program: &Path) -> Command {
        let mut command = Command::new(self.programs.join("pin"));
        command.arg(processor.to_string()).arg(program);
        command.env_remove("RUST_LOG");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}

/// `0-3,8` as numbers.
fn list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// A process that ends with its handle.
struct Running(Child);

impl Running {
    /// Where the server says that it listens.
    fn address(&mut self) -> io::Result<String> {
        let stdout = self
            .0
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no output"))?;
        let (line, arrived) = mpsc::channel();
        thread::spawn(move || {
            let mut first = String::new();
            let mut stdout = BufReader::new(stdout);
            let _ = stdout.read_line(&mut first); // what is missing shows below
            let _ = line.send(first);
            let _ = io::copy(&mut stdout, &mut io::sink());
        });
        let line = arrived.recv_timeout(START).unwrap_or_default();
        let url = line.trim().strip_prefix("listening on ");
        url.and_then(|url| url.split_once("://"))
            .map(|(_, address)| address.trim_end_matches('/').to_owned())
            .ok_or_else(|| io::Error::other("it did not say where it listens"))
    }

    /// What it prints until it ends, if it ends in time and well.
    fn output(mut self, patience: Duration) -> io::Result<String> {
        let deadline = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.0.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(
                    "the load generator did not come to an end",
                ));
            }
            thread::sleep(Duration::from_millis(10));
        };
        let (mut output, mut complaint) = (String::new(), String::new());
        if let Some(stdout) = &mut self.0.stdout {
            stdout.read_to_string(&mut output)?;
        }
        if let Some(stderr) = &mut self.0.stderr {
            stderr.read_to_string(&mut complaint)?;
        }
        if status.success() {
            Ok(output)
        } else {
            Err(io::Error::other(complaint.trim().to_owned()))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

/// What compiled this.
pub(crate) fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

const WARM_UP: Duration = Duration::from_millis(300);
/// How long a server may take to listen.
const START: Duration = Duration::from_secs(10);
/// What the load generator may take beyond the time it measures: to connect, above all.
const PATIENCE: Duration = Duration::from_secs(60);
