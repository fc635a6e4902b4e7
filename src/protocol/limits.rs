//! Limits on received messages. They apply to the length in a header before any payload is stored, so no announced
//! length is trusted ([RFC 6455, 10.4](https://www.rfc-editor.org/rfc/rfc6455#section-10.4)).

/// Limits on one received message. A frame that would exceed one fails the connection at its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLimits {
    /// Maximum payload of one message in bytes, all fragments together. Close code when exceeded: 1009. Default: 1 MiB,
    /// enough for text and pictures; a thousand hostile peers can then occupy at most 1 GiB.
    pub max_message: usize,
    /// Maximum fragments in one message. Close code when exceeded: 1008. Default: 131,072, twice what the Autobahn
    /// suite sends in one message. All fragments share one flat buffer, so they cost time and no memory.
    pub max_fragments: u32,
    /// Maximum consecutive empty fragments in one message. Close code when exceeded: 1008. Default: 1,024. An empty
    /// fragment carries nothing, so a long run of them is an attack.
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
