use super::options::Sources;
use crate::det::DigestChain;
use crate::ident::ProgramDigest;

/// Digest of a program and of the subprograms it uses.
///
/// `subprograms` are the names under which an interpretation asked for them, in that order (the names in
/// [`super::Facts::sources`] behind the first); one that is not found enters as such, so that adding it later
/// changes the digest.
pub fn digest(text: &[u8], subprograms: &[&str], sources: &dyn Sources) -> ProgramDigest {
    let mut chain = DigestChain::new("program");
    chain.bytes(text);
    for name in subprograms {
        chain.bytes(name.as_bytes());
        match sources.find(name) {
            Some(text) => chain.u64(1).bytes(text),
            None => chain.u64(0),
        };
    }
    ProgramDigest(chain.digest())
}

#[cfg(test)]
mod tests {
    use super::super::NoSubprograms;
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_byte_counts_also_those_of_subprograms() {
        let with = |sub: &str| BTreeMap::from([("O10".to_owned(), sub.as_bytes().to_vec())]);
        let one = digest(b"M98 P10", &["O10"], &with("G0 X1\nM99"));
        assert_eq!(one, digest(b"M98 P10", &["O10"], &with("G0 X1\nM99")));
        assert_ne!(one, digest(b"M98 P10", &["O10"], &with("G0 X2\nM99")));
        assert_ne!(one, digest(b"M98 P10", &["O10"], &NoSubprograms));
        assert_ne!(one, digest(b"M98 P10 ", &["O10"], &with("G0 X1\nM99")));
    }
}
