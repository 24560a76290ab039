use crate::program::{Diagnostic, Provenance, Severity, SourceId};

/// Most diagnostics of one compilation; what comes after is counted, not kept.
const KEPT_MAX: usize = 100;

/// Collects diagnostics with a bound.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Diagnostic>,
    left_out: usize,
}

impl Findings {
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: Provenance,
        message: String,
        advice: &'static str,
    ) {
        if self.kept.len() >= KEPT_MAX {
            self.left_out += 1;
            return;
        }
        self.kept.push(Diagnostic {
            severity,
            code,
            source: source_name(at.source),
            line: at.line,
            column: 0,
            span: None,
            message,
            advice: advice.to_owned(),
        });
    }

    /// Adds a finding unless one with this code is there already.
    pub(super) fn add_once(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: Provenance,
        message: String,
        advice: &'static str,
    ) {
        if self.kept.iter().all(|kept| kept.code != code) {
            self.add(severity, code, at, message, advice);
        }
    }

    /// All that was kept, with a last note where some were left out.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        if self.left_out > 0 {
            self.kept.push(Diagnostic {
                severity: Severity::Note,
                code: "motion::more",
                source: source_name(SourceId(0)),
                line: 0,
                column: 0,
                span: None,
                message: format!("{} more findings are not shown", self.left_out),
                advice: String::new(),
            });
        }
        self.kept
    }
}

/// Operations know which text they are from, not what it is called.
fn source_name(source: SourceId) -> String {
    if source.0 == 0 { "main program".to_owned() } else { format!("subprogram {}", source.0) }
}
