//! The files of a directory over plain HTTP, on real sockets: what is served, in which form, and what never is.
#![cfg(all(unix, feature = "cli"))]

#[path = "../support/mod.rs"]
mod support;

mod conditions;
mod curl;
mod forms;
mod inside;
mod ranges;
mod sending;
mod site;
