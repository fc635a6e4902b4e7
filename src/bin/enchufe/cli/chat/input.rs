//! What a person types into the chat: text for everybody, or a command that begins with `/`.

use crate::chat::domain::name::MAX_NAME;
use crate::chat::domain::status::Status;
use crate::chat::wire::binary_fields::split_text;

use crate::cli::chat::request::Request;

/// A line that was typed.
#[derive(Debug, PartialEq)]
pub enum Input {
    /// Nothing but spaces.
    Nothing,
    /// Something to ask of the server. A text too long for one message is several.
    Ask(Vec<Request>),
    /// `/status` with the new status.
    SetStatus(Status),
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

/// Reads a line. The error says what to write instead.
pub fn parse(line: &str) -> Result<Input, String> {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/') else {
        return Ok(say(None, line));
    };
    // `//` is how a text that begins with a slash is written.
    if command.starts_with('/') {
        return Ok(say(None, command));
    }
    let (word, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let rest = rest.trim_start();
    match word {
        "msg" => {
            let (name, text) = name_and_rest(rest)?;
            match (name.as_str(), text) {
                ("", _) | (_, "") => {
                    Err("write /msg NAME TEXT, with quotes around a name with spaces".to_owned())
                }
                (name, text) => Ok(say(Some(name), text)),
            }
        }
        "status" => match rest.to_lowercase().as_str() {
            "activo" | "active" => Ok(Input::SetStatus(Status::Active)),
            "ocupado" | "busy" => Ok(Input::SetStatus(Status::Busy)),
            "inactivo" | "inactive" => Ok(Input::SetStatus(Status::Inactive)),
            _ => Err("write /status active, /status busy or /status inactive".to_owned()),
        },
        "who" => match name_and_rest(rest)? {
            (name, "") if name.is_empty() => Ok(Input::Ask(vec![Request::Users])),
            (name, "") => Ok(Input::Ask(vec![Request::User(name)])),
            _ => Err("write /who, or /who NAME with quotes around a name with spaces".to_owned()),
        },
        "history" => match name_and_rest(rest)? {
            (name, "") if name.is_empty() => Ok(Input::Ask(vec![Request::History(None)])),
            (name, "") => Ok(Input::Ask(vec![Request::History(Some(name))])),
            _ => Err(
                "write /history, or /history NAME with quotes around a name with spaces".to_owned(),
            ),
        },
        "help" => Ok(Input::Help),
        "quit" => Ok(Input::Quit),
        _ => Err(format!(
            "there is no /{word}; /help lists the commands, and //{word} is sent as text"
        )),
    }
}

/// What `/help` shows.
pub const HELP: &[&str] = &[
    "TEXT                what you type goes to everybody",
    "/msg NAME TEXT      to one person; \"a name\" with spaces needs quotes",
    "/status STATUS      active, busy or inactive; busy hides messages until you change it",
    "/who [NAME]         who is here, or how somebody is",
    "/history [NAME]     the last messages of everybody, or those with somebody",
    "//TEXT              a text that begins with /",
    "/quit               leave, as Ctrl-D does",
];

/// A text that does not fit in one message becomes several.
fn say(to: Option<&str>, text: &str) -> Input {
    if text.is_empty() {
        return Input::Nothing;
    }
    // Pieces of UTF-8 are UTF-8: nothing is replaced here.
    let text_of = |piece| String::from_utf8_lossy(piece).into_owned();
    let message = |piece| Request::Say {
        to: to.map(str::to_owned),
        text: text_of(piece),
    };
    Input::Ask(split_text(text.as_bytes()).map(message).collect())
}

/// A name, with quotes around it if it has spaces, and what follows it. Inside quotes `\` takes the next character as
/// it is.
fn name_and_rest(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let name_end = |name: String, rest: usize| match name.len() {
        0..=MAX_NAME => Ok((name, text[rest..].trim_start())),
        bytes => Err(format!(
            "a name has at most {MAX_NAME} bytes, this one {bytes}"
        )),
    };
    let Some((_, quote @ ('"' | '\''))) = chars.next() else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return name_end(text[..end].to_owned(), end);
    };
    let mut name = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return name_end(name, at + c.len_utf8()),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    Err(format!("the name has no closing {quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(to: Option<&str>, text: &str) -> Request {
        Request::Say {
            to: to.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    fn asks(line: &str) -> Vec<Request> {
        match parse(line) {
            Ok(Input::Ask(requests)) => requests,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn text_goes_to_everybody() {
        assert_eq!(asks("hola a todos\n"), [say(None, "hola a todos")]);
        assert_eq!(asks("//etc/hosts"), [say(None, "/etc/hosts")]);
        assert_eq!(parse("  \r\n"), Ok(Input::Nothing));
    }

    #[test]
    fn a_private_message_has_a_name_and_a_text() {
        assert_eq!(asks("/msg ana  hola  tú"), [say(Some("ana"), "hola  tú")]);
        assert_eq!(
            asks("/msg \"Ana María\" hola"),
            [say(Some("Ana María"), "hola")]
        );
        assert_eq!(
            asks("/msg 'Ana \"la\" María' hola"),
            [say(Some("Ana \"la\" María"), "hola")]
        );
        assert_eq!(asks(r#"/msg "a\"b\\c" x"#), [say(Some("a\"b\\c"), "x")]);
        for line in ["/msg", "/msg ana", "/msg ana  ", "/msg \"\" hola"] {
            assert!(
                parse(line).unwrap_err().contains("/msg NAME TEXT"),
                "{line}"
            );
        }
        assert!(parse("/msg \"ana hola").unwrap_err().contains("closing \""));
        assert!(
            parse(&format!("/msg {} hola", "a".repeat(256)))
                .unwrap_err()
                .contains("256")
        );
    }

    #[test]
    fn a_status_is_known_in_both_languages() {
        for (word, status) in [
            ("activo", Status::Active),
            ("ACTIVE", Status::Active),
            ("ocupado", Status::Busy),
            ("busy", Status::Busy),
            ("Inactivo", Status::Inactive),
            ("inactive", Status::Inactive),
        ] {
            assert_eq!(
                parse(&format!("/status {word}")),
                Ok(Input::SetStatus(status))
            );
        }
        for line in [
            "/status",
            "/status away",
            "/status disconnected",
            "/status busy bee",
        ] {
            assert!(parse(line).unwrap_err().contains("/status busy"), "{line}");
        }
    }

    #[test]
    fn the_other_commands_are_single_words_or_take_a_name() {
        assert_eq!(asks("/who"), [Request::Users]);
        assert_eq!(
            asks("/who \"Ana María\""),
            [Request::User("Ana María".to_owned())]
        );
        assert_eq!(asks("/history"), [Request::History(None)]);
        assert_eq!(
            asks("/history beto"),
            [Request::History(Some("beto".to_owned()))]
        );
        assert_eq!(parse("/help"), Ok(Input::Help));
        assert_eq!(parse("/quit"), Ok(Input::Quit));
        assert!(parse("/dance").unwrap_err().contains("/help"));
        assert!(parse("/who a b").is_err());
    }

    #[test]
    fn a_long_text_becomes_several_messages_and_loses_nothing() {
        for text in [
            "x".repeat(255),
            "x".repeat(256),
            "ñ".repeat(300),
            "palabra ".repeat(100),
            "🦀".repeat(64),
        ] {
            let requests = asks(&text);
            let mut whole = String::new();
            for request in requests {
                let Request::Say { to: None, text } = request else {
                    panic!("{request:?}")
                };
                assert!((1..=255).contains(&text.len()));
                whole += &text;
            }
            assert_eq!(whole, text.trim());
        }
        assert_eq!(asks(&format!("/msg ana {}", "x".repeat(256))).len(), 2);
    }
}
