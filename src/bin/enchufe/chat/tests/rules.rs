//! The rules of the chat: a test for each, on the functions of `State`.

use std::time::{Duration, Instant};

use crate::chat::domain::command::{Command, Query, Rejection, Target};
use crate::chat::domain::event::{Audience, Delivery, Notice};
use crate::chat::domain::message::Message;
use crate::chat::domain::name::Name;
use crate::chat::domain::state::{ChatSettings, State};
use crate::chat::domain::status::Status;
use crate::chat::domain::time::{Now, Timestamp};

/// A chat with a fake clock.
struct Fixture {
    state: State,
    now: Now,
}

impl Fixture {
    fn with(users: &[&str]) -> Self {
        let now = Now {
            instant: Instant::now(),
            timestamp: Timestamp(1_742_115_900_000),
        };
        let mut fixture = Self {
            state: State::new(ChatSettings::default()),
            now,
        };
        for user in users {
            fixture.connect(user);
        }
        fixture
    }

    fn connect(&mut self, user: &str) -> Delivery {
        self.run(user, Command::Reserve).unwrap();
        self.run(
            user,
            Command::Connect {
                address: "10.0.0.1",
            },
        )
        .unwrap()
    }

    fn run(&mut self, user: &str, command: Command<'_>) -> Result<Delivery, Rejection> {
        let event = self.state.decide(&name(user), command, self.now)?;
        Ok(self.state.apply(event, self.now))
    }

    fn send(&mut self, user: &str, to: Target<'_>, text: &str) -> Result<Delivery, Rejection> {
        self.run(
            user,
            Command::Send {
                to,
                text: text.as_bytes(),
            },
        )
    }

    fn set_status(&mut self, user: &str, of: &str, status: u8) -> Result<Delivery, Rejection> {
        let status = Status::from_number(status);
        self.run(
            user,
            Command::ChangeStatus {
                name: of.as_bytes(),
                status,
            },
        )
    }

    fn leave(&mut self, user: &str) -> Delivery {
        self.run(user, Command::Leave { notify_self: false })
            .unwrap()
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
        match self.state.answer(&name(of), Query::User(of.as_bytes())) {
            Ok(Notice::User { status, .. }) => status,
            other => panic!("{other:?}"),
        }
    }

