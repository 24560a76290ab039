use std::collections::BTreeMap;

use crate::files::JobFile;
use crate::ident::Digest;

/// The bytes of everything a plan rests on, by the names the manifest uses for them.
///
/// Names are keys into this map and are never joined into a path.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSources {
    /// What is cut, with names instead of paths.
    pub manifest: JobFile,
    /// Contents by name.
    pub parts: BTreeMap<String, Vec<u8>>,
}

/// Why bytes are not a bundle of sources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Other bytes, or cut short, or with something behind.
    #[error("not a job bundle, or damaged at byte {at}")]
    Damaged {
        /// Where reading stopped.
        at: usize,
    },
    /// The manifest is not a job file.
    #[error("the manifest of the bundle does not read: {message}")]
    Manifest {
        /// What is wrong.
        message: String,
    },
    /// More than is accepted.
    #[error("the bundle has {bytes} bytes, more than the {max} accepted", max = JobSources::BYTES_MAX)]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
}

const MAGIC: &[u8; 8] = b"COSIMJB1";
const MANIFEST: &str = "job.toml";

impl JobSources {
    /// Most bytes of a bundle.
    pub const BYTES_MAX: usize = 256 << 20;
    /// Most parts of a bundle.
    pub const PARTS_MAX: usize = 256;

    /// The bundle as bytes: magic, number of parts, then name and contents of each, lengths before bytes,
    /// little endian; the manifest is the part `job.toml`. Equal sources give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let manifest = toml::to_string(&self.manifest).unwrap_or_default();
        let mut out = MAGIC.to_vec();
        out.extend((self.parts.len() as u32 + 1).to_le_bytes());
        let mut part = |name: &str, bytes: &[u8]| {
            out.extend((name.len() as u32).to_le_bytes());
            out.extend(name.as_bytes());
            out.extend((bytes.len() as u64).to_le_bytes());
            out.extend(bytes);
        };
        part(MANIFEST, manifest.as_bytes());
        self.parts.iter().for_each(|(name, bytes)| part(name, bytes));
        out
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`BundleError`] for anything but the bytes [`Self::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(BundleError::TooLarge { bytes: bytes.len() });
        }
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(BundleError::Damaged { at: 0 });
        }
        let count = reader.length(4)?;
        if count > Self::PARTS_MAX {
            return Err(BundleError::Damaged { at: reader.at });
        }
        let mut parts = BTreeMap::new();
        for _ in 0..count {
            let length = reader.length(4)?;
            let at = reader.at;
            let name = std::str::from_utf8(reader.take(length)?).map_err(|_| BundleError::Damaged { at })?;
            let length = reader.length(8)?;
            parts.insert(name.to_owned(), reader.take(length)?.to_vec());
        }
        if reader.at != bytes.len() || parts.len() != count {
            return Err(BundleError::Damaged { at: reader.at });
        }
        let manifest = parts.remove(MANIFEST).ok_or(BundleError::Damaged { at: 0 })?;
        let manifest = String::from_utf8(manifest).map_err(|_| BundleError::Damaged { at: 0 })?;
        let manifest =
            toml::from_str(&manifest).map_err(|error| BundleError::Manifest { message: error.message().to_owned() })?;
        Ok(Self { manifest, parts })
    }

    /// Digest of the bundle.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BundleError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(BundleError::Damaged { at: self.at })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn length(&mut self, width: usize) -> Result<usize, BundleError> {
        let at = self.at;
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(self.take(width)?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| BundleError::Damaged { at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> JobSources {
        let manifest =
            "schema = 1\nname = \"a\"\n[program]\nfile = \"a.nc\"\n[machine]\nfile = \"m\"\n[material]\nname = \"x\"\n";
        let manifest = toml::from_str(manifest).expect("a valid manifest");
        JobSources { manifest, parts: [("a.nc".to_owned(), b"G0X1".to_vec())].into() }
    }

    #[test]
    fn a_bundle_survives_the_round_trip_and_no_prefix_does() {
        let bytes = sources().to_bytes();
        assert_eq!(JobSources::from_bytes(&bytes), Ok(sources()));
        for length in 0..bytes.len() {
            assert!(JobSources::from_bytes(&bytes[..length]).is_err(), "a prefix of {length} bytes was read");
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert!(JobSources::from_bytes(&longer).is_err());
    }

    #[test]
    fn a_hostile_length_reserves_nothing() {
        let mut bytes = sources().to_bytes();
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(JobSources::from_bytes(&bytes), Err(BundleError::Damaged { .. })));
    }
}
