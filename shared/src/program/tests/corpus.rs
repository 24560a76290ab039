//! Real programs, where they are at hand.

use super::*;

/// The bytes of a program of the corpus; `None`, loudly, where the folder is absent. Continuous integration
/// must have it.
pub(super) fn corpus(file: &str) -> Option<Vec<u8>> {
    let path = format!("{}/../../shared/corpus/{file}", env!("CARGO_MANIFEST_DIR"));
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {file}");
        #[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: the corpus is not at hand: {file}");
        }
    }
    found
}

pub(super) fn no_table() -> Options {
    Options { tool_lengths_mm: BTreeMap::new(), tool_diameters_mm: BTreeMap::new(), ..options(Dialect::Auto) }
}

/// Program, dialect, operations, errors.
pub(super) const PROGRAMS: [(&str, Dialect, usize, usize); 15] = [
    ("spinner-u5/u5_keychain.mpf", Dialect::Siemens, 597, 0),
    ("nist/nist_box_op2_front.nc", Dialect::Fanuc, 1191, 0),
    ("nist/nist_cover.nc", Dialect::Fanuc, 1466, 0),
    ("nist/nist_d2mi_fixture.nc", Dialect::Fanuc, 397, 0),
    ("nist/nist_d2mi_op1.nc", Dialect::Fanuc, 1126, 0),
    ("nist/nist_plate_01.nc", Dialect::Fanuc, 4192, 0),
    ("nist/nist_plate_04.nc", Dialect::Fanuc, 3100, 0),
    ("maestro/maestro_g83.nc", Dialect::Fanuc, 410, 0),
    ("maestro/maestro_g91.nc", Dialect::Fanuc, 160, 0),
    ("maestro/maestro_parallel.nc", Dialect::Fanuc, 3730, 0),
    ("maestro/maestro_planes.nc", Dialect::Fanuc, 33, 0),
    ("cncjs/cncjs_jsdc.gcode", Dialect::Rs274ngc, 2383, 0),
    ("cncjs/cncjs_tball_pocket.gcode", Dialect::Rs274ngc, 40267, 0),
    ("cncjs/cncjs_thread_mill.gcode", Dialect::Rs274ngc, 13, 0),
    // Five arcs of this file end 1.4 mm off their circle; grbl (error 33) and LinuxCNC refuse it as well.
    ("cncjs/cncjs_circle_diamond_square.gcode", Dialect::Rs274ngc, 976, 5),
];

#[test]
fn real_programs_are_read_to_their_end() {
    for (file, dialect, operations, errors) in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let result = interpret(file, &text, &NoSubprograms, &no_table());
        let found: Vec<_> = result.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        assert_eq!(
            (result.facts.dialect, result.ops.len(), found.len()),
            (dialect, operations, errors),
            "{file}: {found:?}"
        );
        assert!(found.iter().all(|error| error.code == "program::arc-radius"), "{file}: {found:?}");
        let unknown = result.diagnostics.iter().find(|diagnostic| diagnostic.code == "program::unknown-code");
        assert_eq!(unknown, None, "{file}");
        assert_eq!(result.ops.last().map(|op| &op.call), Some(&Call::End), "{file}");
    }
}

#[test]
fn what_real_programs_leave_open_is_a_fact() {
    let Some(text) = corpus("cncjs/cncjs_tball_pocket.gcode") else { return };
    let result = interpret("pocket", &text, &NoSubprograms, &no_table());
    assert!(!result.facts.tool_said && !result.facts.speed_said && result.facts.feed_said);
    assert!(result.diagnostics.is_empty(), "{:?}", result.diagnostics);
    let Some(text) = corpus("nist/nist_d2mi_fixture.nc") else { return };
    let result = interpret("fixture", &text, &NoSubprograms, &no_table());
    let inert: Vec<_> =
        result.facts.without_effect.iter().map(|word| (word.word.as_str(), word.line, word.count)).collect();
    assert_eq!(inert, [("M1", 21, 7), ("G8", 26, 14), ("G41", 29, 10), ("M29", 323, 1)]);
}

#[test]
fn every_file_of_the_corpus_is_in_the_list() {
    let root = format!("{}/../../shared/corpus", env!("CARGO_MANIFEST_DIR"));
    if corpus(PROGRAMS[0].0).is_none() {
        return;
    }
    for folder in std::fs::read_dir(&root).expect("the corpus is a folder") {
        let folder = folder.expect("an entry").path();
        for file in std::fs::read_dir(&folder).expect("the corpus holds folders") {
            let path = file.expect("an entry").path();
            let is_program = ["nc", "gcode", "mpf", "spf", "ngc", "tap"]
                .iter()
                .any(|known| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(known)));
            let short = path.strip_prefix(&root).expect("below the corpus").to_string_lossy().into_owned();
            let is_listed = PROGRAMS.iter().any(|(name, ..)| *name == short);
            assert!(is_listed || !is_program, "{short} is a program and not read by any test");
        }
    }
}

