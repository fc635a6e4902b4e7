//! What is measured, and what ought to come out: each cell with its goals as a ratio to each peer.

use std::io;

use crate::options::Options;

pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) kind: Kind,
    /// Over TLS.
    pub(crate) tls: bool,
    /// For the load generator.
    pub(crate) args: Vec<String>,
    /// How much processor time a peer should take per message, when this server takes 1.
    pub(crate) goals: Vec<(&'static str, f64)>,
    chosen_by: Chosen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    /// An echo with permessage-deflate.
    Deflate,
    FanOut,
    Idle,
    Connects,
}

/// In which selection a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Chosen {
    Quick,
    Default,
    All,
}

pub(crate) fn chosen(options: &Options) -> io::Result<Vec<Cell>> {
    let all = all();
    if let Some(unknown) = options
        .cells
        .iter()
        .find(|name| !all.iter().any(|cell| cell.name == **name))
    {
        return Err(io::Error::other(format!(
            "no cell {unknown}; --list --all shows them"
        )));
    }
    let selection = match options {
        Options { all: true, .. } => Chosen::All,
        Options { quick: true, .. } => Chosen::Quick,
        _ => Chosen::Default,
    };
    let chosen = |cell: &Cell| {
        if options.cells.is_empty() {
            cell.chosen_by <= selection
        } else {
            options.cells.contains(&cell.name)
        }
    };
    Ok(all.into_iter().filter(chosen).collect())
}

fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for connections in [1, 32, 256] {
        for (size, size_name) in [
            (32, "32B"),
            (KIB, "1KiB"),
            (64 * KIB, "64KiB"),
            (KIB * KIB, "1MiB"),
        ] {
            for in_flight in [1, 16] {
                if in_flight == 1 || (connections == 32 && size <= KIB) {
                    cells.push(echo(connections, size, size_name, in_flight));
                }
            }
        }
    }
    for kind in ["ascii", "mixed"] {
        cells.push(text(kind));
    }
    // Only then this server can.
    if cfg!(feature = "deflate") {
        cells.push(deflate());
    }
    if cfg!(feature = "tls") {
        cells.extend(
            [
                echo(32, 32, "32B", 1),
                echo(32, 32, "32B", 16),
                echo(32, KIB, "1KiB", 1),
                echo(32, 64 * KIB, "64KiB", 1),
                fan_out(100, 1, 1),
                fan_out(100, 4, 16),
                fan_out(100, 16, 1),
                idle(1_000),
            ]
            .map(over_tls),
        );
    }
    for users in [100, 1000] {
        for (publishers, in_flight) in [(1, 1), (4, 1), (4, 16), (16, 1)] {
            cells.push(fan_out(users, publishers, in_flight));
        }
        cells.push(calm(users));
    }
    cells.extend([1, 5].map(stalled));
    cells.extend([1_000, 10_000].map(idle));
    cells.push(Cell {
        name: "connects".to_owned(),
        title: "opening handshakes, 64 at a time".to_owned(),
        kind: Kind::Connects,
        tls: false,
        args: args(&[("connections", 64)]),
        goals: vec![("tungstenite-threads", 1.5)],
        chosen_by: Chosen::Default,
    });
    cells
}

fn echo(connections: u64, size: u64, size_name: &str, in_flight: u64) -> Cell {
    let (suffix, words) = match in_flight {
        1 => (String::new(), String::new()),
        _ => (
            format!("x{in_flight}"),
            format!(", {in_flight} in flight on each"),
        ),
    };
    let goals = match (connections, size_name, in_flight) {
        (32, "32B", 1) => vec![(THREADS, 2.4), (RAW, 1.4), (UWS, 0.95)],
        (256, "32B", 1) => vec![(THREADS, 2.4), (RAW, 1.25), (UWS, 0.75)],
        (32, "32B", 16) => vec![(THREADS, 11.0), (RAW, 1.4), (FAST, 9.0), (UWS, 1.0)],
        (32, "1KiB", 1) => vec![(THREADS, 2.1), (RAW, 1.4), (UWS, 0.9)],
        (32, "1KiB", 16) => vec![(UWS, 0.9)],
        (32, "64KiB", 1) => vec![(THREADS, 1.9), (RAW, 1.2), (FAST, 1.1), (UWS, 0.95)],
        (32, "1MiB", 1) => vec![(THREADS, 1.4), (RAW, 1.6), (FAST, 1.3), (UWS, 1.25)],
        _ => Vec::new(),
    };
    Cell {
        name: format!("echo-{connections}x{size_name}{suffix}"),
        title: format!("echo, {connections} connections, {size_name}{words}"),
        kind: Kind::Echo,
        tls: false,
        args: args(&[
            ("connections", connections),
            ("size", size),
            ("in-flight", in_flight),
        ]),
        chosen_by: match (connections, size_name) {
            (32, "32B" | "64KiB" | "1MiB") => Chosen::Quick,
            (32, _) | (256, "32B") => Chosen::Default,
            _ => Chosen::All,
        },
        goals,
    }
}

