//! The rest of RS274/NGC against LinuxCNC's interpreter, in random programs: threads, splines, turning cycles, hole
//! cycles in every plane, offsets and tool data set by the program, saved modes, parameters, and values that only
//! the machine knows (supplied as the oracle answers them).
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]
#![allow(clippy::print_stderr, reason = "a skipped test must be seen, and the counts are its result")]

#[path = "oracle/mod.rs"]
mod oracle;

use oracle::{at_hand, compare_with, oracle_of_all, scratch, supplied};
use shared::det::Rng;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const PROGRAMS_COUNT: u64 = 300;
/// Pieces of each program.
const PIECES: u64 = 4;

/// A number of three decimals.
fn number(rng: &mut Rng, low: f64, high: f64) -> String {
    format!("{:.3}", rng.between(low, high))
}

/// Every axis is where a block says: before M6 and G38 the oracle looks where its last motion ended, which is not
/// where the axes stand once an offset has changed.
const STAND: &str = "G54 G0 X1 Y2 Z9 A0 B0 C0\n";

type Writer = fn(&mut Rng, u64) -> String;

/// What a random program is put together from: name, and a writer that gets a label of its own.
const CONSTRUCTS: [(&str, Writer); 33] = [
    ("G76", thread),
    ("G5.2", spline),
    ("G33", |rng, _| format!("M3 G33 Z{} K1.5\nG33.1 Z{} K.5\n", number(rng, -9.0, 9.0), number(rng, -9.0, 9.0))),
    ("G71", |rng, label| turning(rng, label, 71)),
    ("G72", |rng, label| turning(rng, label, 72)),
    ("G70", |rng, label| turning(rng, label, 70)),
    ("G42 G70", compensated_turning),
    ("G10 L1", |rng, _| {
        let (x, z) = (number(rng, -9.0, 9.0), number(rng, -9.0, 9.0));
        format!("{STAND}T3 M6\nG10 L1 P3 X{x} Y2 Z{z} A4\nG43\nG0 X#5401 Y#5402 Z#5403 A5\nG49\n{STAND}")
    }),
    ("G10 L10", |rng, _| {
        let (code, place) = (if rng.chance(0.5) { 10 } else { 11 }, number(rng, -9.0, 9.0));
        let axes = ["X1", "Y2", "X3 Y4", "Z5 B6", "X1 Y1 Z1"][rng.below(5) as usize];
        format!("G10 L2 P9 X1 Y2 R{place}\nG10 L{code} P4 {axes}\nG43 H4 G0 X1 Y1 Z1\nG43.2 H3\nG0 X2 B3\nG49\n")
    }),
    ("G43.1", |rng, _| format!("G43.1 X{} Z2 C3\nG0 X0 Y0 Z0 C1\nG43.1 Z4\nG0 Z1\nG49\n", number(rng, -9.0, 9.0))),
    ("G10 L2 R", |rng, _| {
        let (x, angle) = (number(rng, -9.0, 9.0), number(rng, -90.0, 90.0));
        format!("G10 L2 P2 X{x} Y1 Z3 A4 B5 C6 R{angle}\nG55 G0 X1 Y2 Z3 A1\nG10 L2 P0 X0 R0\nG0 X2 Y3\nG54\n")
    }),
    ("G10 L20", |rng, _| {
        let axes = ["X1", "Y2 Z1", "X3 Y4 C5", "A1 B2"][rng.below(4) as usize];
        format!("G10 L2 P3 R{}\nG56 G10 L20 P3 {axes}\nG0 X1 Y1 Z1 A1\nG54\n", number(rng, -90.0, 90.0))
    }),
    ("M66", |rng, _| {
        let form = ["P0 L0", "P1 L3 Q2", "E0 L0", "E2"][rng.below(4) as usize];
        format!("M66 {form}\nG0 X[#5399+{}]\nM62 P1\nM65 P2\nM67 E1 Q2\nM68 E0 Q3\n", number(rng, -9.0, 9.0))
    }),
    ("G38", |rng, _| {
        let code = rng.below(4) + 2;
        format!("{STAND}G38.{code} Z{}\nG0 X#5061 Y[#5070+1]\nG1 Z[#5063+2]\n", number(rng, -9.0, 8.0))
    }),
    ("G84", |rng, _| {
        let (turn, code) = if rng.chance(0.5) { (3, 84) } else { (4, 74) };
        let retract = if rng.chance(0.5) { 98 } else { 99 };
        format!("G0 Z9\nM{turn} G{retract} G{code} X{} Z-5 R2 P.5\nY2\nG80 M3\n", number(rng, -9.0, 9.0))
    }),
    ("G85", |rng, _| boring(rng, &[81, 85])),
    ("G86", |rng, _| boring(rng, &[82, 86, 89])),
    ("G87", |rng, _| {
        let (i, k) = (number(rng, -2.0, 2.0), number(rng, -1.0, 1.0));
        format!("G0 Z9\nM3 G87 X1 Y2 Z-4 R2 I{i} J1 K{k}\nX4\nG80\n")
    }),
    ("G18 cycle", |rng, _| {
        let (a, count) = (number(rng, 0.5, 3.0), rng.below(3) + 1);
        format!("G18 G0 X1 Y9 Z1\nG91 G83 X{a} Z1 Y-5 R-3 Q2 L{count}\nG90 G80 G17\n")
    }),
    ("G19 cycle", |rng, _| {
        let (a, count) = (number(rng, 0.5, 3.0), rng.below(3) + 1);
        format!("G19 G0 X9 Y1 Z1\nG98 G91 G82 Y{a} X-5 R-3 P.2 L{count}\nG90 G73 Y1 Z2 X-3 R2 Q1.5\nG99 G80 G17\n")
    }),
    ("G92", |rng, _| {
        let (x, z) = (number(rng, -9.0, 9.0), number(rng, -9.0, 9.0));
        format!(
            "G92 X{x} Z{z} A3\nG0 X#5211 Y#5210 Z#5213\nG92.2\nG0 X[#5211+1] Y#5210\nG92.3\nG0 X0 A0\nG92.1\nG0 Y#5211\n"
        )
    }),
    ("named parameters", named),
    ("numbered parameters", |rng, _| {
        let number = [5161, 5183, 5220, 5221, 5230, 5400, 5401, 5403, 5420, 5421, 5422, 5423][rng.below(12) as usize];
        format!("{STAND}T5 M6\nG0 X[#{number}+1] Y[#<_current_tool>] A[#5425]\n")
    }),
    ("G28.1", |rng, _| {
        let x = number(rng, -9.0, 9.0);
        format!("G0 X{x} Y1\nG28.1\nG0 X3\nG30.1\nG0 X2 Z8\nG28 Z9\nG30 X1 Y1\nG28\n#5161=4\nG28 X2\n")
    }),
    ("G95", |rng, _| {
        let speed = rng.below(900) + 100;
        format!("G95 M3 S{speed} F.2\nG1 X{}\nG97 S200\nG1 Y2\nG94 F300\n", number(rng, -9.0, 9.0))
    }),
    ("polar", |rng, _| {
        let (radius, angle) = (number(rng, 1.0, 9.0), number(rng, -90.0, 90.0));
        format!("G0 @{radius} ^{angle}\nG1 ^20 Z2\nG91 G1 @1 ^10\nG90 G0 @4\nG81 @5 ^30 Z-3 R1\nG80\n")
    }),
    ("M70", |rng, label| {
        let code = if rng.chance(0.5) { "M73" } else { "M70" };
        format!(
            "o{label} sub\n{code}\nG91 F77 G18 G98\nG1 X.1\no{label} endsub\nG21 G90 F300\no{label} call\nG21\nG90 G1 X1 F200\n\
             M70\nG91 F50\nG1 X1\nM72\nG1 X2\nM71\nG17 G99\n"
        )
    }),
    ("O-word values", |rng, label| {
        format!(
            "o{label} sub\n#<sum>=[#1+#2]\no{label} return [#<sum>*2]\nG0 X99\no{label} endsub\n\
             o{label} call [{}] [2]\nG0 X#<_value> Y#<_value_returned>\n",
            number(rng, -9.0, 9.0)
        )
    }),
    ("functions", |rng, _| {
        let (a, b) = (number(rng, -9.0, 9.0), number(rng, 0.1, 9.0));
        format!(
            "#<here>={a}\nG0 X[EXISTS[#<here>]+EXISTS[#<nowhere>]] Y[ATAN[{a}]/[{b}]/90]\n\
             G0 X[{a} MOD {b}] Y[ROUND[{a}]+FIX[{a}]*FUP[{a}]] Z[[{b}**0.5]+LN[{b}]+EXP[1]]\n(DEBUG,#<here> #5)\n"
        )
    }),
    ("G7", |rng, _| format!("G18 G7\nG0 X{} Z1\nG1 X4\nG2 X6 Z0 I0 K-1\nG8 G17\nG0 X1\n", number(rng, 4.0, 9.0))),
    ("overrides", |rng, _| {
        let code = ["M48", "M49", "M50 P0", "M50 P1", "M51 P0", "M52 P1", "M53 P0"][rng.below(7) as usize];
        format!("{code}\nG0 X#<_feed_override> Y#<_speed_override> Z[#<_adaptive_feed>+2*#<_feed_hold>]\nM48\n")
    }),
    ("G93", |rng, _| {
        let x = number(rng, 1.0, 9.0);
        format!("G93\nG1 X{x} A9 F4\nG1 Y{x} F2\nG94 F300\nG1 A1\nG1 X2\n")
    }),
    ("G64", |rng, _| {
        let form = ["G61", "G61.1", "G64", "G64 P.05", "G64 P.1 Q.2"][rng.below(5) as usize];
        format!("{form} G1 X{}\nM19 R90 P1\nM19 Q2\nM3\n", number(rng, -9.0, 9.0))
    }),
];

