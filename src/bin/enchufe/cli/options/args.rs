//! Parses the command line into a [`Command`], or an error that says what to write instead.

use std::ffi::OsString;

use lexopt::Arg;

use crate::cli::exit_error::Failure;
use crate::cli::options::client::{CHAT, ChatOptions, SEND, SendOptions};
use crate::cli::options::help;
use crate::cli::options::serve::{SERVE, ServeOptions};
use crate::cli::options::suggest::did_you_mean;
use crate::cli::options::table::{self, Given, Group, Source, Variables, rows};

/// A parsed command line.
#[derive(Debug)]
pub enum Command {
    /// Print this text.
    Print(String),
    /// Run the server.
    Serve(Box<ServeOptions>),
    /// Talk in a chat.
    Chat(ChatOptions),
    /// Send lines.
    Send(SendOptions),
}

/// Parses the arguments after the program name.
pub fn parse(
    words: impl IntoIterator<Item = OsString>,
    variables: Variables<'_>,
) -> Result<Command, Failure> {
    let mut words = words.into_iter().peekable();
    // `serve` is the default command, so the first argument may be one of its options.
    let command = match words.peek().and_then(|word| word.to_str()) {
        Some(word) if !word.starts_with('-') => {
            words.next().and_then(|word| word.into_string().ok())
        }
        _ => None,
    };
    let words = lexopt::Parser::from_args(words);
    match command.as_deref() {
        None | Some("serve") => serve(command.as_deref(), words, variables),
        Some("chat") => chat(words, variables),
        Some("send") => send(words, variables),
        Some("help") => show_help(words),
        Some(word) => {
            let names = ["serve", "chat", "send", "help"];
            Err(Failure::Usage(format!(
                "unknown command '{word}'{}; `enchufe help` lists the commands",
                did_you_mean(word, names, "")
            )))
        }
    }
}

fn serve(
    command: Option<&str>,
    words: lexopt::Parser,
    variables: Variables<'_>,
) -> Result<Command, Failure> {
    let read = match read(SERVE, command, words, variables)? {
        Asked::Page(page) => return Ok(Command::Print(page)),
        Asked::Run(read) => read,
    };
    if let Some(word) = read.words.first() {
        let hint = match word.as_str() {
            "serve" | "chat" | "send" | "help" => "the command must come before all options",
            _ => "`enchufe help` shows how to write it",
        };
        return Err(Failure::Usage(format!("unexpected '{word}': {hint}")));
    }
    let mut settings = read.settings;
    Ok(match read.print_config {
        true => Command::Print(table::print_config(SERVE, &mut settings, &read.sources)),
        false => Command::Serve(Box::new(settings)),
    })
}

