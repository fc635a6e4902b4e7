//! Opening handshakes: a batch of connections at a time is opened, answered and closed again.

use std::time::Instant;

use crate::Outcome;
use crate::connection;
use crate::histogram::Histogram;
use crate::link::Link;
use crate::options::Options;
use crate::window::{Phase, Window};

pub fn run(options: &Options) -> Outcome {
    let mut window = Window::new(options);
    let mut latencies = Histogram::new();
    let mut opened = 0;
    // A port stays taken for a minute after its connection, and there are about 28,000.
    let mut ports_left = PORTS;
    while ports_left >= options.connections {
        ports_left -= options.connections;
        match window.phase(Instant::now()) {
            Phase::WarmUp | Phase::Measuring => {}
            Phase::Opens => {
                opened = 0;
                latencies.clear();
            }
            Phase::Over => break,
        }
        let started = Instant::now();
        let mut batch = Vec::with_capacity(options.connections);
        for index in 0..options.connections {
            let mut link = Link::connect(options)?;
            connection::ask(&mut link, options, index)?;
            batch.push(link);
        }
        for link in &mut batch {
            connection::read_head(link)?;
            latencies.record(started.elapsed());
        }
        opened += batch.len() as u64;
    }
    window.print(opened);
    latencies.print();
    Ok(())
}

const PORTS: usize = 24_000;
