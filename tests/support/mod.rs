//! What the integration tests share. Each of them uses its own part.
#![allow(dead_code)]

pub(crate) mod folder;
pub(crate) mod frames;
pub(crate) mod host;
pub(crate) mod nginx;
pub(crate) mod peer;
pub(crate) mod server;
#[cfg(all(unix, feature = "cli"))]
pub(crate) mod server_process;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod tunnel;
pub(crate) mod wire;
