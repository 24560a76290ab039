//! HTTP/1.1 answers, as far as an MTConnect agent gives them: one document, or a document after the other without end
//! (`multipart/x-mixed-replace`), in one piece, with a length, in chunks, or until the connection closes.
//!
//! Three layers, each of which hands bytes to the next and none of which looks at a byte twice: the head, the transfer
//! coding, the parts. What is not one of these forms is a fault, and a fault ends the connection: a stream whose framing
//! was lost once cannot be trusted to be found again.

use super::{DOCUMENT_BYTES_MAX, HEAD_BYTES_MAX};

/// Longest line between the parts of an answer or before a chunk, bytes.
const LINE_BYTES_MAX: usize = 1024;
/// Memory that an idle reader keeps for the next document, bytes.
const KEPT_BYTES_MAX: usize = 1 << 16;

/// Why an answer is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// It does not begin like one.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// The agent did not do what it was asked.
    #[error("the agent answers with status {0}")]
    Status(u16),
    /// Head, or a line between parts, beyond its limit.
    #[error("a line of the answer is longer than {max} bytes")]
    LongLine {
        /// The limit.
        max: usize,
    },
    /// A document beyond [`DOCUMENT_BYTES_MAX`].
    #[error("a document of {bytes} bytes was announced or came; at most {max} are read", max = DOCUMENT_BYTES_MAX)]
    LongDocument {
        /// What was announced, or how many had come.
        bytes: u64,
    },
    /// Compressed, or in a way we did not ask for.
    #[error("the answer is coded in a way that was not asked for")]
    Coding,
    /// Chunks, parts or lengths that make no sense.
    #[error("the answer breaks its own framing")]
    Framing,
    /// The connection closed in the middle of a document.
    #[error("the answer ends in the middle of a document")]
    CutShort,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Transfer {
    Length(u64),
    UntilClosed,
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
    Ended,
    Failed(HttpFault),
}

/// One answer: bytes in, documents out.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    phase: Phase,
    transfer: Transfer,
    head: Vec<u8>,
    line: Vec<u8>,
    body: Body,
}

