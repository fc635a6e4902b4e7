//! The chat's rules and memory, with two doors and a window: [`State::decide`] checks a command, [`State::apply`] makes
//! what was decided true and says who is told, [`State::answer`] reads.
//!
//! Plain functions of data: no bytes of any wire, no sockets, no threads, no clock. Both chats speak through it, so
//! each rule stands here once.
//!
//! ```text
//!                 Reserve              Connect
//!   nobody, or a ---------> reserved ---------> present: Active, Busy, Inactive,
//!   known user   <---------                     or Disconnected on its own wish
//!        ^         Release                          |
//!        +------------------------------------------+  Leave: known from now on
//! ```

use std::time::{Duration, Instant};

use super::command::{Command, Query, Refusal, Target};
use super::event::{Audience, Delivery, Event, Notice};
use super::history::{Histories, HistoryLimits};
use super::message::{Channel, Message};
use super::name::Name;
use super::presence::Presence;
use super::status::Status;
use super::timestamp::Moment;

/// Users, statuses and histories.
#[derive(Debug)]
pub struct State {
    inactive_after: Duration,
    users: Presence,
    histories: Histories,
    next_sequence: u64,
}

/// What the state is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an active user may send no chat message before it counts as inactive. Default 60 s.
    pub inactive_after: Duration,
    /// Known users without a connection; past it, who left first is forgotten. Default 65,536.
    pub max_absent: usize,
    /// How much of the chats is kept.
    pub history: HistoryLimits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            inactive_after: Duration::from_secs(60),
            max_absent: 65_536,
            history: HistoryLimits::default(),
        }
    }
}

impl State {
    /// An empty chat.
    pub fn new(settings: Settings) -> State {
        State {
            inactive_after: settings.inactive_after,
            users: Presence::new(settings.max_absent),
            histories: Histories::new(settings.history),
            next_sequence: 1,
        }
    }

    /// Whether `who` may do this, and what then happens. Changes nothing.
    ///
    /// # Errors
    ///
    /// The first rule that forbids it.
    pub fn decide(&self, who: &Name, command: Command<'_>, now: Moment) -> Result<Event, Refusal> {
        match command {
            Command::Reserve => self.decide_reserve(who),
            Command::Release if self.users.is_reserved(who) => Ok(Event::Released(who.clone())),
            Command::Connect { address } if self.users.is_reserved(who) => Ok(Event::Connected {
                name: who.clone(),
                address: address.into(),
            }),
            Command::Release | Command::Connect { .. } => Err(Refusal::OutOfTurn),
            _ if self.users.get(who).is_none() => Err(Refusal::OutOfTurn),
            Command::Leave { farewell } => Ok(Event::Left {
                name: who.clone(),
                farewell,
            }),
            Command::ChangeStatus { name, status } => self.decide_status(who, name, status),
            Command::Say { to, text } => self.decide_say(who, to, text, now),
        }
    }

    /// Makes an event true. Never fails: what could be wrong with it was seen when it was decided.
    pub fn apply(&mut self, event: Event, now: Moment) -> Delivery {
        match event {
            Event::Reserved(name) => self.users.reserve(name),
            Event::Released(name) => self.users.release(&name),
            Event::Connected { name, address } => {
                let new = self.users.connect(name.clone(), address, now.instant);
                return vec![(Audience::AllBut(name.clone()), Notice::Joined { name, new })];
            }
            Event::Left { name, farewell } if self.users.leave(&name) => {
                let audience = if farewell {
                    Audience::All
                } else {
                    Audience::AllBut(name.clone())
                };
                return vec![(audience, Notice::Left(name))];
            }
            Event::Left { .. } => {}
            Event::StatusChanged { name, status } => {
                return self.apply_status(name, status, now.instant);
            }
            Event::Said(message) => return self.apply_said(message, now.instant),
        }
        Delivery::new()
    }

    /// What `who` wants to know. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSuchUser`] for an unknown name, [`Refusal::OutOfTurn`] if the asker is not connected.
    pub fn answer(&self, who: &Name, query: Query<'_>) -> Result<Notice, Refusal> {
        if self.users.get(who).is_none() {
            return Err(Refusal::OutOfTurn);
        }
        match query {
            Query::Welcome => Ok(Notice::Welcome(
                self.users
                    .online(who)
                    .map(|(name, _)| name.clone())
                    .collect(),
            )),
            Query::Users => {
                let users = self
                    .users
                    .online(who)
                    .map(|(name, status)| (name.clone(), status))
                    .collect();
                Ok(Notice::Users {
                    asker: who.clone(),
                    users,
                })
            }
            Query::User(name) => {
                let (name, status, address) = self.users.find(name).ok_or(Refusal::NoSuchUser)?;
                Ok(Notice::User {
                    name: name.clone(),
                    status,
                    address: address.clone(),
                })
            }
            Query::History { of, after } => self.answer_history(who, of, after),
        }
    }

