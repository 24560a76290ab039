//! Five mistakes of a setup, each found with its line and said so that the person at the machine knows where to look.

use serde_json::Value;

use crate::support::{Bench, Done, number};

const TOOLS: &str = r#"schema = 1
[[tool]]
number = 1
name = "flat"
shape = "flat"
diameter_mm = 10.0
flutes = 4
flute_length_mm = 25.0
stickout_mm = STICKOUT
holder = [{ diameter_low_mm = 30.0, diameter_high_mm = 40.0, length_mm = 30.0 }]
"#;

/// Stock 100 × 60 × 20 mm, its top at Z0; fixtures and changes come behind it.
const SCENARIO: &str = r#"schema = 1
name = "mistake"
[program]
file = "part.nc"
[machine]
file = "generic-vmc"
MACHINE
[wcs.G54]
origin = ORIGIN
units = "mm"
[stock]
shape = "box"
min = [0.0, 0.0, -20.0]
max = [100.0, 60.0, 0.0]
units = "mm"
[tools]
library = "tools.toml"
[material]
name = "6061-T6"
[expect]
collisions = "== 0"
rapids_in_stock = "== 0"
"#;

struct Setup<'a> {
    program: &'a str,
    fixtures: &'a str,
    stickout: &'a str,
    machine: &'a str,
    origin: &'a str,
}

const PLAIN: Setup<'_> =
    Setup { program: "", fixtures: "", stickout: "45.0", machine: "", origin: "[-450.0, -285.0, -420.0]" };

impl Setup<'_> {
    fn bench(&self) -> Bench {
        let bench = Bench::new();
        let scenario = SCENARIO.replace("MACHINE", self.machine).replace("ORIGIN", self.origin) + self.fixtures;
        bench.write("tools.toml", TOOLS.replace("STICKOUT", self.stickout));
        bench.write("part.nc", self.program).write("scenario.toml", scenario);
        bench
    }

    /// The report, and what was printed.
    fn simulate(&self) -> (Value, Done) {
        let bench = self.bench();
        let (report, _) = bench.simulate(&["--scenario", "scenario.toml"]);
        (report, bench.cosim(&["simulate", "--scenario", "scenario.toml"]))
    }

    fn is_clean(&self) {
        let (report, _) = self.simulate();
        for list in ["collisions", "rapids_in_stock", "close_passes"] {
            assert_eq!(report[list], Value::Array(Vec::new()), "{list}");
        }
    }
}

/// Holds the only collision of a report against what is expected, and gives it.
fn only<'a>(report: &'a Value, line: u64, kind: &str, with: &str, motion: &str) -> &'a Value {
    let list = report["collisions"].as_array().expect("a list");
    assert_eq!(list.len(), 1, "{list:?}");
    let found = &list[0];
    let said = (found["line"].as_u64(), found["kind"].as_str(), found["with"].as_str(), found["move"].as_str());
    assert_eq!(said, (Some(line), Some(kind), Some(with), Some(motion)));
    found
}

/// A slot along X at Y10, 2 mm deep.
const SLOT: &str = "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG0 X-20. Y10. Z5.\nG1 Z-2. F600.\nX120. F1200.\nG0 Z40.\nM30\n";

/// A clamp on the right end, from `Y−20` to a Y that is filled in.
fn clamp(to_y: &str) -> String {
    format!(
        "[[fixture]]\nname = \"right clamp\"\nclearance_mm = 2.0\n\
         box = {{ min = [85.0, -20.0, -5.0], max = [110.0, {to_y}, 12.0], units = \"mm\" }}\n"
    )
}

