//! A machine file with other figures and the same words.
//!
//! People comment machine files. Fitted figures are therefore put into the text of the file the fit began
//! with, line by line; what it does not have yet is added at the end of its table.

use super::fitting::{FitOutcome, FittedParameter};

/// The text with the fitted figures, each with its interval behind it, and the given lines ahead of it; under
/// another name, if one is given.
pub fn fitted_text(start: &str, outcome: &FitOutcome, name: Option<&str>, said: &[String]) -> String {
    // What an earlier fit said ahead of the file is said anew.
    let body = start.lines().skip_while(|line| line.starts_with(FITTED)).map(str::to_owned);
    let mut lines: Vec<String> = body.collect();
    if let Some((line, name)) = lines.iter_mut().find(|line| line.starts_with("name =")).zip(name) {
        *line = format!("name = {}", toml::Value::String(name.to_owned()));
    }
    for fitted in &outcome.parameters {
        if fitted.interval.is_none() && fitted.said {
            continue;
        }
        for key in fitted.parameter.keys {
            put(&mut lines, key, fitted);
        }
    }
    let head = said.iter().map(|line| format!("{FITTED} {line}"));
    let mut out: String = head.chain(lines).collect::<Vec<_>>().join("\n");
    out.push('\n');
    out
}

/// Begins the lines that a fit puts ahead of a file.
const FITTED: &str = "#:";

/// Replaces the figure of a key, or adds it to its table, or adds the table.
fn put(lines: &mut Vec<String>, key: &str, fitted: &FittedParameter) {
    let (table, leaf) = key.rsplit_once('.').unwrap_or(("", key));
    if leaf.parse::<usize>().is_ok() {
        return put_entry(lines, table, leaf, fitted);
    }
    let text = format!("{leaf} = {}{}", figure(fitted.value), remark(fitted));
    let (first, end) = match table_lines(lines, table) {
        Some(range) => range,
        None => {
            lines.extend([String::new(), format!("[{table}]")]);
            (lines.len(), lines.len())
        }
    };
    let is_leaf = |line: &String| line.split_once('=').is_some_and(|(name, _)| name.trim() == leaf);
    match (first..end).find(|at| is_leaf(&lines[*at])) {
        Some(at) => lines[at] = text,
        None => {
            let last = (first..end).rev().find(|at| !lines[*at].trim().is_empty()).map_or(first, |at| at + 1);
            lines.insert(last, text);
        }
    }
}

/// Replaces one entry of an array that stands on one line.
fn put_entry(lines: &mut [String], key: &str, place: &str, fitted: &FittedParameter) {
    let named = |line: &&mut String| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    let Some(line) = lines.iter_mut().find(named) else { return };
    let Some((before, rest)) = line.split_once('[') else { return };
    let Some((entries, _)) = rest.split_once(']') else { return };
    let mut entries: Vec<String> = entries.split(',').map(|entry| entry.trim().to_owned()).collect();
    if let Some(entry) = place.parse::<usize>().ok().and_then(|place| entries.get_mut(place)) {
        *entry = figure(fitted.value);
    }
    *line = format!("{before}[{}]{}", entries.join(", "), remark(fitted));
}

/// First line of a table's body and the line behind its last. The empty name is what stands ahead of all.
fn table_lines(lines: &[String], table: &str) -> Option<(usize, usize)> {
    let header = |line: &String| line.trim_start().starts_with('[') && !line.contains('=');
    let first = if table.is_empty() {
        0
    } else {
        let name = format!("[{table}]");
        lines.iter().position(|line| line.trim() == name)? + 1
    };
    let end = lines[first..].iter().position(header).map_or(lines.len(), |more| first + more);
    Some((first, end))
}

/// Four significant digits, with a point.
pub(super) fn figure(value: f64) -> String {
    let digits = if value == 0.0 { 1 } else { (3 - value.abs().log10().floor() as i32).clamp(1, 8) as usize };
    format!("{value:.digits$}")
}

fn remark(fitted: &FittedParameter) -> String {
    let how = if fitted.read_off { "read off" } else { "fitted" };
    match fitted.interval {
        Some((low, high)) => format!(" # {how}, 95 %: {} to {}", figure(low), figure(high)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::parameters::PARAMETERS;

    #[test]
    fn figures_change_and_words_stay() {
        let fitted = |name: &str, value: f64| FittedParameter {
            parameter: *PARAMETERS.iter().find(|parameter| parameter.name == name).expect("known"),
            start: 1.0,
            value,
            interval: Some((value * 0.9, value * 1.1)),
            read_off: false,
            said: true,
        };
        let outcome = FitOutcome {
            parameters: vec![
                fitted("tool_change_s", 6.0154),
                fitted("work_origin_mm.2", -512.25),
                fitted("control.spindle_wait.ready_s", 7.0),
            ],
            machine: toml::Table::new(),
            data: 3,
        };
        let start =
            "#: old\n# mine\ntool_change_s = 5 # as told\nwork_origin_mm = [1.0, 2.0, 3.0]\n\n[spindle]\nx = 1\n";
        let text = fitted_text(start, &outcome, None, &["new".to_owned()]);
        let expected = "#: new\n# mine\ntool_change_s = 6.015 # fitted, 95 %: 5.414 to 6.617\n\
                        work_origin_mm = [1.0, 2.0, -512.2] # fitted, 95 %: -461.0 to -563.5\n\n[spindle]\nx = 1\n\n\
                        [control.spindle_wait]\nready_s = 7.000 # fitted, 95 %: 6.300 to 7.700\n";
        assert_eq!(text, expected);
        assert!(text.parse::<toml::Table>().is_ok());
    }
}