    /// When `who` turns inactive if nothing happens until then; `None` if it does not.
    pub fn inactivity_deadline(&self, who: &Name) -> Option<Instant> {
        let user = self
            .users
            .get(who)
            .filter(|user| user.status == Status::Active)?;
        user.last_active.checked_add(self.inactive_after)
    }

    /// What the passing of time has done to `who`, if anything.
    pub fn tick(&self, who: &Name, now: Moment) -> Option<Event> {
        let due = self.inactivity_deadline(who)? <= now.instant;
        due.then(|| Event::StatusChanged {
            name: who.clone(),
            status: Status::Inactive,
        })
    }

    fn decide_reserve(&self, who: &Name) -> Result<Event, Refusal> {
        if self.users.is_reserved(who) || self.users.get(who).is_some() {
            return Err(Refusal::NameTaken);
        }
        Ok(Event::Reserved(who.clone()))
    }

    fn decide_status(
        &self,
        who: &Name,
        name: &[u8],
        status: Option<Status>,
    ) -> Result<Event, Refusal> {
        let status = status.ok_or(Refusal::InvalidStatus)?;
        let (name, ..) = self.users.find(name).ok_or(Refusal::NoSuchUser)?;
        if name != who {
            return Err(Refusal::InvalidStatus);
        }
        Ok(Event::StatusChanged {
            name: who.clone(),
            status,
        })
    }

    fn decide_say(
        &self,
        who: &Name,
        to: Target<'_>,
        text: &[u8],
        now: Moment,
    ) -> Result<Event, Refusal> {
        if text.is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        let to = match to {
            Target::General => None,
            Target::User(name) => match self.users.find(name) {
                None | Some((_, Status::Disconnected, _)) => {
                    return Err(Refusal::RecipientDisconnected);
                }
                Some((name, ..)) => Some(name.clone()),
            },
        };
        let (sequence, at) = (self.next_sequence, now.timestamp);
        Ok(Event::Said(Message {
            sequence,
            at,
            from: who.clone(),
            to,
            text: text.into(),
        }))
    }

    fn apply_status(&mut self, name: Name, status: Status, now: Instant) -> Delivery {
        let Some(user) = self.users.get_mut(&name) else {
            return Vec::new();
        };
        user.status = status;
        if status == Status::Active {
            user.last_active = now;
        }
        vec![(Audience::All, Notice::StatusChanged { name, status })]
    }

    fn apply_said(&mut self, message: Message, now: Instant) -> Delivery {
        let mut delivery = Vec::with_capacity(2);
        if let Some(user) = self.users.get_mut(&message.from) {
            user.last_active = now;
            if user.status == Status::Inactive {
                delivery = self.apply_status(message.from.clone(), Status::Active, now);
            }
        }
        let audience = match &message.to {
            None => Audience::All,
            Some(to) if *to == message.from => Audience::Only(to.clone()),
            Some(to) => Audience::Both(message.from.clone(), to.clone()),
        };
        self.next_sequence = message.sequence + 1;
        self.histories.push(message.clone());
        delivery.push((audience, Notice::Said(message)));
        delivery
    }

