//! The chat on disk: which events become rows, and how they are restored.

pub mod restore;
pub mod retention;
pub mod rows;
