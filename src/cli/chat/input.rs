//! What a person types into the chat: text for everybody, or a command that begins with `/`.

use super::wire::{Request, Status};

/// A line that was typed.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
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
pub(super) fn parse(line: &str) -> Result<Input, String> {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/') else {
        return Ok(say(GENERAL, line));
    };
    // `//` is how a text that begins with a slash is written.
    if command.starts_with('/') {
        return Ok(say(GENERAL, command));
    }
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim_start();
    match word {
        "msg" => {
            let (name, text) = name_and_rest(rest)?;
            match (name.as_str(), text) {
                ("", _) | (_, "") => Err("write /msg NAME TEXT, with quotes around a name with spaces".to_owned()),
                (name, text) => Ok(say(name, text)),
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
            (name, "") if name.is_empty() => Ok(Input::Ask(vec![Request::History(GENERAL.to_owned())])),
            (name, "") => Ok(Input::Ask(vec![Request::History(name)])),
            _ => Err("write /history, or /history NAME with quotes around a name with spaces".to_owned()),
        },
        "help" => Ok(Input::Help),
        "quit" => Ok(Input::Quit),
        _ => Err(format!("there is no /{word}; /help lists the commands, and //{word} is sent as text")),
    }
}

/// What `/help` shows.
pub(super) const HELP: &[&str] = &[
    "TEXT                what you type goes to everybody",
    "/msg NAME TEXT      to one person; \"a name\" with spaces needs quotes",
    "/status STATUS      active, busy or inactive; busy hides messages until you change it",
    "/who [NAME]         who is here, or how somebody is",
    "/history [NAME]     the last messages of everybody, or those with somebody",
    "//TEXT              a text that begins with /",
    "/quit               leave, as Ctrl-D does",
    "A message that came while you typed hides your line: Ctrl-R shows it again.",
];

fn say(to: &str, text: &str) -> Input {
    if text.is_empty() {
        return Input::Nothing;
    }
    let message = |part: &str| Request::Message { to: to.to_owned(), text: part.to_owned() };
    Input::Ask(parts(text).map(message).collect())
}

/// A name, with quotes around it if it has spaces, and what follows it. Inside quotes `\` takes the next character as
/// it is.
fn name_and_rest(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let name_end = |name: String, rest: usize| match name.len() {
        0..=MAX_FIELD => Ok((name, text[rest..].trim_start())),
        bytes => Err(format!("a name has at most {MAX_FIELD} bytes, this one {bytes}")),
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

/// A text in pieces of at most 255 bytes, which is what a message of the binary chat holds. It is cut after a space if
/// there is one in the second half, else between two characters; put together again, the pieces are the text.
fn parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let mut end = text.len();
        if end > MAX_FIELD {
            end = text.floor_char_boundary(MAX_FIELD);
            if let Some(space) = text[..end].rfind(' ').filter(|space| *space >= MAX_FIELD / 2) {
                end = space + 1;
            }
        }
        let (part, rest) = text.split_at(end);
        text = rest;
        Some(part)
    })
}

/// How the wire calls the chat of everybody.
pub(super) const GENERAL: &str = "~";

/// A field of the binary chat has a length of one byte.
const MAX_FIELD: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, text: &str) -> Request {
        Request::Message { to: to.to_owned(), text: text.to_owned() }
    }

    fn asks(line: &str) -> Vec<Request> {
        match parse(line) {
            Ok(Input::Ask(requests)) => requests,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn text_goes_to_everybody() {
        assert_eq!(asks("hola a todos\n"), [message("~", "hola a todos")]);
        assert_eq!(asks("//etc/hosts"), [message("~", "/etc/hosts")]);
        assert_eq!(parse("  \r\n"), Ok(Input::Nothing));
    }

    #[test]
    fn a_private_message_has_a_name_and_a_text() {
        assert_eq!(asks("/msg ana  hola  tú"), [message("ana", "hola  tú")]);
        assert_eq!(asks("/msg \"Ana María\" hola"), [message("Ana María", "hola")]);
        assert_eq!(asks("/msg 'Ana \"la\" María' hola"), [message("Ana \"la\" María", "hola")]);
        assert_eq!(asks(r#"/msg "a\"b\\c" x"#), [message("a\"b\\c", "x")]);
        for line in ["/msg", "/msg ana", "/msg ana  ", "/msg \"\" hola"] {
            assert!(parse(line).unwrap_err().contains("/msg NAME TEXT"), "{line}");
        }
        assert!(parse("/msg \"ana hola").unwrap_err().contains("closing \""));
        assert!(parse(&format!("/msg {} hola", "a".repeat(256))).unwrap_err().contains("256"));
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
            assert_eq!(parse(&format!("/status {word}")), Ok(Input::SetStatus(status)));
        }
        for line in ["/status", "/status away", "/status disconnected", "/status busy bee"] {
            assert!(parse(line).unwrap_err().contains("/status busy"), "{line}");
        }
    }

    #[test]
    fn the_other_commands_are_single_words_or_take_a_name() {
        assert_eq!(asks("/who"), [Request::Users]);
        assert_eq!(asks("/who \"Ana María\""), [Request::User("Ana María".to_owned())]);
        assert_eq!(asks("/history"), [Request::History("~".to_owned())]);
        assert_eq!(asks("/history beto"), [Request::History("beto".to_owned())]);
        assert_eq!(parse("/help"), Ok(Input::Help));
        assert_eq!(parse("/quit"), Ok(Input::Quit));
        assert!(parse("/dance").unwrap_err().contains("/help"));
        assert!(parse("/who a b").is_err());
    }

    #[test]
    fn a_long_text_becomes_several_messages_and_loses_nothing() {
        for text in ["x".repeat(255), "x".repeat(256), "ñ".repeat(300), "palabra ".repeat(100), "🦀".repeat(64)] {
            let parts: Vec<&str> = parts(&text).collect();
            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| part.len() <= 255 && !part.is_empty()));
        }
        assert_eq!(parts(&"x".repeat(255)).count(), 1);
        assert_eq!(parts(&"palabra ".repeat(100)).next().map(str::len), Some(248));
        assert_eq!(asks(&"ñ".repeat(200)).len(), 2);
    }
}
