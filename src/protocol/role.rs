//! Which end of the connection we are. Everything that is not symmetric in the protocol asks this one value:
//! who masks ([RFC 6455, 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)) and who closes the socket first (7.1.1).

/// The side of the connection that *we* are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// We opened the connection: we mask every frame, and accept none that is masked.
    Client,
    /// We accepted the connection: we mask no frame, and accept none that is not masked.
    Server,
}

impl Role {
    /// Whether the frames we send are masked
    /// ([RFC 6455, 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
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
