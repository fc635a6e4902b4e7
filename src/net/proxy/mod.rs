//! Connecting through a proxy ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 3). The client asks
//! the proxy for a tunnel to the host; `ws` and `wss` then use the stream like a direct connection.
//!
//! Reading order: `proxy` (the URL), `env` (the proxy from the environment), `tunnel` (reads and writes), `connect` (HTTP),
//! `socks` (SOCKS5), `error`.

pub(crate) mod connect;
pub(crate) mod env;
pub(crate) mod error;
pub(crate) mod proxy;
pub(crate) mod socks;
pub(crate) mod tunnel;