impl Answer {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Head,
            transfer: Transfer::UntilClosed,
            head: Vec::new(),
            line: Vec::new(),
            body: Body { parts: None, document: Vec::new(), line: Vec::new() },
        }
    }

    /// Takes bytes and hands over what documents they complete. After a fault it says the same fault again.
    pub(super) fn feed(&mut self, bytes: &[u8], document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        if let Phase::Failed(fault) = self.phase {
            return Err(fault);
        }
        let result = self.read(bytes, document);
        if let Err(fault) = result {
            self.phase = Phase::Failed(fault);
            self.body.document = Vec::new();
        }
        result
    }

    /// The connection has closed: a document without a length is complete now.
    pub(super) fn close(&mut self, document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        match self.phase {
            Phase::Failed(fault) => Err(fault),
            Phase::Ended => Ok(()),
            Phase::Body if self.transfer == Transfer::UntilClosed => self.end(document),
            Phase::Head | Phase::Body => Err(HttpFault::CutShort),
        }
    }

    /// True once everything that was announced has come.
    pub(super) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Bytes of memory behind it.
    pub(super) fn memory_bytes(&self) -> usize {
        self.head.capacity() + self.line.capacity() + self.body.document.capacity() + self.body.line.capacity()
    }

    fn read(&mut self, mut bytes: &[u8], document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        while !bytes.is_empty() {
            match self.phase {
                Phase::Head => bytes = self.head(bytes, document)?,
                Phase::Body => bytes = self.transfer(bytes, document)?,
                // What comes behind the end belongs to nobody.
                Phase::Ended | Phase::Failed(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn head<'a>(&mut self, bytes: &'a [u8], document: &mut dyn FnMut(&[u8])) -> Result<&'a [u8], HttpFault> {
        let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        if self.head.len() + end > HEAD_BYTES_MAX {
            return Err(HttpFault::LongLine { max: HEAD_BYTES_MAX });
        }
        self.head.extend_from_slice(&bytes[..end]);
        if self.head.ends_with(b"\r\n\r\n") || self.head.ends_with(b"\n\n") {
            self.understand()?;
            self.head = Vec::new();
            self.phase = Phase::Body;
            if self.transfer == Transfer::Length(0) {
                self.end(document)?;
            }
        }
        Ok(&bytes[end..])
    }

    fn understand(&mut self) -> Result<(), HttpFault> {
        let text = std::str::from_utf8(&self.head).map_err(|_| HttpFault::NotHttp)?;
        let mut lines = text.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let status = match (words.next(), words.next().and_then(|word| word.parse::<u16>().ok())) {
            (Some("HTTP/1.1" | "HTTP/1.0"), Some(status)) => status,
            _ => return Err(HttpFault::NotHttp),
        };
        if status != 200 {
            return Err(HttpFault::Status(status));
        }
        let mut length = None;
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse::<u64>().map_err(|_| HttpFault::Framing)?),
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => self.transfer = Transfer::ChunkSize,
                "transfer-encoding" if !value.eq_ignore_ascii_case("identity") => return Err(HttpFault::Coding),
                "content-encoding" if !value.eq_ignore_ascii_case("identity") => return Err(HttpFault::Coding),
                "content-type" => self.body.parts = boundary(value)?.map(|boundary| (boundary, Part::Boundary)),
                _ => {}
            }
        }
        if let (Some(length), Transfer::UntilClosed) = (length, &self.transfer) {
            // The parts of an endless answer are bounded one by one.
            if self.body.parts.is_none() && length > DOCUMENT_BYTES_MAX as u64 {
                return Err(HttpFault::LongDocument { bytes: length });
            }
            self.transfer = Transfer::Length(length);
        }
        Ok(())
    }

    fn transfer<'a>(&mut self, bytes: &'a [u8], document: &mut dyn FnMut(&[u8])) -> Result<&'a [u8], HttpFault> {
        match self.transfer {
            Transfer::UntilClosed => {
                self.body.feed(bytes, document)?;
                Ok(&[])
            }
            Transfer::Length(left) => {
                let (now, rest) = bytes.split_at(at_most(left, bytes.len()));
                self.body.feed(now, document)?;
                self.transfer = Transfer::Length(left - now.len() as u64);
                if left == now.len() as u64 {
                    self.end(document)?;
                }
                Ok(rest)
            }
            Transfer::ChunkData(left) => {
                let (now, rest) = bytes.split_at(at_most(left, bytes.len()));
                self.body.feed(now, document)?;
                let left = left - now.len() as u64;
                self.transfer = if left == 0 { Transfer::ChunkEnd } else { Transfer::ChunkData(left) };
                Ok(rest)
            }
            Transfer::ChunkSize | Transfer::ChunkEnd | Transfer::Trailer => self.chunk_line(bytes, document),
        }
    }

    fn chunk_line<'a>(&mut self, bytes: &'a [u8], document: &mut dyn FnMut(&[u8])) -> Result<&'a [u8], HttpFault> {
        let (whole, rest) = take_line(&mut self.line, bytes)?;
        if whole {
            let line = std::mem::take(&mut self.line);
            match self.transfer {
                Transfer::ChunkEnd if line.is_empty() => self.transfer = Transfer::ChunkSize,
                Transfer::ChunkEnd => return Err(HttpFault::Framing),
                Transfer::Trailer if line.is_empty() => self.end(document)?,
                Transfer::Trailer => {}
                _ => {
                    let size = chunk_size(&line).ok_or(HttpFault::Framing)?;
                    self.transfer = if size == 0 { Transfer::Trailer } else { Transfer::ChunkData(size) };
                }
            }
        }
        Ok(rest)
    }

    fn end(&mut self, document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        self.phase = Phase::Ended;
        self.body.end(document)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Boundary,
    Head { length: Option<u64>, bytes: usize },
    Data(u64),
    Over,
}

/// What an answer carries, freed of its transfer coding.
#[derive(Clone, Debug)]
struct Body {
    /// Boundary and state, where there are parts.
    parts: Option<(Vec<u8>, Part)>,
    document: Vec<u8>,
    line: Vec<u8>,
}

impl Body {
    fn feed(&mut self, mut bytes: &[u8], document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        let Some((boundary, mut part)) = self.parts.take() else {
            return self.hold(bytes);
        };
        let mut result = Ok(());
        while !bytes.is_empty() && result.is_ok() {
            match self.part(&boundary, part, bytes, document) {
                Ok((next, rest)) => (part, bytes) = (next, rest),
                Err(fault) => result = Err(fault),
            }
        }
        self.parts = Some((boundary, part));
        result
    }