fn thread(rng: &mut Rng, _: u64) -> String {
    let (i, j) = (rng.between(0.5, 2.0), rng.between(0.05, 0.3));
    let side = if rng.chance(0.5) { "-" } else { "" };
    let (lead, angle) = (number(rng, 0.5, 3.0), number(rng, 0.0, 30.0));
    let (springs, taper, ends) = (rng.below(3), number(rng, 0.0, 2.0), rng.below(4));
    let z = if rng.chance(0.8) { "-20" } else { "25" };
    let radius = number(rng, 1.0, 2.5);
    let depth = j + rng.between(0.2, 1.0);
    format!(
        "G18 M3 G0 X12 Z4\nG76 P{lead} Z{z} I{side}{i:.3} J{j:.3} K{depth:.3} R{radius} Q{angle} H{springs} E{taper} \
         L{ends}\nG80 G17\n"
    )
}

fn spline(rng: &mut Rng, _: u64) -> String {
    let order = if rng.chance(0.5) { " L4" } else { "" };
    let mut text = format!("{STAND}G17 F300\nG5.2 X1 Y{} P{}{order}\n", number(rng, -5.0, 5.0), number(rng, 0.5, 2.0));
    for _ in 0..rng.below(4) + 3 {
        let (x, y) = (number(rng, -9.0, 9.0), number(rng, -9.0, 9.0));
        writeln!(text, "X{x} Y{y} P{}", number(rng, 0.5, 2.0)).expect("a string");
    }
    text.push_str("G5.3\nG5 X3 Y4 I1 J2 P-1 Q1\nG5 X6 Y5 P1 Q1\nG5.1 X8 Y1 I1 J1\nG0 X0\n");
    text
}

