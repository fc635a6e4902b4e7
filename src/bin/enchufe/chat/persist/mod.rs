//! UserRows of the chat on disk.

pub mod restore;
pub mod retention;
pub mod rows;
