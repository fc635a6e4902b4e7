//! `enchufe chat`: a person at a terminal, or a file, in the binary chat of a server.
//!
//! Reading order: `typing` (keys become a line), `input` (what it asks for), `request` (what is asked), `view` (what comes of
//! the answers) with `hidden` and `memory`, `line` (how it looks), `screen` with `columns` (where), `desk` (the two threads at
//! work).

mod chat;
mod display_width;
mod do_not_disturb;
mod history_sync;
mod input;
mod line_editor;
mod output;
mod request;
mod screen;
mod session;
mod view;

#[cfg(test)]
mod tests;

pub use chat::run;