fn chat(words: lexopt::Parser, variables: Variables<'_>) -> Result<Command, Failure> {
    let read = match read(CHAT, Some("chat"), words, variables)? {
        Asked::Page(page) => return Ok(Command::Print(page)),
        Asked::Run(read) => read,
    };
    let url = one_url("chat", read.words)?;
    if read.settings.name.is_empty() {
        let text = "chat needs a name: write `enchufe chat URL --name NAME`";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(Command::Chat(ChatOptions {
        url,
        ..read.settings
    }))
}

fn send(words: lexopt::Parser, variables: Variables<'_>) -> Result<Command, Failure> {
    let read = match read(SEND, Some("send"), words, variables)? {
        Asked::Page(page) => return Ok(Command::Print(page)),
        Asked::Run(read) => read,
    };
    let url = one_url("send", read.words)?;
    Ok(Command::Send(SendOptions {
        url,
        ..read.settings
    }))
}

fn show_help(mut words: lexopt::Parser) -> Result<Command, Failure> {
    let topic = match words.next().map_err(|error| wrong(&error, Some("help")))? {
        None | Some(Arg::Long("help") | Arg::Short('h')) => None,
        Some(Arg::Value(word)) => Some(word.to_string_lossy().into_owned()),
        Some(arg) => return Err(wrong(&arg.unexpected(), Some("help"))),
    };
    match help::page(topic.as_deref()) {
        Some(page) => Ok(Command::Print(page)),
        None => {
            let topic = topic.unwrap_or_default();
            Err(Failure::Usage(format!(
                "no help on '{topic}': try serve, chat or send"
            )))
        }
    }
}

/// Outcome of parsing the arguments of a command.
enum Asked<C> {
    /// Text to print instead of running.
    Page(String),
    /// Settings to run with.
    Run(Read<C>),
}

struct Read<C> {
    settings: C,
    sources: Vec<Source>,
    /// Positional arguments.
    words: Vec<String>,
    print_config: bool,
}

/// Parses the options of a command.
fn read<C: Default>(
    table: &'static [Group<C>],
    command: Option<&str>,
    mut parser: lexopt::Parser,
    variables: Variables<'_>,
) -> Result<Asked<C>, Failure> {
    let serves = matches!(command, None | Some("serve"));
    let mut given = Given::default();
    let mut words = Vec::new();
    let mut print_config = false;
    while let Some(arg) = parser.next().map_err(|error| wrong(&error, command))? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => {
                return Ok(Asked::Page(help::page(command).unwrap_or_default()));
            }
            Arg::Long("version") | Arg::Short('V') if serves => {
                return Ok(Asked::Page(VERSION.to_owned()));
            }
            Arg::Long("print-config") if serves => print_config = true,
            Arg::Long(name) => {
                let Some(option) = table::find(table, name) else {
                    let guess = did_you_mean(name, rows(table).map(|option| option.name), "--");
                    return Err(Failure::Usage(format!(
                        "unknown option '--{name}'{guess}; {}",
                        see_help(command)
                    )));
                };
                let text = match option.metavar() {
                    None => "yes".to_owned(),
                    Some(_) => {
                        let text = parser.value().map_err(|error| wrong(&error, command))?;
                        let not_utf8 = |_| {
                            Failure::Usage(format!("the value of --{} is not UTF-8", option.name))
                        };
                        text.into_string().map_err(not_utf8)?
                    }
                };
                given.add(option.name, text);
            }
            Arg::Value(word) => words.push(word.to_string_lossy().into_owned()),
            Arg::Short(_) => return Err(wrong(&arg.unexpected(), command)),
        }
    }
    let (settings, sources) = table::settings(table, &given, variables).map_err(Failure::Usage)?;
    Ok(Asked::Run(Read {
        settings,
        sources,
        words,
        print_config,
    }))
}

