use crate::ident::Digest;

/// A digest over a sequence of records: equal chains mean equal records in equal order.
///
/// Each record is framed by its length, so that moving a byte from one record to the next changes the
/// digest. Floating-point values enter by their bits; −0.0 and 0.0 therefore differ.
#[derive(Clone, Debug, Default)]
pub struct DigestChain {
    hasher: blake3::Hasher,
}

impl DigestChain {
    /// An empty chain for a purpose; chains of different purposes never agree.
    pub fn new(purpose: &str) -> Self {
        let mut chain = Self::default();
        chain.bytes(purpose.as_bytes());
        chain
    }

    /// Appends a record of bytes.
    pub fn bytes(&mut self, record: &[u8]) -> &mut Self {
        self.hasher.update(&(record.len() as u64).to_le_bytes());
        self.hasher.update(record);
        self
    }

    /// Appends an integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.hasher.update(&value.to_le_bytes());
        self
    }

    /// Appends a number by its bits.
    pub fn f64(&mut self, value: f64) -> &mut Self {
        self.u64(value.to_bits())
    }

    /// The digest so far; the chain can go on.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(*self.hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_keeps_records_apart() {
        let chain = |records: &[&[u8]]| {
            let mut chain = DigestChain::new("test");
            for record in records {
                chain.bytes(record);
            }
            chain.digest()
        };
        assert_ne!(chain(&[b"ab", b"c"]), chain(&[b"a", b"bc"]));
        assert_eq!(chain(&[b"ab", b"c"]), chain(&[b"ab", b"c"]));
    }
}
