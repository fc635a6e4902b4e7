//! Tests of the whole chat without sockets: its rules, and its messages on each wire and on both.

pub mod binary;
pub mod both;
pub mod json;
pub mod rules;
pub mod support;
