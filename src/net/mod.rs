//! The only place with sockets, threads and clocks.
//!
//! Below this layer everything is bytes in, bytes out; here the bytes move. The words of the socket primitives
//! (SOCKET, BIND, LISTEN, ACCEPT, CONNECT, SEND, RECEIVE, CLOSE) name what happens, in these pages and in the log at
//! `debug`, so that the log of one connection reads as the list of primitives.
//!
//! Reading order: [`WebSocket`] (one connection, both halves), `reader` (how messages come in), `outbox` (how they go
//! out), `drain` (what if the peer takes no more), `ending` (how to close and lose nothing), [`Room`] (how one message
//! reaches everybody), [`Server`] with `acceptor` (a thread each) and `stop`, `exchange` (HTTP, until it is WebSocket),
//! `quota` (what of it is logged), [`Client`] (connect), `dial` (the way out) with `turn` (one at a time) and `proxy`,
//! `opening` (the client's handshake). Under all of it are the `transport` and, with that feature, `tls`.

mod acceptor;
mod arrival;
mod body;
mod buffer;
mod capacity;
mod client;
mod clock;
mod combiner;
mod counters;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_deflate.rs"]
mod deflate;
mod descriptor;
mod dial;
#[cfg(unix)]
mod dial_unix;
mod drain;
mod ending;
mod error;
mod exchange;
mod gate;
mod limits;
mod listener;
mod mask_keys;
mod message;
#[cfg(all(test, model))]
mod model;
mod opening;
mod outbox;
mod primitive;
mod proxy;
mod quota;
mod reader;
mod registry;
mod room;
mod running;
mod server;
mod service;
#[cfg(unix)]
mod socket_file;
mod stop;
mod stream;
mod sync;
mod tls;
mod transport;
mod turn;
mod turned_away;
mod websocket;

pub use client::{Client, connect};
pub use counters::{Counters, Traffic};
#[cfg(feature = "deflate")]
pub use deflate::DeflateOptions;
pub use error::{Error, Refused};
pub use limits::Limits;
pub use message::{AsMessage, Message, MessageRef};
pub use proxy::{Proxy, ProxyError, ProxyUrlError};
pub use reader::{Incoming, Reader};
pub use room::{Audience, CODECS, Entry, MemberId, Room};
pub use running::Running;
pub use server::{Server, serve};
pub use service::{Answer, Call, Service, Upgrade};
pub use stop::ServerHandle;
pub use tls::TlsError;
#[cfg(feature = "tls")]
pub use tls::{TlsIdentity, TlsRoots};
pub use transport::{Exclusive, Socket, Transport};
pub use websocket::{Sender, WebSocket};
