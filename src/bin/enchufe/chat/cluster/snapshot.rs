//! The whole chat as rows, for a server of the cluster that begins where the log has been let go of.
//!
//! | kind | what | fields |
//! |---|---|---|
//! | 1 | an event, as it stands on disk | number: its key · rest: [`mod@crate::chat::persist::rows`] |
//! | 2 | the status of a user | string: name · byte: status |
//! | 3 | how many messages there have been | number: the last sequence number |
//!
//! Messages come first: a message makes its author active, and only who comes after it keeps the status it has.

use crate::chat::domain::event::Event;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::status::Status;
use crate::chat::domain::time::Now;
use crate::chat::persist::rows;
use crate::store::record::{DecodeError, RecordFields, RecordWriter};

/// The rows that give this state.
pub fn rows(state: &State) -> Vec<Vec<u8>> {
    let event = |key: u64, event: &Event| {
        let record = rows::encode(event)?;
        Some(RecordWriter::new(EVENT).number(key).rest(&record))
    };
    let messages = state.messages().filter_map(|message| {
        let key = message.sequence;
        event(key, &Event::MessageSent(message.clone()))
    });
    let last = RecordWriter::new(LAST).number(state.last_sequence()).end();
    let people = state
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
    messages.chain([last]).chain(people).collect()
}

/// The state that these rows give.
///
/// # Errors
///
/// The first row that makes no sense.
pub fn state(settings: ChatSettings, rows: &[&[u8]], now: Now) -> Result<State, DecodeError> {
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

    use super::{rows as rows_of, state as state_of, *};
    use crate::chat::domain::command::{Command, Target};
    use crate::chat::domain::time::Timestamp;

    fn now() -> Now {
        Now {
            instant: Instant::now(),
            timestamp: Timestamp(7),
        }
    }

    fn run(state: &mut State, who: &str, command: Command<'_>) {
        let who = Name::parse(who.as_bytes()).unwrap();
        let event = state.decide(&who, command, now()).unwrap();
        state.apply(event, now());
    }

    fn come(state: &mut State, who: &str) {
        run(state, who, Command::Reserve);
        run(state, who, Command::Connect { address: "::1" });
    }

    fn say(state: &mut State, who: &str, to: Target<'_>) {
        run(state, who, Command::Send { to, text: b"hola" });
    }

    #[test]
    fn a_state_made_from_its_rows_is_the_same_state() {
        let mut state = State::new(ChatSettings::default());
        for who in ["ana", "bo", "cy", "di"] {
            come(&mut state, who);
        }
        say(&mut state, "ana", Target::General);
        say(&mut state, "bo", Target::User(b"ana"));
        for who in ["cy", "bo"] {
            run(&mut state, who, Command::Leave { notify_self: false });
        }
        for (who, status) in [("ana", Status::Inactive), ("di", Status::Busy)] {
            let name = who.as_bytes();
            let status = Some(status);
            run(&mut state, who, Command::ChangeStatus { name, status });
        }
        let rows = rows_of(&state);
        let lent: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let again = state_of(ChatSettings::default(), &lent, now()).unwrap();
        assert_eq!(rows_of(&again), rows);
        assert_eq!(again.known_users(), state.known_users());
        assert_eq!(again.last_sequence(), 2);
    }

    #[test]
    fn numbers_go_on_though_no_message_is_kept() {
        let mut settings = ChatSettings::default();
        settings.history.messages = 0;
        let mut state = State::new(settings);
        come(&mut state, "ana");
        say(&mut state, "ana", Target::General);
        let rows = rows_of(&state);
        let lent: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let again = super::state(settings, &lent, now()).unwrap();
        assert_eq!(again.last_sequence(), 1);
    }

    #[test]
    fn a_row_that_makes_no_sense_is_an_error() {
        for row in [
            &b"\x01\x09"[..],
            b"\x01\x02\x03ana\x09",
            b"\x01\x03\x00",
            b"\x02\x01",
        ] {
            assert!(state_of(ChatSettings::default(), &[row], now()).is_err());
        }
    }
}
