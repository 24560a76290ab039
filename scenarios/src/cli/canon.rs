//! `cosim canon`: a program as canonical operations.
//!
//! Operations go to standard output as they are made, everything else to standard error: first how the program
//! is read, at the end what is wrong with it and what was accepted without effect.

use std::io::{self, ErrorKind, Read as _, Write};
use std::path::Path;

use shared::ident::ToolNumber;
use shared::machine::LengthUnit;
use shared::program::{
    Checkpoint, Diagnostic, Dialect, Facts, Interpreter, NoSubprograms, Options, Piece, Sources, is_straight,
    tool_names,
};

use super::{CanonArgs, EXIT_BAD_INPUT, EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::format::{LibraryRequest, LoadError, ProgramPieces, programs_beside};
use crate::report::write_canon;

/// Bytes of output held back before they are written.
const OUT_BYTES: usize = 64 << 10;
/// As much of a program as tells its dialect.
const HEAD_BYTES: u64 = 1 << 20;
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
    let request = LibraryRequest {
        files: args.tools.tools.clone(),
        unit: args.tools.tool_units.as_deref().map(|word| match word {
            "inch" => LengthUnit::Inch,
            _ => LengthUnit::Millimetre,
        }),
        map: args
            .tools
            .tool_map
            .iter()
            .filter_map(|(number, name)| Some((ToolNumber(number.parse().ok()?), name.clone())))
            .collect(),
    };
    let options = Options { block_delete: args.block_delete, ..Options::without_machine(args.dialect) };
    let Some(mut library) = request.read()? else { return Ok(options) };
    let names = names_in(&args.program, &options);
    library.number_names(&names);
    library.assumed.iter().for_each(|assumed| draw::line(&format!("assumed: {assumed}")));
    library.skipped.iter().for_each(|skipped| draw::line(&format!("skipped: {skipped}")));
    Ok(Options {
        tool_lengths_mm: library.lengths_mm(),
        tool_diameters_mm: library.diameters_mm(),
        tool_orientations: library.orientations(),
        tool_names: library.numbers_of_names(&names),
        ..options
    })
}

/// The names by which a Siemens program calls its tools; others call them by number, and need not be read twice.
fn names_in(path: &Path, options: &Options) -> Vec<String> {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let named = Interpreter::new("", &head, &NoSubprograms, options).facts().dialect == Dialect::Siemens;
    if read.is_err() || !named {
        return Vec::new();
    }
    std::fs::read(path).map(|text| tool_names(&text)).unwrap_or_default()
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
