//! Reading numbers as controls write them: `-.0531`, `10.`, `1 2` (blanks do not count), no exponent.

use super::fault::{BAD_NUMBER, Checked, Fault};

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Integers up to here convert to a double without rounding.
const MANTISSA_MAX: u64 = 1 << 53;

/// A number and whether it had a decimal point, which some controls read differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) has_point: bool,
}

/// Skips blanks, tabs and carriage returns.
pub(super) fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while at < line.len() && is_blank(line[at]) {
        at += 1;
    }
    at
}

/// True for a byte that separates nothing and means nothing.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Reads an unsigned number at `at`; gives it with the place behind it.
///
/// Correctly rounded: up to 2⁵³ and 22 decimals by one exact division, beyond by the standard library.
pub(super) fn read(line: &[u8], at: usize) -> Checked<(Number, usize)> {
    let start = skip_blanks(line, at);
    let (mut end, mut mantissa, mut decimals, mut digits) = (start, 0u64, 0usize, 0usize);
    let (mut has_point, mut exact) = (false, true);
    let mut last = start;
    while end < line.len() {
        match line[end] {
            byte @ b'0'..=b'9' => {
                digits += 1;
                decimals += usize::from(has_point);
                if mantissa < MANTISSA_MAX / 16 {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                } else {
                    exact = false;
                }
                last = end + 1;
            }
            b'.' if !has_point => {
                has_point = true;
                last = end + 1;
            }
            byte if is_blank(byte) => {}
            _ => break,
        }
        end += 1;
    }
    if digits == 0 {
        // `X1O.`: behind a digit stands the letter that looks like zero.
        let is_letter_o = start > 1 && matches!(line[start - 1], b'O' | b'o') && line[start - 2].is_ascii_digit();
        let found =
            line.get(start).map_or("the end of the line".to_owned(), |byte| format!("`{}`", byte.escape_ascii()));
        return Err(Fault::error(
            BAD_NUMBER,
            start..(start + 1).min(line.len()),
            format!("a number was expected, {found} was found"),
            if is_letter_o {
                "the letter O stands before it; where zero is meant write the digit 0"
            } else {
                "write digits, for instance 1.5 or -.25"
            },
        ));
    }
    if line.get(end) == Some(&b'.') {
        return Err(Fault::error(
            BAD_NUMBER,
            start..end + 1,
            format!("`{}` has two decimal points", line[start..=end].escape_ascii()),
            "write one decimal point",
        ));
    }
    let value =
        if exact && decimals < POWERS.len() { mantissa as f64 / POWERS[decimals] } else { slow(&line[start..last]) };
    Ok((Number { value, has_point }, last))
}

/// For numbers of more than fifteen digits.
fn slow(text: &[u8]) -> f64 {
    let clean: String = text.iter().filter(|byte| !is_blank(**byte)).map(|byte| char::from(*byte)).collect();
    // Digits and at most one point always parse; the bound stands for numbers beyond the range of a double.
    clean.parse::<f64>().map_or(f64::MAX, |value| value.min(f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: f64, behind: usize) {
        let (number, end) = read(text.as_bytes(), 0).expect("a number");
        assert_eq!((number.value.to_bits(), end), (expected.to_bits(), behind), "{text}");
    }

    #[test]
    fn reads_what_posts_write() {
        check(".0531Y", 0.0531, 5);
        check("10.", 10.0, 3);
        check("0", 0.0, 1);
        check("1 2 X", 12.0, 3);
        check("99999999999999999999.5", 1e20, 22);
        check("0.1234567890123456789", 0.123_456_789_012_345_68, 21);
    }

    #[test]
    fn agrees_with_the_standard_library_bit_for_bit() {
        let mut rng = crate::det::Rng::new(11);
        for _ in 0..20_000 {
            let decimals = rng.below(12) as usize;
            let scale = crate::det::math::pow(10.0, rng.between(-3.0, 9.0));
            let text = format!("{:.decimals$}", rng.uniform() * scale);
            let (number, _) = read(text.as_bytes(), 0).expect("a number");
            assert_eq!(number.value.to_bits(), text.parse::<f64>().expect("valid").to_bits(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in ["", "X", ".", "1.2.3", "-"] {
            assert!(read(text.as_bytes(), 0).is_err(), "{text:?} was read");
        }
    }
}
