//! Drives the library's client through the Autobahn fuzzing server: echo whatever comes, case by case.
//!
//! `tests/autobahn/client.sh -- target/release/examples/autobahn_client {url}` runs it against the suite.

use enchufe::protocol::MessageLimits;
use enchufe::{Client, Error, Limits, Message};

fn main() -> Result<(), Error> {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: autobahn_client ws://HOST:PORT");
        std::process::exit(2);
    };
    let count = client(&format!("{url}/getCaseCount")).connect()?.read()?;
    let Some(Message::Text(count)) = count else {
        return Err(Error::ConnectionLost);
    };
    for case in 1..=count.parse::<u32>().unwrap_or(0) {
        // A case may end in an error on purpose; the suite judges, not we.
        if let Err(error) = echo(&format!("{url}/runCase?case={case}&agent=enchufe")) {
            eprintln!("case {case}: {error}");
        }
    }
    client(&format!("{url}/updateReports?agent=enchufe"))
        .connect()?
        .read()?;
    Ok(())
}

fn client(url: &str) -> Client {
    let message = MessageLimits {
        max_message: 32 * 1024 * 1024,
        ..MessageLimits::default()
    };
    let client = Client::new(url).limits(Limits {
        message,
        message_rate: 0,
        ..Limits::default()
    });
    #[cfg(feature = "deflate")]
    let client = client.deflate(enchufe::DeflateOptions::default());
    client
}

fn echo(url: &str) -> Result<(), Error> {
    let (mut reader, sender) = client(url).connect()?.split();
    while let Some(message) = reader.read()? {
        sender.send(message)?;
    }
    Ok(())
}
