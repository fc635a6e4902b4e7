//! The log on standard error: one short line per record, in columns, with nothing in it that could pass for another line.
//!
//!     12:34:56.789 DEBUG net           ACCEPT  #1 127.0.0.1:50412
//!     12:34:56.790 TRACE frame         < text FIN 5 bytes "Hello"
//!                                    | 81 85 37 fa 21 3d
//!
//! A terminal shows the time of day; a file gets the date too. Both are UTC.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use env_logger::Builder;
use log::{Level, LevelFilter, Record};

use crate::calendar::UtcTime;
use crate::cli::terminal::{self, Colour, escape, paint};

/// Starts the log. `RUST_LOG` decides what is shown; without it, `level` does.
pub fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => builder.parse_filters(&filter),
        _ => builder.filter_level(level),
    };
    begin(builder, line);
}

/// Starts the log of `enchufe send --trace`: handshakes and frames as the library draws them, and nothing around them.
/// What `start` would show is shown too.
pub fn start_trace(level: LevelFilter) {
    let mut builder = Builder::new();
    builder.filter_level(level);
    if let Ok(filter) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filter);
    }
    for target in DRAWN {
        builder.filter_module(target, LevelFilter::Trace);
    }
    begin(builder, |record, style| {
        match DRAWN.contains(&record.target()) {
            true => bare(&record.args().to_string()),
            false => line(record, style),
        }
    });
}

fn begin(mut builder: Builder, format: fn(&Record<'_>, Style) -> String) {
    let terminal = io::IsTerminal::is_terminal(&io::stderr());
    let style = Style {
        date: !terminal,
        colour: terminal::wants_colour(&io::stderr()),
    };
    builder.format(move |out, record| out.write_all(format(record, style).as_bytes()));
    // Only a second logger could make this fail, and then the first goes on.
    _ = builder.try_init();
}

/// What depends on where the log goes.
#[derive(Clone, Copy, Debug)]
struct Style {
    date: bool,
    colour: bool,
}

fn line(record: &Record<'_>, style: Style) -> String {
    render(
        &stamp(SystemTime::now(), style.date),
        record.level(),
        record.target(),
        &record.args().to_string(),
        style,
    )
}

fn render(stamp: &str, level: Level, target: &str, text: &str, style: Style) -> String {
    let target = target.strip_prefix("enchufe::").unwrap_or(target);
    let margin =
        stamp.chars().count() + 1 + LEVEL_WIDTH + 1 + TARGET_WIDTH.max(target.chars().count());
    let colour = |colour: Colour| style.colour.then_some(colour);
    let mut lines = text.trim_end_matches(['\r', '\n']).split('\n').map(escape);
    let mut out = format!(
        "{} {} {target:TARGET_WIDTH$} {}\n",
        paint(stamp, colour(Colour::DIM)),
        paint(
            &format!("{:LEVEL_WIDTH$}", level.as_str()),
            level_colour(level).and_then(colour)
        ),
        lines.next().unwrap_or_default(),
    );
    // A drawing has several lines: the margin shows that they belong to the record above, whatever they say.
    for line in lines {
        // Writing to a String cannot fail.
        _ = writeln!(out, "{:margin$}| {line}", "");
    }
    out
}

/// A drawing alone, with an empty line after it. Its own line breaks are kept, everything else that could move the cursor
/// is escaped.
fn bare(text: &str) -> String {
    // The number of the connection: there is only one.
    let text = text.strip_prefix("#0 ").unwrap_or(text);
    let lines = text.trim_end_matches(['\r', '\n']).split('\n');
    lines
        .map(|line| escape(line.trim_end_matches('\r')) + "\n")
        .chain(["\n".into()])
        .collect()
}

fn level_colour(level: Level) -> Option<Colour> {
    match level {
        Level::Error => Some(Colour::RED),
        Level::Warn => Some(Colour::YELLOW),
        Level::Info => None,
        Level::Debug | Level::Trace => Some(Colour::DIM),
    }
}

/// Formats a time in UTC, with or without the date.
fn stamp(now: SystemTime, date: bool) -> String {
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = format!(
        "{}.{:03}",
        UtcTime::from_unix(since_1970),
        since_1970.subsec_millis()
    );
    match stamp.split_once('T') {
        Some((_, time)) if !date => time.to_owned(),
        _ => stamp + "Z",
    }
}

/// What the library draws.
const DRAWN: [&str; 2] = ["enchufe::frame", "enchufe::handshake"];

const LEVEL_WIDTH: usize = 5;
const TARGET_WIDTH: usize = 13;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PLAIN: Style = Style {
        date: false,
        colour: false,
    };

    #[test]
    fn a_record_is_one_line_in_columns() {
        let line = render(
            "12:34:56.789",
            Level::Info,
            "enchufe::net",
            "ACCEPT 127.0.0.1:5",
            PLAIN,
        );
        assert_eq!(
            line,
            "12:34:56.789 INFO  net           ACCEPT 127.0.0.1:5\n"
        );
    }

    #[test]
    fn a_name_with_a_line_break_cannot_pass_for_a_record() {
        let line = render(
            "12:34:56.789",
            Level::Warn,
            "x",
            "name \"a\n12:34:56.790 ERROR forged\"",
            PLAIN,
        );
        let lines: Vec<&str> = line.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[1].starts_with("                   ") && lines[1].trim_start().starts_with("| "),
            "{line}"
        );
    }

    #[test]
    fn control_characters_of_a_peer_are_escaped() {
        let line = render("t", Level::Warn, "x", "\x1b]0;title\x07\u{9b}2J\r.", PLAIN);
        assert!(
            line.ends_with("\\x1b]0;title\\x07\\u{9b}2J\\r.\n"),
            "{line:?}"
        );
    }

    #[test]
    fn colours_stand_only_around_our_own_words() {
        let style = Style {
            date: false,
            colour: true,
        };
        let line = render("12:00:00.000", Level::Error, "x", "boom", style);
        assert_eq!(
            line,
            "\x1b[2m12:00:00.000\x1b[0m \x1b[31mERROR\x1b[0m x             boom\n"
        );
    }

    #[test]
    fn a_drawing_keeps_its_lines_and_loses_its_controls() {
        assert_eq!(
            bare("GET / HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n"),
            "GET / HTTP/1.1\nHost: \\x1b[2J\n\n"
        );
    }

    #[test]
    fn the_stamp_is_utc() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(stamp(at(0), true), "1970-01-01T00:00:00.000Z");
        assert_eq!(stamp(at(951_782_400), true), "2000-02-29T00:00:00.000Z");
        assert_eq!(stamp(at(1_704_067_199), true), "2023-12-31T23:59:59.000Z");
        assert_eq!(stamp(at(4_107_542_400), true), "2100-03-01T00:00:00.000Z");
        assert_eq!(
            stamp(at(1_704_067_199) + Duration::from_millis(7), false),
            "23:59:59.007"
        );
    }
}
