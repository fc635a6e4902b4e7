//! Keeps the panics of the storage package to itself: a file with one wrong byte in the wrong place makes it panic, and
//! what the operator needs then is one line that says what to do.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Does `work`. If it panics, returns what the panic says, and nothing is printed.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                otherwise(panic);
            }
        }));
    });
    GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let line = text.and_then(|text| text.lines().next());
        line.unwrap_or("a panic without words").to_owned()
    })
}

thread_local! {
    /// This thread is within [`catch_panic`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(
            catch_panic(|| panic!("no {}", 1)),
            Err::<(), _>("no 1".into())
        );
        assert_eq!(catch_panic(|| panic!("no")), Err::<(), _>("no".into()));
    }
}
