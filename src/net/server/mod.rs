//! The server: accepting, one thread per connection, HTTP until the upgrade, shutdown.

pub(crate) mod acceptor;
pub(crate) mod capacity;
pub(crate) mod connection_thread;
pub(crate) mod defaults;
pub(crate) mod handle;
pub(crate) mod http_body;
pub(crate) mod http_connection;
pub(crate) mod log_rate_limiter;
pub(crate) mod overload;
pub(crate) mod registry;
pub(crate) mod responder;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod upgrade;
