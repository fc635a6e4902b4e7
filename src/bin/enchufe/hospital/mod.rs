//! The hospital hub: a board of hospitals and beds, the same for everybody who looks at it.
//!
//! It speaks the SignalR JSON hub protocol, so the ordinary SignalR clients connect to it.
//! Reading order: [`changes`] and [`state`] (the rules of the board), [`records`], [`handshake`] and [`signalr`]
//! (the protocol of any hub), [`methods`] (the names of this one), [`session`] (one client) with [`keep_alive`]
//! (its clock) and [`close`] (its end), [`Hub`] (all of them), [`mod@negotiate`] (what a client asks over HTTP
//! before it connects), [`ledger`] and [`mod@record`] (what survives a restart).

pub mod cluster;
pub mod events;
pub mod hub;
pub mod methods;
pub mod persist;
pub mod state;

#[cfg(test)]
mod tests;