    fn history(
        &self,
        user: &str,
        of: Target<'_>,
        after: Option<u64>,
    ) -> Result<Vec<String>, Rejection> {
        match self
            .state
            .answer(&name(user), Query::History { of, after })?
        {
            Notice::History { messages, .. } => Ok(messages.iter().map(format_message).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn advance(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.timestamp.0 += 1_000 * seconds;
    }

    fn tick(&mut self, user: &str) -> Option<Delivery> {
        let event = self.state.tick(&name(user), self.now)?;
        Some(self.state.apply(event, self.now))
    }
}

fn name(name: &str) -> Name {
    Name::parse(name.as_bytes()).unwrap()
}

fn user(name: &str) -> Target<'_> {
    Target::User(name.as_bytes())
}

fn format_message(message: &Message) -> String {
    format!(
        "{} {}: {}",
        message.sequence,
        message.from,
        String::from_utf8_lossy(&message.text)
    )
}

fn status_changed(user: &str, status: Status) -> (Audience, Notice) {
    (
        Audience::All,
        Notice::StatusChanged {
            name: name(user),
            status,
        },
    )
}

#[test]
fn a_name_is_reserved_once_until_it_is_released() {
    let mut fixture = Fixture::with(&[]);
    assert_eq!(fixture.run("ana", Command::Reserve), Ok(vec![]));
    assert_eq!(
        fixture.run("ana", Command::Reserve),
        Err(Rejection::NameTaken)
    );
    assert_eq!(fixture.run("ana", Command::Release), Ok(vec![]));
    assert_eq!(
        fixture.run("ana", Command::Release),
        Err(Rejection::InvalidState)
    );
    assert_eq!(fixture.run("ana", Command::Reserve), Ok(vec![]));
}

#[test]
fn a_reserved_name_is_not_a_user_yet() {
    let mut fixture = Fixture::with(&["bo"]);
    fixture.run("ana", Command::Reserve).unwrap();
    assert_eq!(fixture.online("bo"), ["bo"]);
    assert_eq!(
        fixture.state.answer(&name("bo"), Query::User(b"ana")),
        Err(Rejection::NoSuchUser)
    );
    fixture.run("ana", Command::Release).unwrap();
    let joined = Notice::Joined {
        name: name("ana"),
        new: true,
    };
    assert_eq!(
        fixture.connect("ana"),
        [(Audience::Except(name("ana")), joined)]
    );
}

#[test]
fn the_name_of_a_connected_user_cannot_be_reserved() {
    let mut fixture = Fixture::with(&["ana"]);
    assert_eq!(
        fixture.run("ana", Command::Reserve),
        Err(Rejection::NameTaken)
    );
    fixture.set_status("ana", "ana", 0).unwrap();
    assert_eq!(
        fixture.run("ana", Command::Reserve),
        Err(Rejection::NameTaken)
    );
    fixture.leave("ana");
    assert_eq!(fixture.run("ana", Command::Reserve), Ok(vec![]));
}

#[test]
fn a_user_who_is_not_connected_can_do_nothing() {
    let mut fixture = Fixture::with(&["bo"]);
    let connect = Command::Connect { address: "" };
    assert_eq!(fixture.run("ana", connect), Err(Rejection::InvalidState));
    assert_eq!(
        fixture.run("ana", Command::Leave { notify_self: true }),
        Err(Rejection::InvalidState)
    );
    assert_eq!(
        fixture.send("ana", Target::General, "hola"),
        Err(Rejection::InvalidState)
    );
    assert_eq!(
        fixture.set_status("ana", "ana", 1),
        Err(Rejection::InvalidState)
    );
    assert_eq!(
        fixture.state.answer(&name("ana"), Query::Users),
        Err(Rejection::InvalidState)
    );
}

#[test]
fn the_others_are_notified_of_users_who_connect_return_and_leave() {
    let mut fixture = Fixture::with(&["bo"]);
    let joined = |new| {
        (
            Audience::Except(name("ana")),
            Notice::Joined {
                name: name("ana"),
                new,
            },
        )
    };
    assert_eq!(fixture.connect("ana"), [joined(true)]);
    let left = (Audience::Except(name("ana")), Notice::Left(name("ana")));
    assert_eq!(fixture.leave("ana"), [left]);
    assert_eq!(fixture.connect("ana"), [joined(false)]);
    let left = fixture.run("ana", Command::Leave { notify_self: true });
    assert_eq!(left, Ok(vec![(Audience::All, Notice::Left(name("ana")))]));
}

#[test]
fn a_user_who_left_is_known_with_status_0() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    fixture.set_status("ana", "ana", 2).unwrap();
    fixture.leave("ana");
    assert_eq!(fixture.online("bo"), ["bo"]);
    let notice = fixture.state.answer(&name("bo"), Query::User(b"ana"));
    let (status, address) = (Status::Disconnected, "10.0.0.1".into());
    assert_eq!(
        notice,
        Ok(Notice::User {
            name: name("ana"),
            status,
            address
        })
    );
    fixture.connect("ana");
    assert_eq!(fixture.status("ana"), Status::Active);
}

#[test]
fn an_invalid_status_is_rejected_before_the_name_is_checked() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    assert_eq!(
        fixture.set_status("ana", "nobody", 4),
        Err(Rejection::InvalidStatus)
    );
    assert_eq!(
        fixture.set_status("ana", "nobody", 3),
        Err(Rejection::NoSuchUser)
    );
    assert_eq!(
        fixture.set_status("ana", "~", 3),
        Err(Rejection::NoSuchUser)
    );
    assert_eq!(
        fixture.set_status("ana", "bo", 3),
        Err(Rejection::InvalidStatus)
    );
    assert_eq!(
        fixture.set_status("ana", "ana", 3),
        Ok(vec![status_changed("ana", Status::Inactive)])
    );
}

#[test]
fn setting_the_same_status_notifies_too() {
    let mut fixture = Fixture::with(&["ana"]);
    assert_eq!(
        fixture.set_status("ana", "ana", 1),
        Ok(vec![status_changed("ana", Status::Active)])
    );
    assert_eq!(
        fixture.set_status("ana", "ana", 1),
        Ok(vec![status_changed("ana", Status::Active)])
    );
}

#[test]
fn a_user_with_status_0_appears_offline_but_can_do_everything() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    fixture.set_status("ana", "ana", 0).unwrap();
    assert_eq!(fixture.online("bo"), ["bo"]);
    assert_eq!(fixture.online("ana"), ["ana", "bo"]);
    assert_eq!(
        fixture.send("bo", user("ana"), "psst"),
        Err(Rejection::RecipientDisconnected)
    );
    assert_eq!(
        fixture.send("ana", user("ana"), "psst"),
        Err(Rejection::RecipientDisconnected)
    );
    let delivery = fixture.send("ana", Target::General, "hola").unwrap();
    assert_eq!(delivery.len(), 1, "a message does not change status 0");
    fixture.send("ana", user("bo"), "psst").unwrap();
    assert_eq!(fixture.status("ana"), Status::Disconnected);
    fixture.set_status("ana", "ana", 2).unwrap();
    assert_eq!(fixture.online("bo"), ["ana", "bo"]);
    fixture.send("bo", user("ana"), "psst").unwrap();
}

#[test]
fn a_message_is_sent_to_all_to_two_users_or_to_oneself() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    let mut audience = |to| fixture.send("ana", to, "hola").unwrap().remove(0).0;
    assert_eq!(audience(Target::General), Audience::All);
    assert_eq!(
        audience(user("bo")),
        Audience::Both(name("ana"), name("bo"))
    );
    assert_eq!(audience(user("ana")), Audience::Only(name("ana")));
}

