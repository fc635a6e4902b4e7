//! Applies the log of a cluster to the chat: decides each entry at its position, and notifies the users. The same entries
//! lead to the same chat on every server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use log::error;

use crate::chat::chat::{Chat, join, now};
use crate::chat::cluster::pending::PendingJoin;
use crate::chat::cluster::{operations, snapshot};
use crate::chat::dispatcher::{Commit, Dispatcher, only};
use crate::chat::domain::command::Command;
use crate::chat::domain::event::{Audience, ClusterStatus, Delivery, Event, Notice};
use crate::chat::domain::name::Name;
use crate::chat::domain::time::{Now, Timestamp};
use crate::cluster::entry::LogEntry;
use crate::cluster::rejoin::{DroppedOp, Rejoin};
use crate::cluster::replica::{ClusterNotice, NameOwner, Replica};
use crate::delivery::RoomEntry;
use crate::log_targets::CHAT;
use crate::store::record::DecodeError;
use enchufe::net::Sender;
use enchufe::protocol::CloseCode;

impl Replica for Chat {
    fn apply(&self, entries: Vec<LogEntry>) {
        let instant = Instant::now();
        self.publish(|dispatcher| {
            let apply = |entry| dispatcher.apply_entry(entry, instant);
            entries.iter().flat_map(apply).collect()
        });
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        self.with(|dispatcher| snapshot::encode(dispatcher.state))
    }

    fn restore(&self, rows: &[&[u8]]) -> Result<(), DecodeError> {
        self.with(|dispatcher| {
            let before = dispatcher.state.connected();
            let Commit::Cluster(pending) = &mut dispatcher.connections.commit else {
                return Ok(());
            };
            // After a restore that failed, users still see the state before that one.
            pending.before_restore.get_or_insert(before);
            *dispatcher.state = snapshot::decode(pending.settings, rows, now())?;
            Ok(())
        })
    }

    fn resume(&self) {
        self.publish(|dispatcher| {
            let before = match &mut dispatcher.connections.commit {
                Commit::Cluster(pending) => pending.before_restore.take(),
                Commit::Memory | Commit::Disk(_) => None,
            };
            let before = BTreeSet::from_iter(before.unwrap_or_default());
            let after = BTreeSet::from_iter(dispatcher.state.connected());
            let left = before.difference(&after).cloned();
            let left = left.map(|name| (Audience::Except(name.clone()), Notice::Left(name)));
            let joined = after.difference(&before).cloned().map(|name| {
                let audience = Audience::Except(name.clone());
                (audience, Notice::Joined { name, new: false })
            });
            let delivery: Delivery = left.chain(joined).collect();
            dispatcher.connections.entries(delivery, now())
        });
    }

    fn notify(&self, notice: ClusterNotice) {
        let status = match notice {
            ClusterNotice::Unavailable => ClusterStatus::Unavailable,
            ClusterNotice::Available => ClusterStatus::Available,
            ClusterNotice::Restarted => ClusterStatus::Restarted,
        };
        self.publish(|dispatcher| {
            let delivery = vec![(Audience::All, Notice::ClusterStatus(status))];
            dispatcher.connections.entries(delivery, now())
        });
    }

    fn notify_dropped(&self, dropped: &[DroppedOp]) {
        let authors: BTreeSet<&[u8]> = dropped.iter().map(|op| &op.name[..]).collect();
        let authors = authors.into_iter().filter_map(|it| Name::parse(it).ok());
        self.publish(|dispatcher| {
            let not_sent = |author| only(&author, Notice::ClusterStatus(ClusterStatus::NotSent));
            let delivery = authors.flat_map(not_sent).collect();
            dispatcher.connections.entries(delivery, now())
        });
    }
}

impl NameOwner for Chat {
    fn rejoin(&self, rejoin: Rejoin<'_>) -> Vec<DroppedOp> {
        self.with(|dispatcher| {
            let Commit::Cluster(pending) = &mut dispatcher.connections.commit else {
                return rejoin.run(|_| {});
            };
            rejoin.run(|claims| {
                for (name, session) in &mut pending.sessions {
                    let address = &session.address;
                    if let Some(connect) = operations::encode(Command::Connect { address }) {
                        session.claim = claims.claim(name.as_bytes(), connect);
                    }
                }
            })
        })
    }

