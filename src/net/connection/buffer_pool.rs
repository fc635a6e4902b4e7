//! Pool of large read buffers, shared by all connections.
//!
//! The pool is last in, first out, so a buffer taken from it is probably still in the processor's cache. A thousand
//! connections that each receive a large message now and then share a few buffers.

use crate::net::connection::sync::Mutex;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    buffers: Vec::new(),
    bytes: 0,
});

struct Pool {
    /// Buffers not in use. The last one was used last.
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// Returns an initialized buffer of at least `size` bytes, and of at least `preferred` bytes if the pool has one. A new
/// buffer is only as large as `size`, because a peer may announce more than it sends.
pub(crate) fn take(size: usize, preferred: usize) -> Vec<u8> {
    let mut pool = POOL.lock();
    let last_of = |bytes: usize| {
        pool.buffers
            .iter()
            .rposition(|buffer| buffer.len() >= bytes)
    };
    if let Some(found) = last_of(preferred.max(size)).or_else(|| last_of(size)) {
        let buffer = pool.buffers.remove(found);
        pool.bytes -= buffer.len();
        return buffer;
    }
    drop(pool);
    vec![0; size.next_multiple_of(POOLED_MIN_SIZE)]
}

/// Returns a buffer to the pool, or frees it if it is small or the pool is full.
pub(crate) fn give_back(buffer: Vec<u8>) {
    let mut pool = POOL.lock();
    if buffer.len() >= POOLED_MIN_SIZE && pool.bytes + buffer.len() <= POOL_LIMIT {
        pool.bytes += buffer.len();
        pool.buffers.push(buffer);
    }
}

/// Minimum size of a pooled buffer. A 64 KiB message with its header fits.
pub(crate) const POOLED_MIN_SIZE: usize = 128 * 1024;
/// Maximum size of all buffers in the pool together.
pub(crate) const POOL_LIMIT: usize = 32 * 1024 * 1024;
