//! Sockets, threads and clocks: the only layer that has them.
//!
//! The names of the socket primitives (SOCKET, BIND, LISTEN, ACCEPT, CONNECT, SEND, RECEIVE, CLOSE) are used in these pages
//! and in the log at `debug`, so the log of one connection reads as a list of primitives.
//!
//! Reading order: `socket` and `tls` (byte streams), `connection` (one WebSocket: `websocket`, `reader`, `send_queue`,
//! `closing`), `room` (one message to many connections), `server` (one thread for each connection, HTTP before the upgrade),
//! `client` and `proxy` (connecting and the client's handshake).

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
