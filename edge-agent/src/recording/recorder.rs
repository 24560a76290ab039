use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Seek, Write};

use mcap::records::{MessageHeader, Metadata};
use mcap::{Attachment, WriteOptions, Writer};
use shared::det::DigestChain;
use shared::ident::Digest;
use shared::time::Instant;

use super::entry::{Entry, EntryKind};
use super::head::RecordingHead;
use super::{ATTACHMENT_CONFIG, ATTACHMENT_JOB, LAYOUT, METADATA_END, METADATA_HEAD, PROFILE};

/// Bytes of entries that are gathered before a chunk of the file is closed.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Why a recording cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be written.
    #[error("the recording cannot be written: {0}")]
    Write(#[from] mcap::McapError),
    /// More entries than a file numbers.
    #[error("a recording holds at most {max} entries", max = u32::MAX)]
    TooMany,
}

/// What a finished recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingEnd {
    /// How many entries.
    pub entries: u64,
    /// How many were lost before they reached the recorder; a recording with a loss cannot be replayed.
    pub lost: u64,
    /// Digest over head and entries, in order.
    pub digest: Digest,
}

/// The digest of a recording: head first, then every entry in order. For itself it is a recording of which
/// only the digest is kept.
#[derive(Clone, Debug)]
pub struct EntryChain {
    chain: DigestChain,
    entries: u64,
}

impl EntryChain {
    /// The chain of an empty recording.
    pub fn new(head: &RecordingHead<'_>) -> Self {
        let config = head.config_bytes();
        let mut chain = DigestChain::new("cosim recording 1");
        chain
            .u64(head.epoch.0)
            .u64(head.started_at.as_ns())
            .bytes(head.machine.as_str().as_bytes())
            .bytes(&config)
            .bytes(Digest::of(head.job).as_bytes());
        Self { chain, entries: 0 }
    }

    /// Appends one entry that [`Entry::encode`] has put into bytes.
    pub fn push(&mut self, kind: EntryKind, now: Instant, body: &[u8]) {
        self.chain.u64(kind as u64).u64(now.as_ns()).bytes(body);
        self.entries += 1;
    }

    /// What the recording holds so far.
    pub fn end(&self, lost: u64) -> RecordingEnd {
        RecordingEnd { entries: self.entries, lost, digest: self.chain.digest() }
    }
}

/// Writes a recording.
pub struct Recorder<W: Write + Seek> {
    writer: Writer<W>,
    chain: EntryChain,
    lost: u64,
    body: Vec<u8>,
}

impl<W: Write + Seek> Recorder<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// [`RecordError::Write`] if `out` cannot be written.
    pub fn new(out: W, head: &RecordingHead<'_>) -> Result<Self, RecordError> {
        // The library's name would carry its version, and with it other bytes after an update.
        let options = WriteOptions::new().profile(PROFILE).library("cosim").chunk_size(Some(CHUNK_BYTES));
        let mut writer = options.create(out)?;
        let config = head.config_bytes();
        let metadata = BTreeMap::from([
            ("layout".to_owned(), LAYOUT.to_owned()),
            ("epoch".to_owned(), head.epoch.to_string()),
            ("machine".to_owned(), head.machine.to_string()),
            ("started_at_ns".to_owned(), head.started_at.as_ns().to_string()),
        ]);
        writer.write_metadata(&Metadata { name: METADATA_HEAD.to_owned(), metadata })?;
        writer.attach(&attachment(ATTACHMENT_CONFIG, "application/json", &config))?;
        writer.attach(&attachment(ATTACHMENT_JOB, "application/octet-stream", head.job))?;
        for kind in EntryKind::ALL {
            let layout = BTreeMap::from([("layout".to_owned(), LAYOUT.to_owned())]);
            writer.add_channel_with_id(kind as u16, 0, kind.topic(), "cosim", &layout)?;
        }
        Ok(Self { writer, chain: EntryChain::new(head), lost: 0, body: Vec::new() })
    }

    /// Appends one entry.
    ///
    /// # Errors
    /// [`RecordError`] if it cannot be written.
    pub fn record(&mut self, now: Instant, entry: &Entry<'_>) -> Result<(), RecordError> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        entry.encode(&mut body);
        let result = self.record_encoded(entry.kind(), now, &body);
        self.body = body;
        result
    }

    /// Appends one entry that [`Entry::encode`] has put into bytes already.
    ///
    /// # Errors
    /// [`RecordError`] if it cannot be written.
    pub fn record_encoded(&mut self, kind: EntryKind, now: Instant, body: &[u8]) -> Result<(), RecordError> {
        let sequence = u32::try_from(self.chain.entries).map_err(|_| RecordError::TooMany)?;
        let at = now.as_ns();
        let header = MessageHeader { channel_id: kind as u16, sequence, log_time: at, publish_time: at };
        self.writer.write_to_known_channel(&header, body)?;
        self.chain.push(kind, now, body);
        Ok(())
    }

    /// Notes that entries were lost on the way here.
    pub fn note_lost(&mut self, entries: u64) {
        self.lost = self.lost.saturating_add(entries);
    }

    /// Closes the chunk at hand and flushes, so that what was recorded so far can be read if the process dies.
    ///
    /// # Errors
    /// [`RecordError::Write`] if it cannot be written.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        Ok(self.writer.flush()?)
    }

    /// Ends the recording and gives the file back.
    ///
    /// # Errors
    /// [`RecordError::Write`] if the end cannot be written.
    pub fn finish(mut self) -> Result<(W, RecordingEnd), RecordError> {
        let end = self.chain.end(self.lost);
        let metadata = BTreeMap::from([
            ("digest".to_owned(), end.digest.to_string()),
            ("entries".to_owned(), end.entries.to_string()),
            ("lost".to_owned(), end.lost.to_string()),
        ]);
        self.writer.write_metadata(&Metadata { name: METADATA_END.to_owned(), metadata })?;
        self.writer.finish()?;
        Ok((self.writer.into_inner(), end))
    }
}

fn attachment<'a>(name: &str, media_type: &str, data: &'a [u8]) -> Attachment<'a> {
    let (name, media_type) = (name.to_owned(), media_type.to_owned());
    Attachment { log_time: 0, create_time: 0, name, media_type, data: Cow::Borrowed(data) }
}
