use std::collections::BTreeMap;
use std::io::Write;

use miette::{GraphicalReportHandler, LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity as Level};
use shared::program::{Diagnostic, Severity};

/// Most diagnostics drawn; the rest is counted.
const DRAWN_MAX: usize = 20;

/// Draws diagnostics on standard error: the worst first, with a caret where the text is at hand.
pub(super) fn diagnostics(all: &[Diagnostic], texts: &BTreeMap<String, String>) {
    let mut sorted: Vec<&Diagnostic> = all.iter().collect();
    sorted.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    let mut out = std::io::stderr().lock();
    for diagnostic in sorted.iter().take(DRAWN_MAX) {
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(out, "{}", drawn(diagnostic, texts.get(&diagnostic.source)));
    }
    if let Some(more) = sorted.len().checked_sub(DRAWN_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "… and {more} more");
    }
}

/// One diagnostic as text: first the line that tools can parse, then the drawing.
fn drawn(diagnostic: &Diagnostic, text: Option<&String>) -> String {
    let line = diagnostic.to_string();
    let (Some(span), Some(text)) = (diagnostic.span, text) else { return line };
    let level = match diagnostic.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        // Notes beside an error are not what is looked for.
        Severity::Note => return line,
    };
    let label = LabeledSpan::new_with_span(Some("here".to_owned()), (span.start, span.len));
    let report = MietteDiagnostic::new(diagnostic.message.clone())
        .with_severity(level)
        .with_code(diagnostic.code)
        .with_help(diagnostic.advice.clone())
        .with_label(label);
    let report = Report::new(report).with_source_code(NamedSource::new(&diagnostic.source, text.clone()));
    let mut drawing = String::new();
    let handler = GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    match handler.render_report(&mut drawing, report.as_ref()) {
        Ok(()) => format!("{line}\n{drawing}"),
        Err(_) => line,
    }
}

/// One sentence on standard error; the exit code for bad input.
pub(super) fn message(text: &str) -> u8 {
    line(&format!("error: {text}"));
    super::EXIT_BAD_INPUT
}

/// One line on standard error.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