#[test]
fn a_siemens_program_moves_where_its_words_lead() {
    let Some(text) = corpus("spinner-u5/u5_keychain.mpf") else { return };
    let result = interpret("u5", &text, &NoSubprograms, &no_table());
    assert!(
        result.diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Note),
        "{:?}",
        result.diagnostics
    );
    let names: Vec<_> = result.facts.tool_names.iter().map(|(number, name)| (number.0, name.as_str())).collect();
    assert_eq!(names, [(1, "ENTFRAESER_D8_N_90GRAD"), (2, "BOHRER_D3.3_VHM")]);
    let listed: Vec<_> = result.facts.without_effect.iter().map(|word| (word.word.as_str(), word.count)).collect();
    assert_eq!(
        listed,
        [
            ("G601", 1),
            ("FNORM", 1),
            ("M50", 1),
            ("CYCLE800", 1),
            ("TRAFOOF", 6),
            ("MSG", 3),
            ("CYCLE832", 4),
            ("COMPOF", 2),
            ("M27", 1),
            ("M29", 1),
            ("M51", 1),
            ("M65", 1)
        ]
    );
    let rows = rows(&result);
    // `SUPA G0 Z=_Z_HOME D0` with _Z_HOME=610, and the last hole of MCALL CYCLE81(10.,0.,3.,-6.1835).
    assert_eq!(rows[1], "18 rapid 0 0 610");
    assert!(rows.iter().any(|row| row == "633 feed -12.5 -58 -6.184 F3308"), "{:?}", &rows[rows.len() - 30..]);
}

#[test]
fn tools_of_real_programs() {
    let tools = |file: &str| {
        corpus(file).map(|text| {
            let tools = tools_from_comments(&text);
            tools
                .iter()
                .map(|tool| (tool.number.0, tool.diameter.map_or("?".to_owned(), |size| number(size.as_mm()))))
                .collect::<Vec<_>>()
        })
    };
    let expect = |file: &str, expected: &[(u32, &str)]| {
        let Some(found) = tools(file) else { return };
        let found: Vec<_> = found.iter().map(|(tool, size)| (*tool, size.as_str())).collect();
        assert_eq!(found, expected, "{file}");
    };
    expect("nist/nist_box_op2_front.nc", &[(3, "6"), (21, "3.175")]);
    expect("nist/nist_cover.nc", &[(23, "3.175")]);
    expect(
        "nist/nist_plate_01.nc",
        &[(15, "76.2"), (3, "12.7"), (4, "6.35"), (5, "3.175"), (1, "2.362"), (7, "12.7"), (23, "3.175")],
    );
    expect("maestro/maestro_parallel.nc", &[(3, "3.175")]);
    expect(
        "nist/nist_d2mi_fixture.nc",
        &[(3, "6.35"), (17, "3.175"), (8, "7.938"), (9, "?"), (18, "6.337"), (19, "5.75"), (20, "6.35")],
    );
    expect("cncjs/cncjs_tball_pocket.gcode", &[]);
    expect("spinner-u5/u5_keychain.mpf", &[(1, "8"), (2, "3.3")]);
    let Some(text) = corpus("spinner-u5/u5_keychain.mpf") else { return };
    let found = tools_from_names(&text);
    let rows: Vec<_> =
        found.iter().map(|tool| (tool.description.as_str(), tool.shape.is_some(), tool.assumed.len())).collect();
    assert_eq!(rows, [("ENTFRAESER_D8_N_90GRAD", true, 1), ("BOHRER_D3.3_VHM", true, 2)]);
}

#[test]
fn real_programs_are_rewritten_to_the_same_moves_and_never_faster() {
    let mut slowed = 0;
    for (file, _, _, errors) in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let options = no_table();
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
        let every = |permille: &dyn Fn(u32) -> u16| (1..=lines).map(|line| (line, permille(line))).collect();
        let rewritten = |factors: BTreeMap<u32, u16>| rewrite(file, &text, &NoSubprograms, &options, &factors);
        if errors > 0 {
            assert!(rewritten(every(&|_| 500)).is_err(), "{file} has errors");
            continue;
        }
        let same = rewritten(every(&|_| 1000)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(same.text == text, "{file}: nothing is slowed and bytes change");
        // The function verifies what it gives out by interpreting both.
        let slow =
            rewritten(every(&|line| 400 + (line % 7) as u16 * 100)).unwrap_or_else(|error| panic!("{file}: {error}"));
        // Drill cycles run as programmed.
        slowed += usize::from(slow.changed.len() + slow.added.len() + slow.fixed.len() > 0);
    }
    assert!(slowed >= 10, "only {slowed} programs are slowed");
}