/// A profile that falls along Z and grows along X, and a cycle along it.
fn turning(rng: &mut Rng, label: u64, cycle: u64) -> String {
    let mut text = format!("G18 F400\no{label} sub\nG0 X2 Z1\n");
    let (mut x, mut z) = (2.0, 1.0);
    for _ in 0..rng.below(4) + 2 {
        let step = rng.between(1.0, 4.0);
        match rng.below(4) {
            0 => {
                z -= step;
                writeln!(text, "G1 Z{z:.3}").expect("a string");
            }
            1 => {
                (x, z) = (x + step, z - rng.between(1.0, 4.0));
                writeln!(text, "G1 X{x:.3} Z{z:.3}").expect("a string");
            }
            2 => {
                (x, z) = (x + step, z - step);
                writeln!(text, "G2 X{x:.3} Z{z:.3} I{step:.3} K0").expect("a string");
            }
            _ => {
                (x, z) = (x + step, z - step);
                writeln!(text, "G3 X{x:.3} Z{z:.3} I0 K{:.3}", -step).expect("a string");
            }
        }
    }
    let decimal = if cycle == 70 { 0 } else { rng.below(3) };
    let distance = if rng.chance(0.5) { "0".to_owned() } else { number(rng, 0.05, 0.4) };
    let (depth, passes) = (number(rng, 0.4, 1.5), rng.below(2) + 1);
    let words = if cycle == 70 { format!("D{distance} P{passes}") } else { format!("D{distance} I{depth} R.3") };
    format!(
        "{text}G1 X{:.3}\no{label} endsub\nG{cycle}.{decimal} Q{label} X{:.3} Z2 {words}\nG80 G17\n",
        x + 1.0,
        x + 2.0
    )
}

