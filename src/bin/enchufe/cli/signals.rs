//! How a program ends: signals ask for it, the first one politely and the second one not, and a goodbye takes some time.

use crate::log_targets::CLI;
use std::io;
use std::time::Duration;

/// What SIGHUP does to one thing that came from a file.
pub type ReloadHook = Box<dyn Fn() + Send>;

/// Calls `end` on a thread of its own when the first SIGINT or SIGTERM comes. A second one ends the process at once,
/// with 128 and the number of the signal as exit status, as a shell reports it.
///
/// SIGHUP means that the terminal was closed, if there was one and is no more. Otherwise it says "read your files again",
/// and all of `again` does. If there is nothing to read, ending instead would be a nasty surprise.
///
/// SIGXFSZ, for a file that may not grow, would end the process too; caught, it is an error like that of a full disk.
#[cfg(unix)]
pub fn watch(end: impl FnOnce() + Send + 'static, again: Vec<ReloadHook>) -> io::Result<()> {
    use std::io::IsTerminal;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let has_terminal = io::stdin().is_terminal();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut end = Some(end);
            for signal in signals.forever() {
                if signal == SIGXFSZ {
                    continue;
                }
                let reads = !again.is_empty();
                if signal == SIGHUP && reads && has_terminal == io::stdin().is_terminal() {
                    again.iter().for_each(|again| again());
                    continue;
                }
                if signal == SIGHUP && !reads && !has_terminal {
                    log::warn!(
                        target: CLI, "SIGHUP: settings come from the command line; to change them, start again"
                    );
                    continue;
                }
                match end.take() {
                    Some(end) => end(),
                    None => {
                        crate::cli::raw_mode::give_back();
                        std::process::exit(128 + signal)
                    }
                }
            }
        })?;
    Ok(())
}

/// Calls `again`, on a thread of its own, whenever the window has another size, and when the program goes on after it was
/// stopped: the shell has used the terminal meanwhile.
#[cfg(unix)]
pub fn watch_terminal(again: impl Fn() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGWINCH};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGCONT, SIGWINCH])?;
    std::thread::Builder::new()
        .name("terminal".to_owned())
        .spawn(move || signals.forever().for_each(|_| again()))?;
    Ok(())
}

/// Elsewhere a signal ends the process at once.
#[cfg(not(unix))]
pub fn watch(_: impl FnOnce() + Send + 'static, _: Vec<ReloadHook>) -> io::Result<()> {
    Ok(())
}

/// Elsewhere nobody tells.
#[cfg(not(unix))]
pub fn watch_terminal(_: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// How long a silent server may take to answer our Close, and how often we look whether that time is over. A Close that
/// one thread sends does not wake the one that reads.
pub const GOODBYE: Duration = Duration::from_secs(3);
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