fn text(kind: &str) -> Cell {
    let mut args = args(&[("connections", 32), ("size", 64 * KIB)]);
    args.extend(["--payload".to_owned(), kind.to_owned()]);
    Cell {
        name: format!("echo-text-{kind}"),
        title: match kind {
            "mixed" => "echo, 32 connections, 64 KiB of Spanish with emoji".to_owned(),
            _ => "echo, 32 connections, 64 KiB of ASCII text".to_owned(),
        },
        kind: Kind::Echo,
        tls: false,
        args,
        goals: if kind == "mixed" {
            vec![(THREADS, 2.5), (UWS, 2.0)]
        } else {
            Vec::new()
        },
        chosen_by: if kind == "mixed" {
            Chosen::Default
        } else {
            Chosen::All
        },
    }
}

fn deflate() -> Cell {
    let mut args = args(&[("connections", 32), ("size", KIB)]);
    args.extend(["--payload", "json", "--deflate", "true"].map(str::to_owned));
    Cell {
        name: "echo-deflate-32x1KiB".to_owned(),
        title: "echo, 32 connections, 1 KiB of JSON, compressed".to_owned(),
        kind: Kind::Deflate,
        tls: false,
        args,
        goals: Vec::new(),
        chosen_by: Chosen::Default,
    }
}

/// The same with TLS below it; what is to come out is not known beforehand.
fn over_tls(cell: Cell) -> Cell {
    Cell {
        name: format!("tls-{}", cell.name),
        title: format!("TLS, {}", cell.title),
        tls: true,
        goals: Vec::new(),
        chosen_by: Chosen::Default,
        ..cell
    }
}

fn fan_out(users: u64, publishers: u64, in_flight: u64) -> Cell {
    Cell {
        name: format!("fan-out-{users}-{publishers}x{in_flight}"),
        title: format!(
            "chat, {users} users, {publishers} publishers, {in_flight} in flight on each"
        ),
        kind: Kind::FanOut,
        tls: false,
        args: args(&[
            ("connections", users),
            ("size", 64),
            ("publishers", publishers),
            ("in-flight", in_flight),
        ]),
        goals: match (publishers, in_flight) {
            (1, 1) => vec![(THREADS, 1.05), (TOKIO, 1.15), (UWS, 1.05)],
            (4, 16) => vec![(THREADS, 20.0), (TOKIO, 2.2), (UWS, 3.0)],
            (16, 1) => vec![(THREADS, 8.0), (UWS, 1.0)],
            _ => Vec::new(),
        },
        chosen_by: match (users, publishers, in_flight) {
            (100, 4, 16) => Chosen::Quick,
            (_, 4, 1) => Chosen::All,
            _ => Chosen::Default,
        },
    }
}

fn calm(users: u64) -> Cell {
    Cell {
        name: format!("fan-out-{users}-calm"),
        title: format!("chat, {users} users, 4 publishers, 200 messages a second in all"),
        kind: Kind::FanOut,
        tls: false,
        args: args(&[
            ("connections", users),
            ("size", 64),
            ("publishers", 4),
            ("rate", 200),
        ]),
        goals: Vec::new(),
        chosen_by: if users == 100 {
            Chosen::Default
        } else {
            Chosen::All
        },
    }
}

fn stalled(stalled: u64) -> Cell {
    Cell {
        name: format!("fan-out-100-stalled-{stalled}"),
        title: format!(
            "chat, 100 users, 4 publishers, 16 in flight on each, and {stalled} who never read"
        ),
        kind: Kind::FanOut,
        tls: false,
        args: args(&[
            ("connections", 100),
            ("size", 64),
            ("publishers", 4),
            ("in-flight", 16),
            ("stalled", stalled),
        ]),
        goals: Vec::new(),
        chosen_by: if stalled == 5 {
            Chosen::Default
        } else {
            Chosen::All
        },
    }
}

fn idle(connections: u64) -> Cell {
    Cell {
        name: format!("idle-{connections}"),
        title: format!("{connections} connections that say nothing, then one 64 KiB message each"),
        kind: Kind::Idle,
        tls: false,
        args: args(&[("connections", connections), ("size", 64 * KIB)]),
        goals: Vec::new(),
        chosen_by: if connections == 1_000 {
            Chosen::Default
        } else {
            Chosen::All
        },
    }
}

fn args(pairs: &[(&str, u64)]) -> Vec<String> {
    pairs
        .iter()
        .flat_map(|(name, value)| [format!("--{name}"), value.to_string()])
        .collect()
}

const KIB: u64 = 1024;
const THREADS: &str = "tungstenite-threads";
const TOKIO: &str = "tokio-tungstenite";
const FAST: &str = "fastwebsockets";
const RAW: &str = "raw-threads";
/// Only where `--peer uWebSockets=COMMAND` brings it.
const UWS: &str = "uWebSockets";
