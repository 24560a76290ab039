use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Accepted, and this is how it was understood or what was assumed.
    Note,
    /// Accepted, but it has no effect here or is probably not what was meant.
    Warning,
    /// A controller would refuse it, or we cannot simulate it.
    Error,
}

/// A range of bytes in one source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Number of bytes; zero points between two.
    pub len: usize,
}

/// What is wrong with an input text, where, and what to do: a value beside the result, never a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Stable code, for instance `program::unknown-code`; documented where it is made.
    pub code: &'static str,
    /// Name of the source as the user knows it (a path, usually).
    pub source: String,
    /// Line, from 1. Zero where the whole file is meant.
    pub line: u32,
    /// Column in characters, from 1. Zero where the whole line is meant.
    pub column: u32,
    /// Bytes meant, for drawing a caret; `None` where the text is not at hand.
    pub span: Option<Span>,
    /// What was read and what was expected.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Diagnostic {
    /// True for [`Severity::Error`].
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `part.nc:12:5: error[program::unknown-code]: message; advice`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        f.write_str(&self.source)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {severity}[{}]: {}", self.code, self.message)?;
        if !self.advice.is_empty() {
            write!(f, "; {}", self.advice)?;
        }
        Ok(())
    }
}
