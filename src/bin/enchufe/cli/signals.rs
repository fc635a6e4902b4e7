//! Signals: graceful stop, immediate exit, reload, and changes of the terminal.

use crate::log_targets::CLI;
use std::io;
use std::time::Duration;

/// Reloads one file on SIGHUP.
pub type ReloadHook = Box<dyn Fn() + Send>;

/// Calls `stop` on its own thread at the first SIGINT or SIGTERM. A second one exits at once with status 128 plus the
/// signal number, as shells report it.
///
/// SIGHUP stops the process if its terminal was closed. Otherwise it calls all of `reload_hooks`; without any, it is only
/// logged.
///
/// SIGXFSZ (file size limit) is caught so that the write returns an error, as on a full disk.
#[cfg(unix)]
pub fn watch(
    stop: impl FnOnce() + Send + 'static,
    reload_hooks: Vec<ReloadHook>,
) -> io::Result<()> {
    use std::io::IsTerminal;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let has_terminal = io::stdin().is_terminal();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut stop = Some(stop);
            for signal in signals.forever() {
                if signal == SIGXFSZ {
                    continue;
                }
                let reloads = !reload_hooks.is_empty();
                if signal == SIGHUP && reloads && has_terminal == io::stdin().is_terminal() {
                    reload_hooks.iter().for_each(|reload| reload());
                    continue;
                }
                if signal == SIGHUP && !reloads && !has_terminal {
                    log::warn!(
                        target: CLI, "SIGHUP ignored: settings come from the command line; restart to change them"
                    );
                    continue;
                }
                match stop.take() {
                    Some(stop) => stop(),
                    None => {
                        crate::cli::raw_mode::give_back();
                        std::process::exit(128 + signal)
                    }
                }
            }
        })?;
    Ok(())
}

/// Calls `redraw` on its own thread when the window is resized, or when the program resumes after the shell stopped it.
#[cfg(unix)]
pub fn watch_terminal(redraw: impl Fn() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGCONT, SIGWINCH};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGCONT, SIGWINCH])?;
    std::thread::Builder::new()
        .name("terminal".to_owned())
        .spawn(move || signals.forever().for_each(|_| redraw()))?;
    Ok(())
}

/// Does nothing: on other systems a signal ends the process.
#[cfg(not(unix))]
pub fn watch(_: impl FnOnce() + Send + 'static, _: Vec<ReloadHook>) -> io::Result<()> {
    Ok(())
}

/// Does nothing: other systems send no such signals.
#[cfg(not(unix))]
pub fn watch_terminal(_: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Time for the server to answer a Close.
pub const GOODBYE: Duration = Duration::from_secs(3);
/// Interval at which the reading thread checks for that timeout: a Close sent by another thread does not wake it.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