    fn part<'a>(
        &mut self,
        boundary: &[u8],
        part: Part,
        bytes: &'a [u8],
        document: &mut dyn FnMut(&[u8]),
    ) -> Result<(Part, &'a [u8]), HttpFault> {
        match part {
            Part::Over => Ok((Part::Over, &[])),
            Part::Data(left) => {
                let (now, rest) = bytes.split_at(at_most(left, bytes.len()));
                self.hold(now)?;
                let left = left - now.len() as u64;
                if left > 0 {
                    return Ok((Part::Data(left), rest));
                }
                self.hand_over(document);
                Ok((Part::Boundary, rest))
            }
            Part::Boundary | Part::Head { .. } => {
                let (whole, rest) = take_line(&mut self.line, bytes)?;
                if !whole {
                    return Ok((part, rest));
                }
                let line = std::mem::take(&mut self.line);
                Ok((next_part(boundary, part, &line)?, rest))
            }
        }
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), HttpFault> {
        let len = self.document.len() + bytes.len();
        if len > DOCUMENT_BYTES_MAX {
            return Err(HttpFault::LongDocument { bytes: len as u64 });
        }
        self.document.extend_from_slice(bytes);
        Ok(())
    }

    fn hand_over(&mut self, document: &mut dyn FnMut(&[u8])) {
        if !self.document.is_empty() {
            document(&self.document);
        }
        self.document.clear();
        self.document.shrink_to(KEPT_BYTES_MAX);
    }

    fn end(&mut self, document: &mut dyn FnMut(&[u8])) -> Result<(), HttpFault> {
        match self.parts {
            None => self.hand_over(document),
            Some((_, Part::Data(_))) => return Err(HttpFault::CutShort),
            Some(_) => {}
        }
        Ok(())
    }
}

/// What a whole line between two parts leads to.
fn next_part(boundary: &[u8], part: Part, line: &[u8]) -> Result<Part, HttpFault> {
    match part {
        Part::Head { length, .. } if line.is_empty() => match length {
            Some(0) => Ok(Part::Boundary),
            Some(length) if length > DOCUMENT_BYTES_MAX as u64 => Err(HttpFault::LongDocument { bytes: length }),
            Some(length) => Ok(Part::Data(length)),
            // The standard asks for a length; to look for the boundary inside a document would be guessing.
            None => Err(HttpFault::Framing),
        },
        Part::Head { length, bytes } => {
            let bytes = bytes + line.len();
            if bytes > HEAD_BYTES_MAX {
                return Err(HttpFault::LongLine { max: HEAD_BYTES_MAX });
            }
            let text = std::str::from_utf8(line).map_err(|_| HttpFault::Framing)?;
            let (name, value) = text.split_once(':').ok_or(HttpFault::Framing)?;
            let length = if name.trim().eq_ignore_ascii_case("content-length") {
                Some(value.trim().parse().map_err(|_| HttpFault::Framing)?)
            } else {
                length
            };
            Ok(Part::Head { length, bytes })
        }
        _ if line.is_empty() => Ok(Part::Boundary),
        _ => match line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)) {
            Some(b"") => Ok(Part::Head { length: None, bytes: 0 }),
            Some(b"--") => Ok(Part::Over),
            _ => Err(HttpFault::Framing),
        },
    }
}

/// Moves bytes up to a line end into `line`; true where the line is whole, without its end then.
fn take_line<'a>(line: &mut Vec<u8>, bytes: &'a [u8]) -> Result<(bool, &'a [u8]), HttpFault> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let taken = &bytes[..end.unwrap_or(bytes.len())];
    if line.len() + taken.len() > LINE_BYTES_MAX {
        return Err(HttpFault::LongLine { max: LINE_BYTES_MAX });
    }
    line.extend_from_slice(taken);
    if end.is_some() && line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok((end.is_some(), &bytes[end.map_or(bytes.len(), |end| end + 1)..]))
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let digits = text.split(';').next()?.trim();
    // A sign would be taken for part of a number.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// The boundary of an answer in parts; `None` for one document.
fn boundary(content_type: &str) -> Result<Option<Vec<u8>>, HttpFault> {
    let mut fields = content_type.split(';');
    let kind = fields.next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kind.starts_with("multipart/") {
        return Ok(None);
    }
    let value = fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    // RFC 2046: at most 70 characters.
    let value = value.filter(|value| (1..=70).contains(&value.len())).ok_or(HttpFault::Framing)?;
    // Some agents write the dashes that precede it into the head as well.
    Ok(Some(value.strip_prefix("--").unwrap_or(value).as_bytes().to_vec()))
}

fn at_most(left: u64, len: usize) -> usize {
    usize::try_from(left).map_or(len, |left| left.min(len))
}
