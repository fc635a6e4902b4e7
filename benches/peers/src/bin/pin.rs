//! `pin CPU COMMAND…`: runs a command on one processor, with as many descriptors as it may have.
#![forbid(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let cpu = args.next().and_then(|cpu| cpu.to_str()?.parse().ok());
    let (Some(cpu), Some(program)) = (cpu, args.next()) else {
        eprintln!("pin CPU COMMAND…");
        return ExitCode::from(2);
    };
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit); // a cell that needs more fails by itself
    let mut set = CpuSet::new();
    set.set(cpu);
    let error = match sched_setaffinity(None, &set) {
        // Only a failure comes back.
        Ok(()) => Command::new(program).args(args).exec(),
        Err(error) => error.into(),
    };
    eprintln!("pin: {error}");
    ExitCode::FAILURE
}
