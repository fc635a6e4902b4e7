//! The tables, in Markdown, so that they can stand in a README as they are.

use std::fmt::Write;

use crate::cells::{Cell, Kind};
use crate::options::Options;
use crate::peers::{Peer, US};
use crate::run::{Machine, Results, compiler};

/// One cell, as soon as it is measured.
pub(crate) fn cell(cell: &Cell, peers: &[Peer], results: &Results) -> String {
    let has_results = |peer: &&Peer| !results.rounds(&cell.name, &peer.name).is_empty();
    let peers: Vec<&str> = peers
        .iter()
        .filter(has_results)
        .map(|peer| peer.name.as_str())
        .collect();
    let table = if cell.kind == Kind::Idle {
        idle(cell, &peers, results)
    } else {
        traffic(cell, &peers, results)
    };
    format!("\n### {} (`{}`)\n\n{table}", cell.title, cell.name)
}

/// What this machine is, and the ratios.
pub(crate) fn summary(
    cells: &[Cell],
    peers: &[Peer],
    results: &Results,
    machine: &Machine,
    options: &Options,
) -> String {
    format!(
        "{}, {} processors, Linux {}, {}. Server and load generator on one processor each, {} rounds of {:.1} s, medians.\n\n{}",
        machine.processor,
        machine.processors.len(),
        machine.kernel,
        compiler(),
        options.rounds,
        options.measure.as_secs_f64(),
        ratios(cells, peers, results),
    )
}

/// Processor time per message of each peer, divided by ours: above 1 it costs more than this server.
fn ratios(cells: &[Cell], peers: &[Peer], results: &Results) -> String {
    let others: Vec<&Peer> = peers.iter().filter(|peer| peer.name != US).collect();
    let mut text = String::from(
        "Processor time per message ÷ that of enchufe (goal in parentheses):\n\n| cell |",
    );
    for peer in &others {
        let _ = write!(text, " {} |", peer.name);
    }
    let _ = write!(text, "\n|---|{}\n", "--:|".repeat(others.len()));
    for cell in cells.iter().filter(|cell| cell.kind != Kind::Idle) {
        let _ = write!(text, "| {} |", cell.title);
        for peer in &others {
            let Some(ratio) = ratio(cell, &peer.name, results) else {
                text.push_str(" |");
                continue;
            };
            let _ = write!(text, " {ratio:.2}");
            if let Some((_, goal)) = cell.goals.iter().find(|(name, _)| *name == peer.name) {
                let _ = write!(text, " ({}{goal})", if ratio < *goal { "not " } else { "" });
            }
            text.push_str(" |");
        }
        text.push('\n');
    }
    text
}

pub(crate) fn ratio(cell: &Cell, peer: &str, results: &Results) -> Option<f64> {
    let cpu = |peer: &str| {
        results
            .median(&cell.name, peer, "cpu_per_million")
            .filter(|cpu| *cpu > 0.0)
    };
    Some(cpu(peer)? / cpu(US)?)
}

fn traffic(cell: &Cell, peers: &[&str], results: &Results) -> String {
    let unit = match cell.kind {
        Kind::FanOut => "deliveries",
        Kind::Connects => "handshakes",
        Kind::Echo | Kind::Deflate | Kind::Idle => "messages",
    };
    let mut text = format!(
        "| server | {unit}/s | CPU s per million | ratio | p50 µs | p99 µs | p99.9 µs | resident MiB | busy %: server, load |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for peer in peers {
        let figure = |name: &str| results.median(&cell.name, peer, name).unwrap_or(f64::NAN);
        let limited = if figure("load_share") > 0.95 {
            " \\*"
        } else {
            ""
        };
        let restless = match results.spread(&cell.name, peer, "cpu_per_million") {
            Some(spread) if spread > 0.2 => " ~",
            _ => "",
        };
        let ratio =
            ratio(cell, peer, results).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let _ = writeln!(
            text,
            "| {peer} | {:.0}{limited} | {:.3}{restless} | {ratio} | {:.0} | {:.0} | {:.0} | {:.1} | {:.0}, {:.0} |",
            figure("per_second"),
            figure("cpu_per_million"),
            figure("p50_us"),
            figure("p99_us"),
            figure("p999_us"),
            figure("resident_kib") / 1024.0,
            figure("server_share") * 100.0,
            figure("load_share") * 100.0,
        );
    }
    if cell.args.iter().any(|arg| arg == "--stalled") {
        for peer in peers {
            let figure = |name: &str| results.median(&cell.name, peer, name).unwrap_or(f64::NAN);
            let _ = writeln!(
                text,
                "\n{peer}: {:.0} stalled readers closed, slowest delivery to the others {:.0} ms.",
                figure("stalled_closed"),
                figure("max_us") / 1e3,
            );
        }
    }
    text
}

fn idle(cell: &Cell, peers: &[&str], results: &Results) -> String {
    let mut text = String::from(
        "| server | KiB each | KiB each after traffic | threads each | descriptors each |\n|---|--:|--:|--:|--:|\n",
    );
    for peer in peers {
        let figure = |name: &str| results.median(&cell.name, peer, name).unwrap_or(f64::NAN);
        let _ = writeln!(
            text,
            "| {peer} | {:.1} | {:.1} | {:.2} | {:.2} |",
            figure("idle_kib_each"),
            figure("after_traffic_kib_each"),
            figure("threads_each"),
            figure("descriptors_each"),
        );
    }
    text
}

/// What the marks in the tables mean.
pub(crate) const LEGEND: &str = "
\\* the load generator was busy more than 95 % of the time: the rate is its limit, not the server's.  
~ the rounds lie more than 20 % apart: the machine was not quiet.
";
