//! Connects, talks until the user leaves, and reconnects.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{Client, Error, WebSocket};

use crate::backoff::{self, Backoff};
use crate::cli::chat::output::Line;
use crate::cli::chat::session::Session;
use crate::cli::exit_error::Failure;
use crate::cli::options::client::ChatOptions;
use crate::cli::raw_mode::Keyboard;
use crate::cli::{error_text, log_format, signals};

/// Talks until the person leaves. A connection that is lost is made again.
pub fn run(options: &ChatOptions) -> Result<(), Failure> {
    log_format::start(options.log);
    let client = client(options)?;
    let mut socket = client.connect().map_err(|error| refused(options, &error))?;

    let keyboard = Keyboard::take();
    let session = Arc::new(Session::new(&options.name, keyboard.as_ref()));
    let leaver = Arc::clone(&session);
    signals::watch(move || leaver.leave(), Vec::new())
        .map_err(|error| Failure::Failed(format!("cannot watch signals: {error}")))?;
    if keyboard.is_some() {
        let screen = Arc::clone(&session);
        signals::watch_terminal(move || screen.terminal_changed())
            .map_err(|error| Failure::Failed(format!("cannot watch the terminal: {error}")))?;
    }
    let typist = Arc::clone(&session);
    thread::spawn(move || typist.type_in());

    let mut attempts = Backoff::default();
    loop {
        let since = Instant::now();
        let why = session.read(socket);
        if since.elapsed() > STABLE {
            attempts.reset();
        }
        match reconnect(&session, &client, &mut attempts, &why) {
            Ok(Some(again)) => socket = again,
            Ok(None) => break,
            Err(error) => {
                session.finish();
                return Err(refused(options, &error));
            }
        }
    }
    session.finish();
    Ok(())
}

fn client(options: &ChatOptions) -> Result<Client, Failure> {
    let client = Client::new(address(&options.url, &options.name));
    options.reach.prepare(client)
}

/// Connects again, however long it takes; `None` when the person leaves instead. An error is a rejection that will not
/// change by waiting.
fn reconnect(
    session: &Session,
    client: &Client,
    attempts: &mut Backoff,
    why: &str,
) -> Result<Option<WebSocket>, Error> {
    let lost = Instant::now();
    let mut why = why.to_owned();
    while !session.is_leaving() {
        let wait = attempts.next_jittered(backoff::random());
        session.tell(Line::Problem(format!(
            "no connection ({why}); trying again in {:.1} s",
            wait.as_secs_f32()
        )));
        if session.leaves_within(wait) {
            break;
        }
        why = match client.connect() {
            Ok(socket) => {
                session.tell(Line::Info("connected again".to_owned()));
                return Ok(Some(socket));
            }
            Err(Error::UnexpectedStatus(answer)) if is_final(answer.status, lost.elapsed()) => {
                return Err(Error::UnexpectedStatus(answer));
            }
            Err(Error::UnexpectedStatus(answer)) => {
                format!(
                    "the server answered {}",
                    error_text::answer_in_words(&answer)
                )
            }
            Err(error) => error.to_string(),
        };
    }
    Ok(None)
}

/// Whether a rejection is for good. Our name may be taken by ourselves, until the server notices that the old connection
/// is dead; a server that is full or about to stop will be there again.
fn is_final(status: u16, since_lost: Duration) -> bool {
    match status {
        400 => since_lost > HALF_OPEN,
        408 | 429 => false,
        status => (400..500).contains(&status),
    }
}

/// The URL of the chat, with the name in the query.
fn address(url: &str, name: &str) -> String {
    let separator = match url.split_once('?') {
        None => '?',
        Some((_, "")) => return format!("{url}name={}", encoded(name)),
        Some(_) => '&',
    };
    format!("{url}{separator}name={}", encoded(name))
}

/// Percent-encodes all but the unreserved characters
/// ([RFC 3986, 2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)).
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn refused(options: &ChatOptions, error: &Error) -> Failure {
    Failure::Failed(match error {
        Error::UnexpectedStatus(answer) if answer.status == 400 => {
            let why = match error_text::first_words(&answer.body) {
                why if why.is_empty() => "it does not say why".to_owned(),
                why => why,
            };
            format!("the server refuses the name '{}': {why}", options.name)
        }
        error => error_text::explain(&options.url, error),
    })
}

/// A connection that lasted this long worked; the next loss starts with a short wait again.
const STABLE: Duration = Duration::from_secs(10);
/// A dead connection is noticed by the server within 40 s, with its default limits.
const HALF_OPEN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_goes_into_the_query_whatever_is_in_it() {
        assert_eq!(address("ws://h:1", "ana"), "ws://h:1?name=ana");
        assert_eq!(
            address("ws://h:1/", "Ana María & co"),
            "ws://h:1/?name=Ana%20Mar%C3%ADa%20%26%20co"
        );
        assert_eq!(address("ws://h:1/?x=1", "a+b"), "ws://h:1/?x=1&name=a%2Bb");
        assert_eq!(address("ws://h:1/?", "%"), "ws://h:1/?name=%25");
    }

    #[test]
    fn our_own_ghost_is_waited_for_and_a_wrong_name_is_not() {
        assert!(!is_final(400, Duration::from_secs(5)));
        assert!(is_final(400, Duration::from_secs(61)));
        assert!(is_final(404, Duration::ZERO));
        for status in [408, 429, 500, 503] {
            assert!(!is_final(status, Duration::from_secs(600)), "{status}");
        }
    }

    #[test]
    fn a_refused_name_is_explained_with_the_words_of_the_server() {
        let answer = |body: &str| {
            Error::UnexpectedStatus(Box::new(enchufe::net::HttpRejection {
                status: 400,
                reason: "Bad Request".to_owned(),
                headers: enchufe::http::Headers::default(),
                body: body.as_bytes().to_vec(),
            }))
        };
        let options = ChatOptions {
            name: "ana".to_owned(),
            ..ChatOptions::default()
        };
        let text = refused(&options, &answer("El usuario ya existe\n")).to_string();
        assert_eq!(
            text,
            "the server refuses the name 'ana': El usuario ya existe"
        );
        assert!(
            refused(&options, &answer(""))
                .to_string()
                .ends_with("does not say why")
        );
    }
}
