use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Keep, RunError};

/// Attempts to find a free name.
const ATTEMPTS: u32 = 100;

/// The folder of one run; a temporary one is removed when the run is over, however it ended.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    temporary: bool,
}

impl RunFolder {
    pub(super) fn make(keep: &Keep) -> Result<Self, RunError> {
        if let Keep::In(path) = keep {
            let doing = format!("making the folder {}", path.display());
            fs::create_dir_all(path).map_err(RunError::io(doing.as_str()))?;
            // Children have the same working folder, but a whole path survives whatever they do with it.
            let path = path.canonicalize().map_err(RunError::io(doing))?;
            return Ok(Self { path, temporary: false });
        }
        let parent = std::env::temp_dir();
        for attempt in 0..ATTEMPTS {
            let path = parent.join(format!("cosim-run-{}-{attempt}", std::process::id()));
            // Only a folder that did not exist is ours: nobody can have prepared it.
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, temporary: true }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(RunError::io(format!("making the folder {}", path.display()))(error)),
            }
        }
        Err(RunError::io(format!("making a folder in {}", parent.display()))(ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, RunError> {
        let path = self.path.join(name);
        fs::write(&path, bytes).map_err(RunError::io(format!("writing {}", path.display())))?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays in the system's temporary folder; the run is over all the same.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_with_the_run_and_a_kept_one_stays() {
        let first = RunFolder::make(&Keep::Nothing).expect("made");
        let second = RunFolder::make(&Keep::Nothing).expect("made beside the first");
        assert_ne!(first.path(), second.path());
        first.write("a", b"b").expect("written");
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists());
        let kept = second.path().join("kept");
        drop(RunFolder::make(&Keep::In(kept.clone())).expect("made"));
        assert!(kept.exists());
    }
}
