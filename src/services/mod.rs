//! What runs on top of a connection.

pub mod chat;
#[cfg(feature = "json")]
pub mod hospital;
