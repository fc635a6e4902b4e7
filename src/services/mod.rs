//! What runs on top of a connection.

pub mod chat;
