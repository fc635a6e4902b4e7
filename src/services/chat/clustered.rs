//! The chat as one server of several: names are claimed, commands are published, and what happens is what comes back by
//! the log, in its order.
//!
//! A step decides as it does without a cluster, to refuse at once what is not valid; what is valid goes into the log, and
//! every server decides it again when it reads it, at its place in the order. That decision counts. Answers of one user
//! keep the order of its questions: what is answered here waits until what was asked for before has come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::error;

use super::command::{Command, Refusal};
use super::event::{Audience, Delivery, Event, Notice, Standing};
use super::front::{Arrival, Front, Hold};
use super::limits::ConnectionLimits;
use super::logged;
use super::name::Name;
use super::picture;
use super::place::{Chat, Place, now};
use super::state::Settings;
use super::status::Status;
use super::switchboard::{Codec, Member, Reaction, Switchboard, only};
use super::timestamp::{Moment, Timestamp};
use crate::cluster::{self, Dropped, Log, Named, News, NoClaim, Replica, Switch};
use crate::net::{Entry, MemberId, Sender};
use crate::protocol::{CloseCode, MessageKind};
use crate::services::outlet::Changes;
use crate::store::RecordError;

impl Chat {
    /// A chat that is one with those of other servers, once it follows `log`.
    #[must_use]
    pub fn clustered(settings: Settings, limits: ConnectionLimits, log: Log) -> Chat {
        let mut switchboard = Switchboard::new(settings);
        switchboard.front = Some(Front::new(log, settings));
        Chat::behind(switchboard, limits)
    }

    /// Takes the place of a claimed name: publishes that the user comes, and waits until that has come back.
    ///
    /// # Errors
    ///
    /// [`Refusal::CutOff`]; the claim is given back.
    pub(super) fn arrive(
        &self,
        name: Name,
        claim: u64,
        codec: Codec,
        address: &str,
        sender: &Sender,
    ) -> Result<Place, Refusal> {
        let log = self.log()?;
        let what = logged::encode(Command::Connect { address }).ok_or(Refusal::OutOfTurn)?;
        let hold = Hold {
            claim,
            member: None,
            sender: sender.clone(),
            address: address.into(),
        };
        let mut switchboard = self.lock();
        // Under the lock under which it will come back.
        let number = log.tell(name.as_bytes(), claim, what);
        let arrival = Arrival {
            number,
            hold,
            codec,
        };
        switchboard
            .front_mut()?
            .arriving
            .insert(name.clone(), arrival);
        drop(switchboard);
        let _in_time = log.wait(number, PATIENCE);
        let mut switchboard = self.lock();
        let front = switchboard.front_mut()?;
        let gave_up = front.arriving.remove(&name).is_some();
        let hold = front.holds.get(&name);
        let member = hold.filter(|_| !gave_up).and_then(|hold| hold.member);
        let Some(member) = member else {
            log.release(name.as_bytes(), claim, left());
            return Err(Refusal::CutOff);
        };
        let inactive_at = switchboard.state().inactivity_deadline(&name);
        drop(switchboard);
        let member = Member { id: member, codec };
        Ok(self.place(name, member, inactive_at, number))
    }

    fn log(&self) -> Result<&Log, Refusal> {
        self.0.log.as_ref().ok_or(Refusal::OutOfTurn)
    }

    /// Appends to the room and delivers what is told in a cluster.
    fn tell(&self, tell: impl FnOnce(&mut Switchboard) -> Vec<Entry>) {
        let mut switchboard = self.lock();
        let entries = tell(&mut switchboard);
        self.0.outlet.append(Changes::default(), entries);
        drop(switchboard);
        self.0.outlet.deliver();
    }
}

impl Place {
    /// What a message asks for goes into the log, or is answered.
    pub(super) fn message_by_log(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
    ) -> Option<CloseCode> {
        let chat = self.chat.clone();
        let depth = chat.0.limits.json_depth;
        let mut patient = true;
        loop {
            let heard = self.codec.read(kind, payload, depth);
            let mut switchboard = chat.lock();
            let reaction = switchboard.message(&self.name, heard, now());
            let asked = switchboard.take_diverted();
            if asked.is_empty() && patient && !self.own_is_back() {
                // Nothing has changed: what is answered here is asked again in a moment.
                drop(switchboard);
                self.wait_for_own();
                patient = false;
                continue;
            }
            self.publish(&mut switchboard, asked);
            return self.carry(switchboard, reaction);
        }
    }

    pub(super) fn tick_by_log(&mut self) {
        self.wait_for_own();
        let chat = self.chat.clone();
        let mut switchboard = chat.lock();
        let due = switchboard.state().tick(&self.name, now()).is_some();
        let inactive = Command::ChangeStatus {
            name: self.name.as_bytes(),
            status: Some(Status::Inactive),
        };
        let asked = logged::encode(inactive).filter(|_| due);
        self.publish(&mut switchboard, asked.into_iter().collect());
        self.carry(switchboard, Reaction::default());
    }

