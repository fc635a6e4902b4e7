//! The `enchufe` command.
#![forbid(unsafe_code)]

fn main() {}
