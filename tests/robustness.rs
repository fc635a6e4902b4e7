//! `tests/ROBUSTNESS.md` names tests that exist, and leaves no row out.

use std::fs;
use std::path::Path;

#[test]
fn every_test_in_the_table_exists() {
    let mut named = 0;
    // Code spans are the odd pieces between backticks.
    for name in table().split('`').skip(1).step_by(2) {
        let Some((file, test)) = name.split_once("::") else {
            continue;
        };
        if test == "TEST" {
            continue; // where the form of a name is explained
        }
        let source = ["tests", "src"].iter().find_map(|folder| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(folder)
                .join(file);
            fs::read_to_string(path).ok()
        });
        let source = source.unwrap_or_else(|| panic!("there is no {file}, of {name}"));
        let is_there = source.contains(&format!("fn {test}("));
        assert!(is_there, "there is no test {name}");
        named += 1;
    }
    assert!(named > 100, "{named} names: are they still written so?");
}

#[test]
fn every_row_is_there_once_and_says_how_it_stands() {
    let table = table();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.get(1).is_some_and(|cell| cell.parse::<u32>().is_ok()))
        .collect();
    let numbers: Vec<u32> = rows
        .iter()
        .filter_map(|cells| cells[1].parse().ok())
        .collect();
    let expected: Vec<u32> = (1..=75).filter(|number| *number != 74).collect(); // no attack has the number 74
    assert_eq!(numbers, expected);
    for cells in rows {
        let [_, number, _, tests, state, _] = cells[..] else {
            panic!("{cells:?} has not four columns");
        };
        let known = ["tested", "in part", "not built"]
            .iter()
            .any(|it| state.starts_with(it));
        assert!(known, "row {number}: {state}");
        assert_eq!(tests.is_empty(), state == "not built", "row {number}");
    }
}

fn table() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ROBUSTNESS.md");
    fs::read_to_string(path).expect("the table")
}