/// A finishing cycle that cutter compensation follows, with every orientation of the tool.
fn compensated_turning(rng: &mut Rng, label: u64) -> String {
    let cycle = turning(rng, label, 70);
    let side = format!("\nG0 X60 Z9\nG42.1 D{} L{}\nG70.0 ", number(rng, 0.05, 0.6), rng.below(10));
    cycle.replacen("\nG70.0 ", &side, 1).replacen("\nG80 ", "\nG40 G0 X60 Z9\nG80 ", 1)
}

fn boring(rng: &mut Rng, codes: &[u64]) -> String {
    let code = codes[rng.below(codes.len() as u64) as usize];
    let retract = if rng.chance(0.5) { 98 } else { 99 };
    let dwell = if matches!(code, 82 | 86 | 89) { " P.3" } else { "" };
    let (x, y) = (number(rng, -9.0, 9.0), number(rng, -9.0, 9.0));
    format!("G0 Z9\nM3 G{retract} G{code} X{x} Y{y} Z-5 R2{dwell}\nX1\nG91 X1 Y1 Z-2 R-1 L2\nG90 G80 G99\n")
}

fn named(rng: &mut Rng, _: u64) -> String {
    const NAMES: [&str; 24] = [
        "_x",
        "_y",
        "_z",
        "_a",
        "_metric",
        "_imperial",
        "_absolute",
        "_incremental",
        "_inverse_time",
        "_units_per_minute",
        "_units_per_rev",
        "_coord_system",
        "_tool_offset",
        "_retract_r_plane",
        "_retract_old_z",
        "_spindle_rpm_mode",
        "_ijk_absolute_mode",
        "_lathe_diameter_mode",
        "_spindle_on",
        "_mist",
        "_flood",
        "_feed",
        "_plane",
        "_motion_mode",
    ];
    let mut name = || NAMES[rng.below(NAMES.len() as u64) as usize];
    format!("M8 G56 G98\nG0 X#<{}> Y#<{}> Z#<{}>\nM9 G54 G99\n", name(), name(), name())
}

#[test]
fn random_programs_of_every_construct_give_the_same_motions() {
    if !at_hand() {
        return;
    }
    let folder = scratch("rs274");
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut steps, mut wrong, mut count_wrong) = (0, String::new(), 0);
    let (mut texts, mut names_of) = (Vec::new(), Vec::new());
    for seed in 0..PROGRAMS_COUNT {
        let mut rng = Rng::new(seed).fork("rs274");
        let mut text = String::from("G21 G90 G17 G94 G91.1 G54 F300 S1000 M3\nG0 X1 Y2 Z30\n");
        let mut names = Vec::new();
        for piece in 0..PIECES {
            // Every construct in turn, each with others that are drawn.
            let index = if piece == 0 { seed } else { rng.below(CONSTRUCTS.len() as u64) } as usize % CONSTRUCTS.len();
            let (name, write) = CONSTRUCTS[index];
            *used.entry(name).or_default() += 1;
            names.push(name);
            text.push_str(&write(&mut rng, 100 + piece));
        }
        text.push_str("M2\n");
        texts.push(text);
        names_of.push(names);
    }
    for (seed, said) in oracle_of_all(&folder, &texts).into_iter().enumerate() {
        let names = &names_of[seed];
        match compare_with(texts[seed].as_bytes(), said.expect("the oracle ends"), &BTreeMap::new()) {
            Ok(count) => steps += count,
            Err(what) => {
                count_wrong += 1;
                writeln!(wrong, "seed {seed} {names:?}: {what}").expect("a string");
            }
        }
    }
    eprintln!("{PROGRAMS_COUNT} programs in {steps} steps, uses: {used:?}");
    assert!(wrong.is_empty(), "{count_wrong} differ\n{wrong}");
    assert!(used.len() == CONSTRUCTS.len() && used.values().all(|uses| *uses >= 20), "{used:?}");
    assert!(steps > 8_000, "only {steps} steps were compared");
}

