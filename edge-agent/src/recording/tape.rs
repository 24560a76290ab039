use std::collections::BTreeMap;

use firmware_bridge::controller::Capabilities;
use mcap::records::Record;
use shared::ident::{Digest, Epoch, Name};
use shared::time::Instant;

use super::entry::{Entry, EntryError, EntryKind};
use super::head::{HeadError, RecordingHead, config_from_bytes};
use super::recorder::{EntryChain, RecordingEnd};
use super::{ATTACHMENT_CONFIG, ATTACHMENT_JOB, LAYOUT, METADATA_END, METADATA_HEAD, PROFILE};
use crate::AgentConfig;

/// Why bytes are not a recording.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// Not an MCAP file, or damaged.
    #[error("not a readable recording: {0}")]
    File(#[from] mcap::McapError),
    /// An MCAP file of someone else, or of another layout.
    #[error("this is not a recording of layout {LAYOUT} of an edge agent")]
    Foreign,
    /// The head is missing or does not read.
    #[error("the head of the recording does not read: {0}")]
    Head(#[from] HeadError),
    /// An entry does not read.
    #[error("entry {number}: {error}")]
    Entry {
        /// Position, from 0.
        number: u64,
        /// Why.
        error: EntryError,
    },
    /// Entries are missing or out of order.
    #[error("entry {number} is missing or out of order")]
    Order {
        /// The position that was expected.
        number: u64,
    },
    /// The end states another digest than the entries have.
    #[error("the recording was changed: its end states digest {stated}, its entries have {found}")]
    Changed {
        /// What the end says.
        stated: String,
        /// What the entries give.
        found: Digest,
    },
}

/// One entry as it stands on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    kind: EntryKind,
    now: Instant,
    from: usize,
    to: usize,
}

/// A recording that has been read and checked.
#[derive(Clone, Debug)]
pub struct Tape {
    epoch: Epoch,
    started_at: Instant,
    machine: Name,
    config: AgentConfig,
    capabilities: Capabilities,
    job: Vec<u8>,
    bodies: Vec<u8>,
    slots: Vec<Slot>,
    end: RecordingEnd,
    complete: bool,
}

/// What is gathered while the file is read.
#[derive(Default)]
struct Gathered {
    profile: Option<String>,
    head: Option<BTreeMap<String, String>>,
    end: Option<BTreeMap<String, String>>,
    config: Option<Vec<u8>>,
    job: Option<Vec<u8>>,
    bodies: Vec<u8>,
    slots: Vec<Slot>,
}

impl Tape {
    /// Reads a recording. One that breaks off, because the agent was killed, is read up to the last whole
    /// chunk; [`Tape::is_complete`] says so.
    ///
    /// # Errors
    /// [`TapeError`] for anything that this room did not write.
    pub fn read(bytes: &[u8]) -> Result<Self, TapeError> {
        let mut gathered = Gathered::default();
        let records = mcap::read::ChunkFlattener::new_with_options(bytes, mcap::read::Options::IgnoreEndMagic.into())?;
        for record in records {
            match record {
                Ok(record) => gathered.take(record)?,
                // A file that breaks off ends in a piece of a record.
                Err(mcap::McapError::UnexpectedEof | mcap::McapError::UnexpectedEoc) => break,
                Err(error) => return Err(error.into()),
            }
        }
        gathered.tape()
    }

    /// False where the file breaks off before its end.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Number of entries, entries lost, digest.
    pub fn end(&self) -> RecordingEnd {
        self.end
    }

    /// Entries in order.
    pub fn entries(&self) -> impl Iterator<Item = (Instant, Entry<'_>)> {
        self.slots.iter().map(|slot| {
            let body = &self.bodies[slot.from..slot.to];
            (slot.now, Entry::decode(slot.kind, body).expect("every entry was decoded when the tape was read"))
        })
    }

    /// An empty digest chain with the head of this tape.
    pub(super) fn chain(&self) -> EntryChain {
        EntryChain::new(&self.head())
    }

    /// What the agent was given before its first input.
    pub fn head(&self) -> RecordingHead<'_> {
        RecordingHead {
            epoch: self.epoch,
            started_at: self.started_at,
            machine: &self.machine,
            config: &self.config,
            capabilities: self.capabilities,
            job: &self.job,
        }
    }
}

impl Gathered {
    fn take(&mut self, record: Record<'_>) -> Result<(), TapeError> {
        match record {
            Record::Header(header) => self.profile = Some(header.profile),
            Record::Metadata(metadata) if metadata.name == METADATA_HEAD => self.head = Some(metadata.metadata),
            Record::Metadata(metadata) if metadata.name == METADATA_END => self.end = Some(metadata.metadata),
            Record::Attachment { header, data, .. } if header.name == ATTACHMENT_CONFIG => {
                self.config = Some(data.into_owned());
            }
            Record::Attachment { header, data, .. } if header.name == ATTACHMENT_JOB => {
                self.job = Some(data.into_owned());
            }
            Record::Message { header, data } => {
                let number = self.slots.len() as u64;
                if u64::from(header.sequence) != number {
                    return Err(TapeError::Order { number });
                }
                let kind = u8::try_from(header.channel_id).ok().and_then(EntryKind::from_code);
                let kind = kind.ok_or(TapeError::Foreign)?;
                Entry::decode(kind, &data).map_err(|error| TapeError::Entry { number, error })?;
                let from = self.bodies.len();
                self.bodies.extend_from_slice(&data);
                let now = Instant::from_ns(header.log_time);
                self.slots.push(Slot { kind, now, from, to: self.bodies.len() });
            }
            _ => {}
        }
        Ok(())
    }

    fn tape(self) -> Result<Tape, TapeError> {
        let head = self.head.filter(|_| self.profile.as_deref() == Some(PROFILE)).ok_or(TapeError::Foreign)?;
        if head.get("layout").map(String::as_str) != Some(LAYOUT) {
            return Err(TapeError::Foreign);
        }
        let number = |key: &str| head.get(key).and_then(|text| text.parse().ok()).ok_or(TapeError::Foreign);
        let (epoch, started_at) = (Epoch(number("epoch")?), Instant::from_ns(number("started_at_ns")?));
        let machine = head.get("machine").and_then(|text| Name::parse(text).ok()).ok_or(TapeError::Foreign)?;
        let config = self.config.ok_or(HeadError::Missing { part: ATTACHMENT_CONFIG })?;
        let (config, capabilities) = config_from_bytes(&config)?;
        let job = self.job.ok_or(HeadError::Missing { part: ATTACHMENT_JOB })?;
        let stated = |key: &str| self.end.as_ref().and_then(|end| end.get(key));
        let mut tape = Tape {
            epoch,
            started_at,
            machine,
            config,
            capabilities,
            job,
            bodies: self.bodies,
            slots: self.slots,
            end: RecordingEnd { entries: 0, lost: 0, digest: Digest::of(b"") },
            complete: self.end.is_some(),
        };
        let mut chain = tape.chain();
        for slot in &tape.slots {
            chain.push(slot.kind, slot.now, &tape.bodies[slot.from..slot.to]);
        }
        tape.end = chain.end(stated("lost").and_then(|text| text.parse().ok()).unwrap_or(0));
        match stated("digest") {
            Some(stated) if *stated != tape.end.digest.to_string() => {
                Err(TapeError::Changed { stated: stated.clone(), found: tape.end.digest })
            }
            _ => Ok(tape),
        }
    }
}
