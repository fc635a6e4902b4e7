//! Log targets: what `RUST_LOG` selects. They stay the same when a file moves.

/// The server loop, connections, and each socket call at `debug`.
pub(crate) const NET: &str = "enchufe::net";
/// Request and response heads of opening handshakes, at `trace`.
pub(crate) const HANDSHAKE: &str = "enchufe::handshake";
/// Each frame as a diagram, at `trace`.
pub(crate) const FRAME: &str = "enchufe::frame";
