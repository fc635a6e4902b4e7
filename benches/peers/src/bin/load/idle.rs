//! Connections that say nothing: what each costs in memory, threads and descriptors, before and after it had a message
//! of some size.

use std::thread;

use crate::Outcome;
use crate::connection;
use crate::frames;
use crate::link::ROOM;
use crate::options::Options;
use crate::process;

pub fn run(options: &Options) -> Outcome {
    let pid = options.pid.ok_or("whose memory?")?;
    let before = Cost::of(pid)?;
    let mut connections = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        connections.push(connection::open(options, index)?.0);
    }
    thread::sleep(options.warm_up);
    let idle = Cost::of(pid)?;
    let each =
        |after: u64, before: u64| after.saturating_sub(before) as f64 / options.connections as f64;
    println!("connections {}", options.connections);
    println!("idle_kib_each {:.2}", each(idle.resident, before.resident));
    println!("threads_each {:.2}", each(idle.threads, before.threads));
    println!(
        "descriptors_each {:.2}",
        each(idle.descriptors, before.descriptors)
    );

    let payload = frames::payload(options.payload, options.size, 0);
    let opcode = frames::opcode(options.payload);
    let frame = frames::masked(opcode, &payload, [1, 2, 3, 4]);
    let expected = frames::unmasked(opcode, &payload);
    let mut scratch = vec![0; ROOM];
    for link in &mut connections {
        connection::send_all(link, &frame)?;
        let mut reply = Vec::new();
        while reply.len() < expected.len() {
            let count = link.read(&mut scratch)?.ok_or("no reply for ten seconds")?;
            reply.extend_from_slice(&scratch[..count]);
        }
        if reply != expected {
            return Err("a reply is not what was sent".into());
        }
    }
    thread::sleep(options.measure);
    println!(
        "after_traffic_kib_each {:.2}",
        each(Cost::of(pid)?.resident, before.resident)
    );
    Ok(())
}

struct Cost {
    resident: u64,
    threads: u64,
    descriptors: u64,
}

impl Cost {
    fn of(pid: u32) -> Result<Self, &'static str> {
        let read = || {
            Some(Self {
                resident: process::resident(pid)?,
                threads: process::threads(pid)?,
                descriptors: process::descriptors(pid)?,
            })
        };
        read().ok_or("the server is gone")
    }
}
