//! What the integration tests share. Each of them uses its own part.
#![allow(dead_code)]

pub(crate) mod folder;
#[cfg(all(feature = "cli", target_os = "linux"))]
pub(crate) mod fortress;
pub(crate) mod frames;
pub(crate) mod host;
pub(crate) mod nginx;
pub(crate) mod peer;
pub(crate) mod server;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod tunnel;
pub(crate) mod wire;
