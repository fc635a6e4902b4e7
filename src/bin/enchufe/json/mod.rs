//! Safe parsing of JSON from peers, for all services.
//!
//! [`parse`] checks the whole text first. A [`Value`] is a slice of it, parsed on demand, so nesting costs no stack.
//! No key is special, unlike in trees of serde_json: there, a first key `$serde_json::private::RawValue` makes it parse
//! a string as JSON again.

mod check;
pub mod json;

pub use check::JsonError;
pub use json::{MAX_DEPTH, Object, Value, parse};
