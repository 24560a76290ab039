//! `cosim optimise` from outside: which feeds change, what they are worth, and what is refused.

use serde_json::Value;

use crate::support::{Bench, near, number};

const TOOLS: &str = "schema = 1\n[[tool]]\nnumber = 1\nname = \"end mill\"\nshape = \"flat\"\ndiameter_mm = 10.0\nflutes = 4\n\
                     helix_deg = 30.0\nflute_length_mm = 22.0\nstickout_mm = 32.0\n";
const LIMITS: &str = "schema = 1\n[material.\"C45E\"]\nforce_peak_xy_n = 650.0\n";
/// What predictions are raised by before they meet a limit, unless stated.
const RAISED: f64 = 1.19;

/// A slot that gets deeper half-way, then a way back beside the stock and above it.
const PROGRAM: &str = "G21 G90 G17 G94\nT1 M6\nS4000 M3\nG0 X-20. Y0. Z20.\nG1 Z10. F2000.\nX-12. F800.\nZ-1.\nX50. (half)\n\
                       Z-4. F300.\nX112. F800. (deep)\nX120.\nY60.\nG1 Z12.\nX-20. F1500\nZ5.\nM30\n";
const STOCK: &str = "box:100x60x20@0,-30,-20";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("tools.toml", TOOLS).write("limits.toml", LIMITS).write("part.nc", PROGRAM);
    bench
}

/// Optimises with the given arguments, which must succeed; the report and the program.
fn optimise(bench: &Bench, program: &str, more: &[&str]) -> (Value, String) {
    let mut args = vec!["optimise", program, "--tools", "tools.toml", "--stock", STOCK, "--material", "C45E"];
    args.extend(["--threads", "1", "--json", "report.json", "--out", "out.nc"]);
    args.extend(more);
    let done = bench.cosim(&args);
    assert_eq!(done.code, 0, "cosim {args:?}:\n{}", done.err);
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).expect("cosim wrote it");
    (serde_json::from_str(&read("report.json")).expect("the report is JSON"), read("out.nc"))
}

/// The F word of a line, if it has one.
fn feed(text: &str, line: usize) -> Option<f64> {
    let words = text.lines().nth(line - 1)?.split('(').next()?;
    let (_, rest) = words.split_once('F')?;
    rest.trim().trim_end_matches('.').parse().ok()
}

#[test]
fn the_written_program_reads_again_and_keeps_its_limit() {
    let bench = bench();
    let (report, text) = optimise(&bench, "part.nc", &["--limits", "limits.toml"]);
    let limit_n = number(&report["force_limit_n"], "T1");
    assert_eq!(limit_n, 650.0);
    let before = &report["programmed"];
    assert!(number(before, "force_peak_xy_n") * RAISED > 1.1 * limit_n, "the program keeps the limit by itself");
    assert!(number(&report["optimised"], "load_over_limit") <= 1.003, "{}", report["optimised"]);
    assert_eq!(report["steps_above_limit"], 0);
    // The loop, closed from outside: the text is simulated as a program of its own, from the raw stock.
    let (again, _) = bench.simulate(&["out.nc", "--tools", "tools.toml", "--stock", STOCK, "--material", "C45E"]);
    let peak_n = number(&again, "force_peak_xy_n_programmed");
    assert!(peak_n * RAISED <= limit_n * 1.003, "{peak_n} N");
    near(peak_n, number(&report["optimised"], "force_peak_xy_n"), 1e-6, "peak of the report and of the simulation");
    near(
        number(&again, "cycle_time_programmed_s"),
        number(&report, "cycle_time_optimised_s"),
        1e-6,
        "time of the report and of the simulation",
    );
    // Only the deep part and the way down to it are slower; what inherited keeps its feed; everything else is as it was.
    assert!(feed(&text, 10).expect("an F word") < 700.0, "{text}");
    assert_eq!(feed(&text, 11), Some(800.0), "{text}");
    for line in (1..=16).filter(|line| ![8, 9, 10, 11, 12, 13].contains(line)) {
        assert_eq!(text.lines().nth(line - 1), PROGRAM.lines().nth(line - 1), "line {line}");
    }
    let shares: f64 = report["reasons"].as_object().expect("reasons").values().filter_map(Value::as_f64).sum();
    near(shares, 1.0, 1e-9, "shares of the reasons");
    // Once is enough.
    bench.write("once.nc", &text);
    let (_, twice) = optimise(&bench, "once.nc", &["--limits", "limits.toml"]);
    assert_eq!(twice, text, "a program within its limits is left as it is");
}

