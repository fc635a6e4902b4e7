//! The clock of one connection: how long its client may take for the handshake, when it is sent a Ping, and when its silence
//! means that it is gone. The intervals, and their names, are those that SignalR has by default.
//! [SignalR hub protocol, Ping](https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md#ping-message-encoding)

use std::time::{Duration, Instant};

/// When each side last said something.
#[derive(Debug)]
pub(super) struct KeepAlive {
    began: Instant,
    /// When the client last sent a message.
    heard: Instant,
    /// When we last sent it something.
    spoke: Instant,
}

/// What time alone asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The client was sent nothing for [`KEEP_ALIVE_INTERVAL`].
    Ping,
    /// Nothing came from the client for [`CLIENT_TIMEOUT`].
    Timeout,
}

impl KeepAlive {
    /// The connection has just been upgraded.
    pub(super) fn new(now: Instant) -> KeepAlive {
        KeepAlive {
            began: now,
            heard: now,
            spoke: now,
        }
    }

    /// The client sent a message, or is listened to again.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The client's last message was answered.
    pub(super) fn answered(&mut self) {
        self.spoke = self.heard;
    }

    /// The client was sent something at that moment. Moments may come out of order.
    pub(super) fn spoke(&mut self, at: Instant) {
        self.spoke = self.spoke.max(at);
    }

    /// When the handshake must have come.
    pub(super) fn handshake_deadline(&self) -> Instant {
        self.began + HANDSHAKE_TIMEOUT
    }

    /// After the handshake: when something is due.
    pub(super) fn deadline(&self) -> Instant {
        (self.heard + CLIENT_TIMEOUT).min(self.spoke + KEEP_ALIVE_INTERVAL)
    }

    /// After the handshake: what is due by now.
    pub(super) fn due(&self, now: Instant) -> Option<Due> {
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

#[cfg(test)]
mod tests {
    use super::super::close::End;
    use super::super::scene::{Scene, invocation};
    use super::super::session::Step;
    use super::*;

    fn ping() -> Option<Step> {
        Some(Step::Answer("{\"type\":6}\x1e".into()))
    }

    #[test]
    fn no_handshake_within_15_s_ends_the_connection() {
        let mut scene = Scene::new();
        assert_eq!(scene.wait(14), None);
        assert_eq!(scene.wait(1), Some(Step::End(End::NoHandshake)));
    }

    #[test]
    fn pieces_of_a_handshake_do_not_put_off_its_deadline() {
        let mut scene = Scene::new();
        for _ in 0..14 {
            assert_eq!(scene.wait(1), None);
            assert_eq!(scene.hear(" "), []);
        }
        assert_eq!(scene.wait(1), Some(Step::End(End::NoHandshake)));
    }

    #[test]
    fn a_client_that_is_sent_nothing_for_15_s_is_sent_a_ping() {
        let mut scene = Scene::open();
        for _ in 0..4 {
            assert_eq!(scene.wait(14), None);
            assert_eq!(scene.wait(1), ping());
            scene.hear("{\"type\":6}\x1e");
        }
    }

    #[test]
    fn an_answer_or_something_told_to_everybody_puts_the_ping_off() {
        let mut scene = Scene::open();
        scene.wait(10);
        scene.hear(&invocation(Some("1"), "Nada", "[]"));
        assert_eq!(scene.wait(14), None);
        let told = scene.now;
        scene.now += Duration::from_secs(14);
        assert_eq!(scene.session.wake(scene.now, Some(told)), None);
        assert_eq!(scene.session.deadline(), told + KEEP_ALIVE_INTERVAL);
        scene.hear("{\"type\":6}\x1e");
        assert_eq!(scene.wait(1), ping());
    }

    #[test]
    fn a_client_silent_for_30_s_is_dropped_and_may_come_again() {
        let mut scene = Scene::open();
        assert_eq!(scene.wait(15), ping());
        assert_eq!(scene.wait(14), None);
        assert_eq!(scene.wait(1), Some(Step::End(End::Silent)));
        let record = End::Silent.record().unwrap();
        assert!(record.contains("\"allowReconnect\":true"), "{record}");
    }

    #[test]
    fn any_message_is_a_sign_of_life() {
        let mut scene = Scene::open();
        for message in ["{\"type\":6}\x1e", "\x1e", "{\"type\":", "99}\x1e"] {
            scene.wait(15);
            assert_eq!(scene.wait(14), None);
            assert_eq!(scene.hear(message), []);
        }
    }

    #[test]
    fn nobody_is_blamed_for_silence_while_his_earlier_requests_were_carried_out() {
        let mut scene = Scene::open();
        scene.hear("{\"type\":6}\x1e");
        scene.now += Duration::from_secs(60);
        scene.session.listen(scene.now);
        assert_eq!(scene.wait(0), ping());
        assert_eq!(scene.wait(29), ping());
        assert_eq!(scene.wait(1), Some(Step::End(End::Silent)));
    }
}
