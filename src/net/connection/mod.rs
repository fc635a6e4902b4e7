//! One WebSocket connection: both halves, its buffers, timers and closing.

pub(crate) mod backlog;
pub(crate) mod buffer_pool;
pub(crate) mod closing;
#[cfg(feature = "deflate")]
pub(crate) mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "deflate_stub.rs"]
pub(crate) mod deflate;
pub(crate) mod message;
pub(crate) mod random;
pub(crate) mod rate_limiter;
pub(crate) mod read_buffer;
pub(crate) mod reader;
pub(crate) mod send_queue;
pub(crate) mod sync;
pub(crate) mod timers;
pub(crate) mod websocket;