#[test]
fn a_message_without_text_is_rejected_before_the_recipient_is_checked() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    assert_eq!(
        fixture.send("ana", user("nobody"), ""),
        Err(Rejection::EmptyMessage)
    );
    assert_eq!(
        fixture.send("ana", user("nobody"), "a"),
        Err(Rejection::RecipientDisconnected)
    );
    fixture.leave("bo");
    assert_eq!(
        fixture.send("ana", user("bo"), "a"),
        Err(Rejection::RecipientDisconnected)
    );
    assert_eq!(
        fixture.history("ana", user("bo"), None),
        Ok(vec![]),
        "nothing is stored"
    );
}

#[test]
fn histories_have_the_order_of_the_messages() {
    let mut fixture = Fixture::with(&["ana", "bo", "cy"]);
    fixture.send("ana", Target::General, "hola").unwrap();
    fixture.send("ana", user("bo"), "psst").unwrap();
    fixture.send("bo", user("ana"), "¿sí?").unwrap();
    fixture.send("bo", Target::General, "hola ana").unwrap();
    assert_eq!(
        fixture.history("cy", Target::General, None).unwrap(),
        ["1 ana: hola", "4 bo: hola ana"]
    );
    assert_eq!(
        fixture.history("ana", user("bo"), None).unwrap(),
        ["2 ana: psst", "3 bo: ¿sí?"]
    );
    assert_eq!(
        fixture.history("bo", user("ana"), Some(2)).unwrap(),
        ["3 bo: ¿sí?"]
    );
    assert_eq!(fixture.history("cy", user("ana"), None), Ok(vec![]));
    assert_eq!(
        fixture.history("cy", user("nobody"), None),
        Err(Rejection::NoSuchUser)
    );
    fixture.leave("ana");
    assert_eq!(
        fixture.history("bo", user("ana"), None).unwrap().len(),
        2,
        "the history remains"
    );
}

#[test]
fn a_message_has_the_time_at_which_it_was_accepted() {
    let mut fixture = Fixture::with(&["ana"]);
    fixture.advance(5);
    let delivery = fixture.send("ana", Target::General, "hola").unwrap();
    let Notice::Message(message) = &delivery[0].1 else {
        panic!("{delivery:?}")
    };
    assert_eq!(message.at.to_string(), "2025-03-16T09:05:05Z");
}

#[test]
fn an_active_user_who_sends_no_message_becomes_inactive() {
    let mut fixture = Fixture::with(&["ana"]);
    fixture.advance(59);
    assert_eq!(fixture.tick("ana"), None);
    fixture.advance(1);
    assert_eq!(
        fixture.tick("ana"),
        Some(vec![status_changed("ana", Status::Inactive)])
    );
    assert_eq!(fixture.tick("ana"), None);
    assert_eq!(fixture.state.inactivity_deadline(&name("ana")), None);
}

#[test]
fn only_a_message_moves_the_deadline() {
    let mut fixture = Fixture::with(&["ana"]);
    fixture.advance(30);
    fixture.online("ana");
    fixture.send("ana", user("nobody"), "hola").unwrap_err();
    let deadline = fixture.state.inactivity_deadline(&name("ana")).unwrap();
    assert_eq!(deadline, fixture.now.instant + Duration::from_secs(30));
    fixture.send("ana", user("ana"), "hola").unwrap();
    let deadline = fixture.state.inactivity_deadline(&name("ana")).unwrap();
    assert_eq!(deadline, fixture.now.instant + Duration::from_secs(60));
}

#[test]
fn a_message_makes_an_inactive_user_active_and_the_status_is_notified_first() {
    let mut fixture = Fixture::with(&["ana"]);
    fixture.set_status("ana", "ana", 3).unwrap();
    let delivery = fixture.send("ana", Target::General, "hola").unwrap();
    assert_eq!(delivery[0], status_changed("ana", Status::Active));
    assert!(matches!(delivery[1].1, Notice::Message(_)));
    assert_eq!(
        fixture.send("ana", Target::General, "hola").unwrap().len(),
        1
    );
}

#[test]
fn busy_does_not_change_by_itself() {
    let mut fixture = Fixture::with(&["ana", "bo"]);
    fixture.set_status("ana", "ana", 2).unwrap();
    assert_eq!(
        fixture.send("ana", Target::General, "hola").unwrap().len(),
        1
    );
    fixture.send("bo", user("ana"), "psst").unwrap();
    fixture.advance(3_600);
    assert_eq!(fixture.tick("ana"), None);
    assert_eq!(fixture.status("ana"), Status::Busy);
    fixture.set_status("ana", "ana", 1).unwrap();
    assert_eq!(
        fixture.tick("ana"),
        None,
        "setting the status to active starts the time"
    );
}
