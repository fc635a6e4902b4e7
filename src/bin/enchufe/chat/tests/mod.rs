//! The chat as a specification, without sockets.

pub mod binary;
pub mod both;
pub mod json;
pub mod rules;
pub mod support;
