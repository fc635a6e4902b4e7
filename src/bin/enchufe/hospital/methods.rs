//! The methods of the hub, by the names its clients know: calls become commands, notices become
//! invocations of the clients. The only place where those names are written.

use std::fmt::Write;

use crate::hospital::events::{BedId, Command, EventKind, HospitalId, Notice};
use crate::hospital::state::State;
use crate::signalr::messages::{self, CallError, Invocation};

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// To see the whole board.
    View,
    /// To change it.
    Change(Command),
}

/// Finds the method of an invocation and takes its arguments. Names match without regard to case;
/// a number must be whole and fit an `i32`, as the hub's methods declare it.
///
/// # Errors
/// Says why it cannot be called.
pub fn call(invocation: Invocation<'_>) -> Result<Call, CallError> {
    let target = invocation.target;
    let (_, method) = METHODS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&target))
        .ok_or(CallError::UnknownMethod)?;
    if invocation.streaming {
        // "Errors": a method with a single result, called as a stream, completes with an error.
        return Err(CallError::NoStream);
    }
    let arguments = invocation.arguments.ok_or(CallError::WrongArguments)?;
    let found = match (method, arguments.as_slice()) {
        (Method::View, []) => Some(Call::View),
        (Method::Text(command), [text]) => text
            .text()
            .map(|text| Call::Change(command(text.into_owned()))),
        (Method::Number(command), [number]) => {
            number.whole().map(|number| Call::Change(command(number)))
        }
        _ => None,
    };
    found.ok_or(CallError::WrongArguments)
}

/// What everybody is told after a change, and after one that was refused: 0 or -1.
pub fn notice(notice: &Notice) -> String {
    let target = match notice.kind {
        EventKind::HospitalCreated => "HospitalCreado",
        EventKind::HospitalDeleted => "HospitalEliminado",
        EventKind::BedCreated => "CamaCreada",
        EventKind::BedDeleted => "CamaEliminada",
        EventKind::BedOccupied => "CamaOcupada",
        EventKind::BedFreed => "CamaDesocupada",
    };
    messages::invocation(target, if notice.outcome.is_ok() { "0" } else { "-1" })
}

/// The whole board, for one viewer.
pub fn view(state: &State) -> String {
    messages::invocation("EstadoRecibido", &board(state))
}

