//! Log targets: what `RUST_LOG` selects. They stay the same when a file moves.

/// The server loop, connections, and each socket call at `debug`.
pub(crate) const NET: &str = "enchufe::net";
/// Request and response heads of opening handshakes, at `trace`.
pub(crate) const HANDSHAKE: &str = "enchufe::handshake";
/// Each frame as a diagram, at `trace`.
pub(crate) const FRAME: &str = "enchufe::frame";
/// The chat.
pub(crate) const CHAT: &str = "enchufe::chat";
/// The hospital hub.
#[cfg(feature = "json")]
pub(crate) const HOSPITAL: &str = "enchufe::hospital";
/// The store thread and its file.
pub(crate) const STORE: &str = "enchufe::store";
/// The connection to Redis and the shared log.
#[cfg(feature = "cluster")]
pub(crate) const CLUSTER: &str = "enchufe::cluster";
