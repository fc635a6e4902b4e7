//! The hospital hub: a board of hospitals and beds, the same for everybody who looks at it.
//!
//! It speaks the SignalR JSON hub protocol, so the ordinary SignalR clients connect to it.
//! Reading order: [`changes`] and [`state`] (the rules of the board), [`records`], [`handshake`] and [`signalr`]
//! (the protocol of any hub), [`methods`] (the names of this one), [`session`] (one client) with [`keep_alive`]
//! (its clock) and [`close`] (its end), [`Hub`] (all of them), [`mod@negotiate`] (what a client asks over HTTP
//! before it connects), [`ledger`] and [`mod@record`] (what survives a restart).

pub mod changes;
pub mod close;
#[cfg(feature = "cluster")]
mod clustered;
pub mod handshake;
mod hub;
mod invocation_ids;
pub mod keep_alive;
pub mod ledger;
#[cfg(feature = "cluster")]
pub mod logged;
pub mod methods;
pub mod negotiate;
#[cfg(feature = "cluster")]
pub mod picture;
pub mod record;
pub mod records;
pub mod session;
pub mod signalr;
pub mod state;

pub use hub::Hub;
pub use negotiate::negotiate;
pub use state::State;

#[cfg(test)]
mod rules;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod spec_session;
