//! The chat as the log of a cluster makes it: every entry is decided at its place in the order, and users are told what
//! comes of it. The same entries make the same chat on every server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use log::error;

use crate::chat::chat::join;
use crate::chat::chat::{Chat, now};
use crate::chat::cluster::operations;
use crate::chat::cluster::pending::PendingJoin;
use crate::chat::cluster::snapshot;
use crate::chat::dispatcher::{Commit, Dispatcher, only};
use crate::chat::domain::command::Command;
use crate::chat::domain::event::{Audience, ClusterStatus, Delivery, Event, Notice};
use crate::chat::domain::name::Name;
use crate::chat::domain::time::{Now, Timestamp};
use crate::cluster;
use crate::cluster::rejoin::{DroppedOp, Rejoin};
use crate::cluster::replica::{ClusterNotice, NameOwner, Replica};
use crate::delivery::RoomEntry;
use crate::log_targets::CHAT;
use crate::store::record::DecodeError;
use enchufe::net::Sender;
use enchufe::protocol::CloseCode;

impl Replica for Chat {
    fn apply(&self, entries: Vec<cluster::Entry>) {
        let instant = Instant::now();
        self.publish(|dispatcher| {
            let follow = |entry| dispatcher.follow(entry, instant);
            entries.iter().flat_map(follow).collect()
        });
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        self.with(|dispatcher| snapshot::rows(dispatcher.state))
    }

    fn restore(&self, rows: &[&[u8]]) -> Result<(), DecodeError> {
        self.with(|dispatcher| {
            let before = dispatcher.state.connected();
            let Commit::Cluster(pending) = &mut dispatcher.connections.commit else {
                return Ok(());
            };
            // A second beginning before the first was done: what people know is what was before that.
            pending.before_restore.get_or_insert(before);
            *dispatcher.state = snapshot::state(pending.settings, rows, now())?;
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
            let here = BTreeSet::from_iter(dispatcher.state.connected());
            let gone = before.difference(&here).cloned().map(Notice::Left);
            let come = here.difference(&before).cloned();
            let come = come.map(|name| Notice::Joined { name, new: false });
            let delivery: Delivery = gone.chain(come).map(of_others).collect();
            dispatcher.connections.entries(delivery, now())
        });
    }

    fn news(&self, news: ClusterNotice) {
        let standing = match news {
            ClusterNotice::CutOff => ClusterStatus::Unavailable,
            ClusterNotice::Healed => ClusterStatus::Available,
            ClusterNotice::Anew => ClusterStatus::Restarted,
        };
        self.publish(|dispatcher| {
            let told = vec![(Audience::All, Notice::ClusterStatus(standing))];
            dispatcher.connections.entries(told, now())
        });
    }

    fn dropped(&self, dropped: &[DroppedOp]) {
        let authors: BTreeSet<&[u8]> = dropped.iter().map(|it| &it.who[..]).collect();
        let authors = authors.into_iter().filter_map(|who| Name::parse(who).ok());
        self.publish(|dispatcher| {
            let told = |who| only(&who, Notice::ClusterStatus(ClusterStatus::NotSent));
            dispatcher
                .connections
                .entries(authors.flat_map(told).collect(), now())
        });
    }
}

impl NameOwner for Chat {
    fn rejoin(&self, switch: Rejoin<'_>) -> Vec<DroppedOp> {
        self.with(|dispatcher| {
            let Commit::Cluster(pending) = &mut dispatcher.connections.commit else {
                return switch.go(|_| {});
            };
            switch.go(|claims| {
                for (name, session) in &mut pending.sessions {
                    let address = &session.address;
                    if let Some(what) = operations::encode(Command::Connect { address }) {
                        session.claim = claims.claim(name.as_bytes(), what);
                    }
                }
            })
        })
    }

    fn lost(&self, name: &[u8], claim: u64) {
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
                    dispatcher
                        .connections
                        .remove_local(&name)
                        .into_iter()
                        .collect()
                }
                None => Vec::new(),
            }
        });
        if let Some(sender) = loser {
            // Earlier messages may still be with the delivering thread.
            self.pipeline.flush();
            let _gone_already = sender.close(CloseCode::TryAgainLater, NAME_LOST);
        }
    }
}

impl Dispatcher<'_> {
    /// Does what an entry of the log says.
    fn follow(&mut self, entry: &cluster::Entry, instant: Instant) -> Vec<RoomEntry> {
        let now = Now {
            instant,
            timestamp: Timestamp(entry.at),
        };
        let Ok(who) = Name::parse(&entry.who) else {
            error!(target: CHAT, "entry {} of the log is in nobody's name", entry.position);
            return Vec::new();
        };
        let command = match operations::decode(&who, &entry.what) {
            Ok(command) => command,
            Err(error) => {
                error!(
                    target: CHAT, "entry {} of the log is passed over: {error}",
                    entry.position
                );
                return Vec::new();
            }
        };
        let delivery = match command {
            Command::Connect { address } => {
                let event = Event::Connected {
                    name: who.clone(),
                    address: address.into(),
                };
                let delivery = self.apply(event, now);
                if let Some(join) = self.take_join(&who, entry) {
                    return self.complete_join(who, join, delivery, now);
                }
                delivery
            }
            Command::Leave { notify_self } => self.apply(
                Event::Left {
                    name: who,
                    notify_self,
                },
                now,
            ),
            command => match self.state.decide(&who, command, now) {
                Ok(event) => self.apply(event, now),
                Err(rejection) => only(&who, Notice::Rejected(rejection)),
            },
        };
        match &self.connections.commit {
            Commit::Cluster(pending) if pending.before_restore.is_some() => Vec::new(),
            _ => self.connections.entries(delivery, now),
        }
    }

    fn take_join(&mut self, who: &Name, entry: &cluster::Entry) -> Option<PendingJoin> {
        let Commit::Cluster(pending) = &mut self.connections.commit else {
            return None;
        };
        let join = pending.joining.get(who)?;
        if !entry.own || entry.number != join.number {
            return None;
        }
        pending.joining.remove(who)
    }

    fn complete_join(
        &mut self,
        name: Name,
        pending_join: PendingJoin,
        delivery: Delivery,
        now: Now,
    ) -> Vec<RoomEntry> {
        let PendingJoin {
            mut session, codec, ..
        } = pending_join;
        // Between a goodbye and the end of the connection that said it, the name is free.
        let before = self.connections.remove_local(&name);
        let (member, entries) = self.add_member(&name, codec, delivery, now);
        let join = join(member, session.sender.clone());
        session.member = Some(member.id);
        if let Commit::Cluster(pending) = &mut self.connections.commit {
            pending.sessions.insert(name, session);
        }
        before.into_iter().chain([join]).chain(entries).collect()
    }
}

/// What is told of a user to all others.
fn of_others(notice: Notice) -> (Audience, Notice) {
    let audience = match &notice {
        Notice::Left(name) | Notice::Joined { name, .. } => Audience::Except(name.clone()),
        _ => Audience::All,
    };
    (audience, notice)
}

/// Where the chat is handed to a cluster.
impl From<&Chat> for Arc<dyn NameOwner> {
    fn from(chat: &Chat) -> Arc<dyn NameOwner> {
        Arc::new(chat.clone())
    }
}

/// Said to one whose name another took.
const NAME_LOST: &str = "somebody else took the name while this server was cut off";
