//! Users, rooms, histories.
//!
//! One chat, two wires: the binary protocol and the JSON protocol are codecs over the same requests and notices, so
//! users of both see each other.
//!
//! ```text
//!   bytes --> binary \                                 / binary --> bytes
//!                     > Request --> State --> Notice  <
//!   bytes --> json   /                                 \ json   --> bytes
//! ```

pub mod binary;
pub mod binary_client;
pub mod binary_fields;
#[cfg(feature = "cluster")]
pub mod clustered;
pub mod command;
pub mod event;
#[cfg(feature = "cluster")]
pub mod front;
pub mod history;
#[cfg(feature = "json")]
pub mod json_fault;
#[cfg(feature = "json")]
pub mod json_notice;
#[cfg(feature = "json")]
pub mod json_object;
#[cfg(feature = "json")]
pub mod json_request;
#[cfg(feature = "json")]
pub mod json_session;
#[cfg(feature = "json")]
pub mod json_switch;
pub mod ledger;
pub mod limits;
#[cfg(feature = "cluster")]
pub mod logged;
pub mod message;
pub mod name;
#[cfg(feature = "cluster")]
pub mod picture;
pub mod place;
pub mod presence;
pub mod record;
#[cfg(feature = "cluster")]
mod replica;
pub mod revival;
pub mod sentences;
pub mod session;
pub mod state;
pub mod status;
pub mod switchboard;
pub mod timestamp;

pub use history::HistoryLimits;
pub use limits::ConnectionLimits;
pub use place::Chat;
pub use state::Settings;

#[cfg(all(test, feature = "json"))]
mod hall;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod rules;
#[cfg(all(test, feature = "json"))]
mod spec_binary;
#[cfg(all(test, feature = "json"))]
mod spec_both;
#[cfg(all(test, feature = "json"))]
mod spec_json;
