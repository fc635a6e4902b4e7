//! The hospital hub: a board of hospitals and beds, the same for everybody who looks at it.
//!
//! It speaks the SignalR JSON hub protocol, so the ordinary SignalR clients connect to it.
//! Reading order: [`state`] (the rules).

pub mod methods;
pub mod negotiate;
pub mod records;
pub mod session;
pub mod signalr;
pub mod state;

pub use state::State;
