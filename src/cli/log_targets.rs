//! Log targets: what `RUST_LOG` selects. They stay the same when a file moves.

/// The command line: start, reload and stop of the server.
pub(crate) const CLI: &str = "enchufe::cli";
