//! The rules of the board as a specification: one test each, through the doors of `State`.

use crate::hospital::events::{BedId, Command, Event, EventKind, HospitalId, Rejection};
use crate::hospital::state::{Bed, MAX_BEDS, MAX_HOSPITALS, State};

fn board(commands: &[Command]) -> State {
    let mut state = State::new();
    for command in commands {
        assert_eq!(
            state.execute(command.clone()).outcome,
            Ok(()),
            "{command:?}"
        );
    }
    state
}

fn create(name: &str) -> Command {
    Command::CreateHospital(name.to_owned())
}

fn create_bed(hospital: i32) -> Command {
    Command::CreateBed(HospitalId(hospital))
}

fn bed(state: &State, hospital: i32, bed: i32) -> Option<Bed> {
    state
        .hospitals
        .get(&HospitalId(hospital))?
        .beds
        .get(&BedId(bed))
        .copied()
}

#[test]
fn a_new_board_is_empty() {
    assert_eq!(State::new().hospitals().count(), 0);
}

#[test]
fn hospitals_count_from_1_in_the_order_they_come() {
    let state = board(&[create("Norte"), create("Sur")]);
    let seen: Vec<_> = state
        .hospitals()
        .map(|(id, h)| (id.0, h.name.as_str()))
        .collect();
    assert_eq!(seen, [(1, "Norte"), (2, "Sur")]);
}

#[test]
fn two_hospitals_may_have_the_same_name() {
    assert_eq!(
        board(&[create("Norte"), create("Norte")])
            .hospitals()
            .count(),
        2
    );
}

