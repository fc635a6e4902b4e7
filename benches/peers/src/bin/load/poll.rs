//! epoll, level-triggered: a connection that has more to read shows up again.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

pub struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    Read,
    ReadAndWrite,
}

impl Poll {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(1024),
        })
    }

    pub fn add(&self, source: impl AsFd, index: usize) -> io::Result<()> {
        let data = EventData::new_u64(index as u64);
        Ok(epoll::add(&self.epoll, source, data, EventFlags::IN)?)
    }

    pub fn set(&self, source: impl AsFd, index: usize, interest: Interest) -> io::Result<()> {
        let flags = match interest {
            Interest::Read => EventFlags::IN,
            Interest::ReadAndWrite => EventFlags::IN | EventFlags::OUT,
        };
        Ok(epoll::modify(
            &self.epoll,
            source,
            EventData::new_u64(index as u64),
            flags,
        )?)
    }

    /// The connections that can go on, and whether each can be written.
    pub fn wait(
        &mut self,
        timeout: Duration,
    ) -> io::Result<impl Iterator<Item = (usize, bool)> + use<'_>> {
        self.events.clear();
        let timeout = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&timeout),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.events.iter().map(|event| {
            let flags = event.flags;
            (event.data.u64() as usize, flags.contains(EventFlags::OUT))
        }))
    }
}
