//! The room seen from outside: text in, operations and diagnostics out.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

mod blocks;
mod codes;
mod compensation;
mod corpus;
mod curves;
mod cycles;
mod fanuc;
mod flow;
mod frames;
mod grbl;
mod hostile;
mod rewrite;
mod rs274;
mod siemens;
mod split;
mod twins;

use super::*;
use crate::ident::ToolNumber;
use crate::machine::{LengthUnit, ToolLengthRule};
use std::collections::BTreeMap;

/// A millimetre machine with every offset at zero and the axes at the origin.
fn options(dialect: Dialect) -> Options {
    Options {
        tool_lengths_mm: BTreeMap::from([(ToolNumber(1), 50.0), (ToolNumber(2), 80.0)]),
        tool_diameters_mm: BTreeMap::from([(ToolNumber(1), 2.0), (ToolNumber(2), 4.0)]),
        ..Options::without_machine(dialect)
    }
}

fn run(text: &str, options: &Options) -> Interpreted {
    interpret("t.nc", text.as_bytes(), &NoSubprograms, options)
}

/// Numbers as a person reads them: three decimals, no trailing zeros, no −0.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(" ")
}

/// One operation in a line: source line, what, where, and feed in mm/min.
fn row(op: &CanonOp) -> String {
    let feed = || op.modal.feed.map_or("F?".to_owned(), |feed| format!("F{}", number(feed.as_mm_s() * 60.0)));
    let what = match &op.call {
        Call::StraightTraverse { end } => format!("rapid {}", numbers(&end.program_mm)),
        Call::StraightFeed { end } => format!("feed {} {}", numbers(&end.program_mm), feed()),
        Call::ArcFeed { end, plane, centre_mm, turns, .. } => {
            format!("arc {} {plane:?} about {} turns {turns} {}", numbers(&end.program_mm), numbers(centre_mm), feed())
        }
        Call::Dwell { time } => format!("dwell {}", number(time.as_s())),
        Call::SelectTool { tool } => format!("select {tool}"),
        Call::ChangeTool { tool } => format!("change {tool}"),
        Call::SetSpindleSpeed { speed } => format!("speed {}", number(speed.as_rpm())),
        Call::SetSpindleDirection { direction } => format!("spindle {direction}"),
        Call::Coolant { on } => format!("coolant {on}"),
        Call::Stop { kind } => format!("stop {kind:?}"),
        Call::End => "end".to_owned(),
    };
    format!("{} {what}", op.at.line)
}

fn rows(result: &Interpreted) -> Vec<String> {
    result.ops.iter().map(row).collect()
}

/// Operations of a text, and no error; M2 is appended.
fn check(dialect: Dialect, text: &str, expected: &[&str]) {
    let result = run(&format!("{text}\nM2\n"), &options(dialect));
    let errors: Vec<_> = result.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let mut found = rows(&result);
    assert!(found.pop().is_some_and(|last| last.ends_with(" end")), "{text}: no end");
    assert_eq!(found, expected, "{text}");
}

/// The first diagnosis of a code in a text: severity, line and column, and that it has words.
fn check_fault(dialect: Dialect, text: &str, code: &str, line: u32, column: u32) {
    let result = run(&format!("{text}\nM2\n"), &options(dialect));
    let found = result.diagnostics.iter().find(|diagnostic| diagnostic.code == code);
    let found = found.unwrap_or_else(|| panic!("{text:?} gave {:?} instead of {code}", result.diagnostics));
    assert_eq!((found.line, found.column), (line, column), "{text:?}: {found}");
    assert!(!found.message.is_empty() && !found.advice.is_empty(), "{found}");
    if let Some(span) = found.span {
        assert!(span.start + span.len <= text.len() + 4, "{text:?}: {span:?}");
    }
}
