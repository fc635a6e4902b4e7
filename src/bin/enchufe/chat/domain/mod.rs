//! Users, chats and histories: plain data, no bytes, no threads.

pub mod command;
pub mod event;
pub mod history;
pub mod message;
pub mod name;
pub mod presence;
pub mod state;
pub mod status;
pub mod time;
