//! A recording from a file.

use std::path::Path;

use super::LinkError;
pub use crate::dialect::Replay;

impl Replay {
    /// Largest file that is read.
    pub const FILE_LEN_MAX: u64 = 256 << 20;

    /// Reads a recording to be played `speed` times as fast as it was made; a speed that is not above zero
    /// counts as 1.
    ///
    /// # Errors
    /// [`LinkError`] where the file cannot be read or is too large.
    pub fn read(path: &Path, speed: f64) -> Result<Self, LinkError> {
        let doing = || format!("reading the recording {}", path.display());
        let bytes = std::fs::metadata(path).map_err(LinkError::io(doing()))?.len();
        if bytes > Self::FILE_LEN_MAX {
            return Err(LinkError::TooLarge { path: path.display().to_string(), bytes, max: Self::FILE_LEN_MAX });
        }
        Ok(Self::of(std::fs::read(path).map_err(LinkError::io(doing()))?, speed))
    }
}
