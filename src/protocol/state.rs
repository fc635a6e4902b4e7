//! States of a connection, with every transition in one function
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1),
//! [7.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1)). The RFC's state Closing is two states here, because the side
//! that sent a Close and the side that received one may do different things.
//!
//! ```text
//!                 handshake             sends Close
//!   Connecting ---------------> Open -------------------> CloseSent
//!                                |                            |
//!            the peer sends Close|                            |the peer sends Close
//!                                v                            v
//!                          CloseReceived -----------------> Closed
//!                                          we send Close
//!
//!   from anywhere, the transport ends: Closed
//! ```

/// The local side of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that opened the connection: it masks every frame, and rejects masked ones.
    Client,
    /// The side that accepted the connection: it masks no frame, and rejects unmasked ones.
    Server,
}

impl Role {
    /// Whether frames sent by this side are masked ([RFC 6455,
    /// 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    pub const fn masks(self) -> bool {
        matches!(self, Self::Client)
    }

    /// The other side.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// The handshake is not complete ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    #[default]
    Connecting,
    /// Messages go both ways ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    Open,
    /// This side sent a Close: it sends nothing more and waits for the peer's ([RFC 6455,
    /// 7.1.3](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.3)).
    CloseSent,
    /// The peer sent a Close and sends nothing more. This side may finish a message, and must answer with a Close ([RFC
    /// 6455, 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    CloseReceived,
    /// Both sides sent a Close, or the transport ended; only the socket remains to be closed ([RFC 6455,
    /// 7.1.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4)).
    Closed,
}

/// An event that moves a connection from one [`State`] to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// The handshake completed ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
    HandshakeDone,
    /// This side sent a Close.
    CloseSent,
    /// The peer sent a Close.
    CloseReceived,
    /// The transport ended, after a Close or without one ([RFC 6455,
    /// 7.1.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4)).
    TransportEnded,
}

impl State {
    /// Returns the state after `step`. A transition that does not apply, such as a second Close, changes nothing.
    #[must_use]
    pub const fn after(self, step: Transition) -> Self {
        match (self, step) {
            (Self::Connecting, Transition::HandshakeDone) => Self::Open,
            // 7.1.3: the closing handshake starts with the first Close, from either side ...
            (Self::Open, Transition::CloseSent) => Self::CloseSent,
            (Self::Open, Transition::CloseReceived) => Self::CloseReceived,
            // 5.5.1: ... and ends when both sides have sent and received one.
            (Self::CloseSent, Transition::CloseReceived) => Self::Closed,
            (Self::CloseReceived, Transition::CloseSent) => Self::Closed,
            (_, Transition::TransportEnded) => Self::Closed,
            (
                unmoved,
                Transition::HandshakeDone | Transition::CloseSent | Transition::CloseReceived,
            ) => unmoved,
        }
    }

    /// Whether this side may still send frames. A Close is the last of them ([RFC 6455,
    /// 5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    pub const fn may_send(self) -> bool {
        matches!(self, Self::Open | Self::CloseReceived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] = [
        State::Connecting,
        State::Open,
        State::CloseSent,
        State::CloseReceived,
        State::Closed,
    ];

    #[test]
    fn either_side_may_close_first() {
        let open = State::default().after(Transition::HandshakeDone);
        let we_first = open.after(Transition::CloseSent);
        let they_first = open.after(Transition::CloseReceived);
        assert_eq!(
            (we_first, they_first),
            (State::CloseSent, State::CloseReceived)
        );
        assert_eq!(we_first.after(Transition::CloseReceived), State::Closed);
        assert_eq!(they_first.after(Transition::CloseSent), State::Closed);
    }

    #[test]
    fn only_open_and_close_received_may_send() {
        let sending = STATES.map(State::may_send);
        assert_eq!(sending, [false, true, false, true, false]);
    }

    #[test]
    fn the_end_of_the_transport_closes_every_state_and_nothing_leaves_closed() {
        for state in STATES {
            assert_eq!(state.after(Transition::TransportEnded), State::Closed);
        }
        for step in [
            Transition::HandshakeDone,
            Transition::CloseSent,
            Transition::CloseReceived,
        ] {
            assert_eq!(State::Closed.after(step), State::Closed);
        }
    }

    #[test]
    fn a_second_close_of_the_same_side_changes_nothing() {
        for step in [Transition::CloseSent, Transition::CloseReceived] {
            let once = State::Open.after(step);
            assert_eq!(once.after(step), once);
        }
    }
}
