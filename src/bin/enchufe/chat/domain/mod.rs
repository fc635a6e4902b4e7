//! Users, messages and the rules of the chat: plain data, without bytes of a wire, sockets or threads.

pub mod command;
pub mod event;
pub mod history;
pub mod message;
pub mod name;
pub mod presence;
pub mod state;
pub mod status;
pub mod time;
