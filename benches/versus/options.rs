//! What to run: `cargo bench --bench versus -- --quick`, `-- --cells echo-32x32B,fan-out-100-1x1`, …

use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Options {
    /// By name; empty is the default selection.
    pub(crate) cells: Vec<String>,
    /// By name; empty is every peer there is.
    pub(crate) peers: Vec<String>,
    /// Servers of the caller's, as a name and the command that starts one; it is given `echo` or `fan-out`.
    pub(crate) further: Vec<(String, String)>,
    /// What to start the load generator with, say `chrt -f 1` on a machine that is not quiet.
    pub(crate) load_prefix: Vec<String>,
    pub(crate) all: bool,
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) rounds: usize,
    /// The time that counts, of each round.
    pub(crate) measure: Duration,
}

impl Options {
    pub(crate) fn parse(args: Vec<String>) -> Result<Self, String> {
        let mut options = Self {
            cells: Vec::new(),
            peers: Vec::new(),
            further: Vec::new(),
            load_prefix: Vec::new(),
            all: false,
            quick: false,
            list: false,
            rounds: 0,
            measure: Duration::ZERO,
        };
        let (mut rounds, mut seconds) = (None, None);
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--bench" => {}
                "--all" => options.all = true,
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--cells" => options.cells = names(&value()?),
                "--peers" => options.peers = names(&value()?),
                "--peer" => {
                    let value = value()?;
                    let (name, command) = value.split_once('=').ok_or("--peer NAME=COMMAND")?;
                    options.further.push((name.to_owned(), command.to_owned()));
                }
                "--load-prefix" => {
                    options.load_prefix = value()?.split_whitespace().map(str::to_owned).collect();
                }
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds N")?),
                "--seconds" => {
                    let value: f64 = value()?.parse().map_err(|_| "--seconds N")?;
                    seconds = Some(value.clamp(0.1, 60.0));
                }
                _ => return Err(format!("{name}? {USAGE}")),
            }
        }
        let (default_rounds, default_seconds) = if options.quick { (1, 0.5) } else { (3, 1.2) };
        options.rounds = rounds.unwrap_or(default_rounds).clamp(1, 100);
        options.measure = Duration::from_secs_f64(seconds.unwrap_or(default_seconds));
        Ok(options)
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

const USAGE: &str = "There are --quick, --all, --list, --cells A,B, --peers A,B, --peer NAME=COMMAND (run with `echo` or \
                     `fan-out` behind it, prints `listening on http://ADDR/`), --rounds N, --seconds N and \
                     --load-prefix COMMAND.";
