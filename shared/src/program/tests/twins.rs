//! Inch and millimetre twins of one program have equal geometry.

use super::*;
use crate::det::Rng;
use std::fmt::Write as _;

/// Where the operations lead: ends and centres, mm.
fn places(result: &Interpreted) -> Vec<[f64; 6]> {
    let of = |op: &CanonOp| match &op.call {
        Call::StraightTraverse { end } | Call::StraightFeed { end } => {
            let [x, y, z] = end.program_mm;
            Some([x, y, z, 0.0, 0.0, 0.0])
        }
        Call::ArcFeed { end, centre_mm, turns, .. } => {
            let [x, y, z] = end.program_mm;
            Some([x, y, z, centre_mm[0], centre_mm[1], f64::from(*turns)])
        }
        _ => None,
    };
    result.ops.iter().filter_map(of).collect()
}

fn compare(name: &str, one: &Interpreted, other: &Interpreted) -> usize {
    let (one, other) = (places(one), places(other));
    assert_eq!(one.len(), other.len(), "{name}");
    for (index, (a, b)) in one.iter().zip(&other).enumerate() {
        let far = (0..6).map(|axis| (a[axis] - b[axis]).abs()).fold(0.0, f64::max);
        assert!(far < 1e-6, "{name}: motion {index}: {a:?} and {b:?}");
    }
    one.len()
}

/// The program in the other unit: lengths times `factor`, the unit code exchanged. `None` where a line has what
/// this simple reader does not know.
fn twin(text: &str, factor: f64) -> Option<String> {
    let mut twin = String::new();
    for line in text.lines() {
        if line.contains(['[', '#', '=']) {
            return None;
        }
        let (mut rest, mut is_comment) = (line, false);
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            is_comment = (is_comment || letter == '(') && letter != ')';
            twin.push(letter);
            let is_length = matches!(letter, 'X' | 'Y' | 'Z' | 'I' | 'J' | 'K' | 'R' | 'F' | 'Q');
            let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count();
            if is_comment || length == 0 {
                continue;
            }
            let number = &rest[..length];
            rest = &rest[length..];
            match (letter, number) {
                ('G', "20") => twin.push_str("21"),
                ('G', "21") => twin.push_str("20"),
                _ if is_length => {
                    let value: f64 = number.parse().ok()?;
                    write!(twin, "{:.14}", value * factor).ok()?;
                }
                _ => twin.push_str(number),
            }
        }
        twin.push('\n');
    }
    Some(twin)
}

#[test]
fn programs_of_the_corpus() {
    let mut motions = 0;
    for file in ["nist/nist_cover.nc", "nist/nist_box_op2_front.nc", "nist/nist_plate_04.nc", "nist/nist_plate_01.nc"] {
        let Some(text) = corpus::corpus(file) else { return };
        let text = String::from_utf8_lossy(&text).into_owned();
        let other = twin(&text, 25.4).unwrap_or_else(|| panic!("{file} is not plain"));
        // A peck leaves the same clearance in both units, so the drilled holes compare as well.
        let options = Options { tool_lengths_mm: BTreeMap::new(), ..options(Dialect::Fanuc) };
        motions += compare(file, &run(&text, &options), &run(&other, &options));
    }
    assert!(motions > 5000, "{motions} motions were compared");
}

#[test]
fn generated_programs_of_every_dialect() {
    let mut rng = Rng::new(254);
    for (dialect, units) in [
        (Dialect::Rs274ngc, ["G21", "G20"]),
        (Dialect::Fanuc, ["G21", "G20"]),
        (Dialect::Haas, ["G21", "G20"]),
        (Dialect::Grbl, ["G21", "G20"]),
        (Dialect::Siemens, ["G710", "G700"]),
    ] {
        for _ in 0..40 {
            let [mut metric, mut inch] = units.map(|unit| format!("{unit} G17 G90 G94\n"));
            for _ in 0..30 {
                let kind = rng.below(4);
                let numbers: Vec<f64> = (0..3).map(|_| (rng.between(-80.0, 80.0) * 1000.0).round() / 1000.0).collect();
                for (text, unit_mm) in [(&mut metric, 1.0), (&mut inch, 25.4)] {
                    let [a, b, c] = [0, 1, 2].map(|index| numbers[index] / unit_mm);
                    let line = match kind {
                        0 => format!("G0 X{a:.14} Y{b:.14}"),
                        1 => format!("G1 X{a:.14} Z{c:.14} F{:.14}", 100.0 / unit_mm),
                        // Full circles, whose end is their start.
                        2 => format!("G2 I{a:.14} J{b:.14} F{:.14}", 100.0 / unit_mm),
                        _ => format!("G91 G3 X0.0 Y{:.14} I0.0 J{:.14} F{:.14}\nG90", 2.0 * b, b, 100.0 / unit_mm),
                    };
                    text.push_str(&line);
                    text.push('\n');
                }
            }
            let (metric, inch) = (format!("{metric}M30\n"), format!("{inch}M30\n"));
            let (one, other) = (run(&metric, &options(dialect)), run(&inch, &options(dialect)));
            assert!(
                one.diagnostics.iter().all(|found| !found.is_error()),
                "{dialect:?}: {:?}\n{metric}",
                one.diagnostics
            );
            compare(dialect.name(), &one, &other);
        }
    }
}
