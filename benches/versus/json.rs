//! Every figure of every round, for a closer look. Written by hand: names and numbers need no library.

use std::fmt::Write;

use crate::cells::Cell;
use crate::run::{Figures, Machine, Results, compiler};

pub(crate) fn all(cells: &[Cell], results: &Results, machine: &Machine) -> String {
    let mut text = String::from("{\n");
    let _ = writeln!(text, "  \"processor\": {},", string(&machine.processor));
    let _ = writeln!(text, "  \"processors\": {},", machine.processors.len());
    let _ = writeln!(text, "  \"kernel\": {},", string(&machine.kernel));
    let _ = writeln!(text, "  \"compiler\": {},", string(&compiler()));
    text.push_str("  \"cells\": [\n");
    let mut separator = "";
    for cell in cells {
        for peer in results.peers(&cell.name) {
            let rounds: Vec<String> = results
                .rounds(&cell.name, peer)
                .iter()
                .map(object)
                .collect();
            let _ = write!(
                text,
                "{separator}    {{\"cell\": {}, \"server\": {}, \"rounds\": [{}]}}",
                string(&cell.name),
                string(peer),
                rounds.join(", ")
            );
            separator = ",\n";
        }
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn object(figures: &Figures) -> String {
    let pairs: Vec<String> = figures
        .iter()
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| format!("{}: {value}", string(name)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
