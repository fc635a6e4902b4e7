//! `enchufe send`: sends each line of standard input as a message and prints each received message as a line.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{Client, Incoming, Limits, Reader, Sender};
use enchufe::protocol::{CloseCode, MessageLimits};

use crate::cli::exit_error::Failure;
use crate::cli::options::client::SendOptions;
use crate::cli::signals::{GOODBYE, POLL_INTERVAL};
use crate::cli::terminal::escape_bytes;
use crate::cli::{error_text, log_format, signals};

/// Runs until the connection is closed; sends a Close when the input ends.
pub fn run(options: &SendOptions) -> Result<(), Failure> {
    if options.raw && io::stdout().is_terminal() {
        let text =
            "--raw would let what comes back control this terminal: send it to a file or a pipe";
        return Err(Failure::Usage(text.to_owned()));
    }
    match options.trace {
        true => log_format::start_trace(options.log),
        false => log_format::start(options.log),
    }

    let socket = client(options)?
        .connect()
        .map_err(|error| Failure::Failed(error_text::explain(&options.url, &error)))?;
    let (mut reader, sender) = socket.split();

    let done = Arc::new(Done::default());
    let (leaver, last) = (Arc::clone(&done), sender.clone());
    signals::watch(move || leaver.close(&last), Vec::new())
        .map_err(|error| Failure::Failed(format!("cannot watch signals: {error}")))?;
    let (typist, binary, wait) = (Arc::clone(&done), options.binary, options.wait);
    thread::spawn(move || typist.send_input(&sender, binary, wait));

    let form = match io::stdout().is_terminal() {
        _ if options.raw => Form::Raw,
        true => Form::Lines,
        false => Form::OneLine,
    };
    print_messages(&mut reader, form, &done)?;
    done.check(&reader)
}

fn client(options: &SendOptions) -> Result<Client, Failure> {
    let message = MessageLimits {
        max_message: options.max_message,
        ..MessageLimits::default()
    };
    // What the server sends is what was asked for, however fast; and the input decides how much one message is.
    let limits = Limits {
        message,
        message_rate: 0,
        max_send_queue: usize::MAX,
        ..Limits::default()
    };
    let mut client = Client::new(&options.url).limits(limits);
    for (name, value) in &options.headers {
        client = client.header(name, value);
    }
    for name in &options.subprotocols {
        client = client.subprotocol(name);
    }
    #[cfg(feature = "deflate")]
    if options.deflate {
        client = client.deflate(enchufe::DeflateOptions::default());
    }
    options.reach.prepare(client)
}

/// Prints received messages until the connection is closed.
fn print_messages(reader: &mut Reader, form: Form, done: &Done) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    loop {
        let message = match reader.read_until(Some(Instant::now() + POLL_INTERVAL)) {
            Ok(Incoming::Message(message)) => message,
            Ok(Incoming::Closed) => return Ok(()),
            Ok(Incoming::Deadline) if done.close_timed_out() => {
                let text = "the server does not answer our Close";
                return Err(Failure::Failed(text.to_owned()));
            }
            Ok(Incoming::Deadline | Incoming::Frame(..)) => continue,
            Err(error) => return Err(Failure::Failed(error.to_string())),
        };
        match print(&mut out, message.payload(), form) {
            // A reader such as `head` may close the pipe early.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => {
                return Err(Failure::Failed(format!(
                    "cannot write to standard output: {error}"
                )));
            }
            Ok(()) => {}
        }
    }
}

/// Output format of a message.
#[derive(Clone, Copy)]
enum Form {
    /// Unchanged.
    Raw,
    /// For a terminal: escaped, except for line breaks.
    Lines,
    /// For a program: escaped, one line per message.
    OneLine,
}

fn print(out: &mut impl Write, payload: &[u8], form: Form) -> io::Result<()> {
    match form {
        Form::Raw => out.write_all(payload)?,
        Form::OneLine => out.write_all(escape_bytes(payload).as_bytes())?,
        Form::Lines => {
            let lines = payload
                .strip_suffix(b"\n")
                .unwrap_or(payload)
                .split(|byte| *byte == b'\n');
            let lines: Vec<String> = lines.map(escape_bytes).collect();
            out.write_all(lines.join("\n").as_bytes())?;
        }
    }
    out.write_all(b"\n")?;
    out.flush()
}

/// Progress of the input thread, read by the thread that determines the exit status.
#[derive(Default)]
struct Done {
    all_sent: AtomicBool,
    not_utf8: AtomicBool,
    closed: OnceLock<Instant>,
}

impl Done {
    /// Sends the lines of the input, waits, and closes.
    fn send_input(&self, sender: &Sender, binary: bool, wait: Duration) {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let sent = match std::str::from_utf8(line) {
                _ if binary => sender.send(line),
                Ok(text) => sender.send(text),
                Err(_) => {
                    self.not_utf8.store(true, Ordering::SeqCst);
                    break;
                }
            };
            // Flush after each message, so that at most one is queued.
            if sent.and_then(|()| sender.wait_flushed()).is_err() {
                // The reading thread reports the error.
                return;
            }
        }
        self.all_sent.store(true, Ordering::SeqCst);
        thread::sleep(wait);
        self.close(sender);
    }

    fn close(&self, sender: &Sender) {
        self.closed.get_or_init(Instant::now);
        // An error means that the connection is already closed.
        _ = sender.close(CloseCode::NormalClosure, "");
    }

    fn close_timed_out(&self) -> bool {
        self.closed
            .get()
            .is_some_and(|since| since.elapsed() > GOODBYE)
    }

    /// Whether everything worked, once the connection is closed.
    fn check(&self, reader: &Reader) -> Result<(), Failure> {
        if self.not_utf8.load(Ordering::SeqCst) {
            let text =
                "a line of the input is not UTF-8, so it cannot be a text message: try --binary";
            return Err(Failure::Failed(text.to_owned()));
        }
        match reader.close_reason() {
            Some(close)
                if !matches!(close.code, CloseCode::NormalClosure | CloseCode::GoingAway) =>
            {
                Err(Failure::Failed(format!(
                    "the server closed: {} {}",
                    close.code, close.reason
                )))
            }
            _ if !self.all_sent.load(Ordering::SeqCst) && !io::stdin().is_terminal() => Err(
                Failure::Failed("the server closed before all input was sent".to_owned()),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(payload: &[u8], form: Form) -> Vec<u8> {
        let mut out = Vec::new();
        print(&mut out, payload, form).unwrap();
        out
    }

    #[test]
    fn for_a_program_each_message_is_one_line() {
        assert_eq!(
            printed(b"a\nb\x1b[2J\xff", Form::OneLine),
            b"a\\nb\\x1b[2J\\xff\n"
        );
        assert_eq!(printed(b"", Form::OneLine), b"\n");
    }

    #[test]
    fn on_a_terminal_only_line_breaks_are_not_escaped() {
        assert_eq!(
            printed(b"a\nb\x1b[2J\r\n", Form::Lines),
            b"a\nb\\x1b[2J\\r\n"
        );
    }

    #[test]
    fn raw_is_raw() {
        assert_eq!(printed(b"\x1b[2J\xff", Form::Raw), b"\x1b[2J\xff\n");
    }
}
