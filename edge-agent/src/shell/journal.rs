use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use shared::time::Instant;
use shared::wire::{Frame, MessageKind};

use super::frames::FrameReader;
use crate::recording::{EntryChain, EntryKind, Recorder, RecordingEnd, RecordingHead};

/// How long the recorder sleeps when nothing waits.
const IDLE: Duration = Duration::from_millis(20);
/// Idle turns after which what was recorded is pushed to the file system: half a second.
const FLUSH_TURNS: u32 = 25;
/// Most chunks whose removed cells are remembered.
const CHUNKS_MAX: usize = 1_000_000;

/// What the recorder knows when the run is over.
#[derive(Debug)]
pub(super) struct JournalEnd {
    pub(super) end: RecordingEnd,
    /// Cells of stock removed behind each chunk that came, by lease and number.
    pub(super) removed_cells: BTreeMap<(u64, u64), u64>,
}

/// Where entries go.
enum Sink {
    File(Box<Recorder<BufWriter<File>>>),
    DigestOnly(Box<EntryChain>),
}

/// The recorder thread's body: takes entries off the ring until the cycle has ended.
pub(super) struct Journal {
    sink: Sink,
    ring: FrameReader,
}

impl Journal {
    /// Begins a recording in a file, or only its digest.
    pub(super) fn begin(path: Option<&Path>, head: &RecordingHead<'_>, ring: FrameReader) -> anyhow::Result<Self> {
        let sink = match path {
            None => Sink::DigestOnly(Box::new(EntryChain::new(head))),
            Some(path) => {
                let file =
                    File::create(path).with_context(|| format!("the recording {} cannot be made", path.display()))?;
                Sink::File(Box::new(Recorder::new(BufWriter::new(file), head)?))
            }
        };
        Ok(Self { sink, ring })
    }

    /// Records until the other end of the ring is gone. A file that cannot be written any more ends the recording,
    /// not the run: the error is given back at the end.
    pub(super) fn run(mut self) -> (anyhow::Result<()>, JournalPending) {
        let mut frame = Vec::new();
        let mut pending = JournalPending { removed_cells: BTreeMap::new(), sink: None };
        let mut failed = Ok(());
        let mut idle_turns = 0;
        loop {
            while self.ring.pop(&mut frame) {
                if let Some((kind, now, body)) = split(&frame) {
                    remember_removed(&mut pending.removed_cells, kind, body);
                    let written = self.sink.push(kind, now, body);
                    failed = failed.and(written);
                }
            }
            if self.ring.is_finished() {
                break;
            }
            idle_turns += 1;
            if idle_turns % FLUSH_TURNS == 0 && failed.is_ok() {
                failed = self.sink.flush();
            }
            thread::park_timeout(IDLE);
        }
        pending.sink = Some(self.sink);
        (failed, pending)
    }
}

/// A recording whose entries are all there and whose end is not written yet: how many were lost is only known to
/// the cycle.
pub(super) struct JournalPending {
    removed_cells: BTreeMap<(u64, u64), u64>,
    sink: Option<Sink>,
}

impl JournalPending {
    /// Writes the end.
    pub(super) fn finish(self, lost: u64) -> anyhow::Result<JournalEnd> {
        let removed_cells = self.removed_cells;
        let end = match self.sink {
            Some(Sink::File(mut recorder)) => {
                recorder.note_lost(lost);
                let (out, end) = recorder.finish()?;
                let file = out.into_inner().map_err(|error| error.into_error())?;
                file.sync_all()?;
                end
            }
            Some(Sink::DigestOnly(chain)) => chain.end(lost),
            None => anyhow::bail!("the recorder ended without its recording"),
        };
        Ok(JournalEnd { end, removed_cells })
    }
}

impl Sink {
    fn push(&mut self, kind: EntryKind, now: Instant, body: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::File(recorder) => recorder.record_encoded(kind, now, body)?,
            Self::DigestOnly(chain) => chain.push(kind, now, body),
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Self::File(recorder) => recorder.flush()?,
            Self::DigestOnly(_) => {}
        }
        Ok(())
    }
}

fn split(frame: &[u8]) -> Option<(EntryKind, Instant, &[u8])> {
    let (kind, rest) = frame.split_first()?;
    let (now, body) = rest.split_first_chunk::<8>()?;
    Some((EntryKind::from_code(*kind)?, Instant::from_ns(u64::from_le_bytes(*now)), body))
}

/// Remembers the cells behind a chunk, for the report; the first of a number counts.
fn remember_removed(removed: &mut BTreeMap<(u64, u64), u64>, kind: EntryKind, body: &[u8]) {
    if kind != EntryKind::Message || removed.len() >= CHUNKS_MAX {
        return;
    }
    let Some((_, bytes)) = body.split_first_chunk::<8>() else { return };
    let Ok(frame) = Frame::open(bytes) else { return };
    let mut spans = Vec::new();
    if frame.kind() == MessageKind::Plan
        && let Ok(head) = frame.chunk_into(&mut spans)
    {
        removed.entry((head.epoch.0, head.sequence.0)).or_insert(head.removed_cells);
    }
}
