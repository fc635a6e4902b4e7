//! Files under one directory, for plain HTTP: GET and HEAD, conditional requests, a byte range, nothing outside the directory.
//!
//! A file is opened first and judged after: what was opened must be a regular file inside the directory, wherever links
//! may have pointed meanwhile. It is streamed while it is sent, never read whole, and at most so many are sent at once.

mod conditions;
mod files;
mod media_type;
mod path;
mod range;
mod slots;

pub use files::Files;
