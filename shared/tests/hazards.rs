//! Hazards that concern what both sides agree on; the names carry their numbers.

use std::collections::BTreeMap;

use shared::files::JobFile;
use shared::ident::ContextDigest;
use shared::job::{Job, JobSources};
use shared::program::ForcedReason;

const PROGRAM: &str = "G21 G90 G17 G94 G54\nT1 M6\nS3000 M3\nG0 X0 Y0 Z5\nG1 Z-1 F300\nX30 F600\nG0 Z20\nM2\n";

const MANIFEST: &str = r#"schema = 1
name = "a"
[program]
file = "a.ngc"
dialect = "rs274ngc"
[machine]
file = "m"
[wcs.G54]
origin = [-300.0, -200.0, -250.0]
units = "mm"
[stock]
shape = "box"
min = [-10.0, -10.0, -20.0]
max = [40.0, 10.0, 0.0]
units = "mm"
[tools]
library = ["t"]
[material]
name = "x"
"#;

const TOOLS: &str = r#"schema = 1
[[tool]]
number = 1
name = "end mill 10 mm"
shape = "flat"
diameter_mm = 10.0
flutes = 3
helix_deg = 30.0
flute_length_mm = 30.0
shank_diameter_mm = 10.0
stickout_mm = 45.0
length_offset_mm = 130.0
"#;

fn sources(manifest: &str, program: &str, tools: &str) -> JobSources {
    let manifest: JobFile = toml::from_str(manifest).expect("a valid manifest");
    let machine = include_str!("../../scenarios/data/machines/generic-vmc.toml");
    let material = include_str!("../../scenarios/data/materials/7050-t7451.toml");
    let parts = [("a.ngc", program), ("m", machine), ("x", material), ("t", tools)];
    let parts = parts.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    JobSources { manifest, parts: parts.collect::<BTreeMap<_, _>>() }
}

fn context_of(sources: &JobSources) -> ContextDigest {
    let (job, said) = Job::compile(sources);
    job.unwrap_or_else(|| panic!("{said:?}")).context
}

#[test]
fn h14_h2_each_field_alone_changes_the_context() {
    let plain = sources(MANIFEST, PROGRAM, TOOLS);
    let context = context_of(&plain);
    assert_eq!(context, context_of(&plain), "the same job has the same context");
    let changed = |name: &str, from: &str, to: &str| {
        let manifest = MANIFEST.replacen(from, to, 1);
        let program = PROGRAM.replacen(from, to, 1);
        let tools = TOOLS.replacen(from, to, 1);
        assert!(
            (&manifest, &program, &tools) != (&MANIFEST.to_owned(), &PROGRAM.to_owned(), &TOOLS.to_owned()),
            "{name}: nothing was changed"
        );
        assert_ne!(context_of(&sources(&manifest, &program, &tools)), context, "{name} does not enter the context");
    };
    changed("a feed of the program", "F600", "F601");
    changed("a byte of the program that means nothing", "M2\n", "M2 \n");
    changed("work offset X", "-300.0", "-300.001");
    changed("work offset Z", "-250.0", "-250.01");
    changed("stock", "40.0, 10.0, 0.0", "40.0, 10.0, 0.5");
    changed("tool diameter", "diameter_mm = 10.0", "diameter_mm = 9.98");
    changed("tool length", "offset_mm = 130.0", "offset_mm = 130.1");
    changed("flutes", "flutes = 3", "flutes = 4");
    changed("block delete", "dialect = \"rs274ngc\"", "dialect = \"rs274ngc\"\nblock_delete = true");
    changed("a variable", "dialect = \"rs274ngc\"", "dialect = \"rs274ngc\"\nparams = { \"501\" = 1.0 }");
    changed("machine patch", "file = \"m\"", "file = \"m\"\n[machine.override]\ntool_change_s = 4.5");
    let other_part = |part: &str, from: &str, to: &str| {
        let mut other = plain.clone();
        let bytes = other.parts.get_mut(part).expect("the part");
        let text = String::from_utf8(std::mem::take(bytes)).expect("text");
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{part}: nothing was changed");
        *bytes = changed.into_bytes();
        assert_ne!(context_of(&other), context, "{part} does not enter the context");
    };
    other_part("m", "\n", "\n# another revision\n");
    other_part("x", "\n", "\n# another revision\n");
}

/// Reasons for which the feed moves of a block are forced to 100 %.
fn forced(block: &str) -> Vec<Option<ForcedReason>> {
    let text =
        format!("G21 G90 G17 G94 G54\nT1 M6\nS300 M3\nG0 X0 Y0 Z5\nG1 Z2 F300\n{block}\nG80\nG94 G97 G0 Z20\nM2\n");
    let (job, said) = Job::compile(&sources(MANIFEST, &text, TOOLS));
    let job = job.unwrap_or_else(|| panic!("{block}: {said:?}"));
    let last = 5 + block.lines().count() as u32;
    let moves = job.path.segments().iter().filter(|segment| segment.at.line == last);
    let feeds = moves.filter(|segment| segment.kind == shared::motion::SegmentKind::Feed);
    feeds.map(|segment| segment.forced).collect()
}

#[test]
fn h26_every_operation_that_must_not_be_touched_is_forced() {
    use ForcedReason::{DisabledByProgram, HoleCycle, Probing, Synchronised};
    let check = |block: &str, reason: ForcedReason| {
        let found = forced(block);
        assert!(!found.is_empty(), "{block}: no feed move");
        assert!(found.iter().all(|forced| *forced == Some(reason)), "{block}: {found:?}");
    };
    check("G33 Z-5 K1", Synchronised);
    check("G33.1 Z-5 K1", Synchronised);
    check("G84 X1 Z-5 R2 F300", Synchronised);
    check("M4\nG74 X1 Z-5 R2 F300", Synchronised);
    check("G95 G1 X10 F0.1", Synchronised);
    check("G73 X1 Z-5 R2 Q1 F300", HoleCycle);
    check("G83 X1 Z-5 R2 Q1 F300", HoleCycle);
    check("G85 X1 Z-5 R2 F300", HoleCycle);
    check("G86 X1 Z-5 R2 P0.1 F300", HoleCycle);
    check("G89 X1 Z-5 R2 P0.1 F300", HoleCycle);
    check("G38.2 Z-5 F100", Probing);
    check("M49\nG1 X10 F300", DisabledByProgram);
    check("M50 P0\nG1 X10 F300", DisabledByProgram);
    assert_eq!(forced("G1 X10 F300"), [None], "an ordinary feed move is not");
    assert!(forced("G81 X1 Z-5 R2 F300").iter().all(Option::is_none), "nor a plain drilling cycle");
}