    fn name_lost(&self, name: &[u8], claim: u64) {
        let Ok(name) = Name::parse(name) else { return };
        let mut loser: Option<Sender> = None;
        self.publish(|dispatcher| {
            let session = match &dispatcher.connections.commit {
                Commit::Cluster(pending) => pending.sessions.get(&name),
                Commit::Memory | Commit::Disk(_) => None,
            };
            match session.filter(|session| session.claim == claim) {
                Some(session) => {
                    loser = Some(session.sender.clone());
                    let leave = dispatcher.connections.remove_local(&name);
                    leave.into_iter().collect()
                }
                None => Vec::new(),
            }
        });
        if let Some(sender) = loser {
            // Another thread may still be delivering earlier messages.
            self.pipeline.flush();
            let _ = sender.close(CloseCode::TryAgainLater, NAME_LOST); // it may be closed already
        }
    }
}

impl Dispatcher<'_> {
    /// Applies an entry of the log. Returns the entries for the rooms; none while the state is being restored.
    fn apply_entry(&mut self, entry: &LogEntry, instant: Instant) -> Vec<RoomEntry> {
        let now = Now {
            instant,
            timestamp: Timestamp(entry.timestamp),
        };
        let Ok(user) = Name::parse(&entry.name) else {
            error!(target: CHAT, "skipped log entry {}: invalid name", entry.position);
            return Vec::new();
        };
        let command = match operations::decode(&user, &entry.content) {
            Ok(command) => command,
            Err(error) => {
                error!(target: CHAT, "skipped log entry {}: {error}", entry.position);
                return Vec::new();
            }
        };
        let delivery = match command {
            Command::Connect { address } => {
                let event = Event::Connected {
                    name: user.clone(),
                    address: address.into(),
                };
                let delivery = self.apply(event, now);
                if let Some(pending) = self.take_pending_join(&user, entry) {
                    return self.complete_join(user, pending, delivery, now);
                }
                delivery
            }
            Command::Leave { notify_self } => {
                let name = user;
                self.apply(Event::Left { name, notify_self }, now)
            }
            command => match self.state.decide(&user, command, now) {
                Ok(event) => self.apply(event, now),
                Err(rejection) => only(&user, Notice::Rejected(rejection)),
            },
        };
        match &self.connections.commit {
            Commit::Cluster(pending) if pending.before_restore.is_some() => Vec::new(),
            _ => self.connections.entries(delivery, now),
        }
    }

    /// Returns the join that this entry completes, if it is one of this server.
    fn take_pending_join(&mut self, user: &Name, entry: &LogEntry) -> Option<PendingJoin> {
        let Commit::Cluster(pending) = &mut self.connections.commit else {
            return None;
        };
        let join = pending.joining.get(user)?;
        if !entry.is_own || entry.number != join.number {
            return None;
        }
        pending.joining.remove(user)
    }

    fn complete_join(
        &mut self,
        name: Name,
        pending: PendingJoin,
        delivery: Delivery,
        now: Now,
    ) -> Vec<RoomEntry> {
        let PendingJoin {
            mut session, codec, ..
        } = pending;
        // After a `disconnect` the name is free, though the connection that sent it may still be a member.
        let leave = self.connections.remove_local(&name);
        let (member, entries) = self.add_member(&name, codec, delivery, now);
        let join = join(member, session.sender.clone());
        session.member = Some(member.id);
        if let Commit::Cluster(pending) = &mut self.connections.commit {
            pending.sessions.insert(name, session);
        }
        leave.into_iter().chain([join]).chain(entries).collect()
    }
}

impl From<&Chat> for Arc<dyn NameOwner> {
    fn from(chat: &Chat) -> Self {
        Arc::new(chat.clone())
    }
}

/// Close reason for a user whose name another server's user has taken.
const NAME_LOST: &str = "another user took the name while this server was cut off";
