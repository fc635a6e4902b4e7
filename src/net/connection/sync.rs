//! Locks, condition variables, atomics and threads that connections share: those of the standard library, or those of a
//! scheduler when the model tests run (`--cfg model`).
//!
//! A lock ignores poisoning, so that a panic in one session does not end the others.

use std::time::Duration;

#[cfg(not(model))]
use std::sync as imp;
#[cfg(not(model))]
pub(crate) use std::thread;

#[cfg(model)]
use shuttle::sync as imp;
#[cfg(model)]
pub(crate) use shuttle::thread;

pub(crate) use imp::MutexGuard;
pub(crate) use imp::atomic::{AtomicBool, AtomicUsize};

/// A mutex whose [`lock`](Self::lock) ignores poisoning.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns `None` if the mutex is locked.
    #[cfg(feature = "tls")]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(imp::TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(imp::TryLockError::WouldBlock) => None,
        }
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let waited = self.0.wait_while(guard, condition);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits for a notification, at most for `timeout`. It may also return early for no reason.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        let waited = self.0.wait_timeout(guard, timeout);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }
}

/// Returns a number that no other living thread has: the address of a thread-local byte.
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

/// Runs `work` and returns its result, or `None` if it panicked.
#[cfg(not(model))]
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// Runs `work` without catching panics, because the scheduler ends threads by panics of its own.
#[cfg(model)]
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    Some(work())
}
