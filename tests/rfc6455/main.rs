//! RFC 6455, sections 5, 7, 8 and 10 as tests: one module for each section, in both roles, in memory.

#[path = "../support/mod.rs"]
mod support;

mod close;
mod control;
mod every_split;
mod examples;
mod fragmentation;
mod framing;
mod limits;
mod masking;
mod receiving;
mod small;
mod utf8;
