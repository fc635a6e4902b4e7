//! A WebSocket server and library on plain threads.
#![forbid(unsafe_code)]

pub mod handshake;
pub mod http;
pub mod net;
pub mod protocol;
pub mod services;

pub use net::{
    AsMessage, Client, Error, Incoming, Limits, Message, MessageRef, Reader, Sender, Server,
    ServerHandle, WebSocket, connect, serve,
};
pub use protocol::{CloseCode, CloseReason};
#[cfg(feature = "deflate")]
pub use {handshake::DeflateParams, net::DeflateOptions};