/// Blocks that LinuxCNC refuses, each behind a valid beginning.
const REFUSED: [&str; 66] = [
    "G76 Z-5 I-1 J.2 K1",
    "G76 P1 Z-5 I0 J.2 K1",
    "G76 P1 Z-5 I-1 J0 K1",
    "G76 P1 Z-5 I-1 J1 K1",
    "G76 P1 Z-5 I-1 J.2",
    "M5 G76 P1 Z-5 I-1 J.2 K1",
    "G76 P1 Z-5 I-1 J.2 K1 A9",
    "G5.2 X1",
    "G5.3",
    "G5.2 X1 Y1 P1\nG5.3",
    "G5.2 X1 Y1 P1\nX2 Y2 P-1",
    "G5 X1 Y1 I1 J1 P1",
    "G5 X1 Y1 I1 P1 Q1",
    "G33 Z-5",
    "G33 Z-5 K1 F100",
    "M5 G33.1 Z-5 K1",
    "G18 G70",
    "G71 Q77 X1",
    "G18 G71 Q77 X1 I0",
    "G74 X1 Z-5 R2",
    "M4 G84 X1 Z-5 R2",
    "M5 G86 X1 Z-5 R2 P1",
    "M5 G88 X1 Z-5 R2 P1",
    "G81 X1 Z-5 R2 A3",
    "G87 X1 Y1 Z-1 R2 I1 J1",
    "G10 L1 P3",
    "G10 L1 P77 Z1",
    "G10 L20 P2 R30 X5",
    "G10 L1 X1",
    "G43.2 X5",
    "G43.2 H3 X1",
    "G43.1 H1",
    "G49 H1",
    "G43 H77",
    "G95 G38.2 Z-5 F1",
    "G38.4 X[#5420]",
    "M66",
    "M66 P0 L1",
    "M66 P0 E0",
    "M66 E0 L2",
    "M63",
    "M67 Q1",
    "M68 Q1",
    "M61",
    "M61 Q77",
    "M19 P3",
    "M19 R400",
    "M19 Q-1",
    "M3 M70",
    "M72",
    "G96 D100",
    "G96",
    "G97 D5",
    "G61 P1",
    "#5400=3",
    "#5420=3",
    "#<_x>=3",
    "#<_value>=3",
    "G0 X1 @3",
    "G0 X#<_nothing>",
    "G0 X[EXISTS[1]]",
    "G0 X[ATAN[1]]",
    "G0 X[1] U5 V",
    "G28.1 G0 X1 X2",
    "M62",
    "G53 G5.1 X1 I1 J1",
];

#[test]
fn what_linuxcnc_refuses_is_refused_at_the_same_line() {
    if !at_hand() {
        return;
    }
    let folder = scratch("rs274_refused");
    let (mut refused, mut wrong) = (0, String::new());
    let text = |block: &&str| format!("G21 F100 S100 M3\nG0 X1 Y1 Z9\nT3 M6\n{block}\nM2\n");
    let texts: Vec<String> = REFUSED.iter().map(text).collect();
    for ((block, text), said) in REFUSED.iter().zip(&texts).zip(oracle_of_all(&folder, &texts)) {
        let (_, at) = said.expect("the oracle ends");
        let result = supplied(text.as_bytes(), &BTreeMap::new(), &oracle::options());
        let error = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
        match (at, error) {
            (Some(at), Some(error)) if error.line == at || error.line + 1 == at => refused += 1,
            (None, None) => writeln!(wrong, "{block:?} is accepted by both: it is no mistake").expect("a string"),
            (at, error) => writeln!(wrong, "{block:?}: oracle {at:?}, ours {error:?}").expect("a string"),
        }
    }
    eprintln!("{refused} blocks are refused at the line of the oracle");
    assert!(wrong.is_empty(), "{wrong}");
}
