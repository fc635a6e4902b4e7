//! Longer texts: a walk through the code, and how to run the server for others.

#[doc = include_str!("tour.md")]
pub mod tour {}

#[doc = include_str!("deploy.md")]
pub mod deploy {}

#[cfg(feature = "cluster")]
#[doc = include_str!("cluster.md")]
pub mod cluster {}
