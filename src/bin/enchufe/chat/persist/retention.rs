//! Decides which events need a row: those that restore the chat, without connected users, when applied again in order.
//!
//! A message needs one until it is evicted. A user needs one for the last `Connected` and one for the last `Left`, until
//! the user is evicted.

use std::collections::HashMap;

use crate::chat::domain::event::Event;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::Evicted;
use crate::chat::persist::rows;
use crate::store::change::{Change, Table};

/// Index of the rows that are, or will be, on disk.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// The last key used in [`USERS`].
    last: u64,
    users: HashMap<Name, UserRows>,
    /// Changes to write to disk.
    changes: Vec<Change>,
    /// Whether a message is among `changes`.
    has_message: bool,
}

/// Keys of the rows of one user.
#[derive(Debug, Default)]
struct UserRows {
    connected: Option<u64>,
    left: Option<u64>,
}

impl RowIndex {
    /// Tracks an event that is about to be applied.
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

    /// Tracks an event that was read from `key` of [`USERS`], in the order of the keys. Removes the row if it is not
    /// needed.
    pub fn track_restored(&mut self, key: u64, event: &Event) {
        if !self.needs_row(key, event) {
            self.changes.push(Change::remove(USERS, key));
        }
    }

    /// Marks keys of [`USERS`] up to this one as used.
    pub fn resume_after(&mut self, last: u64) {
        self.last = last.max(self.last);
    }

    /// Removes the rows of evicted messages and users.
    pub fn remove_evicted(&mut self, evicted: Vec<Evicted>) {
        for evicted in evicted {
            match evicted {
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

    /// Returns the changes since the last call, and whether a message is among them.
    pub fn take_changes(&mut self) -> (Vec<Change>, bool) {
        (
            std::mem::take(&mut self.changes),
            std::mem::take(&mut self.has_message),
        )
    }

    /// Returns whether an event needs a row, under this key. If so, removes the rows that it replaces.
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

/// Events `Connected` and `Left`, in order.
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
    use crate::store::backend::{BackendError, StoreBackend};
    use crate::store::change::Batch;
    use crate::store::writer::StoreBuilder;
    use crate::tests::random::XorShift;

    /// A chat whose rows are in memory.
    struct Fixture {
        state: State,
        rows: RowIndex,
        disk: FakeBackend,
    }

    /// Rows, and the last key of each table.
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

    impl StoreBackend for FakeBackend {
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
            unreachable!("no store is started")
        }

        fn recover(&mut self) -> Result<bool, BackendError> {
            unreachable!("no store is started")
        }
    }

    impl Fixture {
        fn new(settings: ChatSettings) -> Self {
            Self::restored(settings, FakeBackend::default())
        }

        fn restored(settings: ChatSettings, mut disk: FakeBackend) -> Self {
            let mut store = StoreBuilder::new(disk.clone(), "memory");
            let (state, rows) = restore(settings, &mut store, now()).unwrap();
            for change in store.take_changes() {
                disk.change(change);
            }
            Self { state, rows, disk }
        }

        fn run(&mut self, user: &str, command: Command<'_>) {
            let Ok(event) = self.state.decide(&name(user), command, now()) else {
                return;
            };
            self.rows.track(&event);
            self.state.apply(event, now());
            self.rows.remove_evicted(self.state.take_evicted());
            for change in self.rows.take_changes().0 {
                self.disk.change(change);
            }
        }

        fn connect(&mut self, user: &str) {
            self.run(user, Command::Reserve);
            self.run(
                user,
                Command::Connect {
                    address: &format!("address of {user}"),
                },
            );
        }

        fn leave(&mut self, user: &str) {
            self.run(user, Command::Leave { notify_self: false });
        }

        fn send(&mut self, user: &str, to: &str, text: &str) {
            let to = match to {
                "" => Target::General,
                to => Target::User(to.as_bytes()),
            };
            let text = text.as_bytes();
            self.run(user, Command::Send { to, text });
        }

        /// Returns the answers to all queries of newly connected users.
        fn answers(&mut self) -> Vec<String> {
            self.connect("eve");
            let ask = |query| format!("{:?}", self.state.answer(&name("eve"), query));
            let general = Query::History {
                of: Target::General,
                after: None,
            };
            let mut answers = vec![ask(Query::Users), ask(general)];
            answers.extend(NAMES.map(|name| ask(Query::User(name.as_bytes()))));
            for one in NAMES {
                self.connect(one);
                for other in NAMES {
                    let of = Target::User(other.as_bytes());
                    let after = Some(3);
                    let answer = self.state.answer(&name(one), Query::History { of, after });
                    answers.push(format!("{answer:?}"));
                }
            }
            answers
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
    fn a_restart_restores_the_chat_without_connected_users() {
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
                let (user, to) = (pick(), pick());
                match random.below(7) {
                    0 => fixture.connect(user),
                    1 => fixture.leave(user),
                    2 => fixture.send(user, "", &"x".repeat(1 + random.below(90))),
                    _ => fixture.send(user, to, &format!("{round}")),
                }
            }
            let mut restored = Fixture::restored(settings, fixture.disk.clone());
            for user in NAMES.into_iter().chain(["eve"]) {
                fixture.leave(user);
            }
            assert_eq!(restored.answers(), fixture.answers(), "{round}");
            assert!(fixture.disk.rows.len() < 2 * 9 + 4 * 11, "{round}");
            if round % 3 == 0 {
                fixture = Fixture::restored(settings, fixture.disk.clone());
            }
        }
    }

    #[test]
    fn sequence_numbers_continue_after_a_restart_without_stored_messages() {
        let settings = ChatSettings {
            history: HistoryLimits {
                messages: 0,
                ..HistoryLimits::default()
            },
            ..ChatSettings::default()
        };
        let mut fixture = Fixture::new(settings);
        fixture.connect("ana");
        for _ in 0..5 {
            fixture.send("ana", "", "hola");
        }
        assert!(fixture.disk.rows.keys().all(|(table, _)| *table == USERS));
        let mut fixture = Fixture::restored(settings, fixture.disk);
        fixture.connect("ana");
        let send = Command::Send {
            to: Target::General,
            text: b"hola",
        };
        match fixture.state.decide(&name("ana"), send, now()).unwrap() {
            Event::MessageSent(message) => assert_eq!(message.sequence, 6),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lower_limits_after_a_restart_remove_rows_on_disk() {
        let mut fixture = Fixture::new(ChatSettings::default());
        for user in NAMES {
            fixture.connect(user);
            fixture.send(user, "", "hola");
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
        fixture.connect("ana");
        match fixture.state.answer(&name("ana"), Query::Users) {
            Ok(Notice::Users { users, .. }) => assert_eq!(users.len(), 1),
            other => panic!("{other:?}"),
        }
    }
}
