use std::collections::{BTreeMap, BTreeSet};

use super::tree::{CRATES, read, sources};

/// Hazards that are numbered; each has exactly one row.
const HAZARDS: u32 = 35;

/// One row of the table in SAFETY.md.
struct Row {
    number: u32,
    state: String,
    tests: BTreeSet<String>,
}

/// The rows: `| H1 | hazard | state | tests |`.
fn rows(text: &str) -> Vec<Row> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    text.lines()
        .filter(|line| line.starts_with("| H"))
        .map(|line| {
            let cells = cells(line);
            assert_eq!(cells.len(), 4, "a row has four cells: {line}");
            let number = cells[0].trim_start_matches('H').parse().unwrap_or_else(|_| panic!("no number: {line}"));
            let tests = cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Row { number, state: cells[2].clone(), tests }
        })
        .collect()
}

/// Every test of the sources, by name: what follows `#[test]`.
fn tests_of_the_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in CRATES.iter().flat_map(|name| sources(name)) {
        let mut is_test = false;
        for line in source.text.lines().map(str::trim) {
            if line == "#[test]" {
                is_test = true;
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
                is_test = false;
            }
        }
    }
    found
}

/// Hazards that a test's name carries: `h7_h35_…` carries 7 and 35.
fn carried(name: &str) -> BTreeSet<u32> {
    name.split('_').map_while(|part| part.strip_prefix('h')?.parse().ok()).collect()
}

#[test]
fn every_hazard_has_a_row_and_every_row_a_test_or_a_reason() {
    let rows = rows(&read("SAFETY.md"));
    let numbers: Vec<u32> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=HAZARDS).collect::<Vec<_>>(), "one row for each hazard, in order");
    for row in &rows {
        let reasoned = ["absent: ", "does not apply: "].iter().any(|word| row.state.starts_with(word));
        let shown = row.state.starts_with("shown") || row.state.starts_with("partly: ");
        assert!(reasoned != shown, "H{}: `{}` says neither shown, partly, absent nor why not", row.number, row.state);
        assert!(reasoned == row.tests.is_empty(), "H{}: a row that is shown names tests, another none", row.number);
    }
}

#[test]
fn every_test_named_in_the_table_exists_and_carries_the_number_of_its_row() {
    let existing = tests_of_the_sources();
    assert!(existing.len() > 300, "only {} tests were seen", existing.len());
    for row in rows(&read("SAFETY.md")) {
        for test in &row.tests {
            assert!(existing.contains(test), "H{}: there is no test `{test}`", row.number);
            assert!(carried(test).contains(&row.number), "H{}: `{test}` does not carry the number", row.number);
        }
    }
}

#[test]
fn every_test_that_carries_a_number_is_listed_in_its_row() {
    let listed: BTreeMap<u32, BTreeSet<String>> =
        rows(&read("SAFETY.md")).into_iter().map(|row| (row.number, row.tests)).collect();
    for test in tests_of_the_sources() {
        for number in carried(&test) {
            let row = listed.get(&number).unwrap_or_else(|| panic!("`{test}` carries H{number}, which has no row"));
            assert!(row.contains(&test), "`{test}` is missing in the row of H{number}");
        }
    }
}

#[test]
fn names_and_rows_are_understood() {
    assert_eq!(carried("h7_h35_a_dead_cloud"), BTreeSet::from([7, 35]));
    assert!(carried("hostile_files").is_empty() && carried("height_2").is_empty());
    let row = &rows("| H3 | forged | shown | `h3_a`, `h3_b` |")[0];
    assert_eq!((row.number, row.state.as_str(), row.tests.len()), (3, "shown", 2));
}
