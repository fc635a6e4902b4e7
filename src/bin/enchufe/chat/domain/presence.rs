//! Who is there, who is about to be, and who once was.
//!
//! A name that was claimed but never connected leaves no trace; a user who connected once stays known. How many of
//! those are remembered is bounded, because anybody can come and go under ever new names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::chat::domain::name::Name;
use crate::chat::domain::status::Status;

/// Names and what is known of each.
#[derive(Debug)]
pub struct Presence {
    max_absent: usize,
    /// Names claimed for connections that are not there yet.
    reserved: BTreeSet<Name>,
    /// Users with a connection.
    present: BTreeMap<Name, User>,
    /// Known users without one.
    absent: BTreeMap<Name, Absent>,
    /// The absent in the order they left.
    departures: BTreeMap<u64, Name>,
    next_departure: u64,
}

/// A user with a connection.
#[derive(Debug)]
pub struct User {
    /// [`Status::Disconnected`] for one who is there but wants to count as offline.
    pub status: Status,
    /// The IP address as text.
    pub address: Arc<str>,
    /// The last chat message, or when the user came or called itself active.
    pub last_active: Instant,
}

#[derive(Debug)]
struct Absent {
    /// The last one.
    address: Arc<str>,
    /// The key in `departures`.
    departure: u64,
}

impl Presence {
    /// Nobody is known. Past `max_absent` known users without a connection, who left first is forgotten.
    pub fn new(max_absent: usize) -> Presence {
        Presence {
            max_absent,
            reserved: BTreeSet::new(),
            present: BTreeMap::new(),
            absent: BTreeMap::new(),
            departures: BTreeMap::new(),
            next_departure: 0,
        }
    }

    /// Whether the name is claimed for a connection that is not there yet.
    pub fn is_reserved(&self, name: &Name) -> bool {
        self.reserved.contains(name)
    }

    /// The user, if connected.
    pub fn get(&self, name: &Name) -> Option<&User> {
        self.present.get(name)
    }

    /// The user, if connected.
    pub fn get_mut(&mut self, name: &Name) -> Option<&mut User> {
        self.present.get_mut(name)
    }

    /// Claims a name.
    pub fn reserve(&mut self, name: Name) {
        self.reserved.insert(name);
    }

    /// Gives a claimed name back.
    pub fn release(&mut self, name: &Name) {
        self.reserved.remove(name);
    }

    /// Turns a claim into a connected, active user. True if nobody was known by that name.
    pub fn connect(&mut self, name: Name, address: Arc<str>, now: Instant) -> bool {
        self.reserved.remove(&name);
        let known = self.absent.remove(&name);
        if let Some(absent) = &known {
            self.departures.remove(&absent.departure);
        }
        self.present.insert(
            name,
            User {
                status: Status::Active,
                address,
                last_active: now,
            },
        );
        known.is_none()
    }

    /// The user's connection has ended. False if there was none. `forgotten` is told who is not known any more.
    pub fn leave(&mut self, name: &Name, mut forgotten: impl FnMut(Name)) -> bool {
        let Some(user) = self.present.remove(name) else {
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
            forgotten(first);
        }
        true
    }

    /// Those with a connection, by name.
    pub fn connected(&self) -> impl Iterator<Item = &Name> {
        self.present.keys()
    }

    /// Everybody who is known: the absent in the order in which they left, then the present, with their status.
    pub fn everybody(&self) -> impl Iterator<Item = (Name, Arc<str>, Option<Status>)> {
        let absent = self.departures.values().filter_map(|name| {
            let absent = self.absent.get(name)?;
            Some((name.clone(), absent.address.clone(), None))
        });
        let present = self.present.iter().map(|(name, user)| {
            let address = user.address.clone();
            (name.clone(), address, Some(user.status))
        });
        absent.chain(present)
    }

    /// Those who count as connected, by name; the asker always does.
    pub fn online(&self, asker: &Name) -> impl Iterator<Item = (&Name, Status)> {
        let all = self.present.iter().map(|(name, user)| (name, user.status));
        all.filter(move |(name, status)| *status != Status::Disconnected || *name == asker)
    }

    /// The user known by these bytes, connected or not, with status and last IP address.
    pub fn find(&self, name: &[u8]) -> Option<(&Name, Status, &Arc<str>)> {
        let name = std::str::from_utf8(name).ok()?;
        if let Some((name, user)) = self.present.get_key_value(name) {
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

    fn come_and_go(presence: &mut Presence, who: &str) -> bool {
        let new = presence.connect(name(who), "::1".into(), Instant::now());
        assert!(presence.leave(&name(who), |_| {}));
        new
    }

    #[test]
    fn a_user_is_new_once() {
        let mut presence = Presence::new(10);
        assert!(come_and_go(&mut presence, "ana"));
        assert!(!come_and_go(&mut presence, "ana"));
    }

    #[test]
    fn leaving_twice_is_leaving_once() {
        let mut presence = Presence::new(10);
        come_and_go(&mut presence, "ana");
        assert!(!presence.leave(&name("ana"), |_| {}));
        assert_eq!(presence.absent.len(), 1);
    }

    #[test]
    fn past_the_bound_who_left_first_is_forgotten() {
        let mut presence = Presence::new(2);
        for who in ["ana", "bo", "ana", "cy"] {
            come_and_go(&mut presence, who);
        }
        assert!(
            presence.find(b"bo").is_none(),
            "bo left before ana left again"
        );
        assert!(presence.find(b"ana").is_some() && presence.find(b"cy").is_some());
        presence.connect(name("di"), "::1".into(), Instant::now());
        let mut forgotten = Vec::new();
        presence.leave(&name("di"), |name| forgotten.push(name));
        assert_eq!(forgotten, [name("ana")]);
        for number in 0..1_000 {
            come_and_go(&mut presence, &number.to_string());
        }
        assert_eq!((presence.absent.len(), presence.departures.len()), (2, 2));
    }

    #[test]
    fn bytes_that_are_not_utf_8_name_nobody() {
        assert!(Presence::new(1).find(b"\xff").is_none());
    }
}
