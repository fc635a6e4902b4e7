//! Each key as it is pressed: a terminal usually keeps a line to itself until it is complete, and shows it, so that whatever
//! a program prints meanwhile hides it. We ask ours not to, with `stty` (POSIX), since the system call behind it cannot be
//! made from safe Rust, and put everything back in the end. Where there is no `stty`, lines come whole.

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::terminal;

/// The terminal tells each key, until this is dropped.
pub struct Keyboard(());

impl Keyboard {
    /// `None` where nobody types at a terminal, or it cannot be asked.
    pub fn take() -> Option<Self> {
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if !terminal || terminal::is_dumb() {
            return None;
        }
        let settings = stty(&["-g"])?;
        *before() = Some(settings);
        let keyboard = Self(()); // from here on it is given back
        stty(SETTINGS).map(|_| keyboard)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Once more, after another program has had the terminal.
pub fn take_again() {
    if before().is_some() {
        stty(SETTINGS);
    }
}

/// Leaves the terminal as it was found; at once, before the process ends in another way than by returning.
pub fn give_back() {
    if let Some(settings) = before().take() {
        stty(&[settings.trim()]);
    }
}

/// How many characters fit beside each other, if the terminal tells.
pub fn columns() -> Option<usize> {
    let size = stty(&["size"])?;
    let columns = size.split_whitespace().nth(1)?.parse().ok()?;
    (columns > 0).then_some(columns)
}

fn before() -> MutexGuard<'static, Option<String>> {
    static BEFORE: Mutex<Option<String>> = Mutex::new(None);
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What it prints, if it works.
fn stty(words: &[&str]) -> Option<String> {
    let output = Command::new("stty")
        .args(words)
        .stdin(Stdio::inherit())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A read returns with the first key, and nothing is shown by the terminal itself. Ctrl-C and Ctrl-Z go on making signals.
const SETTINGS: &[&str] = &["-icanon", "-echo", "min", "1", "time", "0"];
