use super::tree::{CRATES, Source, sources};

/// Longest file with its tests, and longest function, in lines (STYLE.md, 17).
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Files and functions that are longer, with the length they may not exceed. May only shrink.
const LONGER_FILES: &[(&str, usize)] = &[];
const LONGER_FUNCTIONS: &[(&str, usize)] = &[];

fn all() -> Vec<Source> {
    CRATES.iter().flat_map(|name| sources(name)).collect()
}

#[test]
fn files_have_one_reason_to_change_and_fit_their_length() {
    for source in all() {
        let lines = source.text.lines().count();
        let permitted =
            LONGER_FILES.iter().find(|(path, _)| *path == source.path).map_or(FILE_LINES_MAX, |(_, max)| *max);
        assert!(lines <= permitted, "{} has {lines} lines, more than {permitted}", source.path);
    }
}

#[test]
fn functions_fit_a_screen() {
    for source in all() {
        for (name, lines) in functions(&source.text) {
            let key = format!("{}::{name}", source.path);
            let permitted =
                LONGER_FUNCTIONS.iter().find(|(known, _)| *known == key).map_or(FUNCTION_LINES_MAX, |(_, max)| *max);
            assert!(lines <= permitted, "{key} has {lines} lines, more than {permitted}");
        }
    }
}

/// Names and lengths of functions: from the line of `fn` to the closing brace in the same column.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let after_qualifiers = ["pub ", "pub(crate) ", "pub(super) ", "const ", "async "]
            .iter()
            .fold(trimmed, |rest, qualifier| rest.strip_prefix(qualifier).unwrap_or(rest));
        let Some(rest) = after_qualifiers.strip_prefix("fn ") else { continue };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let closing = format!("{}}}", " ".repeat(line.len() - trimmed.len()));
        if line.ends_with(';') || line.ends_with('}') {
            continue;
        }
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((name, length + 1));
        }
    }
    found
}

#[test]
fn the_function_counter_counts() {
    let text = "impl A {\n    pub fn one(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n    fn two(&self);\n}\n";
    assert_eq!(functions(text), [("one".to_owned(), 5)]);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let marks = ["todo!(", "unimplemented!(", "#[ignore", "#[should_panic", "thread::sleep("];
    for source in all().iter().filter(|source| !source.path.contains("tests/house/")) {
        let code: String = source.text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
        for mark in marks {
            let waits_by_duty = mark == "thread::sleep(" && is_real_time(&source.path);
            assert!(waits_by_duty || !code.contains(mark), "{} holds {mark}", source.path);
        }
        assert!(!source.code().contains(".unwrap()"), "{} holds unwrap()", source.path);
    }
}

/// Rooms that pace real time or wait for real processes.
fn is_real_time(path: &str) -> bool {
    [
        "edge-agent/src/shell",
        "cloud-sim/src/shell",
        "firmware-bridge/src/link",
        "firmware-bridge/examples",
        "benches/benches",
        "benches/src/handoff",
        "scenarios/src/run",
    ]
    .iter()
    .any(|room| path.starts_with(room))
}

#[test]
fn no_path_of_one_machine_and_no_registry_host_is_named() {
    // Put together here, so that this file does not name them either.
    let marks =
        [["/wo", "rk/"], ["/ro", "ot/"], ["crates", ".io"], ["py", "pi."], ["npm", "js."]].map(|part| part.concat());
    for source in all() {
        for mark in &marks {
            assert!(!source.text.contains(mark.as_str()), "{} names {mark}", source.path);
        }
    }
}
