use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use shared::ident::Epoch;

/// Name of the file in the state folder.
const FILE: &str = "epoch";

/// Why an epoch cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum EpochError {
    #[error("{path}: {source}; without it no lease may be granted", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} does not hold an epoch; restore it, or delete the folder and know that an old lease may then be repeated", path = path.display())]
    Damaged { path: PathBuf },
}

/// The newest epoch on disk: written, and on the platter, before the lease is granted, so that not even a restart
/// or a power cut repeats one.
#[derive(Debug)]
pub(super) struct EpochFile {
    folder: PathBuf,
    last: Epoch,
}

impl EpochFile {
    /// Opens or makes the state folder.
    pub(super) fn open(folder: &Path) -> Result<Self, EpochError> {
        let path = folder.join(FILE);
        let failed = |source| EpochError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let last = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Epoch).map_err(|_| EpochError::Damaged { path: path.clone() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Epoch(0),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { folder: folder.to_owned(), last })
    }

    /// The next epoch above every earlier one and at least `least`; on disk when this returns.
    pub(super) fn advance(&mut self, least: Epoch) -> Result<Epoch, EpochError> {
        let next = self.last.next().max(least);
        let path = self.folder.join(FILE);
        self.write(next).map_err(|source| EpochError::Io { path, source })?;
        self.last = next;
        Ok(next)
    }

    /// Beside the old file, then in its place: a crash leaves the one or the other, never half of one.
    fn write(&self, epoch: Epoch) -> io::Result<()> {
        let beside = self.folder.join("epoch.new");
        let mut file = File::create(&beside)?;
        writeln!(file, "{epoch}")?;
        file.sync_all()?;
        fs::rename(&beside, self.folder.join(FILE))?;
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h4_an_epoch_survives_a_restart_and_never_goes_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        let mut epochs = EpochFile::open(&state).expect("a new folder");
        assert_eq!(epochs.advance(Epoch(0)).expect("written"), Epoch(1));
        assert_eq!(epochs.advance(Epoch(7)).expect("written"), Epoch(7));
        let mut again = EpochFile::open(&state).expect("the same folder");
        assert_eq!(again.advance(Epoch(3)).expect("written"), Epoch(8));
        fs::write(state.join(FILE), "many").expect("written");
        assert!(matches!(EpochFile::open(&state), Err(EpochError::Damaged { .. })));
    }
}