#[test]
fn a_hospital_id_is_never_used_again() {
    let state = board(&[
        create("a"),
        Command::DeleteHospital(HospitalId(1)),
        create("b"),
    ]);
    assert_eq!(
        state.hospitals().map(|(id, _)| id.0).collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn beds_count_from_1_over_all_hospitals_and_orders_count_per_hospital() {
    let state = board(&[
        create("a"),
        create("b"),
        create_bed(1),
        create_bed(2),
        create_bed(1),
    ]);
    assert_eq!(
        bed(&state, 1, 1),
        Some(Bed {
            occupied: false,
            order: 1
        })
    );
    assert_eq!(
        bed(&state, 2, 2),
        Some(Bed {
            occupied: false,
            order: 1
        })
    );
    assert_eq!(
        bed(&state, 1, 3),
        Some(Bed {
            occupied: false,
            order: 2
        })
    );
}

#[test]
fn neither_a_bed_id_nor_its_order_is_ever_used_again() {
    let state = board(&[
        create("a"),
        create_bed(1),
        Command::DeleteBed(BedId(1)),
        create_bed(1),
    ]);
    assert_eq!(bed(&state, 1, 1), None);
    assert_eq!(
        bed(&state, 1, 2),
        Some(Bed {
            occupied: false,
            order: 2
        })
    );
}

#[test]
fn occupying_twice_and_freeing_twice_is_fine() {
    let mut state = board(&[create("a"), create_bed(1)]);
    for (command, occupied) in [
        (Command::OccupyBed(BedId(1)), true),
        (Command::FreeBed(BedId(1)), false),
    ] {
        for _ in 0..2 {
            assert_eq!(state.execute(command.clone()).outcome, Ok(()));
            assert_eq!(bed(&state, 1, 1).map(|bed| bed.occupied), Some(occupied));
        }
    }
}

#[test]
fn a_hospital_takes_its_beds_with_it() {
    let mut state = board(&[
        create("a"),
        create("b"),
        create_bed(1),
        create_bed(2),
        create_bed(1),
    ]);
    state.execute(Command::DeleteHospital(HospitalId(1)));
    for gone in [1, 3] {
        let notice = state.execute(Command::OccupyBed(BedId(gone)));
        assert_eq!(notice.outcome, Err(Rejection::UnknownBed));
    }
    assert_eq!(state.execute(Command::OccupyBed(BedId(2))).outcome, Ok(()));
    assert_eq!(state.beds.len(), 1);
}

#[test]
fn unknown_ids_are_refused_and_change_nothing() {
    let mut state = board(&[create("a"), create_bed(1)]);
    let before = state.clone();
    for id in [0, -1, 2, i32::MAX, i32::MIN] {
        let (hospital, bed) = (HospitalId(id), BedId(id));
        for command in [
            Command::DeleteHospital(hospital),
            Command::CreateBed(hospital),
        ] {
            assert_eq!(
                state.execute(command).outcome,
                Err(Rejection::UnknownHospital)
            );
        }
        for command in [
            Command::DeleteBed(bed),
            Command::OccupyBed(bed),
            Command::FreeBed(bed),
        ] {
            assert_eq!(state.execute(command).outcome, Err(Rejection::UnknownBed));
        }
    }
    assert_eq!(state, before);
}

#[test]
fn a_name_has_1_to_255_bytes_and_no_control_characters() {
    let mut state = State::new();
    let long = "ñ".repeat(128);
    for bad in [
        "",
        " ",
        "\t",
        "\u{3000}",
        "a\nb",
        "\u{1b}[2J",
        "\0",
        "\u{85}x",
        &long,
    ] {
        assert_eq!(
            state.execute(create(bad)).outcome,
            Err(Rejection::BadName),
            "{bad:?}"
        );
    }
    let longest = "x".repeat(255);
    for good in ["a", " a ", "Clínica \"Ñandú\" <b>", "医院", &longest] {
        assert_eq!(state.execute(create(good)).outcome, Ok(()), "{good:?}");
    }
}

#[test]
fn a_refused_name_uses_up_no_id() {
    let mut state = State::new();
    state.execute(create(""));
    state.execute(create("a"));
    assert_eq!(
        state.hospitals().next().map(|(id, _)| id),
        Some(HospitalId(1))
    );
}

#[test]
fn the_board_is_bounded() {
    let mut state = board(&vec![create("a"); MAX_HOSPITALS]);
    assert_eq!(state.execute(create("b")).outcome, Err(Rejection::Full));
    for n in 0..MAX_BEDS {
        let hospital = i32::try_from(n % MAX_HOSPITALS).unwrap() + 1;
        assert_eq!(state.execute(create_bed(hospital)).outcome, Ok(()));
    }
    assert_eq!(state.execute(create_bed(1)).outcome, Err(Rejection::Full));
    // What goes makes room.
    state.execute(Command::DeleteHospital(HospitalId(1)));
    assert_eq!(state.execute(create("b")).outcome, Ok(()));
    assert_eq!(state.execute(create_bed(2)).outcome, Ok(()));
}

#[test]
fn when_the_numbers_run_out_the_board_is_full() {
    let mut state = State {
        last_hospital: i32::MAX - 1,
        last_bed: i32::MAX - 1,
        ..State::new()
    };
    let last = HospitalId(i32::MAX);
    assert_eq!(state.execute(create("last")).outcome, Ok(()));
    assert_eq!(state.execute(create("none")).outcome, Err(Rejection::Full));
    assert_eq!(state.execute(Command::CreateBed(last)).outcome, Ok(()));
    assert_eq!(
        state.execute(Command::CreateBed(last)).outcome,
        Err(Rejection::Full)
    );
}

#[test]
fn every_notice_names_its_subject_whatever_came_of_it() {
    let cases = [
        (create("a"), EventKind::HospitalCreated),
        (
            Command::DeleteHospital(HospitalId(1)),
            EventKind::HospitalDeleted,
        ),
        (create_bed(1), EventKind::BedCreated),
        (Command::DeleteBed(BedId(1)), EventKind::BedDeleted),
        (Command::OccupyBed(BedId(1)), EventKind::BedOccupied),
        (Command::FreeBed(BedId(1)), EventKind::BedFreed),
    ];
    for (command, kind) in cases {
        let full = board(&[create("a"), create_bed(1)]);
        let event = full.decide(command.clone()).unwrap();
        assert_eq!(event.kind(), kind);
        assert_eq!(full.clone().execute(command.clone()).kind, kind);
        assert_eq!(State::new().execute(command).kind, kind);
    }
}

#[test]
fn deciding_changes_nothing() {
    let state = board(&[create("a"), create_bed(1)]);
    let before = state.clone();
    let _ = state.decide(Command::DeleteHospital(HospitalId(1)));
    assert_eq!(state, before);
}

#[test]
fn the_same_events_make_the_same_board() {
    let commands = [
        create("a"),
        create_bed(1),
        create_bed(1),
        Command::OccupyBed(BedId(2)),
        create("b"),
    ];
    let (mut first, mut second) = (State::new(), State::new());
    for command in commands {
        let event = first.decide(command).unwrap();
        first.apply(event.clone());
        second.apply(event);
    }
    assert_eq!(first, second);
}

#[test]
fn an_event_about_something_that_is_gone_changes_nothing() {
    let mut state = board(&[create("a")]);
    let before = state.clone();
    for event in [
        Event::HospitalDeleted(HospitalId(9)),
        Event::BedDeleted(BedId(9)),
        Event::BedOccupied(BedId(9)),
    ] {
        state.apply(event);
    }
    assert_eq!(state, before);
    // A bed for a closed hospital stands nowhere, but its number is spent.
    state.apply(Event::BedCreated {
        id: BedId(7),
        hospital: HospitalId(9),
        order: 1,
    });
    assert!(state.beds.is_empty());
    let next = state.decide(create_bed(1));
    assert_eq!(
        next,
        Ok(Event::BedCreated {
            id: BedId(8),
            hospital: HospitalId(1),
            order: 1
        })
    );
}
