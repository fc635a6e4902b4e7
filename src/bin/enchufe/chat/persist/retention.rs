//! Which events of the past still matter: applied again in their order, they give the chat as it was, with nobody
//! connected.
//!
//! Every event that matters is a row of its own. A message matters until the history forgets it, a user until the user
//! is forgotten, and of a user's comings and goings the last of each.

use std::collections::HashMap;

use crate::chat::domain::event::Event;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::Evicted;
use crate::chat::persist::rows;
use crate::store::change::{Change, Table};

/// The rows that are, or will be, on disk.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// The last key used for a coming or going.
    last: u64,
    users: HashMap<Name, UserRows>,
    /// What is to change on disk.
    changes: Vec<Change>,
    /// A message is among it.
    has_message: bool,
}

/// The rows of one user.
#[derive(Debug, Default)]
struct UserRows {
    connected: Option<u64>,
    left: Option<u64>,
}

impl RowIndex {
    /// Notes an event that is about to be applied.
    pub fn track(&mut self, event: &Event) {
        let (table, key) = match event {
            Event::MessageSent(message) => (MESSAGES, message.sequence),
            _ => (USERS, self.last + 1),
        };
        let Some(record) = rows::encode(event) else {
            return;
        };
        if self.needs_row(key, event) {
            if table == USERS {
                self.last = key;
            }
            self.changes.push(Change::put(table, key, record));
        }
    }

    /// Notes an event that was read from `key` of [`USERS`], in the order of the keys. One that does not matter any more
    /// is removed.
    pub fn track_restored(&mut self, key: u64, event: &Event) {
        if !self.needs_row(key, event) {
            self.changes.push(Change::remove(USERS, key));
        }
    }

    /// Keys up to this one of [`USERS`] have been used.
    pub fn resume_after(&mut self, last: u64) {
        self.last = last.max(self.last);
    }

    /// Notes what the state does not remember any more.
    pub fn remove_evicted(&mut self, forgotten: Vec<Evicted>) {
        for forgotten in forgotten {
            match forgotten {
                Evicted::Message(sequence) => {
                    self.changes.push(Change::remove(MESSAGES, sequence));
                }
                Evicted::User(name) => {
                    let rows = self.users.remove(&name).unwrap_or_default();
                    self.remove(rows);
                }
            }
        }
    }

    /// What is to change on disk since this was asked last, and whether a message is among it.
    pub fn take_changes(&mut self) -> (Vec<Change>, bool) {
        (
            std::mem::take(&mut self.changes),
            std::mem::take(&mut self.has_message),
        )
    }

    /// Whether a row is needed for the event, which gets this key if it is. Removes the rows of which it takes the place.
    fn needs_row(&mut self, key: u64, event: &Event) -> bool {
        match event {
            Event::MessageSent(_) => {
                self.has_message = true;
                true
            }
            Event::Connected { name, .. } => {
                let rows = UserRows {
                    connected: Some(key),
                    left: None,
                };
                if let Some(earlier) = self.users.insert(name.clone(), rows) {
                    self.remove(earlier);
                }
                true
            }
            Event::Left { name, .. } => match self.users.get_mut(name) {
                Some(rows) => {
                    let earlier = UserRows {
                        connected: None,
                        left: rows.left.replace(key),
                    };
                    self.remove(earlier);
                    true
                }
                None => false,
            },
            Event::Reserved(_) | Event::Released(_) | Event::StatusChanged { .. } => false,
        }
    }

    fn remove(&mut self, rows: UserRows) {
        for key in [rows.connected, rows.left].into_iter().flatten() {
            self.changes.push(Change::remove(USERS, key));
        }
    }
}

/// Comings and goings, in their order.
pub const USERS: Table = Table("chat.users");

