//! Help pages, 80 columns wide. The prose is here; the options come from their tables.

use crate::cli::options::client::{CHAT, SEND};
use crate::cli::options::serve::SERVE;
use crate::cli::options::table::{Group, Opt};

/// Returns the page of a command, or the first page without one; `None` for an unknown command.
pub fn page(command: Option<&str>) -> Option<String> {
    Some(match command {
        None => format!("{FIRST}\n{}\n{SERVE_EXAMPLES}", options(SERVE, SERVE_EXTRA)),
        Some("serve") => format!(
            "{SERVE_USAGE}\n{}\n{SERVE_EXAMPLES}",
            options(SERVE, SERVE_EXTRA)
        ),
        Some("chat") => format!("{CHAT_USAGE}\n{}\n{CHAT_EXAMPLES}", options(CHAT, EXTRA)),
        Some("send") => format!("{SEND_USAGE}\n{}\n{SEND_EXAMPLES}", options(SEND, EXTRA)),
        Some("help") => HELP_USAGE.to_owned(),
        Some(_) => return None,
    })
}

/// Formats the options of a table and the common ones in two columns.
fn options<C: Default>(table: &[Group<C>], extra: &[(&str, &str)]) -> String {
    let mut sections: Vec<(&str, Vec<(String, String)>)> = table
        .iter()
        .map(|group| (group.title, group.options.iter().map(row).collect()))
        .collect();
    let extra = extra
        .iter()
        .map(|(flag, help)| ((*flag).to_owned(), (*help).to_owned()))
        .collect();
    sections.push(("Help", extra));

    let column = sections
        .iter()
        .flat_map(|(_, rows)| rows)
        .map(|(flag, _)| flag.len())
        .max()
        .unwrap_or(0)
        + 4;
    let mut page = String::new();
    for (title, rows) in sections {
        page += &format!("{title}:\n");
        for (flag, help) in rows {
            let mut lines = wrap(&help, WIDTH - column).into_iter();
            page += &format!(
                "  {flag:<0$}{1}\n",
                column - 2,
                lines.next().unwrap_or_default()
            );
            for line in lines {
                page += &format!("{:column$}{line}\n", "");
            }
        }
        page.push('\n');
    }
    page + VARIABLES
}

fn row<C: Default>(option: &Opt<C>) -> (String, String) {
    let flag = match option.metavar() {
        Some(metavar) => format!("--{} {metavar}", option.name),
        None => format!("--{}", option.name),
    };
    let help = match option.default().as_str() {
        "" | "none" | "no" => option.help.to_owned(),
        default => format!("{} [{default}]", option.help),
    };
    (flag, help)
}

/// Wraps a text into lines of at most `width` characters, between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

const WIDTH: usize = 80;

const EXTRA: &[(&str, &str)] = &[("-h, --help", "Show this page")];

const SERVE_EXTRA: &[(&str, &str)] = &[
    (
        "--print-config",
        "Print every setting and its source, then exit",
    ),
    ("-h, --help", "Show this page"),
    ("-V, --version", "Show the version"),
];

const VARIABLES: &str = "\
Sizes are bytes or 64KiB, 1MiB; times are seconds or 500ms, 30s, 5m. Every
option can come from the environment, --max-message as ENCHUFE_MAX_MESSAGE;
the command line wins.
";

const FIRST: &str = "\
enchufe: a WebSocket server with a chat, a hub and files, and two clients

Usage:
  enchufe [serve] [OPTIONS]                Run the server
  enchufe chat URL --name NAME             Talk in the chat of a server
  enchufe send URL [OPTIONS]               Send lines, print what comes back
  enchufe help [COMMAND]                   Show a help page
  enchufe --version                        Show the version

These are the options of the server; `enchufe help chat` and `enchufe help send`
show those of the clients.
";

const SERVE_USAGE: &str = "\
Run the server until SIGINT or SIGTERM; a second signal ends it at once

Usage:
  enchufe [serve] [OPTIONS]

Once it listens, it prints `listening on http://ADDR:PORT/` for each address on
standard output. The log goes to standard error.
";

const SERVE_EXAMPLES: &str = "\
Examples:
  enchufe                                  Chat at http://127.0.0.1:8080/
  enchufe --bind 0.0.0.0:80 --root www     On all IPv4 interfaces, with files
  enchufe --bind 127.0.0.1:0 --log debug   Any free port, log socket calls
  ENCHUFE_RATE=10 enchufe --print-config   Show the resulting settings
";

const CHAT_USAGE: &str = "\
Talk in the chat of a server

Usage:
  enchufe chat URL --name NAME [OPTIONS]

Each line is sent to all users. Lines that begin with / are commands; /help
lists them. Ctrl-D or /quit leaves. A lost connection is retried.
";

const CHAT_EXAMPLES: &str = "\
Examples:
  enchufe chat ws://127.0.0.1:8080 --name ana
  enchufe chat chat.example.org:8080 --name \"Ana María\"
  echo hola | enchufe chat ws://127.0.0.1:8080 --name robot
";

const SEND_USAGE: &str = "\
Send each line of standard input as a message, print each one that comes back

Usage:
  enchufe send URL [OPTIONS]

When the input ends, it closes the connection and prints what still arrives. The
exit status is 0 if the handshake and the close followed RFC 6455.
";

const SEND_EXAMPLES: &str = "\
Examples:
  echo hola | enchufe send ws://127.0.0.1:8080/echo
  echo hola | enchufe send ws://127.0.0.1:8080/echo --trace
  echo hola | enchufe send ws://127.0.0.1:8080/inspect --raw
  echo hola | enchufe send ws://chat.example/ --proxy socks5h://127.0.0.1:1080
  enchufe send ws://127.0.0.1:8080/chat --wait 10s < lines.txt
";

const HELP_USAGE: &str = "\
Show a help page

Usage:
  enchufe help [COMMAND]

Commands: serve, chat, send
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::table::rows;

    #[test]
    fn no_line_of_any_page_is_wider_than_80_columns() {
        for command in [
            None,
            Some("serve"),
            Some("chat"),
            Some("send"),
            Some("help"),
        ] {
            for line in page(command).unwrap().lines() {
                assert!(line.chars().count() <= WIDTH, "{command:?}: {line}");
                assert_eq!(line, line.trim_end(), "{command:?}");
            }
        }
    }

    #[test]
    fn every_option_of_the_server_is_on_its_page() {
        let page = page(Some("serve")).unwrap();
        for option in rows(SERVE) {
            assert!(
                page.contains(&format!("  --{} ", option.name)),
                "{}",
                option.name
            );
        }
    }

    #[test]
    fn a_default_stands_in_brackets() {
        assert!(
            page(None)
                .unwrap()
                .contains("Largest message, on every service [64KiB]")
        );
    }

    #[test]
    fn there_is_no_page_for_an_unknown_command() {
        assert_eq!(page(Some("dance")), None);
    }

    #[test]
    fn long_help_is_wrapped_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibly", 7), ["incomprehensibly"]);
    }
}
