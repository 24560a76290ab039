use std::fmt::Write;

use edge_agent::shell::StatusLine;

/// What happens while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress<'a> {
    /// A process is being started.
    Starting(&'a str),
    /// The edge's state, about twice a second.
    Status(&'a StatusLine),
    /// A process has something to say to a person.
    Note(&'a str),
    /// A fault was injected, or ended.
    Fault(&'a str),
}

/// One line for the terminal, without colours; `None` for what is not worth a line.
pub fn progress_line(progress: Progress<'_>) -> Option<String> {
    match progress {
        Progress::Starting(what) => Some(format!("starting the {what}")),
        Progress::Note(text) => Some(format!("  {text}")),
        Progress::Fault(name) => Some(format!("! {name}")),
        Progress::Status(status) => status_line(status),
    }
}

fn status_line(status: &StatusLine) -> Option<String> {
    let lamp = status.lamp.to_uppercase();
    if !status.running {
        let done = status.done_permille.map(|done| format!(", baseline {:.0} % done", f64::from(done) / 10.0));
        return Some(format!("{lamp:<8} session {}{}", status.phase, done.unwrap_or_default()));
    }
    let mut line = format!(
        "{lamp:<8} line {:>6}  station {:>9.1} mm  override {:>5.1} % {:<16}",
        status.line,
        status.station_mm,
        status.factor * 100.0,
        status.reason,
    );
    // Writing to a String does not fail.
    let _ = match status.load {
        Some(load) => write!(line, "  load {:>3.0} % of limit", load * 100.0),
        None => write!(line, "  load               –"),
    };
    let _ = match status.spindle_power_w {
        Some(power) => write!(line, "  spindle {power:>5.0} W"),
        None => write!(line, "  spindle     –"),
    };
    if let Some(handoff_ms) = status.handoff_ms {
        let _ = write!(line, "  handoff {handoff_ms:>5.1} ms");
    }
    let _ = write!(line, "  ahead {:>6.1} mm", status.horizon_mm);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> StatusLine {
        StatusLine {
            kind: "status".to_owned(),
            t_ms: 1500.0,
            lamp: "ok".to_owned(),
            line: 42,
            station_mm: 123.45,
            factor: 0.62,
            reason: "force_peak".to_owned(),
            load: Some(0.97),
            spindle_power_w: None,
            handoff_ms: Some(11.25),
            horizon_mm: 37.5,
            phase: "ready".to_owned(),
            done_permille: None,
            running: true,
            effect_ms: None,
        }
    }

    #[test]
    fn a_line_says_where_how_fast_and_why() {
        let line = progress_line(Progress::Status(&status())).expect("a line");
        for word in ["OK", "42", "123.5 mm", "62.0 %", "force_peak", "97 %", "11.2 ms", "37.5 mm"] {
            assert!(line.contains(word), "{word} is not in {line:?}");
        }
        let waiting =
            StatusLine { running: false, done_permille: Some(350), phase: "computing".to_owned(), ..status() };
        let line = progress_line(Progress::Status(&waiting)).expect("a line");
        assert!(line.contains("computing") && line.contains("35 %"), "{line:?}");
    }
}
