//! What runs on top of a connection.
//!
//! A service knows neither sockets nor frames: it gets a [`WebSocket`](crate::net::WebSocket) and whole messages.
//! [`Router`] decides which request goes to which service.

pub mod echo;
pub mod inspect;
mod router;

pub use router::{Router, Settings};
