//! One mistake in a right program: what fingers, posts and torn transfers do.

use shared::det::Rng;

/// Kinds of mistakes.
pub(crate) const KINDS: [&str; 9] = [
    "deleted character",
    "duplicated character",
    "swapped characters",
    "replaced character",
    "word out of place",
    "forbidden combination",
    "deleted line",
    "two lines in one",
    "value out of range",
];

/// Words that most blocks have no use for.
const WORDS: [&str; 14] = ["R2", "P2", "L3", "Q1", "X1", "K2", "H5", "D77", "J1", "N5", "E1", "U0", "@2", "I1"];
/// Codes that contradict most blocks.
const CODES: [&str; 16] = [
    "G0 G1",
    "M3 M4",
    "G20 G21",
    "G80 X1",
    "G81",
    "G92",
    "G53 G2",
    "G10 L2",
    "G17 G18",
    "M6 T99",
    "G38.2",
    "G28 G1",
    "G54 G55",
    "G5.1 X1",
    "G91 G53 G0 X1",
    "M7 M9",
];
const VALUES: [&str; 10] =
    ["G4 P-1", "S-5", "F-1", "T-1", "G999", "M1000", "G0 X[1/0]", "G0 X[SQRT[-1]]", "G0 Y[ACOS[2]]", "G10 L2 P99 X1"];
const LETTERS: &[u8] = b"GMXYZIJKRFSTPQLN0123456789.-+[]#()/*o<>= ";

/// A text with one mistake, its kind, and what was done.
pub(crate) fn mutated(rng: &mut Rng, text: &str) -> (String, &'static str, String) {
    // Most deleted lines leave a right program.
    let kind = if rng.chance(0.25) { "deleted line" } else { KINDS[rng.below(KINDS.len() as u64) as usize] };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Not the first line, which sets the scene, and not the end.
    let at = 2 + rng.below(lines.len() as u64 - 4) as usize;
    let before = lines[at].clone();
    let length = before.len() as u64;
    let place = rng.below(length.max(1)) as usize;
    let pick = |rng: &mut Rng, list: &[&str]| list[rng.below(list.len() as u64) as usize].to_owned();
    match kind {
        "deleted character" if length > 0 => {
            lines[at].remove(place);
        }
        "duplicated character" if length > 0 => lines[at].insert_str(place, &before[place..=place]),
        "swapped characters" if place + 1 < before.len() => {
            let (a, b) = (&before[place..=place], &before[place + 1..=place + 1]);
            lines[at] = format!("{}{b}{a}{}", &before[..place], &before[place + 2..]);
        }
        "replaced character" if length > 0 => {
            let letter = LETTERS[rng.below(LETTERS.len() as u64) as usize];
            lines[at].replace_range(place..=place, &char::from(letter).to_string());
        }
        "word out of place" => {
            let word = pick(rng, &WORDS);
            lines[at] = format!("{before} {word}");
        }
        "forbidden combination" => {
            let codes = pick(rng, &CODES);
            if rng.chance(0.5) { lines.insert(at, codes) } else { lines[at] = format!("{before} {codes}") }
        }
        "value out of range" => lines.insert(at, pick(rng, &VALUES)),
        // M72 runs codes of its own in the oracle, which then forgets the rest of the block.
        // The oracle draws a spline at the height of the last straight move it drew.
        "deleted line"
            if lines[at + 1].to_uppercase().contains("G5 ") || lines[at + 1].to_uppercase().contains("G5.") =>
        {
            lines[at].push_str(" R2");
        }
        "two lines in one" if !before.contains("72") => {
            let next = lines.remove(at + 1);
            lines[at] = format!("{before} {next}");
        }
        // Passing over a definition, the oracle takes the value of its `endsub` for that of a call.
        _ if before.contains("call") => lines[at].push_str(" R2"),
        _ => {
            lines.remove(at);
        }
    }
    let change = format!("line {}: {before:?} -> {:?}", at + 1, lines.get(at));
    (lines.join("\n") + "\n", kind, change)
}
