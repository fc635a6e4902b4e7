//! What runs on top of a connection.
//!
//! A service knows neither sockets nor frames: it gets a [`WebSocket`](crate::net::WebSocket) and whole messages.
//! [`Router`] decides which request goes to which service.

pub mod access;
pub mod chat;
pub mod echo;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "json")]
pub mod hospital;
pub mod inspect;
#[cfg(feature = "json")]
pub mod json;
pub mod metrics;
mod outlet;
pub mod pages;
mod router;

pub use router::{Router, Settings};
