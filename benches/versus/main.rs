//! `cargo bench --bench versus`: this server and others side by side, in one run, on one machine.
//!
//! For each cell every server is started afresh, pinned to one processor, and driven by the same load generator on
//! another; servers take turns, and the median of the rounds counts. What is compared is processor time per message:
//! rates move with the machine, that moves less. The package in `benches/peers` holds the other servers and the load
//! generator; it is built first.
//!
//! Prints tables, and writes them with a chart and all figures to `target/versus/`. Linux only, loopback only.

mod cells;
mod certificate;
mod chart;
mod json;
mod options;
mod peers;
mod report;
mod run;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use certificate::Certificate;
use options::Options;
use run::{Machine, Results};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    // `cargo test --all-targets` runs benches too, without this argument.
    if !args.iter().any(|arg| arg == "--bench") {
        println!("this is a benchmark: cargo bench --bench versus");
        return ExitCode::SUCCESS;
    }
    match Options::parse(args)
        .map_err(io::Error::other)
        .and_then(|options| versus(&options))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn versus(options: &Options) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cells = cells::chosen(options)?;
    if options.list {
        for cell in &cells {
            println!("{:<22} {}", cell.name, cell.title);
        }
        return Ok(());
    }
    let target = root.join("target");
    let programs = peers::build(root, &target.join("peers"))?;
    let peers = peers::chosen(options, &programs, root);
    let directory = target.join("versus");
    fs::create_dir_all(&directory)?;
    let machine = Machine::look(&programs, Certificate::make(&directory)?)?;
    let mut results = Results::default();
    let mut tables = String::new();
    for cell in &cells {
        run::cell(cell, &peers, options, &machine, &mut results);
        let table = report::cell(cell, &peers, &results);
        print!("{table}");
        tables.push_str(&table);
    }
    let summary = report::summary(&cells, &peers, &results, &machine, options);
    println!("{}\n{summary}", report::LEGEND);

    fs::write(
        directory.join("versus.md"),
        summary + &tables + report::LEGEND,
    )?;
    fs::write(
        directory.join("versus.json"),
        json::all(&cells, &results, &machine),
    )?;
    fs::write(
        directory.join("versus.svg"),
        chart::ratios(&cells, &peers, &results),
    )?;
    println!("written to {}", directory.display());
    Ok(())
}