    /// Waits, not for ever, until what this user asked for has come back.
    pub(super) fn wait_for_own(&self) {
        if let (Some(log), Some(last)) = (&self.chat.0.log, self.last) {
            log.wait(last, PATIENCE);
        }
    }

    /// The connection has ended: the others hear of it by the log.
    pub(super) fn leave_by_log(&mut self) {
        let Some(log) = &self.chat.0.log else {
            return;
        };
        self.chat.tell(|switchboard| {
            let held = switchboard.claim(&self.name, self.id);
            let Some(claim) = held else {
                return Vec::new(); // it was lost, and the member with it
            };
            log.release(self.name.as_bytes(), claim, left());
            switchboard.forget(&self.name)
        });
    }

    fn own_is_back(&self) -> bool {
        match (&self.chat.0.log, self.last) {
            (Some(log), Some(last)) => log.is_resolved(last),
            _ => true,
        }
    }

    fn publish(&mut self, switchboard: &mut Switchboard, asked: Vec<Vec<u8>>) {
        let Some(log) = &self.chat.0.log else {
            return;
        };
        let claim = switchboard.claim(&self.name, self.id);
        let is_asked = !asked.is_empty();
        for what in asked {
            let Some(claim) = claim else { return };
            let name = self.name.as_bytes();
            self.last = Some(if logged::is_leave(&what) {
                log.release(name, claim, what)
            } else {
                log.tell(name, claim, what)
            });
        }
        let known = switchboard.state().inactivity_deadline(&self.name);
        // What was just asked for may make the user active or inactive: it is looked at again soon.
        let soon = is_asked.then(|| Instant::now() + SOON);
        self.inactive_at = match (known, soon) {
            (Some(known), Some(soon)) => Some(known.max(soon)),
            (known, soon) => known.or(soon),
        };
    }

    fn carry(
        &self,
        switchboard: std::sync::MutexGuard<'_, Switchboard>,
        reaction: Reaction,
    ) -> Option<CloseCode> {
        self.chat
            .0
            .outlet
            .append(Changes::default(), reaction.entries);
        drop(switchboard);
        reaction.close
    }
}

impl Replica for Chat {
    fn apply(&self, entries: Vec<cluster::Entry>) {
        let instant = Instant::now();
        self.tell(|switchboard| {
            let follow = |entry| switchboard.follow(entry, instant);
            entries.iter().flat_map(follow).collect()
        });
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        picture::rows(self.lock().state())
    }

    fn restore(&self, rows: &[&[u8]]) -> Result<(), RecordError> {
        let mut switchboard = self.lock();
        let before = switchboard.state().connected();
        let Some(front) = &mut switchboard.front else {
            return Ok(());
        };
        // A second beginning before the first was done: what people know is what was before that.
        front.before.get_or_insert(before);
        let state = picture::state(front.settings, rows, now())?;
        switchboard.state = state;
        Ok(())
    }

    fn resume(&self) {
        self.tell(|switchboard| {
            let front = switchboard.front.as_mut();
            let before = front.and_then(|front| front.before.take());
            let before = BTreeSet::from_iter(before.unwrap_or_default());
            let here = BTreeSet::from_iter(switchboard.state().connected());
            let gone = before.difference(&here).cloned().map(Notice::Left);
            let come = here.difference(&before).cloned();
            let come = come.map(|name| Notice::Joined { name, new: false });
            let delivery: Delivery = gone.chain(come).map(of_others).collect();
            switchboard.entries(delivery, now())
        });
    }

    fn news(&self, news: News) {
        let standing = match news {
            News::CutOff => Standing::CutOff,
            News::Healed => Standing::Healed,
            News::Anew => Standing::Anew,
        };
        self.tell(|switchboard| {
            let told = vec![(Audience::All, Notice::Standing(standing))];
            switchboard.entries(told, now())
        });
    }

    fn dropped(&self, dropped: &[Dropped]) {
        let authors: BTreeSet<&[u8]> = dropped.iter().map(|it| &it.who[..]).collect();
        let authors = authors.into_iter().filter_map(|who| Name::parse(who).ok());
        self.tell(|switchboard| {
            let told = |who| only(&who, Notice::Standing(Standing::NotSent));
            switchboard.entries(authors.flat_map(told).collect(), now())
        });
    }
}

impl Named for Chat {
    fn rejoin(&self, switch: Switch<'_>) -> Vec<Dropped> {
        let mut switchboard = self.lock();
        let Some(front) = &mut switchboard.front else {
            return switch.go(|_| {});
        };
        switch.go(|claims| {
            for (name, hold) in &mut front.holds {
                let address = &hold.address;
                if let Some(what) = logged::encode(Command::Connect { address }) {
                    hold.claim = claims.claim(name.as_bytes(), what);
                }
            }
        })
    }

