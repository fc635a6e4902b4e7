//! Listening and connected sockets, as byte streams.

pub(crate) mod io;
pub(crate) mod listener;
pub(crate) mod socket_log;
pub(crate) mod socket_stream;
pub(crate) mod transport;
#[cfg(unix)]
pub(crate) mod unix_path;