#[test]
fn only_air_outside_the_inflated_stock_becomes_faster() {
    let bench = bench();
    let (plain, slow) = optimise(&bench, "part.nc", &["--limits", "limits.toml"]);
    assert_eq!(plain["lines_faster"], 0);
    assert_eq!(plain["cycle_time_air_only_s"], plain["cycle_time_programmed_s"]);
    let (report, text) = optimise(&bench, "part.nc", &["--limits", "limits.toml", "--air-factor", "2"]);
    // Line 6 runs above the stock's edge, 11 away from it, 12 beside it, 14 above it.
    for (line, expected) in [(6, 1600.0), (11, 1600.0), (12, 1600.0), (14, 3000.0)] {
        assert_eq!(feed(&text, line), Some(expected), "line {line} of\n{text}");
    }
    // Plunges in air (5, 7, 15), the way to the first contact (8), and cuts (8, 9, 10) do not.
    let inherited = |text: &str, line: usize| (1..=line).rev().find_map(|line| feed(text, line)).unwrap_or(0.0);
    for line in [5, 7, 8, 9, 10, 15] {
        let (new, old) = (inherited(&text, line), inherited(PROGRAM, line));
        assert!(new <= old + 1e-6, "line {line} has F{new} instead of at most F{old}:\n{text}");
        assert_eq!(new, inherited(&slow, line), "air changes the feed of a cut, line {line}");
    }
    assert!(number(&report, "cycle_time_optimised_s") < number(&plain, "cycle_time_optimised_s"));
    assert!(number(&report, "cycle_time_air_only_s") < number(&report, "cycle_time_programmed_s"));
    assert!(number(&report["optimised"], "load_over_limit") <= 1.003);
    // With an allowance of 30 mm nothing is outside any more.
    let wide = ["--limits", "limits.toml", "--air-factor", "2", "--air-allowance", "30"];
    assert_eq!(optimise(&bench, "part.nc", &wide).0["lines_faster"], 0);
}

#[test]
fn locked_and_finish_operations_keep_their_feeds() {
    let bench = bench();
    let drilled = "G21 G90 G17 G94\nT1 M6\nS4000 M3\nG0 X50. Y0. Z5.\nG85 X50. Y0. Z-3. R2. F200.\nX150. Y90.\nG80\nM49\n\
                   G1 X160. F300.\nM48\nM30\n";
    bench.write("drilled.nc", drilled);
    let (_, text) = optimise(&bench, "drilled.nc", &["--level", "conservative", "--air-factor", "3"]);
    assert_eq!(text, drilled);
    bench.write(
        "finish.toml",
        "schema = 1\n[limits]\nfinish_do_not_touch = [{ tool = 1 }]\n[tool.1]\nforce_peak_xy_n = 100.0\n",
    );
    let (report, text) = optimise(&bench, "part.nc", &["--limits", "finish.toml", "--air-factor", "3"]);
    assert_eq!(text, PROGRAM);
    // What that costs is not hidden.
    assert!(report["steps_above_limit"].as_u64().expect("a count") > 0);
}

#[test]
fn levels_and_buckets_round_down() {
    let bench = bench();
    let time = |report: &Value| number(report, "cycle_time_optimised_s");
    let (normal, _) = optimise(&bench, "part.nc", &[]);
    assert!(normal["limits"].as_str().is_some_and(|said| said.contains("normal (none were named)")), "{normal}");
    let (conservative, fine) = optimise(&bench, "part.nc", &["--level", "conservative"]);
    assert!(time(&conservative) > time(&normal));
    assert!(number(&conservative["optimised"], "force_peak_xy_n") < number(&normal["optimised"], "force_peak_xy_n"));
    assert!(conservative["factors"].as_u64().expect("a count") > 2, "{conservative}");
    let (coarse, text) = optimise(&bench, "part.nc", &["--level", "conservative", "--buckets", "2"]);
    assert_eq!(coarse["factors"], 2);
    assert!(time(&coarse) >= time(&conservative) - 1e-6);
    for line in 1..=16 {
        if let (Some(coarse), Some(fine)) = (feed(&text, line), feed(&fine, line)) {
            assert!(coarse <= fine + 1e-6, "line {line}: F{coarse} above F{fine}");
        }
    }
}

