//! The load generator: one thread, one epoll, frames computed before they are needed. It must never be what limits a
//! server, so it reports the share of a processor it took itself.
//!
//! It prints what it measured as `name value` lines, which `benches/versus` reads.
#![forbid(unsafe_code)]

mod connection;
mod connects;
mod echo;
mod fan_out;
mod frames;
mod histogram;
mod idle;
mod inflate;
mod link;
mod options;
mod poll;
mod process;
mod schedule;
mod window;

use std::process::ExitCode;

use options::Options;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let cell = args.next().unwrap_or_default();
    let outcome = Options::parse(args)
        .map_err(Into::into)
        .and_then(|options| {
            process::raise_descriptor_limit();
            match cell.as_str() {
                "echo" => echo::run(&options),
                "fan-out" => fan_out::run(&options),
                "idle" => idle::run(&options),
                "connects" => connects::run(&options),
                other => Err(format!("echo, fan-out, idle or connects, not {other:?}").into()),
            }
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
