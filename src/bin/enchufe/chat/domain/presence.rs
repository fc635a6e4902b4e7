//! Reserved names, connected users and absent users.
//!
//! A user who has connected once stays known; a name that was only reserved does not. The number of absent users has a
//! limit, because one client can connect under many names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;

/// All known names.
#[derive(Debug)]
pub struct Presence {
    max_absent: usize,
    /// Names reserved for connections to come.
    reserved: BTreeSet<Name>,
    connected: BTreeMap<Name, User>,
    /// Known users without a connection.
    absent: BTreeMap<Name, Absent>,
    /// Absent users in the order in which they left.
    departures: BTreeMap<u64, Name>,
    next_departure: u64,
}

/// A user with a connection.
#[derive(Debug)]
pub struct User {
    /// [`Status::Disconnected`] for a user who appears offline.
    pub status: Status,
    /// The IP address as text.
    pub address: Arc<str>,
    /// Time of the last chat message, of connecting, or of setting the status to active.
    pub last_active: Instant,
}

/// A known user without a connection.
#[derive(Debug)]
struct Absent {
    /// The last IP address.
    address: Arc<str>,
    /// Key in `departures`.
    departure: u64,
}

impl Presence {
    /// Above `max_absent` absent users, the one who left first is evicted.
    pub fn new(max_absent: usize) -> Self {
        Self {
            max_absent,
            reserved: BTreeSet::new(),
            connected: BTreeMap::new(),
            absent: BTreeMap::new(),
            departures: BTreeMap::new(),
            next_departure: 0,
        }
    }

    /// Whether the name is reserved for a connection to come.
    pub fn is_reserved(&self, name: &Name) -> bool {
        self.reserved.contains(name)
    }

    /// Returns a connected user.
    pub fn get(&self, name: &Name) -> Option<&User> {
        self.connected.get(name)
    }

    /// Returns a connected user.
    pub fn get_mut(&mut self, name: &Name) -> Option<&mut User> {
        self.connected.get_mut(name)
    }

    pub fn reserve(&mut self, name: Name) {
        self.reserved.insert(name);
    }

    pub fn release(&mut self, name: &Name) {
        self.reserved.remove(name);
    }

    /// Connects the user of a reserved name. Returns true if the user was unknown before.
    pub fn connect(&mut self, name: Name, address: Arc<str>, now: Instant) -> bool {
        self.reserved.remove(&name);
        let known = self.absent.remove(&name);
        if let Some(absent) = &known {
            self.departures.remove(&absent.departure);
        }
        self.connected.insert(
            name,
            User {
                status: Status::Active,
                address,
                last_active: now,
            },
        );
        known.is_none()
    }

    /// Disconnects a user. Calls `on_evict` with each user above the limit. Returns false if the user was not connected.
    pub fn leave(&mut self, name: &Name, mut on_evict: impl FnMut(Name)) -> bool {
        let Some(user) = self.connected.remove(name) else {
            return false;
        };
        let departure = self.next_departure;
        self.next_departure += 1;
        self.departures.insert(departure, name.clone());
        self.absent.insert(
            name.clone(),
            Absent {
                address: user.address,
                departure,
            },
        );
        while self.absent.len() > self.max_absent
            && let Some((_, first)) = self.departures.pop_first()
        {
            self.absent.remove(&first);
            on_evict(first);
        }
        true
    }

    /// Returns the names of connected users, sorted.
    pub fn connected(&self) -> impl Iterator<Item = &Name> {
        self.connected.keys()
    }

    /// Returns all known users with their address: first the absent ones in the order in which they left, then the
    /// connected ones with their status.
    pub fn known(&self) -> impl Iterator<Item = (Name, Arc<str>, Option<Status>)> {
        let absent = self.departures.values().filter_map(|name| {
            let absent = self.absent.get(name)?;
            Some((name.clone(), absent.address.clone(), None))
        });
        let connected = self.connected.iter().map(|(name, user)| {
            let address = user.address.clone();
            (name.clone(), address, Some(user.status))
        });
        absent.chain(connected)
    }

    /// Returns the users who appear online to `asker`, sorted by name; `asker` always does.
    pub fn online(&self, asker: &Name) -> impl Iterator<Item = (&Name, Status)> {
        let all = self
            .connected
            .iter()
            .map(|(name, user)| (name, user.status));
        all.filter(move |(name, status)| *status != Status::Disconnected || *name == asker)
    }

    /// Finds a known user, connected or not. Returns name, status and last IP address.
    pub fn find(&self, name: &[u8]) -> Option<(&Name, Status, &Arc<str>)> {
        let name = std::str::from_utf8(name).ok()?;
        if let Some((name, user)) = self.connected.get_key_value(name) {
            return Some((name, user.status, &user.address));
        }
        let (name, user) = self.absent.get_key_value(name)?;
        Some((name, Status::Disconnected, &user.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn connect_and_leave(presence: &mut Presence, user: &str) -> bool {
        let new = presence.connect(name(user), "::1".into(), Instant::now());
        assert!(presence.leave(&name(user), |_| {}));
        new
    }

    #[test]
    fn a_user_is_new_only_once() {
        let mut presence = Presence::new(10);
        assert!(connect_and_leave(&mut presence, "ana"));
        assert!(!connect_and_leave(&mut presence, "ana"));
    }

    #[test]
    fn leaving_twice_has_no_further_effect() {
        let mut presence = Presence::new(10);
        connect_and_leave(&mut presence, "ana");
        assert!(!presence.leave(&name("ana"), |_| {}));
        assert_eq!(presence.absent.len(), 1);
    }

    #[test]
    fn above_the_limit_the_user_who_left_first_is_evicted() {
        let mut presence = Presence::new(2);
        for user in ["ana", "bo", "ana", "cy"] {
            connect_and_leave(&mut presence, user);
        }
        assert!(
            presence.find(b"bo").is_none(),
            "bo left before ana left again"
        );
        assert!(presence.find(b"ana").is_some() && presence.find(b"cy").is_some());
        presence.connect(name("di"), "::1".into(), Instant::now());
        let mut evicted = Vec::new();
        presence.leave(&name("di"), |name| evicted.push(name));
        assert_eq!(evicted, [name("ana")]);
        for number in 0..1_000 {
            connect_and_leave(&mut presence, &number.to_string());
        }
        assert_eq!((presence.absent.len(), presence.departures.len()), (2, 2));
    }

    #[test]
    fn bytes_that_are_not_utf_8_match_no_user() {
        assert!(Presence::new(1).find(b"\xff").is_none());
    }
}
