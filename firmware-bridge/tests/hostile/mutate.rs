//! Damaged input, made from whole input: most of it still looks like the language, which is where parsers break.

use shared::det::Rng;

/// Longest input, bytes.
pub(crate) const INPUT_LEN_MAX: usize = 2048;

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\r",
    b"|",
    b":",
    b",",
    b"<",
    b">",
    b"[",
    b"]",
    b"-",
    b"\0",
    b"\xff\xfe",
    b"\xc3\x28",
    b"99999999999999999999",
    b"-0.0000001",
    b"nan",
    b"inf",
    b"1e999",
    b"ok",
    b"error:",
    b"UNAVAILABLE",
    b"|Fields|",
];

/// The input of a number: a few whole lines, damaged up to eight times. The same number gives the same input.
pub(crate) fn input(seed: u64, number: u64, samples: &[&[u8]]) -> Vec<u8> {
    let mut rng = Rng::new(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut bytes = Vec::with_capacity(INPUT_LEN_MAX);
    for _ in 0..=rng.below(4) {
        bytes.extend_from_slice(samples[rng.below(samples.len() as u64) as usize]);
        bytes.push(b'\n');
    }
    for _ in 0..rng.below(9) {
        damage(&mut bytes, &mut rng, samples);
        bytes.truncate(INPUT_LEN_MAX);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, rng: &mut Rng, samples: &[&[u8]]) {
    let len = bytes.len() as u64;
    let from = rng.below(len + 1) as usize;
    let to = (from + rng.below(24) as usize).min(bytes.len());
    match rng.below(9) {
        0 if from < bytes.len() => bytes[from] ^= 1 << rng.below(8),
        1 if from < bytes.len() => bytes[from] = rng.next_u64() as u8,
        2 => drop(bytes.drain(from..to)),
        3 => bytes.truncate(from),
        4 => {
            let copy = bytes[from..to].to_vec();
            bytes.splice(from..from, copy);
        }
        5 => {
            let piece = PIECES[rng.below(PIECES.len() as u64) as usize];
            bytes.splice(from..from, piece.iter().copied());
        }
        6 => {
            let sample = samples[rng.below(samples.len() as u64) as usize];
            let start = rng.below(sample.len() as u64 + 1) as usize;
            bytes.splice(from..to, sample[start..].iter().copied());
        }
        7 => {
            let byte = *bytes.get(from).unwrap_or(&b'9');
            bytes.splice(from..from, std::iter::repeat_n(byte, rng.below(600) as usize));
        }
        _ => bytes[from..to].reverse(),
    }
}