#[test]
fn cuts_that_chatter_are_named_with_their_line_and_no_feed_is_asked_to_cure_them() {
    let bench = bench();
    let machine = include_str!("../../data/machines/generic-vmc.toml");
    let with = |mass_kg: f64| {
        let mode = format!("[{{ frequency_hz = 900.0, damping_ratio = 0.03, mass_kg = {mass_kg} }}]");
        bench.write("mill.toml", format!("{machine}\n[[dynamics]]\ntool = 1\nx = {mode}\ny = {mode}\n"));
        optimise(&bench, "part.nc", &["--limits", "limits.toml", "--machine", "mill.toml"])
    };
    let (soft, text) = with(0.15);
    let risks = soft["chatter"]["risks"].as_array().expect("a list");
    // Line 10 cuts the slot 4 mm deep, line 8 only 1 mm.
    assert!(risks.iter().any(|risk| risk["line"] == 10 && number(risk, "depth_mm") > 3.9), "{}", soft["chatter"]);
    for risk in risks {
        let limits = ["zeroth_order_mm", "semi_discretisation_mm"].map(|key| risk[key].as_f64());
        assert!(limits.iter().flatten().any(|limit| *limit < number(risk, "depth_mm")), "{risk}");
        let rpm = risk["suggested_rpm"].as_f64();
        assert!(rpm.is_none_or(|rpm| (rpm / 4000.0 - 1.0).abs() <= 0.1 + 1e-9), "{risk}");
    }
    let (stiff, other) = with(150.0);
    assert_eq!(stiff["chatter"]["risks"].as_array().map(Vec::len), Some(0), "{}", stiff["chatter"]);
    assert!(stiff["chatter"]["parts"].as_u64().is_some_and(|parts| parts > 0));
    assert_eq!(text, other, "stability changes no feed");
    let (unknown, _) = optimise(&bench, "part.nc", &["--limits", "limits.toml"]);
    assert_eq!(unknown["chatter"]["parts"], 0);
    let said =
        unknown["notes"].as_array().expect("notes").iter().any(|note| note.as_str().is_some_and(|n| n.contains("5 %")));
    assert!(said, "{}", unknown["notes"]);
}

#[test]
fn blocks_are_split_where_their_feed_changes_and_the_limit_holds() {
    let bench = bench();
    let limits = ["--limits", "limits.toml"];
    let (whole, _) = optimise(&bench, "part.nc", &limits);
    let (split, text) = optimise(&bench, "part.nc", &["--limits", "limits.toml", "--split"]);
    assert_eq!(whole["blocks_split"], serde_json::json!([0, 0]));
    let blocks = split["blocks_split"][0].as_u64().expect("a count");
    assert!(blocks > 0, "{split}");
    // Line 10 enters at full depth behind the shallow half; only where it cuts deep it has to be slow.
    let time = |report: &Value, key: &str| number(report, key);
    assert!(time(&split, "cycle_time_optimised_s") < time(&whole, "cycle_time_optimised_s"), "{split}");
    near(
        time(&split, "cycle_time_whole_blocks_s"),
        time(&whole, "cycle_time_optimised_s"),
        1e-9,
        "what it is measured against",
    );
    assert!(number(&split["optimised"], "load_over_limit") <= 1.003, "{}", split["optimised"]);
    assert_eq!(
        (&split["steps_above_limit"], &split["program_digest"]),
        (&whole["steps_above_limit"], &whole["program_digest"])
    );
    // From outside: the text reads again, cuts the same, and keeps the limit by itself.
    let stock = ["--tools", "tools.toml", "--stock", STOCK, "--material", "C45E"];
    let (again, _) = bench.simulate(&[&["out.nc"], &stock[..]].concat());
    let peak_n = number(&again, "force_peak_xy_n_programmed");
    assert!(peak_n * RAISED <= 650.0 * 1.004, "{peak_n} N");
    let added = text.lines().count() - PROGRAM.lines().count();
    assert_eq!(split["blocks_split"][1].as_u64().expect("a count") - blocks, added as u64);
    for line in PROGRAM.lines() {
        let plain = |line: &str| line.split(['(', 'F']).next().unwrap_or_default().trim().to_owned();
        assert!(text.lines().any(|other| plain(other) == plain(line)), "`{line}` is gone from\n{text}");
    }
}

