//! Log targets: what `RUST_LOG` selects. They stay the same when a file moves.

/// The command line: start, reload and stop of the server.
pub const CLI: &str = "enchufe::cli";
/// The chat.
pub const CHAT: &str = "enchufe::chat";
/// The hospital hub.
pub const HOSPITAL: &str = "enchufe::hospital";
/// The store thread and its file.
pub const STORE: &str = "enchufe::store";
/// The connection to Redis and the shared log.
pub const CLUSTER: &str = "enchufe::cluster";