/// `[{"id","nombre","camas":[{"id","estaOcupado","orden","hospital":null}]}]`. Written straight into
/// one string: this is the one large record, and every change makes every viewer ask for it.
fn board(state: &State) -> String {
    let mut out = String::from("[");
    for (id, hospital) in state.hospitals() {
        separate(&mut out);
        let name = serde_json::Value::from(hospital.name.as_str());
        // Writing to a string cannot fail, here and below.
        let _ = write!(out, r#"{{"id":{},"nombre":{name},"camas":["#, id.0);
        for (id, bed) in &hospital.beds {
            separate(&mut out);
            let (id, occupied, order) = (id.0, bed.occupied, bed.order);
            let _ = write!(
                out,
                r#"{{"id":{id},"estaOcupado":{occupied},"orden":{order},"hospital":null}}"#
            );
        }
        out.push_str("]}");
    }
    out.push(']');
    out
}

fn separate(out: &mut String) {
    if !out.ends_with('[') {
        out.push(',');
    }
}

/// How a method is called.
#[derive(Clone, Copy)]
enum Method {
    View,
    Text(fn(String) -> Command),
    Number(fn(i32) -> Command),
}

const METHODS: [(&str, Method); 7] = [
    ("VerEstadoActual", Method::View),
    ("CrearHospital", Method::Text(Command::CreateHospital)),
    (
        "EliminarHospital",
        Method::Number(|id| Command::DeleteHospital(HospitalId(id))),
    ),
    (
        "CrearCama",
        Method::Number(|id| Command::CreateBed(HospitalId(id))),
    ),
    (
        "EliminarCama",
        Method::Number(|id| Command::DeleteBed(BedId(id))),
    ),
    (
        "OcuparCama",
        Method::Number(|id| Command::OccupyBed(BedId(id))),
    ),
    (
        "DesocuparCama",
        Method::Number(|id| Command::FreeBed(BedId(id))),
    ),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hospital::events::Rejection;
    use crate::hospital::state::{MAX_BEDS, MAX_HOSPITALS, MAX_NAME};
    use crate::json;

    fn invoke(target: &str, arguments: serde_json::Value) -> Result<Call, CallError> {
        invoke_with(target, &arguments.to_string())
    }

    fn invoke_with(target: &str, arguments: &str) -> Result<Call, CallError> {
        call(Invocation {
            id: None,
            target: target.into(),
            arguments: Some(json::parse(arguments, 9).unwrap().array().unwrap()),
            streaming: false,
        })
    }

    #[test]
    fn the_seven_methods_become_commands() {
        let hospital = HospitalId(3);
        let bed = BedId(3);
        let cases = [
            ("VerEstadoActual", json!([]), Call::View),
            (
                "CrearHospital",
                json!(["Norte"]),
                Call::Change(Command::CreateHospital("Norte".into())),
            ),
            (
                "EliminarHospital",
                json!([3]),
                Call::Change(Command::DeleteHospital(hospital)),
            ),
            (
                "CrearCama",
                json!([3]),
                Call::Change(Command::CreateBed(hospital)),
            ),
            (
                "EliminarCama",
                json!([3]),
                Call::Change(Command::DeleteBed(bed)),
            ),
            (
                "OcuparCama",
                json!([3]),
                Call::Change(Command::OccupyBed(bed)),
            ),
            (
                "DesocuparCama",
                json!([3]),
                Call::Change(Command::FreeBed(bed)),
            ),
        ];
        for (target, arguments, expected) in cases {
            for target in [
                target.to_owned(),
                target.to_lowercase(),
                target.to_uppercase(),
            ] {
                assert_eq!(
                    invoke(&target, arguments.clone()),
                    Ok(expected.clone()),
                    "{target}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_method_is_refused_whatever_its_arguments() {
        for target in [
            "",
            "VerEstado",
            "VerEstadoActual ",
            "constructor",
            "EstadoRecibido",
            "VerEstadoActual\0",
        ] {
            assert_eq!(
                invoke(target, json!([])),
                Err(CallError::UnknownMethod),
                "{target:?}"
            );
        }
    }

    #[test]
    fn a_wrong_number_of_arguments_is_refused() {
        for (target, _) in METHODS {
            assert_eq!(
                invoke(target, json!([1, 2])),
                Err(CallError::WrongArguments),
                "{target}"
            );
            assert_eq!(
                invoke(target, json!(["a", "b"])),
                Err(CallError::WrongArguments),
                "{target}"
            );
        }
        assert_eq!(
            invoke("VerEstadoActual", json!([null])),
            Err(CallError::WrongArguments)
        );
        for (target, _) in &METHODS[1..] {
            assert_eq!(
                invoke(target, json!([])),
                Err(CallError::WrongArguments),
                "{target}"
            );
        }
    }

    #[test]
    fn a_wrong_type_of_argument_is_refused() {
        for wrong in [json!(1), json!(null), json!(true), json!({}), json!(["a"])] {
            assert_eq!(
                invoke("CrearHospital", json!([wrong])),
                Err(CallError::WrongArguments),
                "{wrong}"
            );
        }
        for wrong in [json!("1"), json!(null), json!(true), json!({}), json!([1])] {
            assert_eq!(
                invoke("CrearCama", json!([wrong])),
                Err(CallError::WrongArguments),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_number_is_whole_and_fits_32_bits() {
        let numbers = [
            "1.5",
            "1.0",
            "1e0",
            "2147483648",
            "-2147483649",
            "9223372036854775808",
            "1e300",
        ];
        for wrong in numbers {
            assert_eq!(
                invoke_with("CrearCama", &format!("[{wrong}]")),
                Err(CallError::WrongArguments),
                "{wrong}"
            );
        }
        for right in [0, -1, i32::MAX, i32::MIN] {
            let expected = Ok(Call::Change(Command::CreateBed(HospitalId(right))));
            assert_eq!(invoke("CrearCama", json!([right])), expected);
        }
    }

    #[test]
    fn a_method_called_as_a_stream_or_without_an_array_is_refused() {
        let streaming = Invocation {
            id: None,
            target: "CrearCama".into(),
            arguments: None,
            streaming: true,
        };
        assert_eq!(call(streaming.clone()), Err(CallError::NoStream));
        assert_eq!(
            call(Invocation {
                streaming: false,
                ..streaming
            }),
            Err(CallError::WrongArguments)
        );
    }

    #[test]
    fn every_notice_is_an_event_with_0_or_minus_1() {
        let events = [
            (EventKind::HospitalCreated, "HospitalCreado"),
            (EventKind::HospitalDeleted, "HospitalEliminado"),
            (EventKind::BedCreated, "CamaCreada"),
            (EventKind::BedDeleted, "CamaEliminada"),
            (EventKind::BedOccupied, "CamaOcupada"),
            (EventKind::BedFreed, "CamaDesocupada"),
        ];
        for (kind, event) in events {
            for (outcome, result) in [(Ok(()), 0), (Err(Rejection::UnknownBed), -1)] {
                let expected =
                    format!("{{\"type\":1,\"target\":\"{event}\",\"arguments\":[{result}]}}\x1e");
                assert_eq!(notice(&Notice { kind, outcome }), expected);
            }
        }
    }

    #[test]
    fn the_board_is_one_argument_of_estado_recibido() {
        let mut state = State::new();
        let empty = "{\"type\":1,\"target\":\"EstadoRecibido\",\"arguments\":[[]]}\x1e";
        assert_eq!(view(&state), empty);
        for command in [
            Command::CreateHospital("Clínica \"Sur\" \u{2028}\\".into()),
            Command::CreateHospital("B".into()),
            Command::CreateBed(HospitalId(1)),
            Command::CreateBed(HospitalId(1)),
            Command::OccupyBed(BedId(2)),
        ] {
            state.execute(command);
        }
        let expected = json!([
            { "id": 1, "nombre": "Clínica \"Sur\" \u{2028}\\", "camas": [
                { "id": 1, "estaOcupado": false, "orden": 1, "hospital": null },
                { "id": 2, "estaOcupado": true, "orden": 2, "hospital": null },
            ] },
            { "id": 2, "nombre": "B", "camas": [] },
        ]);
        assert_eq!(board(&state), expected.to_string());
    }

    #[test]
    fn the_fullest_board_fits_into_an_out_queue_of_1_mib() {
        let mut state = State::new();
        for _ in 0..MAX_HOSPITALS {
            state.execute(Command::CreateHospital("\"".repeat(MAX_NAME)));
        }
        for _ in 0..MAX_BEDS {
            state.execute(Command::CreateBed(HospitalId(1)));
        }
        // Ids have up to 10 digits: at most 9 more for each of them than here, and for an order.
        let longest = view(&state).len() + 9 * (MAX_HOSPITALS + 2 * MAX_BEDS);
        assert!(longest < 1024 * 1024, "{longest}");
    }
}