    fn answer_history(
        &self,
        who: &Name,
        of: Target<'_>,
        after: Option<u64>,
    ) -> Result<Notice, Refusal> {
        let (channel, with) = match of {
            Target::General => (Channel::General, None),
            Target::User(name) => {
                let (other, ..) = self.users.find(name).ok_or(Refusal::NoSuchUser)?;
                (Channel::between(who, other), Some(other.clone()))
            }
        };
        let messages = self.histories.of(&channel, after.unwrap_or(0));
        Ok(Notice::History {
            with,
            onward: after.is_some(),
            messages,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::chat::timestamp::Timestamp;

    /// A chat at a clock that only the test moves.
    struct Scene {
        state: State,
        now: Moment,
    }

    impl Scene {
        fn with(users: &[&str]) -> Scene {
            let now = Moment {
                instant: Instant::now(),
                timestamp: Timestamp(1_742_115_900_000),
            };
            let mut scene = Scene {
                state: State::new(Settings::default()),
                now,
            };
            for user in users {
                scene.connect(user);
            }
            scene
        }

        fn connect(&mut self, who: &str) -> Delivery {
            self.run(who, Command::Reserve).unwrap();
            self.run(
                who,
                Command::Connect {
                    address: "10.0.0.1",
                },
            )
            .unwrap()
        }

        fn run(&mut self, who: &str, command: Command<'_>) -> Result<Delivery, Refusal> {
            let event = self.state.decide(&name(who), command, self.now)?;
            Ok(self.state.apply(event, self.now))
        }

        fn say(&mut self, who: &str, to: Target<'_>, text: &str) -> Result<Delivery, Refusal> {
            self.run(
                who,
                Command::Say {
                    to,
                    text: text.as_bytes(),
                },
            )
        }

        fn set(&mut self, who: &str, of: &str, status: u8) -> Result<Delivery, Refusal> {
            let status = Status::from_number(status);
            self.run(
                who,
                Command::ChangeStatus {
                    name: of.as_bytes(),
                    status,
                },
            )
        }

        fn leave(&mut self, who: &str) -> Delivery {
            self.run(who, Command::Leave { farewell: false }).unwrap()
        }

        fn online(&self, asker: &str) -> Vec<String> {
            match self.state.answer(&name(asker), Query::Users) {
                Ok(Notice::Users { users, .. }) => {
                    users.iter().map(|(name, _)| name.to_string()).collect()
                }
                other => panic!("{other:?}"),
            }
        }

        fn status(&self, of: &str) -> Status {
            self.state.users.find(of.as_bytes()).unwrap().1
        }

        fn history(
            &self,
            who: &str,
            of: Target<'_>,
            after: Option<u64>,
        ) -> Result<Vec<String>, Refusal> {
            match self
                .state
                .answer(&name(who), Query::History { of, after })?
            {
                Notice::History { messages, .. } => Ok(messages.iter().map(line).collect()),
                other => panic!("{other:?}"),
            }
        }

        fn wait(&mut self, seconds: u64) {
            self.now.instant += Duration::from_secs(seconds);
            self.now.timestamp.0 += 1_000 * seconds;
        }

        fn tick(&mut self, who: &str) -> Option<Delivery> {
            let event = self.state.tick(&name(who), self.now)?;
            Some(self.state.apply(event, self.now))
        }
    }

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn user(name: &str) -> Target<'_> {
        Target::User(name.as_bytes())
    }

    fn line(message: &Message) -> String {
        format!(
            "{} {}: {}",
            message.sequence,
            message.from,
            String::from_utf8_lossy(&message.text)
        )
    }

    fn changed(who: &str, status: Status) -> (Audience, Notice) {
        (
            Audience::All,
            Notice::StatusChanged {
                name: name(who),
                status,
            },
        )
    }

    #[test]
    fn a_name_is_claimed_once_until_it_is_given_back() {
        let mut scene = Scene::with(&[]);
        assert_eq!(scene.run("ana", Command::Reserve), Ok(vec![]));
        assert_eq!(scene.run("ana", Command::Reserve), Err(Refusal::NameTaken));
        assert_eq!(scene.run("ana", Command::Release), Ok(vec![]));
        assert_eq!(scene.run("ana", Command::Release), Err(Refusal::OutOfTurn));
        assert_eq!(scene.run("ana", Command::Reserve), Ok(vec![]));
    }

    #[test]
    fn a_claimed_name_is_nobody_yet() {
        let mut scene = Scene::with(&["bo"]);
        scene.run("ana", Command::Reserve).unwrap();
        assert_eq!(scene.online("bo"), ["bo"]);
        assert_eq!(
            scene.state.answer(&name("bo"), Query::User(b"ana")),
            Err(Refusal::NoSuchUser)
        );
        scene.run("ana", Command::Release).unwrap();
        let joined = Notice::Joined {
            name: name("ana"),
            new: true,
        };
        assert_eq!(
            scene.connect("ana"),
            [(Audience::AllBut(name("ana")), joined)]
        );
    }

    #[test]
    fn a_name_in_use_cannot_be_claimed() {
        let mut scene = Scene::with(&["ana"]);
        assert_eq!(scene.run("ana", Command::Reserve), Err(Refusal::NameTaken));
        scene.set("ana", "ana", 0).unwrap();
        assert_eq!(scene.run("ana", Command::Reserve), Err(Refusal::NameTaken));
        scene.leave("ana");
        assert_eq!(scene.run("ana", Command::Reserve), Ok(vec![]));
    }

    #[test]
    fn one_who_is_not_connected_can_do_nothing() {
        let mut scene = Scene::with(&["bo"]);
        let connect = Command::Connect { address: "" };
        assert_eq!(scene.run("ana", connect), Err(Refusal::OutOfTurn));
        assert_eq!(
            scene.run("ana", Command::Leave { farewell: true }),
            Err(Refusal::OutOfTurn)
        );
        assert_eq!(
            scene.say("ana", Target::General, "hola"),
            Err(Refusal::OutOfTurn)
        );
        assert_eq!(scene.set("ana", "ana", 1), Err(Refusal::OutOfTurn));
        assert_eq!(
            scene.state.answer(&name("ana"), Query::Users),
            Err(Refusal::OutOfTurn)
        );
    }

    #[test]
    fn the_others_learn_who_comes_who_comes_back_and_who_goes() {
        let mut scene = Scene::with(&["bo"]);
        let joined = |new| {
            (
                Audience::AllBut(name("ana")),
                Notice::Joined {
                    name: name("ana"),
                    new,
                },
            )
        };
        assert_eq!(scene.connect("ana"), [joined(true)]);
        let left = (Audience::AllBut(name("ana")), Notice::Left(name("ana")));
        assert_eq!(scene.leave("ana"), [left]);
        assert_eq!(scene.connect("ana"), [joined(false)]);
        let farewell = scene.run("ana", Command::Leave { farewell: true });
        assert_eq!(
            farewell,
            Ok(vec![(Audience::All, Notice::Left(name("ana")))])
        );
    }

    #[test]
    fn who_left_stays_known_with_status_0() {
        let mut scene = Scene::with(&["ana", "bo"]);
        scene.set("ana", "ana", 2).unwrap();
        scene.leave("ana");
        assert_eq!(scene.online("bo"), ["bo"]);
        let notice = scene.state.answer(&name("bo"), Query::User(b"ana"));
        let (status, address) = (Status::Disconnected, "10.0.0.1".into());
        assert_eq!(
            notice,
            Ok(Notice::User {
                name: name("ana"),
                status,
                address
            })
        );
        scene.connect("ana");
        assert_eq!(scene.status("ana"), Status::Active);
    }

    #[test]
    fn a_status_that_does_not_exist_is_refused_before_the_name_is_looked_at() {
        let mut scene = Scene::with(&["ana", "bo"]);
        assert_eq!(scene.set("ana", "nobody", 4), Err(Refusal::InvalidStatus));
        assert_eq!(scene.set("ana", "nobody", 3), Err(Refusal::NoSuchUser));
        assert_eq!(scene.set("ana", "~", 3), Err(Refusal::NoSuchUser));
        assert_eq!(scene.set("ana", "bo", 3), Err(Refusal::InvalidStatus));
        assert_eq!(
            scene.set("ana", "ana", 3),
            Ok(vec![changed("ana", Status::Inactive)])
        );
    }

    #[test]
    fn a_status_that_changes_nothing_is_told_all_the_same() {
        let mut scene = Scene::with(&["ana"]);
        assert_eq!(
            scene.set("ana", "ana", 1),
            Ok(vec![changed("ana", Status::Active)])
        );
        assert_eq!(
            scene.set("ana", "ana", 1),
            Ok(vec![changed("ana", Status::Active)])
        );
    }

    #[test]
    fn status_0_counts_as_offline_but_can_do_everything() {
        let mut scene = Scene::with(&["ana", "bo"]);
        scene.set("ana", "ana", 0).unwrap();
        assert_eq!(scene.online("bo"), ["bo"]);
        assert_eq!(scene.online("ana"), ["ana", "bo"]);
        assert_eq!(
            scene.say("bo", user("ana"), "psst"),
            Err(Refusal::RecipientDisconnected)
        );
        assert_eq!(
            scene.say("ana", user("ana"), "psst"),
            Err(Refusal::RecipientDisconnected)
        );
        let delivery = scene.say("ana", Target::General, "hola").unwrap();
        assert_eq!(delivery.len(), 1, "sending a chat does not end it");
        scene.say("ana", user("bo"), "psst").unwrap();
        assert_eq!(scene.status("ana"), Status::Disconnected);
        scene.set("ana", "ana", 2).unwrap();
        assert_eq!(scene.online("bo"), ["ana", "bo"]);
        scene.say("bo", user("ana"), "psst").unwrap();
    }

    #[test]
    fn a_message_goes_to_all_to_two_or_to_oneself() {
        let mut scene = Scene::with(&["ana", "bo"]);
        let mut audience = |to| scene.say("ana", to, "hola").unwrap().remove(0).0;
        assert_eq!(audience(Target::General), Audience::All);
        assert_eq!(
            audience(user("bo")),
            Audience::Both(name("ana"), name("bo"))
        );
        assert_eq!(audience(user("ana")), Audience::Only(name("ana")));
    }

    #[test]
    fn a_message_without_text_is_refused_before_the_recipient_is_looked_at() {
        let mut scene = Scene::with(&["ana", "bo"]);
        assert_eq!(
            scene.say("ana", user("nobody"), ""),
            Err(Refusal::EmptyMessage)
        );
        assert_eq!(
            scene.say("ana", user("nobody"), "a"),
            Err(Refusal::RecipientDisconnected)
        );
        scene.leave("bo");
        assert_eq!(
            scene.say("ana", user("bo"), "a"),
            Err(Refusal::RecipientDisconnected)
        );
        assert_eq!(
            scene.history("ana", user("bo"), None),
            Ok(vec![]),
            "nothing is stored"
        );
    }

    #[test]
    fn histories_agree_with_the_order_of_what_was_said() {
        let mut scene = Scene::with(&["ana", "bo", "cy"]);
        scene.say("ana", Target::General, "hola").unwrap();
        scene.say("ana", user("bo"), "psst").unwrap();
        scene.say("bo", user("ana"), "¿sí?").unwrap();
        scene.say("bo", Target::General, "hola ana").unwrap();
        assert_eq!(
            scene.history("cy", Target::General, None).unwrap(),
            ["1 ana: hola", "4 bo: hola ana"]
        );
        assert_eq!(
            scene.history("ana", user("bo"), None).unwrap(),
            ["2 ana: psst", "3 bo: ¿sí?"]
        );
        assert_eq!(
            scene.history("bo", user("ana"), Some(2)).unwrap(),
            ["3 bo: ¿sí?"]
        );
        assert_eq!(scene.history("cy", user("ana"), None), Ok(vec![]));
        assert_eq!(
            scene.history("cy", user("nobody"), None),
            Err(Refusal::NoSuchUser)
        );
        scene.leave("ana");
        assert_eq!(
            scene.history("bo", user("ana"), None).unwrap().len(),
            2,
            "the chat stays"
        );
    }

    #[test]
    fn a_message_carries_the_time_it_was_accepted() {
        let mut scene = Scene::with(&["ana"]);
        scene.wait(5);
        let delivery = scene.say("ana", Target::General, "hola").unwrap();
        let Notice::Said(message) = &delivery[0].1 else {
            panic!("{delivery:?}")
        };
        assert_eq!(message.at.to_string(), "2025-03-16T09:05:05Z");
    }

    #[test]
    fn an_active_user_who_sends_no_chat_turns_inactive() {
        let mut scene = Scene::with(&["ana"]);
        scene.wait(59);
        assert_eq!(scene.tick("ana"), None);
        scene.wait(1);
        assert_eq!(
            scene.tick("ana"),
            Some(vec![changed("ana", Status::Inactive)])
        );
        assert_eq!(scene.tick("ana"), None);
        assert_eq!(scene.state.inactivity_deadline(&name("ana")), None);
    }

    #[test]
    fn only_a_chat_message_moves_the_deadline() {
        let mut scene = Scene::with(&["ana"]);
        scene.wait(30);
        scene.online("ana");
        scene.say("ana", user("nobody"), "hola").unwrap_err();
        let deadline = scene.state.inactivity_deadline(&name("ana")).unwrap();
        assert_eq!(deadline, scene.now.instant + Duration::from_secs(30));
        scene.say("ana", user("ana"), "hola").unwrap();
        let deadline = scene.state.inactivity_deadline(&name("ana")).unwrap();
        assert_eq!(deadline, scene.now.instant + Duration::from_secs(60));
    }

    #[test]
    fn sending_a_chat_makes_inactive_active_and_that_is_told_first() {
        let mut scene = Scene::with(&["ana"]);
        scene.set("ana", "ana", 3).unwrap();
        let delivery = scene.say("ana", Target::General, "hola").unwrap();
        assert_eq!(delivery[0], changed("ana", Status::Active));
        assert!(matches!(delivery[1].1, Notice::Said(_)));
        assert_eq!(scene.say("ana", Target::General, "hola").unwrap().len(), 1);
    }

    #[test]
    fn busy_never_changes_by_itself() {
        let mut scene = Scene::with(&["ana", "bo"]);
        scene.set("ana", "ana", 2).unwrap();
        assert_eq!(scene.say("ana", Target::General, "hola").unwrap().len(), 1);
        scene.say("bo", user("ana"), "psst").unwrap();
        scene.wait(3_600);
        assert_eq!(scene.tick("ana"), None);
        assert_eq!(scene.status("ana"), Status::Busy);
        scene.set("ana", "ana", 1).unwrap();
        assert_eq!(
            scene.tick("ana"),
            None,
            "calling oneself active starts the clock"
        );
    }
}
