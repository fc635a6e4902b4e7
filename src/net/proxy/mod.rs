//! Proxies: how a client reaches a host that it cannot, or must not, reach by itself
//! ([RFC 6455, 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1) step 3). The proxy is asked to open a tunnel;
//! after that the stream is as good as one to the host itself, for `ws` and for `wss`.
//!
//! Reading order: this file (what a proxy is), `env` (which one the environment names), `tunnel` (the bytes move), and what
//! they are: `connect` for HTTP, `socks` for SOCKS5; `error` (what can go wrong).

pub(crate) mod connect;
pub(crate) mod env;
pub(crate) mod error;
pub(crate) mod proxy;
pub(crate) mod socks;
pub(crate) mod tunnel;
