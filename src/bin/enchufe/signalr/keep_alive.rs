//! The clock of one connection: how long its client may take for the handshake, when it is sent a Ping, and when its silence
//! means that it is gone. The intervals, and their names, are those that SignalR has by default.
//! [SignalR hub protocol, Ping](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#ping-message-encoding)

use std::time::{Duration, Instant};

/// When each side last said something.
#[derive(Debug)]
pub struct KeepAlive {
    began: Instant,
    /// When the client last sent a message.
    heard: Instant,
    /// When we last sent it something.
    spoke: Instant,
}

/// What time alone asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// The client was sent nothing for [`KEEP_ALIVE_INTERVAL`].
    Ping,
    /// Nothing came from the client for [`CLIENT_TIMEOUT`].
    Timeout,
}

impl KeepAlive {
    /// The connection has just been upgraded.
    pub fn new(now: Instant) -> KeepAlive {
        KeepAlive {
            began: now,
            heard: now,
            spoke: now,
        }
    }

    /// The client sent a message, or is listened to again.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The client's last message was answered.
    pub fn answered(&mut self) {
        self.spoke = self.heard;
    }

    /// The client was sent something at that moment. Moments may come out of order.
    pub fn spoke(&mut self, at: Instant) {
        self.spoke = self.spoke.max(at);
    }

    /// When the handshake must have come.
    pub fn handshake_deadline(&self) -> Instant {
        self.began + HANDSHAKE_TIMEOUT
    }

    /// After the handshake: when something is due.
    pub fn deadline(&self) -> Instant {
        (self.heard + CLIENT_TIMEOUT).min(self.spoke + KEEP_ALIVE_INTERVAL)
    }

    /// After the handshake: what is due by now.
    pub fn due(&self, now: Instant) -> Option<Due> {
        if now < self.deadline() {
            None
        } else if now >= self.heard + CLIENT_TIMEOUT {
            Some(Due::Timeout)
        } else {
            Some(Due::Ping)
        }
    }
}

/// From the upgrade to the handshake, whatever arrives in between.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// A client that was sent nothing for so long is sent a ping; it expects something every 30 s.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A client that sends nothing for so long is gone: it would have sent a ping every 15 s.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
