//! `cosim canon`: a program as canonical operations.
//!
//! Operations go to standard output as they are made, everything else to standard error: first how the program
//! is read, at the end what is wrong with it and what was accepted without effect.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use shared::files::{FileText, read_tools};
use shared::ident::ToolNumber;
use shared::machine::{LengthUnit, ToolLengthRule};
use shared::program::{
    Checkpoint, Diagnostic, Dialect, Facts, Interpreter, Limits, NoSubprograms, Options, Piece, Sources, is_straight,
};
use shared::tool::Tool;

use super::{CanonArgs, EXIT_BAD_INPUT, EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::format::{LoadError, ProgramPieces, programs_beside, read_file};
use crate::report::write_canon;

/// Bytes of output held back before they are written.
const OUT_BYTES: usize = 64 << 10;
/// Longest program that is read again to draw carets into it.
const DRAWN_BYTES_MAX: u64 = 8 << 20;

/// What a program was read to.
struct Read {
    diagnostics: Vec<Diagnostic>,
    facts: Facts,
    /// False where the reader of the output went away.
    is_heard: bool,
}

pub(super) fn command(args: &CanonArgs) -> u8 {
    let name = args.program.display().to_string();
    let options = match options(args) {
        Ok(options) => options,
        Err(error) => return bad_input(&error),
    };
    let read = ProgramPieces::open(&args.program).and_then(|pieces| {
        let out = io::BufWriter::with_capacity(OUT_BYTES, io::stdout().lock());
        read(pieces, &args.program, &options, out)
    });
    match read {
        Ok(read) => told(&name, &args.program, &read),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            draw::message(&format!("{name} is not a file that can be read: {error}; name a program"))
        }
        Err(error) => {
            draw::line(&format!("error: {name}: {error}"));
            EXIT_INFRASTRUCTURE
        }
    }
}

fn options(args: &CanonArgs) -> Result<Options, LoadError> {
    let tools = match &args.tools {
        Some(path) => tools(path)?,
        None => BTreeMap::new(),
    };
    Ok(Options { block_delete: args.block_delete, ..read_as(args.dialect, tools) })
}

/// How a program is read without a machine: with every offset at zero, so that an outsider's interpreter agrees.
pub(super) fn read_as(dialect: Dialect, tools: BTreeMap<ToolNumber, Tool>) -> Options {
    let of = |value: fn(&Tool) -> f64| tools.iter().map(|(number, tool)| (*number, value(tool))).collect();
    Options {
        dialect,
        length_unit: LengthUnit::Millimetre,
        tool_length_rule: ToolLengthRule::ByProgram,
        work_offsets_mm: [[0.0; 3]; 9],
        reference_mm: [0.0; 3],
        tool_lengths_mm: of(|tool| tool.length_offset.as_mm()),
        tool_diameters_mm: of(|tool| tool.diameter.as_mm()),
        tool_orientations: BTreeMap::new(),
        optional_stop: false,
        block_delete: false,
        parameters: BTreeMap::new(),
        limits: Limits::STANDARD,
    }
}

/// A tool library; `simulate` reads the same files by the same function.
fn tools(path: &Path) -> Result<BTreeMap<ToolNumber, Tool>, LoadError> {
    let name = path.display().to_string();
    let bytes = read_file(path, &name)?;
    let with_text = |diagnostics: Vec<Diagnostic>| LoadError {
        diagnostics,
        texts: [(name.clone(), String::from_utf8_lossy(&bytes).into_owned())].into(),
    };
    let file = FileText::from_bytes(&name, &bytes).map_err(|error| with_text(vec![*error]))?;
    let (tools, assumed) = read_tools(file).map_err(with_text)?;
    assumed.iter().for_each(|assumed| draw::line(&format!("assumed: {assumed}")));
    Ok(tools)
}

