//! What the sending side of a connection and a room synchronise with: the standard library's, or, when they are to be run
//! through their interleavings by a test (`model`), those of a scheduler.

#[cfg(not(model))]
pub(crate) use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize},
    },
    thread,
};

#[cfg(model)]
pub(crate) use shuttle::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize},
    },
    thread,
};
#[cfg(model)]
pub(crate) use std::sync::PoisonError;

/// A number that differs between living threads: the address of a byte each thread has of its own.
#[cfg(not(model))]
pub(crate) fn thread_token() -> usize {
    thread_local!(static TOKEN: u8 = const { 0 });
    TOKEN.with(|token| std::ptr::from_ref(token) as usize)
}

#[cfg(model)]
pub(crate) fn thread_token() -> usize {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    thread::current().id().hash(&mut hasher);
    hasher.finish() as usize
}

/// Runs `work`, and lets no panic out of it: `None` if there was one.
#[cfg(not(model))]
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// The scheduler ends threads by panics of its own, which have to go all the way.
#[cfg(model)]
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    Some(work())
}
