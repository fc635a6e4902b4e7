//! JSON as peers send it, for every service that takes it.
//!
//! A text is checked as a whole before any of it is used: see [`parse`]. Nothing is ever built out of the whole of it: a
//! [`Value`] is a slice of the text until somebody asks for it as a string, a number, an array or an object. So what a
//! peer nests costs no stack, what it repeats is never understood in two ways, and no key is special. That last point
//! needs this module: where serde_json builds a tree of its own, an object whose first key is
//! `$serde_json::private::RawValue` makes it parse a string as JSON again, as deep as that goes.

mod check;
pub mod json;

pub use json::{JsonError, MAX_DEPTH, Object, Value, parse};
