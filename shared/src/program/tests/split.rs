//! Blocks in pieces: the text, and that both programs go the same way.

use super::corpus::{PROGRAMS, corpus, no_table};
use super::*;
use crate::det::Rng;

fn split(text: &str, cuts: &[(u32, &[f64])]) -> Split {
    let cuts: LineCuts = cuts.iter().map(|(line, shares)| (*line, shares.to_vec())).collect();
    split_blocks("t.nc", text.as_bytes(), &NoSubprograms, &options(Dialect::Rs274ngc), &cuts)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn check(text: &str, cuts: &[(u32, &[f64])], expected: &str) {
    assert_eq!(String::from_utf8_lossy(&split(text, cuts).text), expected, "{text:?}");
}

#[test]
fn lines_arcs_and_helices_are_split_where_asked() {
    check(
        "G21 G90\nG0 X0 Y0\nG1 X10 F600\nM2\n",
        &[(3, &[0.25])],
        "G21 G90\nG0 X0 Y0\nG1 X2.5 F600\nG1 X10 F600\nM2\n",
    );
    // The feed that was in force; CRLF and comments stay.
    check(
        "G21 G90 G1 X0 Y0 Z0 F600\r\nX10 Y-4 (c)\r\nM2\r\n",
        &[(2, &[0.5])],
        "G21 G90 G1 X0 Y0 Z0 F600\r\nG1 X5. Y-2. F600\r\nX10 Y-4 (c)\r\nM2\r\n",
    );
    // A quarter in halves, by centre and by radius, and a helix of a whole turn in quarters.
    check(
        "G21 G90 G1 X10 Y0 F600\nG3 X0 Y10 I-10\nM2\n",
        &[(2, &[0.5])],
        "G21 G90 G1 X10 Y0 F600\nG3 X7.0711 Y7.0711 I-10. J0. F600\nG3 X0 Y10 I-7.0711 J-7.0711\nM2\n",
    );
    let radius = split("G21 G90 G1 X10 Y0 F600\nG3 X0 Y10 R10\nM2\n", &[(2, &[0.5])]);
    assert_eq!(radius.blocks.get(&2), Some(&2), "{}", String::from_utf8_lossy(&radius.text));
    let helix = split("G21 G90 G1 X10 Y0 Z0 F600\nG2 X10 Y0 Z-2 I-10 J0\nM2\n", &[(2, &[0.25, 0.5, 0.75])]);
    let text = String::from_utf8_lossy(&helix.text).into_owned();
    assert!(text.contains("G2 X0. Y-10. Z-0.5 I-10. J0. F600\n"), "{text}");
    assert_eq!(helix.lines, [1, 2, 2, 2, 2, 3]);
}

#[test]
fn what_is_not_plain_stays_whole() {
    let whole = |text: &str, line: u32| {
        let split = split(text, &[(line, &[0.3, 0.6])]);
        assert_eq!(String::from_utf8_lossy(&split.text), text);
        assert!(split.blocks.is_empty());
    };
    whole("G21 G91\nG1 X10 F600\nM2\n", 2);
    whole("G21 G90\nG1 X[5*2] F600\nM2\n", 2);
    whole("G21 G90\nG1 X1 F600\nG93 X10 F2\nX20 F3\nM2\n", 4);
    whole("G21 G90 G1 F600\no1 repeat [2]\nX10\nX0\no1 endrepeat\nM2\n", 3);
    whole("G21 G90 F600\no1 sub\nG1 X10\no1 endsub\no1 call\nM2\n", 3);
    whole("G21 G90 G0 Z9\nG81 X5 Z-1 R2 F100\nX9\nG80\nM2\n", 3);
    whole("G21 G90 F600\nG1 X10 A90\nM2\n", 2);
    whole("G21 G90 G0 X-20 Y0\nG41.1 D6 G1 X0 Y0 F600\nX50\nG40 X80\nM2\n", 3);
    whole("G21 G90 G1 X10 Y0 F600\nG3 X0 Y-10 R-10\nM2\n", 2);
    whole("G21 G90 F600\nM49\nG1 X10\nM2\n", 3);
    whole("G21 G90 G92 X5\nG1 X10 F600\nG52 X1\nG1 X30\nM2\n", 99);
}

#[test]
fn random_programs_go_the_same_way_in_pieces() {
    let mut blocks = 0;
    for seed in 0..300 {
        let mut rng = Rng::new(seed).fork("split");
        let inch = rng.below(4) == 0;
        let mut text = format!("{} G90 G17 G1 X0 Y0 Z0 F60\n", if inch { "G20" } else { "G21" });
        for _ in 0..20 {
            let number = |rng: &mut Rng| format!("{:.3}", rng.between(-40.0, 40.0));
            let (x, y) = (number(&mut rng), number(&mut rng));
            text += &match rng.below(5) {
                0 => format!("G2 X[#5420+2] Y[#5421] I1 J0\nG1 X{x} Y{y}\n"),
                1 => format!("G1 X{x} Y{y} Z{}\n", number(&mut rng)),
                2 => format!("G1 X{x} Y{y}\nG3 X{x} Y{y} I{} J1.5\n", number(&mut rng)),
                3 => format!("G1 X{x} Y{y} F{}\nG92 X{x} Y{y}\nG1 Z{}\nG92.1\n", 50 + rng.below(900), rng.below(9)),
                _ => format!("N{} G1 X{x} (to the side)\n", rng.below(9000)),
            };
        }
        text += "M2\n";
        let mut cuts = LineCuts::new();
        for line in 1..text.lines().count() as u32 {
            let mut shares: Vec<f64> = (0..rng.below(4)).map(|_| rng.between(0.05, 0.95)).collect();
            shares.sort_by(f64::total_cmp);
            shares.dedup_by(|a, b| (*a - *b).abs() < 0.02);
            if !shares.is_empty() {
                cuts.insert(line, shares);
            }
        }
        let options = options(Dialect::Rs274ngc);
        let split = split_blocks("t.nc", text.as_bytes(), &NoSubprograms, &options, &cuts)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        blocks += split.blocks.len();
        // Seen from outside: the same length of way, and the same last place.
        let way = |text: &[u8]| {
            let ops = interpret("t.nc", text, &NoSubprograms, &options).ops;
            let ends = ops.iter().filter_map(|op| match op.call {
                Call::StraightFeed { end } | Call::ArcFeed { end, .. } => Some(end.machine_mm),
                _ => None,
            });
            let all: Vec<[f64; 3]> = ends.collect();
            (all.len(), all.last().copied())
        };
        let (before, after) = (way(text.as_bytes()), way(&split.text));
        let added: usize = split.blocks.values().map(|count| count - 1).sum();
        assert_eq!((before.0 + added, before.1), after, "seed {seed}");
    }
    assert!(blocks > 2000, "{blocks} blocks were split");
}

/// All lines of the corpus are to be cut, those that may be are, and both texts go the same way.
#[test]
fn programs_of_the_corpus_go_the_same_way_in_pieces() {
    let mut in_pieces = 0;
    for (file, _, _, errors) in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        if errors > 0 {
            continue;
        }
        let options = no_table();
        let count = text.iter().filter(|byte| **byte == b'\n').count() as u32;
        let cuts: LineCuts = (1..=count + 1).map(|line| (line, vec![0.3, 0.65])).collect();
        let split = split_blocks(file, &text, &NoSubprograms, &options, &cuts)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        // Seen from outside: every end of the original comes again, in order, and in between are only feeds.
        let ends = |text: &[u8]| -> Vec<([f64; 3], Option<f64>)> {
            let ops = interpret(file, text, &NoSubprograms, &options).ops;
            let end = |op: &CanonOp| match op.call {
                Call::StraightFeed { end } | Call::ArcFeed { end, .. } => {
                    Some((end.machine_mm, op.modal.feed.map(|feed| feed.as_mm_s())))
                }
                _ => None,
            };
            ops.iter().filter_map(end).collect()
        };
        let (before, after) = (ends(&text), ends(&split.text));
        let added: usize = split.blocks.values().map(|count| count - 1).sum();
        assert_eq!(before.len() + added, after.len(), "{file}");
        let mut rest = after.iter();
        for end in &before {
            assert!(rest.any(|other| other == end), "{file}: {end:?} does not come again");
        }
        in_pieces += usize::from(!split.blocks.is_empty());
    }
    assert!(in_pieces >= 4, "blocks of {in_pieces} programs were split");
}
