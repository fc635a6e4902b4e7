//! Turns panics of the storage package into errors: a damaged file can make it panic, and the operator needs one line that
//! says what to do.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Calls `work`. If it panics, returns the first line of the panic message, and prints nothing.
///
/// # Errors
/// The panic message.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default_hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_CATCHING.get() {
                default_hook(panic);
            }
        }));
    });
    IS_CATCHING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_CATCHING.set(false);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let line = text.and_then(|text| text.lines().next());
        line.unwrap_or("panic without a message").to_owned()
    })
}

thread_local! {
    /// Whether this thread is within [`catch_panic`].
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(
            catch_panic(|| panic!("no {}", 1)),
            Err::<(), _>("no 1".into())
        );
        assert_eq!(catch_panic(|| panic!("no")), Err::<(), _>("no".into()));
    }
}
