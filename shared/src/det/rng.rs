use super::math;

/// Seeded pseudo-random numbers: xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64.
///
/// Not for secrets. A draw is a pure function of the seed and of how many draws came before it;
/// [`Rng::fork`] gives independent streams by label, so that adding a draw to one does not move another.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator for a seed. Every seed, zero too, gives a valid state.
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut mix)) }
    }

    /// An independent stream named by `label`; the parent is not advanced.
    pub fn fork(&self, label: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        self.state.iter().for_each(|word| {
            hasher.update(&word.to_le_bytes());
        });
        hasher.update(label.as_bytes());
        let bytes = *hasher.finalize().as_bytes();
        let mut seed = 0u64;
        for byte in &bytes[..8] {
            seed = seed << 8 | u64::from(*byte);
        }
        Self::new(seed)
    }

    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let t = s1 << 17;
        let s2 = s2 ^ s0;
        let s3 = s3 ^ s1;
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ t, s3.rotate_left(45)];
        result
    }

    /// Uniform in [0, 1), with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform integer in [0, bound); `bound` of zero gives zero. The bias is below bound / 2⁶⁴.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * math::ln(1.0 - self.uniform())).sqrt();
        radius * math::cos(std::f64::consts::TAU * self.uniform())
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = *state;
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_draws_and_forks_are_independent() {
        let draw = |mut rng: Rng| std::array::from_fn::<u64, 4, _>(|_| rng.next_u64());
        assert_eq!(draw(Rng::new(7)), draw(Rng::new(7)));
        assert_ne!(draw(Rng::new(7)), draw(Rng::new(8)));
        let parent = Rng::new(7);
        assert_ne!(draw(parent.fork("link")), draw(parent.fork("truth")));
        assert_eq!(draw(parent.fork("link")), draw(Rng::new(7).fork("link")));
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        let mut rng = Rng::new(42);
        let count = 100_000;
        let normals: Vec<f64> = (0..count).map(|_| rng.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(count);
        let variance = normals.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(count);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
        assert!((0..1000).all(|_| rng.below(3) < 3));
    }
}