#[test]
fn a_cutter_that_must_not_plunge_is_refused_with_the_line() {
    let bench = bench();
    bench.write("face.toml", TOOLS.replace("flutes = 4", "flutes = 4\ncentre_cutting = false"));
    bench.write("plunge.nc", "G21 G90 G17 G94\nT1 M6\nS4000 M3\nG0 X50. Y0. Z5.\nG1 Z-2. F100.\nX60.\nM30\n");
    let args =
        ["optimise", "plunge.nc", "--tools", "face.toml", "--stock", STOCK, "--material", "C45E", "--out", "out.nc"];
    let done = bench.cosim(&args);
    assert_eq!(done.code, 2, "{}", done.err);
    assert!(done.err.contains("plunge.nc:5") && done.err.contains("does not cut at its centre"), "{}", done.err);
    assert!(!bench.path("out.nc").exists(), "nothing is written");
}

#[test]
fn the_plan_belongs_to_the_program_as_it_was() {
    let bench = bench();
    let (report, _) = optimise(&bench, "part.nc", &["--limits", "limits.toml", "--plan", "plan.json"]);
    let plan: Value = serde_json::from_slice(&std::fs::read(bench.path("plan.json")).expect("written")).expect("JSON");
    assert_eq!(plan["program_digest"], report["program_digest"]);
    let spans = plan["spans"].as_array().expect("spans");
    assert!(spans.iter().all(|span| span["override_permille"].as_u64().is_some_and(|factor| factor <= 1000)));
    let bound = spans.iter().find(|span| span["reason"] == "force_peak").expect("a force binds");
    assert!(bound["limit"] == 650.0 && number(bound, "value") <= 650.0 / RAISED * 1.003, "{bound}");
    let done = bench.cosim(&["rewrite", "part.nc", "--plan", "plan.json", "--out", "slow.nc"]);
    assert_eq!(done.code, 0, "{}", done.err);
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let bench = bench();
    let check = |more: &[&str], texts: &[&str]| {
        let done = bench.cosim(&[&["optimise", "part.nc", "--tools", "tools.toml"], more].concat());
        assert_eq!(done.code, 2, "{more:?}: {}", done.err);
        for text in texts {
            assert!(done.err.contains(text), "`{text}` is not said for {more:?} in:\n{}", done.err);
        }
    };
    check(&["--air-factor", "0.5"], &["--air-factor is 0.5", "expected 1"]);
    check(&["--air-factor", "nan"], &["--air-factor is NaN"]);
    check(&["--air-factor", "9"], &["--air-factor is 9", "to 5"]);
    check(&["--air-allowance", "0"], &["--air-allowance is 0", "mm"]);
    check(&["--buckets", "0"], &["--buckets"]);
    check(&["--level", "brave"], &["brave", "conservative", "normal"]);
    check(&["--out", "part.nc"], &["--out names the program itself", "another file"]);
    check(&["--out", "-", "--json", "-"], &["standard output", "name a file"]);
    check(&["--limits", "no.toml"], &["no.toml: error[file::not-found]"]);
    bench.write("bad.toml", "schema = 1\n[tool.1]\nforce_peak_xy = 3.0\n");
    check(&["--limits", "bad.toml"], &["bad.toml:3:1: error[file::unknown-key]", "force_peak_xy_n", "╰── here"]);
    bench.write("bad.toml", "schema = 1\n[tool.1]\nplunge = 1.5\n");
    check(&["--limits", "bad.toml"], &["bad.toml:3", "tool.1.plunge", "0.01 to 1.0", "help:"]);
    assert_eq!(std::fs::read_to_string(bench.path("part.nc")).expect("still there"), PROGRAM);
}