/// Messages, by sequence number.
pub const MESSAGES: Table = Table("chat.messages");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::chat::domain::command::{Command, Query, Target};
    use crate::chat::domain::event::Notice;
    use crate::chat::domain::history::HistoryLimits;
    use crate::chat::domain::state::{ChatSettings, State};
    use crate::chat::domain::time::{Now, Timestamp};
    use crate::chat::persist::restore::restore;
    use crate::store::backend::{Backend, BackendError};
    use crate::store::change::Batch;
    use crate::store::writer::StoreBuilder;
    use crate::tests::random::XorShift;

    /// A chat whose rows a test keeps.
    struct Fixture {
        state: State,
        rows: RowIndex,
        disk: FakeBackend,
    }

    /// UserRows, and the last key of each table.
    #[derive(Clone, Default)]
    struct FakeBackend {
        rows: BTreeMap<(Table, u64), Vec<u8>>,
        last: BTreeMap<Table, u64>,
    }

    impl FakeBackend {
        fn change(&mut self, change: Change) {
            let Change { table, key, record } = change;
            match record {
                Some(record) => {
                    let last = self.last.entry(table).or_default();
                    assert!(key > *last, "a key is used once");
                    *last = key;
                    self.rows.insert((table, key), record);
                }
                None => assert!(self.rows.remove(&(table, key)).is_some(), "{table:?} {key}"),
            }
        }
    }

    impl Backend for FakeBackend {
        fn read(
            &self,
            table: Table,
            each: &mut dyn FnMut(u64, &[u8]),
        ) -> Result<u64, BackendError> {
            for ((of, key), record) in &self.rows {
                if *of == table {
                    each(*key, record);
                }
            }
            Ok(self.last.get(&table).copied().unwrap_or(0))
        }

        fn write(&mut self, _: &Batch) -> Result<(), BackendError> {
            unreachable!("nothing is started")
        }

        fn recover(&mut self) -> Result<bool, BackendError> {
            unreachable!("nothing is started")
        }
    }

    impl Fixture {
        fn new(settings: ChatSettings) -> Fixture {
            Fixture::restored(settings, FakeBackend::default())
        }

        fn restored(settings: ChatSettings, mut disk: FakeBackend) -> Fixture {
            let mut opened = StoreBuilder::over(disk.clone(), "shelf");
            let (state, rows) = restore(settings, &mut opened, now()).unwrap();
            for change in opened.changes() {
                disk.change(change);
            }
            Fixture { state, rows, disk }
        }

        fn run(&mut self, who: &str, command: Command<'_>) {
            let Ok(event) = self.state.decide(&name(who), command, now()) else {
                return;
            };
            self.rows.track(&event);
            self.state.apply(event, now());
            self.rows.remove_evicted(self.state.take_evicted());
            for change in self.rows.take_changes().0 {
                self.disk.change(change);
            }
        }

        fn come(&mut self, who: &str) {
            self.run(who, Command::Reserve);
            self.run(
                who,
                Command::Connect {
                    address: &format!("address of {who}"),
                },
            );
        }

        fn go(&mut self, who: &str) {
            self.run(who, Command::Leave { notify_self: false });
        }

        fn say(&mut self, who: &str, to: &str, text: &str) {
            let to = match to {
                "" => Target::General,
                to => Target::User(to.as_bytes()),
            };
            let text = text.as_bytes();
            self.run(who, Command::Send { to, text });
        }

        /// All that can be asked, by somebody who has just come.
        fn seen(&mut self) -> Vec<String> {
            self.come("eve");
            let ask = |query| format!("{:?}", self.state.answer(&name("eve"), query));
            let general = Query::History {
                of: Target::General,
                after: None,
            };
            let mut seen = vec![ask(Query::Users), ask(general)];
            seen.extend(NAMES.map(|name| ask(Query::User(name.as_bytes()))));
            for one in NAMES {
                self.come(one);
                for other in NAMES {
                    let of = Target::User(other.as_bytes());
                    let after = Some(3);
                    let answer = self.state.answer(&name(one), Query::History { of, after });
                    seen.push(format!("{answer:?}"));
                }
            }
            seen
        }
    }

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn now() -> Now {
        Now {
            instant: Instant::now() + Duration::from_secs(1),
            timestamp: Timestamp(7),
        }
    }

    const NAMES: [&str; 4] = ["ana", "bo", "cy", "di"];

    #[test]
    fn after_a_restart_all_is_as_if_everybody_had_left() {
        let settings = ChatSettings {
            max_absent: 3,
            history: HistoryLimits {
                messages: 4,
                bytes: 3_000,
            },
            ..ChatSettings::default()
        };
        let mut random = XorShift(0x5eed);
        let mut fixture = Fixture::new(settings);
        for round in 0..400 {
            for _ in 0..random.below(12) {
                let mut pick = || NAMES[random.below(NAMES.len())];
                let (who, to) = (pick(), pick());
                match random.below(7) {
                    0 => fixture.come(who),
                    1 => fixture.go(who),
                    2 => fixture.say(who, "", &"x".repeat(1 + random.below(90))),
                    _ => fixture.say(who, to, &format!("{round}")),
                }
            }
            let mut again = Fixture::restored(settings, fixture.disk.clone());
            for who in NAMES.into_iter().chain(["eve"]) {
                fixture.go(who);
            }
            assert_eq!(again.seen(), fixture.seen(), "{round}");
            assert!(fixture.disk.rows.len() < 2 * 9 + 4 * 11, "{round}");
            if round % 3 == 0 {
                fixture = Fixture::restored(settings, fixture.disk.clone());
            }
        }
    }

    #[test]
    fn sequence_numbers_go_on_though_no_message_is_kept() {
        let settings = ChatSettings {
            history: HistoryLimits {
                messages: 0,
                ..HistoryLimits::default()
            },
            ..ChatSettings::default()
        };
        let mut fixture = Fixture::new(settings);
        fixture.come("ana");
        for _ in 0..5 {
            fixture.say("ana", "", "hola");
        }
        assert!(fixture.disk.rows.keys().all(|(table, _)| *table == USERS));
        let mut fixture = Fixture::restored(settings, fixture.disk);
        fixture.come("ana");
        let said = Command::Send {
            to: Target::General,
            text: b"hola",
        };
        match fixture.state.decide(&name("ana"), said, now()).unwrap() {
            Event::MessageSent(message) => assert_eq!(message.sequence, 6),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn narrower_bounds_after_a_restart_hold_on_disk_too() {
        let mut fixture = Fixture::new(ChatSettings::default());
        for who in NAMES {
            fixture.come(who);
            fixture.say(who, "", "hola");
        }
        let narrow = ChatSettings {
            max_absent: 1,
            history: HistoryLimits {
                messages: 2,
                ..HistoryLimits::default()
            },
            ..ChatSettings::default()
        };
        let mut fixture = Fixture::restored(narrow, fixture.disk);
        let rows = |table| {
            let keys = fixture.disk.rows.keys();
            keys.filter(|(of, _)| *of == table).count()
        };
        assert_eq!((rows(MESSAGES), rows(USERS)), (2, 2));
        fixture.come("ana");
        match fixture.state.answer(&name("ana"), Query::Users) {
            Ok(Notice::Users { users, .. }) => assert_eq!(users.len(), 1),
            other => panic!("{other:?}"),
        }
    }
}
