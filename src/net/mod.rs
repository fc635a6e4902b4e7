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

pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod counters;
pub(crate) mod error;
pub(crate) mod http_rejection;
pub(crate) mod limits;
pub(crate) mod proxy;
pub(crate) mod room;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod tls;

pub use client::client::{Client, connect};
#[cfg(feature = "deflate")]
pub use connection::deflate::DeflateOptions;
pub use connection::message::{AsMessage, Message, MessageRef};
pub use connection::reader::{Incoming, Reader};
pub use connection::websocket::{Sender, WebSocket};
pub use counters::{Counters, Traffic};
pub use error::Error;
pub use http_rejection::HttpRejection;
pub use limits::Limits;
pub use proxy::error::{ProxyError, ProxyUrlError};
pub use proxy::proxy::Proxy;
pub use room::room::{Entry, MemberId, PreparedMessage, Recipients, Room};
pub use server::handle::{RunningServer, ServerHandle};
pub use server::server::{Server, serve};
pub use server::service::{Reply, RequestContext, Service, Upgrade};
pub use socket::transport::{Locked, Socket, Transport};
pub use tls::TlsError;
#[cfg(feature = "tls")]
pub use tls::{TlsIdentity, TlsRoots};