/// Returns the URL of a client command. Accepts the addresses that the server prints, and `host:port`.
fn one_url(command: &str, words: Vec<String>) -> Result<String, Failure> {
    let Ok([url]) = <[String; 1]>::try_from(words) else {
        return Err(Failure::Usage(format!(
            "{command} needs one URL, as in `enchufe {command} ws://127.0.0.1:8080/`"
        )));
    };
    Ok(match url.split_once("://") {
        _ if url.starts_with("ws+unix:") => url,
        _ if url.starts_with("unix:/") => format!("ws+{url}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        Some(_) => url,
        None => format!("ws://{url}"),
    })
}

fn wrong(error: &lexopt::Error, command: Option<&str>) -> Failure {
    Failure::Usage(format!("{error}; {}", see_help(command)))
}

fn see_help(command: Option<&str>) -> String {
    match command {
        None => "`enchufe help` lists them".to_owned(),
        Some(command) => format!("`enchufe help {command}` lists them"),
    }
}

const VERSION: &str = concat!("enchufe ", env!("CARGO_PKG_VERSION"), "\n");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Command, Failure> {
        parse(words.iter().map(OsString::from), &|_| None)
    }

    fn usage(words: &[&str]) -> String {
        match parse_words(words) {
            Err(Failure::Usage(text)) => text,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn printed(words: &[&str]) -> String {
        match parse_words(words) {
            Ok(Command::Print(text)) => text,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn without_a_command_it_serves() {
        for words in [&["--bind", "0.0.0.0:1"][..], &["serve", "--bind=0.0.0.0:1"]] {
            let Ok(Command::Serve(options)) = parse_words(words) else {
                panic!("{words:?}")
            };
            assert_eq!(options.bind, ["0.0.0.0:1"]);
        }
        assert!(matches!(parse_words(&[]), Ok(Command::Serve(_))));
    }

    #[test]
    fn an_unknown_word_or_option_comes_with_a_guess() {
        assert!(usage(&["--bnid", "x"]).contains("did you mean '--bind'?"));
        assert!(usage(&["chta"]).contains("did you mean 'chat'?"));
        assert!(!usage(&["--xyzzy"]).contains("did you mean"));
        assert!(usage(&["chat", "--root", "x"]).contains("`enchufe help chat`"));
    }

    #[test]
    fn every_usage_error_is_one_line() {
        for words in [
            &["--bind"][..],
            &["--bind", "x\ny"],
            &["--trace=1"],
            &["-x"],
            &["send"],
            &["send", "a", "b"],
            &["chat", "localhost:1"],
            &["send", "u", "--trace=1"],
            &["help", "dance"],
            &["help", "--dance"],
            &["--log", "debug", "chat"],
            &["dance\nwith me"],
        ] {
            let text = Failure::Usage(usage(words)).to_string();
            assert!(
                !text.contains('\n') && text.len() > 10,
                "{words:?}: {text:?}"
            );
        }
    }

    #[test]
    fn a_command_after_options_is_rejected_with_a_hint() {
        assert!(usage(&["--log", "debug", "chat"]).contains("must come before"));
    }

    #[test]
    fn help_and_version_are_printed() {
        assert_eq!(printed(&["--version"]), VERSION);
        assert_eq!(printed(&["-V"]), VERSION);
        assert_eq!(printed(&["--help"]), printed(&["help"]));
        assert_eq!(printed(&["chat", "-h"]), printed(&["help", "chat"]));
        assert!(usage(&["help", "dance"]).contains("no help on 'dance'"));
    }

    #[test]
    fn print_config_shows_what_was_given() {
        let page = printed(&["--rate", "7", "--print-config"]);
        assert!(
            page.lines().any(|line| line.starts_with("rate ")
                && line.contains("= 7 ")
                && line.ends_with("# --rate")),
            "{page}"
        );
    }

    #[test]
    fn a_client_takes_the_url_a_server_prints_and_a_bare_address() {
        for (written, url) in [
            ("ws://h:1/x", "ws://h:1/x"),
            ("http://h:1/", "ws://h:1/"),
            ("HTTPS://h/", "wss://h/"),
            ("ws+unix:/run/a.sock:/x", "ws+unix:/run/a.sock:/x"),
            ("unix:/run/a.sock", "ws+unix:/run/a.sock"),
            ("h:1", "ws://h:1"),
        ] {
            let Ok(Command::Send(options)) = parse_words(&["send", written]) else {
                panic!("{written}")
            };
            assert_eq!(options.url, url);
        }
    }

    #[test]
    fn a_chat_needs_a_name() {
        assert!(usage(&["chat", "h:1"]).contains("--name NAME"));
        let Ok(Command::Chat(options)) = parse_words(&["chat", "h:1", "--name", "ana"]) else {
            panic!()
        };
        assert_eq!(options.name, "ana");
    }

    #[test]
    fn headers_are_pairs() {
        let words = ["send", "h:1", "--header", "A: b, c", "--header", "D:e"];
        let Ok(Command::Send(options)) = parse_words(&words) else {
            panic!()
        };
        let pairs =
            [("A", "b, c"), ("D", "e")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(options.headers, pairs);
        assert!(usage(&["send", "h:1", "--header", "no colon"]).contains("Name: value"));
    }
}
