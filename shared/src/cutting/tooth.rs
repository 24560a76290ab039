//! The chip of one tooth as straight lines over the chip it would have without runout.
//!
//! With runout ρ_j = e·cos(λ − jφ_p) tooth j takes what lies between its own path and the deepest of the paths
//! before it: h/sinκ = max(0, min over m = 1 … N of m·u + ρ_j − ρ_(j+m)), where u is the chip that every tooth
//! would take without runout, measured across the axis. A least of lines is concave, so that over u it is zero
//! up to some chip and then a chain of ever flatter lines; the chain depends on the cutter alone. With m = 1 it
//! is the formula of Altintas (section 2.7); steeper lines count where runout is as large as the feed.

/// One line of the chain: from `from_mm` on, h/sinκ = `passes` · u + `offset_mm`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChipLine {
    /// The u at which the line begins.
    pub(super) from_mm: f64,
    /// m, how many passes of teeth the chip holds.
    pub(super) passes: f64,
    /// ρ_j − ρ_(j+m).
    pub(super) offset_mm: f64,
}

impl ChipLine {
    /// h/sinκ at u.
    pub(super) fn at(&self, u_mm: f64) -> f64 {
        self.passes * u_mm + self.offset_mm
    }
}

/// The chain of a tooth, lines by rising u; the first begins where the chip begins.
pub(super) fn chip_lines(offsets_mm: &[f64], tooth: usize) -> Vec<ChipLine> {
    let count = offsets_mm.len();
    let line = |back: usize| (back as f64, offsets_mm[tooth] - offsets_mm[(tooth + back) % count]);
    let mut lines = Vec::new();
    let mut back = 1;
    // Downwards from the flattest line, which holds for all great u.
    loop {
        let (passes, offset_mm) = line(back);
        let zero_mm = -offset_mm / passes;
        let crossings = (back + 1..=count).map(|steeper| {
            let (steeper_passes, steeper_mm) = line(steeper);
            ((offset_mm - steeper_mm) / (steeper_passes - passes), steeper)
        });
        let next = crossings.reduce(|best, found| if found.0 >= best.0 { found } else { best });
        match next.filter(|(crossing_mm, _)| *crossing_mm > zero_mm) {
            Some((crossing_mm, steeper)) => {
                lines.push(ChipLine { from_mm: crossing_mm, passes, offset_mm });
                back = steeper;
            }
            None => {
                lines.push(ChipLine { from_mm: zero_mm, passes, offset_mm });
                lines.reverse();
                return lines;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::det::Rng;

    #[test]
    fn without_runout_there_is_one_line() {
        assert_eq!(chip_lines(&[0.0; 4], 2), [ChipLine { from_mm: 0.0, passes: 1.0, offset_mm: 0.0 }]);
    }

    #[test]
    fn the_chain_is_the_least_of_all_lines() {
        let mut rng = Rng::new(11);
        for case in 0..200 {
            let count = 1 + rng.below(9) as usize;
            let offsets: Vec<f64> = (0..count).map(|_| rng.between(-0.02, 0.02)).collect();
            for tooth in 0..count {
                let chain = chip_lines(&offsets, tooth);
                assert!(chain.windows(2).all(|pair| pair[0].from_mm < pair[1].from_mm), "case {case}: {chain:?}");
                for step in 0..200 {
                    let u = f64::from(step) * 0.0005;
                    let least = (1..=count)
                        .map(|back| back as f64 * u + offsets[tooth] - offsets[(tooth + back) % count])
                        .fold(f64::INFINITY, f64::min)
                        .max(0.0);
                    let found = chain.iter().rev().find(|line| line.from_mm <= u).map_or(0.0, |line| line.at(u));
                    assert!((found - least).abs() < 1e-12, "case {case}, tooth {tooth}, u {u}: {found} {least}");
                }
            }
        }
    }
}
