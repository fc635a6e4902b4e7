//! The `enchufe` program: server and command-line clients.
#![forbid(unsafe_code)]
#![expect(
    unreachable_pub,
    reason = "in a program, `pub` means visible to all of it"
)]
#![cfg_attr(
    not(all(feature = "store", feature = "cluster")),
    allow(
        dead_code,
        reason = "code used only with a store or a cluster is compiled in every build"
    )
)]

mod assets;
mod auth;
mod backoff;
mod calendar;
mod chat;
mod cli;
mod cluster;
mod delivery;
mod echo;
mod files;
mod hospital;
mod inspect;
mod json;
mod log_targets;
mod metrics;
mod router;
mod signalr;
mod store;
#[cfg(test)]
mod tests;

use std::env;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::cli::exit_error::Failure;
use crate::cli::options::args::{self, Command};
use crate::cli::{send, serve};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("enchufe: {failure}");
            failure.code()
        }
    }
}

fn run() -> Result<(), Failure> {
    match args::parse(env::args_os().skip(1), &|name| env::var_os(name))? {
        Command::Print(text) => print(&text),
        Command::Serve(options) => serve::run(*options),
        Command::Chat(options) => cli::chat::run(&options),
        Command::Send(options) => send::run(&options),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A reader such as `head` may close the pipe early.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
