//! The state of the chat as rows: the snapshot from which a server of the cluster starts.
//!
//! | kind | content | fields |
//! |---|---|---|
//! | 1 | an event | number: its key · rest: its row, see [`mod@crate::chat::persist::rows`] |
//! | 2 | the status of a user | string: name · byte: status |
//! | 3 | the last sequence number | number |
//!
//! Messages come before users, because applying a message makes its author active.

use crate::chat::domain::event::Event;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::status::Status;
use crate::chat::domain::time::Now;
use crate::chat::persist::rows;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// Encodes a state.
pub fn encode(state: &State) -> Vec<Vec<u8>> {
    let event = |key: u64, event: &Event| {
        let record = rows::encode(event)?;
        Some(RecordWriter::new(EVENT).number(key).rest(&record))
    };
    let messages = state.messages().filter_map(|message| {
        let key = message.sequence;
        event(key, &Event::MessageSent(message.clone()))
    });
    let last = RecordWriter::new(LAST).number(state.last_sequence()).end();
    let users = state
        .known_users()
        .into_iter()
        .flat_map(|(name, address, status)| {
            let connected = Event::Connected {
                name: name.clone(),
                address,
            };
            let then = match status {
                None => event(
                    0,
                    &Event::Left {
                        name,
                        notify_self: false,
                    },
                ),
                Some(status) => {
                    let row = RecordWriter::new(STATUS).string(name.as_bytes());
                    Some(row.byte(status.number()).end())
                }
            };
            event(0, &connected).into_iter().chain(then)
        });
    messages.chain([last]).chain(users).collect()
}

/// Decodes a state.
///
/// # Errors
///
/// The first invalid row.
pub fn decode(settings: ChatSettings, rows: &[&[u8]], now: Now) -> Result<State, DecodeError> {
    let mut state = State::new(settings);
    for row in rows {
        let (kind, mut fields) = RecordFields::parse(row)?;
        match kind {
            EVENT => {
                let key = fields.number()?;
                state.apply(rows::decode(key, fields.rest())?, now);
            }
            STATUS => {
                let name = Name::parse(fields.string()?).map_err(|_| DecodeError::Malformed)?;
                let status = Status::from_number(fields.byte()?).ok_or(DecodeError::Malformed)?;
                fields.end()?;
                state.apply(Event::StatusChanged { name, status }, now);
            }
            LAST => {
                state.resume_after(fields.number()?);
                fields.end()?;
            }
            kind => return Err(DecodeError::UnknownKind(kind)),
        }
    }
    Ok(state)
}

const EVENT: u8 = 1;
const STATUS: u8 = 2;
const LAST: u8 = 3;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::chat::domain::command::{Command, Target};
    use crate::chat::domain::time::Timestamp;

    fn now() -> Now {
        Now {
            instant: Instant::now(),
            timestamp: Timestamp(7),
        }
    }

    fn run(state: &mut State, user: &str, command: Command<'_>) {
        let user = Name::parse(user.as_bytes()).unwrap();
        let event = state.decide(&user, command, now()).unwrap();
        state.apply(event, now());
    }

    fn connect(state: &mut State, user: &str) {
        run(state, user, Command::Reserve);
        run(state, user, Command::Connect { address: "::1" });
    }

    fn send(state: &mut State, user: &str, to: Target<'_>) {
        run(state, user, Command::Send { to, text: b"hola" });
    }

    #[test]
    fn an_encoded_state_decodes_to_itself() {
        let mut state = State::new(ChatSettings::default());
        for user in ["ana", "bo", "cy", "di"] {
            connect(&mut state, user);
        }
        send(&mut state, "ana", Target::General);
        send(&mut state, "bo", Target::User(b"ana"));
        for user in ["cy", "bo"] {
            run(&mut state, user, Command::Leave { notify_self: false });
        }
        for (user, status) in [("ana", Status::Inactive), ("di", Status::Busy)] {
            let name = user.as_bytes();
            let status = Some(status);
            run(&mut state, user, Command::ChangeStatus { name, status });
        }
        let rows = encode(&state);
        let borrowed: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let decoded = decode(ChatSettings::default(), &borrowed, now()).unwrap();
        assert_eq!(encode(&decoded), rows);
        assert_eq!(decoded.known_users(), state.known_users());
        assert_eq!(decoded.last_sequence(), 2);
    }

    #[test]
    fn sequence_numbers_continue_without_stored_messages() {
        let mut settings = ChatSettings::default();
        settings.history.messages = 0;
        let mut state = State::new(settings);
        connect(&mut state, "ana");
        send(&mut state, "ana", Target::General);
        let rows = encode(&state);
        let borrowed: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let decoded = decode(settings, &borrowed, now()).unwrap();
        assert_eq!(decoded.last_sequence(), 1);
    }

    #[test]
    fn an_invalid_row_is_an_error() {
        for row in [
            &b"\x01\x09"[..],
            b"\x01\x02\x03ana\x09",
            b"\x01\x03\x00",
            b"\x02\x01",
        ] {
            assert!(decode(ChatSettings::default(), &[row], now()).is_err());
        }
    }
}
