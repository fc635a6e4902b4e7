//! Bytes back from one thread and one epoll, no WebSocket at all: what an event loop itself costs.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use enchufe_peers::listen;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

struct Connection {
    stream: TcpStream,
    /// What the socket did not take.
    owed: Vec<u8>,
}

fn main() -> io::Result<()> {
    let (listener, _) = listen()?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &poll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    let mut buffer = vec![0; BUFFER];
    loop {
        events.clear();
        match epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None) {
            Err(rustix::io::Errno::INTR) => continue,
            outcome => outcome?,
        };
        for event in &events {
            let id = event.data.u64();
            if id == LISTENER {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let id = stream.as_raw_fd() as u64;
                epoll::add(&poll, &stream, EventData::new_u64(id), EventFlags::IN)?;
                connections.insert(
                    id,
                    Connection {
                        stream,
                        owed: Vec::new(),
                    },
                );
            } else if let Some(connection) = connections.get_mut(&id) {
                match connection.step(&mut buffer) {
                    Ok(Some(interest)) => {
                        epoll::modify(&poll, &connection.stream, EventData::new_u64(id), interest)?;
                    }
                    Ok(None) => {}
                    Err(_) => drop(connections.remove(&id)),
                }
            }
        }
    }
}

impl Connection {
    /// Sends what is owed, or else one piece of what comes. Says what to wait for when that changes.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<Option<EventFlags>> {
        if !self.owed.is_empty() {
            let written = allow_none(self.stream.write(&self.owed))?;
            self.owed.drain(..written);
            return Ok(self.owed.is_empty().then_some(EventFlags::IN));
        }
        let count = match self.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            outcome => allow_none(outcome)?,
        };
        let written = allow_none(self.stream.write(&buffer[..count]))?;
        self.owed.extend_from_slice(&buffer[written..count]);
        Ok((!self.owed.is_empty()).then_some(EventFlags::OUT))
    }
}

fn allow_none(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

const LISTENER: u64 = u64::MAX;
/// Holds a 64 KiB message.
const BUFFER: usize = 64 * 1024;
