//! Who is let in, and for whom a proxy asks: over sockets, route by route.
#![cfg(all(unix, feature = "cli"))]

#[path = "../support/mod.rs"]
mod support;

mod logged;
#[cfg(target_os = "linux")]
mod nginx;
mod proxy;
mod routes;