#[test]
fn h31_a_clamp_in_the_way_is_found_and_not_run_into() {
    let fixtures = clamp("8.0");
    let setup = Setup { program: SLOT, fixtures: &fixtures, ..PLAIN };
    let (report, done) = setup.simulate();
    let found = only(&report, 6, "cutter", "right clamp", "feed");
    assert!((number(found, "depth_mm") - 3.0).abs() < 0.01, "{found}");
    // The edge is met at its corner, X85 Y8, √(5² − 2²) mm before the axis is there.
    assert!((found["place_mm"][0].as_f64().expect("a number") - 85.0).abs() < 0.05, "{found}");
    let sentence =
        "line      6: cutter hits fixture `right clamp`, 3.00 mm deep, in a feed move, first at X85.00 Y8.00";
    assert!(done.out.contains(sentence), "{}", done.out);
    assert_eq!(done.code, 0);
    // A scenario that expects none fails.
    let bench = setup.bench();
    let run = bench.cosim(&["run", "scenario.toml", "--virtual", "--json", "run.json"]);
    assert_eq!(run.code, 99, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("right clamp"), "{}", run.out);
    // H31: and it is not run into: the machine was held before, while it cut nothing yet.
    let text = std::fs::read_to_string(bench.path("run.json")).expect("cosim wrote it");
    let report: Value = serde_json::from_str(&text).expect("the report is JSON");
    let events = report["events"].as_array().expect("a list");
    assert!(events.iter().any(|event| event["event"] == "held_before_collision"), "{events:?}");
    // Further back it is only closer than asked for, then clear.
    let fixtures = clamp("3.5");
    let (report, done) = Setup { program: SLOT, fixtures: &fixtures, ..PLAIN }.simulate();
    assert_eq!(report["collisions"], Value::Array(Vec::new()));
    let close = &report["close_passes"][0];
    assert_eq!((close["line"].as_u64(), close["with"].as_str()), (Some(6), Some("right clamp")));
    assert!((number(close, "distance_mm") - 1.5).abs() < 1e-3, "{close}");
    assert!(done.out.contains("cutter passes `right clamp` at 1.50 mm, 2.00 mm wanted"), "{}", done.out);
    let fixtures = clamp("2.9");
    Setup { program: SLOT, fixtures: &fixtures, ..PLAIN }.is_clean();
}

#[test]
fn a_rapid_through_stock() {
    let program = SLOT.replace("X120. F1200.", "G0 X120.");
    let (report, done) = Setup { program: &program, ..PLAIN }.simulate();
    let rapids = report["rapids_in_stock"].as_array().expect("a list");
    assert_eq!(rapids.len(), 1);
    assert_eq!(rapids[0]["line"], 6);
    assert!((number(&rapids[0], "removed_mm3") / 2000.0 - 1.0).abs() < 0.01, "{rapids:?}");
    assert!(done.out.contains("line      6: rapid removes"), "{}", done.out);
    Setup { program: SLOT, ..PLAIN }.is_clean();
}

#[test]
fn a_dog_leg_rapid() {
    // Straight from one corner to another it passes beside the post; each axis at its own speed, it goes through it.
    let program = "G21 G90 G17\nT1 M6\nS6000 M3\nG0 X-30. Y-30. Z5.\nG0 X130. Y10.\nM30\n";
    let post = "[[fixture]]\nname = \"post\"\n\
                cylinder = { centre = [0.0, 10.0, -30.0], diameter = 16.0, height = 60.0, units = \"mm\" }\n";
    // Something must be cut, or there is nothing to simulate.
    let program = program.replace("M30", "G1 Z-1. F600.\nG1 X95.\nG0 Z40.\nM30");
    Setup { program: &program, fixtures: post, ..PLAIN }.is_clean();
    let machine = "[machine.override]\nrapid_mode = \"dogleg\"";
    let (report, done) = Setup { program: &program, fixtures: post, machine, ..PLAIN }.simulate();
    let list = report["collisions"].as_array().expect("a list");
    assert!(!list.is_empty() && list.iter().all(|found| found["line"] == 5 && found["with"] == "post"), "{list:?}");
    assert!(list.iter().all(|found| found["move"] == "rapid"), "{list:?}");
    assert!(done.out.contains("hits fixture `post`"), "{}", done.out);
}

#[test]
fn a_tool_that_is_too_short() {
    let program = SLOT.replace("Z-2.", "Z-12.");
    Setup { program: &program, ..PLAIN }.is_clean();
    let (report, done) = Setup { program: &program, stickout: "10.0", ..PLAIN }.simulate();
    let found = only(&report, 6, "holder", "stock", "feed");
    assert!((number(found, "depth_mm") - 2.0).abs() < 0.05, "{found}");
    assert!(done.out.contains("line      6: holder 2.00 mm deep in the stock, in a feed move"), "{}", done.out);
}

