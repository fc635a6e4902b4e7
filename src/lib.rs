//! A WebSocket server and library on plain threads.
#![forbid(unsafe_code)]

pub mod handshake;
pub mod http;
pub mod net;
pub mod protocol;
pub mod services;
