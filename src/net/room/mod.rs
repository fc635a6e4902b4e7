//! One message to many connections, in one order.

pub(crate) mod combiner;
#[cfg(all(test, model))]
mod model;
pub(crate) mod room;