#[test]
fn a_work_offset_that_is_wrong() {
    // The jaw of the vice is bolted to the table: machine Y−310 to −290, work Y−25 to −5.
    let jaw = "[[fixture]]\nname = \"fixed jaw\"\nframe = \"machine\"\n\
               box = { min = [-460.0, -310.0, -450.0], max = [-340.0, -290.0, -415.0], units = \"mm\" }\n";
    Setup { program: SLOT, fixtures: jaw, ..PLAIN }.is_clean();
    // The origin was touched off a jaw's width away: program Y10 is machine Y−297.
    let origin = "[-450.0, -307.0, -420.0]";
    let (report, done) = Setup { program: SLOT, fixtures: jaw, origin, ..PLAIN }.simulate();
    let found = only(&report, 6, "cutter", "fixed jaw", "feed");
    assert!((number(found, "depth_mm") - 5.0).abs() < 0.01, "the whole cutter: {found}");
    assert!(done.out.contains("cutter hits fixture `fixed jaw`"), "{}", done.out);
}

#[test]
fn fixtures_and_parts_from_files() {
    // The clamp of the first test as an STL in inch; the finished part is the stock less a slot 1.5 mm deep.
    let clamp = box_stl([85.0, -20.0, -5.0].map(|v| v / 25.4), [110.0, 8.0, 12.0].map(|v| v / 25.4));
    let part = box_stl([0.0, 0.0, -20.0], [100.0, 60.0, -1.5]);
    let fixtures = "[[fixture]]\nname = \"right clamp\"\nmesh = { file = \"clamp.stl\", units = \"inch\" }\n\
                    [part]\ntolerance_mm = 0.05\nmesh = { file = \"part.stl\", units = \"mm\" }\n";
    let setup = Setup { program: SLOT, fixtures, ..PLAIN };
    let bench = setup.bench();
    bench.write("clamp.stl", clamp).write("part.stl", part);
    let (report, segments) = bench.simulate(&["--scenario", "scenario.toml"]);
    let list = report["collisions"].as_array().expect("a list");
    let found =
        |kind: &str| list.iter().find(|found| found["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {list:?}"));
    assert!((number(found("cutter"), "depth_mm") - 3.0).abs() < 0.01);
    assert_eq!(found("gouge")["with"], "part");
    assert!((number(found("gouge"), "depth_mm") - 0.5).abs() < 1e-4);
    assert!((number(&report["part"], "gouge_mm") - 0.5).abs() < 1e-4);
    assert!((number(&report["part"], "left_mm") - 1.5).abs() < 1e-4, "beside the slot");
    let classes: Vec<&str> = segments.iter().filter_map(|segment| segment["fixtures"].as_str()).collect();
    assert_eq!(
        classes,
        ["clear", "clear", "touch", "clear"],
        "approach, plunge, slot, and the way up behind the clamp"
    );
    // An open mesh is no finished part, and a fixture only with a word.
    let open =
        box_stl([0.0, 0.0, -20.0], [100.0, 60.0, -1.5]).replacen("facet normal 0 0 0\nouter loop", "outer loop", 1);
    let open = open[open.find("facet").expect("a facet")..].to_owned();
    bench.write("part.stl", format!("solid open\n{open}"));
    let done = bench.cosim(&["simulate", "--scenario", "scenario.toml"]);
    assert_eq!(done.code, 2, "{}", done.out);
    assert!(done.err.contains("part.stl") && done.err.contains("open at"), "{}", done.err);
}

/// A box as an ASCII STL.
fn box_stl(min: [f64; 3], max: [f64; 3]) -> String {
    let corner = |index: usize| -> [f64; 3] { std::array::from_fn(|axis| [min, max][index >> axis & 1][axis]) };
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let halves = faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]);
    let facet = |half: [usize; 3]| {
        let corners = half.map(corner).map(|[x, y, z]| format!("vertex {x:.9} {y:.9} {z:.9}\n")).concat();
        format!("facet normal 0 0 0\nouter loop\n{corners}endloop\nendfacet\n")
    };
    format!("solid box\n{}endsolid box\n", halves.map(facet).collect::<String>())
}