/// Reads the program to its end, piece by piece while it goes straight on, and writes its operations.
fn read(mut pieces: ProgramPieces, path: &Path, options: &Options, mut out: impl Write) -> io::Result<Read> {
    let name = path.display().to_string();
    let bytes_max = options.limits.bytes_max;
    let beside;
    let whole;
    let first = pieces.next_piece(bytes_max + 1)?;
    let mut is_first = true;
    let mut checkpoint: Option<Checkpoint> = None;
    let mut piece = Some(first);
    let (bytes, sources): (&[u8], &dyn Sources) = loop {
        let Some(held) = piece.take() else { break (&[], &NoSubprograms) };
        // The length is known before anything is read, so a program beyond the limit makes nothing.
        let is_too_long = pieces.length() > bytes_max as u64;
        let goes_on = is_too_long || (is_straight(&held.bytes) && options.dialect != Dialect::Siemens);
        if !goes_on {
            beside = programs_beside(path);
            whole = if held.starts_at == 0 && !held.more_follows { held.bytes } else { pieces.whole()? };
            break (&whole, &beside);
        }
        let mut interpreter = match &checkpoint {
            None => {
                let new = Interpreter::new(&name, &held.bytes, &NoSubprograms, options);
                if held.more_follows { new.with_more_to_follow() } else { new }
            }
            Some(checkpoint) => {
                let next = Piece { text: &held.bytes, starts_at: held.starts_at, more_follows: held.more_follows };
                let resumed = Interpreter::resume(checkpoint, next, &NoSubprograms, options);
                resumed.ok_or_else(|| io::Error::other("a piece of the file does not follow the one before it"))?
            }
        };
        if is_too_long {
            interpreter.refuse_length(usize::try_from(pieces.length()).unwrap_or(usize::MAX));
        }
        if checkpoint.is_none() {
            say_dialect(interpreter.facts());
        }
        let is_heard = write_all(&mut interpreter, &mut out, &mut is_first)?;
        if !is_heard || !held.more_follows || interpreter.is_over() {
            return finished(&interpreter, out, is_heard);
        }
        checkpoint = Some(interpreter.checkpoint());
        piece = Some(pieces.next_piece(bytes_max + 1)?);
    };
    let mut interpreter = match &checkpoint {
        None => Interpreter::new(&name, bytes, sources, options),
        Some(checkpoint) => {
            let all = Piece { text: bytes, starts_at: 0, more_follows: false };
            let resumed = Interpreter::resume(checkpoint, all, sources, options);
            resumed.ok_or_else(|| io::Error::other("the file changed while it was read"))?
        }
    };
    if checkpoint.is_none() {
        say_dialect(interpreter.facts());
    }
    let is_heard = write_all(&mut interpreter, &mut out, &mut is_first)?;
    finished(&interpreter, out, is_heard)
}

/// Writes the operations of an interpreter; false where nobody reads them.
fn write_all(interpreter: &mut Interpreter<'_>, out: &mut impl Write, is_first: &mut bool) -> io::Result<bool> {
    while let Some(op) = interpreter.next_op() {
        let mut written = write_canon(&op, &interpreter.facts().sources, out);
        if *is_first {
            written = written.and_then(|()| out.flush());
        }
        *is_first = false;
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(false),
            other => other?,
        }
    }
    Ok(true)
}

fn finished(interpreter: &Interpreter<'_>, mut out: impl Write, is_heard: bool) -> io::Result<Read> {
    let is_heard = match out.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
        other => other.map(|()| is_heard)?,
    };
    Ok(Read { diagnostics: interpreter.diagnostics().to_vec(), facts: interpreter.facts().clone(), is_heard })
}

fn say_dialect(facts: &Facts) {
    draw::line(&format!("dialect: {} ({})", facts.dialect.name(), facts.dialect_evidence.join("; ")));
}

/// Everything about the program that is no operation.
fn told(name: &str, path: &Path, read: &Read) -> u8 {
    if !read.is_heard {
        return EXIT_PASS;
    }
    for word in &read.facts.without_effect {
        let file = read.facts.sources.get(usize::from(word.source.0)).map_or(name, String::as_str);
        draw::line(&format!(
            "without effect: {} ×{}, first at {file}:{}: {}",
            word.word, word.count, word.line, word.reason
        ));
    }
    let is_short = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() <= DRAWN_BYTES_MAX);
    let text = if is_short { std::fs::read_to_string(path).ok() } else { None };
    let texts = text.into_iter().map(|text| (name.to_owned(), text)).collect();
    draw::diagnostics(&read.diagnostics, &texts);
    if read.diagnostics.iter().any(Diagnostic::is_error) { EXIT_BAD_INPUT } else { EXIT_PASS }
}
