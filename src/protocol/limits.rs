//! How much one message may hold. Each limit is compared with what a header claims before any of its payload is kept,
//! so a length is never trusted and a peer is told why
//! ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).

/// Bounds on one received message. A frame that would pass one fails the connection at its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLimits {
    /// Payload octets in one message, all its fragments together. Past it: 1009 message too big.
    /// By default 1 MiB: enough for text and pictures, and a thousand hostile peers hold 1 GiB at the very most.
    pub max_message: usize,
    /// Fragments in one message. Past it: 1008 policy violation. By default 131,072, twice what the Autobahn suite sends
    /// in one message: fragments live in one flat buffer, so what they cost is time, not memory.
    pub max_fragments: u32,
    /// Fragments with no payload in a row in one message. Past it: 1008 policy violation.
    /// By default 1,024: an empty fragment says nothing, so a long run of them is an attack.
    pub max_empty_run: u32,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            max_message: 1 << 20,
            max_fragments: 131_072,
            max_empty_run: 1_024,
        }
    }
}
