//! The `enchufe` command.
#![forbid(unsafe_code)]

mod cli;

use std::env;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use cli::args::{self, Command};
use cli::failure::Failure;
use cli::{chat, send, serve};

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
        Command::Chat(options) => chat::run(&options),
        Command::Send(options) => send::run(&options),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads only the first lines, as `head` does, has had enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