    fn lost(&self, name: &[u8], claim: u64) {
        let Ok(name) = Name::parse(name) else { return };
        let mut loser: Option<Sender> = None;
        self.tell(|switchboard| {
            let holds = switchboard.front.as_ref().map(|front| &front.holds);
            let hold = holds.and_then(|holds| holds.get(&name));
            match hold.filter(|hold| hold.claim == claim) {
                Some(hold) => {
                    loser = Some(hold.sender.clone());
                    switchboard.forget(&name)
                }
                None => Vec::new(),
            }
        });
        if let Some(sender) = loser {
            let _gone_already = sender.close(CloseCode::TryAgainLater, NAME_LOST);
        }
    }
}

impl Switchboard {
    /// Does what an entry of the log says.
    fn follow(&mut self, entry: &cluster::Entry, instant: Instant) -> Vec<Entry> {
        let now = Moment {
            instant,
            timestamp: Timestamp(entry.at),
        };
        let Ok(who) = Name::parse(&entry.who) else {
            error!("entry {} of the log is in nobody's name", entry.position);
            return Vec::new();
        };
        let command = match logged::decode(&who, &entry.what) {
            Ok(command) => command,
            Err(error) => {
                error!(
                    "entry {} of the log is passed over: {error}",
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
                if let Some(arrival) = self.take_arrival(&who, entry) {
                    return self.arrived(who, arrival, delivery, now);
                }
                delivery
            }
            Command::Leave { farewell } => self.apply(
                Event::Left {
                    name: who,
                    farewell,
                },
                now,
            ),
            command => match self.state().decide(&who, command, now) {
                Ok(event) => self.apply(event, now),
                Err(refusal) => only(&who, Notice::Refused(refusal)),
            },
        };
        let is_told = self
            .front
            .as_ref()
            .is_none_or(|front| front.before.is_none());
        if is_told {
            self.entries(delivery, now)
        } else {
            Vec::new()
        }
    }

    fn take_arrival(&mut self, who: &Name, entry: &cluster::Entry) -> Option<Arrival> {
        let front = self.front.as_mut()?;
        let arrival = front.arriving.get(who)?;
        if !entry.own || entry.number != arrival.number {
            return None;
        }
        front.arriving.remove(who)
    }

    fn arrived(
        &mut self,
        name: Name,
        arrival: Arrival,
        delivery: Delivery,
        now: Moment,
    ) -> Vec<Entry> {
        let Arrival {
            mut hold, codec, ..
        } = arrival;
        // Between a goodbye and the end of the connection that said it, the name is free.
        let before = self.forget(&name);
        let (member, entries) = self.admit(&name, codec, delivery, now);
        let join = Entry::Join {
            id: member.id,
            sender: hold.sender.clone(),
            codec: codec as usize,
        };
        hold.member = Some(member.id);
        if let Some(front) = &mut self.front {
            front.holds.insert(name, hold);
        }
        before.into_iter().chain([join]).chain(entries).collect()
    }

    /// A user of this server is nobody's here any more; the state learns it by the log.
    fn forget(&mut self, name: &Name) -> Vec<Entry> {
        if let Some(front) = &mut self.front {
            front.holds.remove(name);
        }
        let member = self.remove(name);
        member
            .map(|member| Entry::Leave(member.id))
            .into_iter()
            .collect()
    }

    fn front_mut(&mut self) -> Result<&mut Front, Refusal> {
        self.front.as_mut().ok_or(Refusal::OutOfTurn)
    }

    fn take_diverted(&mut self) -> Vec<Vec<u8>> {
        self.front
            .as_mut()
            .map(Front::take_diverted)
            .unwrap_or_default()
    }

    fn claim(&self, name: &Name, member: MemberId) -> Option<u64> {
        self.front.as_ref()?.claim(name, member)
    }
}

/// What is told of a user to all others.
fn of_others(notice: Notice) -> (Audience, Notice) {
    let audience = match &notice {
        Notice::Left(name) | Notice::Joined { name, .. } => Audience::AllBut(name.clone()),
        _ => Audience::All,
    };
    (audience, notice)
}

/// The entry of a user whose connection has ended.
fn left() -> Vec<u8> {
    logged::encode(Command::Leave { farewell: false }).unwrap_or_default()
}

impl From<NoClaim> for Refusal {
    fn from(no: NoClaim) -> Refusal {
        match no {
            NoClaim::Taken => Refusal::NameTaken,
            NoClaim::CutOff => Refusal::CutOff,
        }
    }
}

/// Where the chat is handed to a cluster.
impl From<&Chat> for Arc<dyn Named> {
    fn from(chat: &Chat) -> Arc<dyn Named> {
        Arc::new(chat.clone())
    }
}

/// How long a user waits for what it asked for to come back, before it is answered or refused without.
const PATIENCE: Duration = Duration::from_secs(5);

/// When to look again at a user who may be about to turn active or inactive.
const SOON: Duration = Duration::from_secs(1);

/// Said to one whose name another took.
const NAME_LOST: &str = "somebody else took the name while this server was cut off";
