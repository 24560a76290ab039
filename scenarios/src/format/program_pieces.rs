//! A program file read piece by piece, so that the first operation does not wait for the last line.
//!
//! A piece ends behind a line's end that no other end-of-line byte follows, so that `\r\n` and `\n\r` are never
//! torn. The first piece is small enough to be read within a millisecond and larger than what the dialect is
//! found out from.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a piece; a longer line makes its piece longer.
const PIECE_BYTES: usize = 256 << 10;
/// Most files beside the program that are read as subprograms, and most bytes of them together.
const SUBPROGRAMS_MAX: usize = 2000;
const SUBPROGRAM_BYTES_MAX: u64 = 64 << 20;
/// Endings of files that hold programs.
const ENDINGS: [&str; 6] = ["ngc", "nc", "mpf", "spf", "tap", "txt"];

/// A program file being read.
#[derive(Debug)]
pub struct ProgramPieces {
    file: File,
    length: u64,
    /// Bytes that were read and belong to the next piece.
    rest: Vec<u8>,
    starts_at: usize,
}

/// Some whole lines of a program file.
#[derive(Debug)]
pub struct FilePiece {
    /// The lines.
    pub bytes: Vec<u8>,
    /// Bytes of the file before them.
    pub starts_at: usize,
    /// False for the last piece.
    pub more_follows: bool,
}

impl ProgramPieces {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length, rest: Vec::new(), starts_at: 0 })
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece, at most `bytes_max` long where a single line is; empty behind the end of the file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn next_piece(&mut self, bytes_max: usize) -> io::Result<FilePiece> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut more_follows = true;
        let mut cut = None;
        while cut.is_none() && more_follows && bytes.len() < bytes_max {
            let before = bytes.len();
            (&mut self.file).take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
            more_follows = bytes.len() > before;
            cut = last_line_end(&bytes).filter(|_| more_follows);
        }
        // A line beyond the limit is given as it is: the interpretation names the limit and ends there.
        if let Some(cut) = cut {
            self.rest = bytes.split_off(cut);
        }
        let piece = FilePiece { starts_at: self.starts_at, more_follows, bytes };
        self.starts_at += piece.bytes.len();
        Ok(piece)
    }

    /// The whole file.
    ///
    /// # Errors
    /// What the system reports.
    pub fn whole(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0));
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The last place between a line's end and the beginning of another line.
fn last_line_end(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: u8| matches!(byte, b'\n' | b'\r');
    (1..bytes.len()).rev().find(|at| is_end(bytes[at - 1]) && !is_end(bytes[*at]))
}

/// The programs beside a program, by name without ending: as it is, and in lower case.
pub fn programs_beside(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| {
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        ending.is_none_or(|ending| ENDINGS.contains(&ending.as_str())) && file.is_file() && file != path
    });
    files.sort();
    let (mut found, mut left) = (BTreeMap::new(), SUBPROGRAM_BYTES_MAX);
    for file in files.into_iter().take(SUBPROGRAMS_MAX) {
        let Some(stem) = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        let Some(length) = fs::metadata(&file).ok().map(|metadata| metadata.len()).filter(|length| *length <= left)
        else {
            continue;
        };
        let Ok(bytes) = fs::read(&file) else { continue };
        left -= length;
        found.entry(stem.to_lowercase()).or_insert_with(|| bytes.clone());
        found.entry(stem).or_insert(bytes);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_together_the_file() {
        for ending in ["\n", "\r\n", "\n\r", "\r"] {
            let text = format!("G1 X1{ending}{ending}Y2 (a longer line){ending}").repeat(40_000);
            let path = tempfile::NamedTempFile::new().expect("a temporary file");
            fs::write(path.path(), &text).expect("it can be written");
            let mut pieces = ProgramPieces::open(path.path()).expect("it is there");
            let (mut all, mut count) = (Vec::<u8>::new(), 0);
            loop {
                let piece = pieces.next_piece(1 << 30).expect("it can be read");
                assert_eq!(piece.starts_at, all.len());
                assert!(!piece.more_follows || !piece.bytes.is_empty());
                assert!(!matches!(piece.bytes.first(), Some(b'\n' | b'\r')), "{ending:?}: torn");
                all.extend(&piece.bytes);
                count += 1;
                if !piece.more_follows {
                    break;
                }
            }
            assert!(all == text.as_bytes() && count > 3, "{ending:?}: {count} pieces");
            assert!(pieces.whole().expect("it can be read") == all);
        }
    }
}
