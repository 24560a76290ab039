//! Rewritten programs: the bytes, and that both make the same moves.

use super::*;
use crate::det::Rng;

fn rewritten(text: &str, factors: &[(u32, u16)]) -> Result<Rewritten, RewriteError> {
    let factors = factors.iter().copied().collect();
    rewrite("t.nc", text.as_bytes(), &NoSubprograms, &options(Dialect::Rs274ngc), &factors)
}

fn check(text: &str, factors: &[(u32, u16)], expected: &str) {
    let found = rewritten(text, factors).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(String::from_utf8_lossy(&found.text), expected, "{text:?}");
}

#[test]
fn only_f_words_change() {
    // CRLF, tabs, comments and case stay.
    check("G21\r\n\tg1 x1 f600. (F600) \r\nM2\r\n", &[(2, 500)], "G21\r\n\tg1 x1 f300. (F600) \r\nM2\r\n");
    // What inherited the feed gets its own, once.
    check("G21\nG1 X1 F600\nX2\nX3\nM2\n", &[(2, 250)], "G21\nG1 X1 F150\nX2F600\nX3\nM2\n");
    check("G21\nG1X1F600\nX2(c)\nX3F600\nM2\n", &[(3, 333)], "G21\nG1X1F600\nX2F199.8(c)\nX3F600\nM2\n");
    // Faster, and what inherited stays as it was.
    check("G21\nG1 X1 F600\nX2\nM2\n", &[(2, 1500)], "G21\nG1 X1 F900\nX2F600\nM2\n");
    check("G21\nG1 X1 F600\nM2\n", &[(2, u16::MAX)], "G21\nG1 X1 F3000\nM2\n");
    // By expression, by inverse time, in inches.
    check("G21\n#1=600\nG1 X1 F[#1*2]\nM2\n", &[(3, 500)], "G21\n#1=600\nG1 X1 F600\nM2\n");
    check("G21\nG93 G1 X10 F6\nM2\n", &[(2, 500)], "G21\nG93 G1 X10 F3\nM2\n");
    check("G20\nG1 X1 F10\nX2\nM2\n", &[(2, 333)], "G20\nG1 X1 F3.33\nX2F10\nM2\n");
    // A loop takes the lowest of its passes, and the rounds of a block are one block.
    check(
        "G21\nG1 F600\no1 repeat [2]\nG91 X1\nX2\no1 endrepeat\nM2\n",
        &[(5, 500)],
        "G21\nG1 F600\no1 repeat [2]\nG91 X1 F600\nX2F300\no1 endrepeat\nM2\n",
    );
}

#[test]
fn nothing_to_change_changes_nothing() {
    let text = "%\r\nG21\r\nG1 X1 F[100*6] ; \u{e4}\r\n\r\nX2\r\nM2\r\n%";
    for factors in [&[][..], &[(3, 1000), (5, 1000)], &[(77, 1)]] {
        let found = rewritten(text, factors).expect("it reads");
        assert_eq!((found.text.as_slice(), found.changed.len()), (text.as_bytes(), 0));
    }
    assert!(matches!(rewritten("G21\nG1 X\nM2\n", &[]), Err(RewriteError::Unread(_))));
    assert!(matches!(rewritten("G21\nG1 X1 F1\nM2\n", &[(2, 0)]), Err(RewriteError::Impossible { line: 2, .. })));
}

/// A program of lines, arcs, cycles, loops, calls and changes of unit and feed mode.
fn random_program(rng: &mut Rng) -> String {
    let mut text = String::from("G21 G90 G17 F600 S100 M3\no9 sub\nG1 X#1\nG1 Y1 F[#1*10+100]\nY2\no9 endsub\n");
    for index in 0..rng.below(30) + 5 {
        let value = rng.below(50) + 1;
        text.push_str(&match rng.below(12) {
            0 => format!("G1 X{value} F{}\n", value * 20),
            1 => format!("F{value}00\n"),
            2 => format!("G2 X[#5420+2] Y[#5421] I1 J0 (F{value})\n"),
            3 => format!("G0 Z9\nG81 X{value} Z-1 R2 F{value}.5\nX1\nG80\n"),
            4 => format!("o{index} repeat [3]\nG1 X{value}\nY{value} F{value}5\no{index} endrepeat\n"),
            5 => format!("o9 call [{value}]\n"),
            6 => format!("G20\nG1 X1 F{value}.\nY1\nG21 F{value}0\n"),
            7 => format!("G93 G1 X{value} F2\nX1 F3.5\nG94 F{value}0\n"),
            8 => format!("G95 G1 X{value} F.1\nG94 F{value}1\n"),
            9 => format!("M49\nG1 X{value}\nM48\n"),
            _ => format!("G1X{value}Y-{value}\n"),
        });
    }
    text + "M2\n"
}

#[test]
fn random_programs_make_the_same_moves_and_never_faster_than_asked() {
    let (mut changed, mut added, mut fixed) = (0, 0, 0);
    for seed in 0..400 {
        let mut rng = Rng::new(seed).fork("rewrite");
        let text = random_program(&mut rng);
        let lines = text.lines().count() as u64;
        let factors: Vec<(u32, u16)> =
            (0..rng.below(20)).map(|_| (rng.below(lines) as u32 + 1, rng.below(1400) as u16 + 100)).collect();
        // The function verifies what it gives out by interpreting both.
        let found =
            rewritten(&text, &factors).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}\n{factors:?}"));
        (changed, added, fixed) = (changed + found.changed.len(), added + found.added.len(), fixed + found.fixed.len());
        let plain = |bytes: &[u8]| without_f(&String::from_utf8_lossy(bytes));
        assert_eq!(plain(&found.text), plain(text.as_bytes()), "seed {seed}: more than F words changed");
    }
    assert!(changed > 200 && added > 200 && fixed > 20, "{changed} changed, {added} added, {fixed} fixed");
}

/// Lines without F words and the blanks around them.
fn without_f(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('F') {
        out.push_str(rest[..at].trim_end_matches(' '));
        rest = rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if rest.starts_with('[') {
            rest = &rest[rest.find(']').map_or(0, |end| end + 1)..];
        }
    }
    out + rest
}
