//! What the kernel says about a process: processor time and memory.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Processor time a process took so far, in user and kernel mode, all its threads together.
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the fields behind it are numbers.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 2..].split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_secs_f64(
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
    ))
}

/// Resident memory in KiB.
pub fn resident(pid: u32) -> Option<u64> {
    status(pid, "VmRSS:")
}

pub fn threads(pid: u32) -> Option<u64> {
    status(pid, "Threads:")
}

/// Open descriptors.
pub fn descriptors(pid: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64)
}

/// As many descriptors as the system lets this process have.
pub fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit); // a cell that needs more says so itself
}

fn status(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
