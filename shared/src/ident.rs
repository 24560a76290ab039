//! Identities: digests of what runs, sequence numbers of what is said, and names of who says it.
//!
//! Every decision at the gate compares identities. They are types of their own so that an epoch cannot be
//! passed for a sequence number, and a digest of the program for one of the context.

use std::fmt;

/// A BLAKE3 digest of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From its bytes, as they came over the wire.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a byte string.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits: enough for a person to compare two.
    pub fn short(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Digest of all program bytes, subprograms included: two revisions of a program never share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramDigest(pub Digest);

/// Digest of everything a plan rests on: program, machine, tools, work offsets, stock, material, limits,
/// and the compiled path with the version of the code that compiled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextDigest(pub Digest);

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The next one. Panics after 2⁶⁴ − 1, which no run reaches.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

counter!(/// Number of a plan chunk or keep-alive within one epoch, strictly increasing from 1.
    PlanSequence);
counter!(/// Number of a controller sample, strictly increasing within one run of the edge agent.
    SampleSequence);
counter!(/// Number of a lease: each grant takes the next one; it never goes back, not even over a restart.
    Epoch);

/// Number of a cutting tool in the machine's table (T word).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolNumber(pub u32);

impl fmt::Display for ToolNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{}", self.0)
    }
}

/// A name that may appear in key expressions, file names and logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a name: use 1 to {max} of the characters a-z, 0-9 and `-`", max = Name::LEN_MAX)]
pub struct NameError {
    /// The text as given, cut to the permitted length.
    pub found: String,
}

impl Name {
    /// Greatest length in bytes.
    pub const LEN_MAX: usize = 64;

    /// Accepts `[a-z0-9-]{1,64}` and nothing else: names are joined into keys and paths.
    ///
    /// # Errors
    /// [`NameError`] with what was found.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = (1..=Self::LEN_MAX).contains(&text.len());
        let clean = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits && clean {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError { found: text.chars().take(Self::LEN_MAX).collect() })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_could_leave_a_folder_or_a_key() {
        for bad in ["", "..", "a/b", "A", "ä", "a b", "*", &"x".repeat(65)] {
            assert!(Name::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(Name::parse("hurco-04").expect("valid").as_str(), "hurco-04");
    }

    #[test]
    fn digest_is_blake3() {
        // Published test vector: BLAKE3 of the empty input.
        assert_eq!(Digest::of(b"").to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }
}
