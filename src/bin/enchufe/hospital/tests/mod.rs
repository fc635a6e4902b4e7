//! The board and its sessions, as a specification.

mod fixture;
mod keep_alive;
mod rules;
mod session;
