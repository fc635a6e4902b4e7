//! `enchufe chat`.

mod input;
mod view;
mod wire;
