use std::fmt::Write as _;

use serde_json::{Value, json};
use shared::job::Job;
use shared::motion::plan_profile;

use super::alignment::Alignment;
use super::fitting::{FitOutcome, IntervalRow, interval_rows};
use super::intervals::IntervalKind;
use super::machine_text::figure;
use super::recording::Recording;

/// A run beside its prediction, as JSON. `foreign` is null where the run is of this program.
pub fn run_json(program: &str, job: &Job, recording: &Recording) -> Value {
    let profile = plan_profile(&job.path, &job.machine, &[]);
    let (rows, foreign) = interval_rows(job, recording);
    let held_s = recording.held_s(0.0, recording.duration_s);
    let measured_s = recording.duration_s - held_s;
    let timing = Alignment::new(&job.path, job.facts.lines, recording).ok().map(|alignment| {
        let timing = alignment.block_timing(&job.path, &profile, recording);
        json!({ "count": timing.count, "median_s": timing.median_s, "p95_s": timing.p95_s, "slope": timing.slope })
    });
    json!({
        "program": program,
        "recording": recording.name,
        "foreign": foreign.map(|foreign| foreign.to_string()),
        "cycle_time_s": profile.cycle_time().as_s(),
        "measured_s": measured_s,
        "held_s": held_s,
        "before_active_s": recording.before_s,
        "damaged_lines": recording.damaged,
        "residual_s": measured_s - profile.cycle_time().as_s(),
        "block_timing": timing,
        "intervals": rows.iter().map(row_json).collect::<Vec<_>>(),
    })
}

fn row_json(row: &IntervalRow) -> Value {
    json!({
        "kind": row.interval.kind.text(),
        "tool": row.interval.tool,
        "first_line": row.interval.lines.0,
        "last_line": row.interval.lines.1,
        "measured_s": row.interval.measured_s,
        "predicted_s": row.predicted_s,
        "residual_s": row.interval.measured_s - row.predicted_s,
        "held_s": row.interval.held_s,
        "feed_ratio": row.feed_ratio,
        "rapid_ratio": row.rapid_ratio,
        "counts": row.counts,
    })
}

/// The parameters of a fit as JSON.
pub fn fit_json(outcome: &FitOutcome) -> Value {
    let parameter = |fitted: &super::fitting::FittedParameter| {
        json!({
            "name": fitted.parameter.name,
            "unit": fitted.parameter.units.text(),
            "start": fitted.start,
            "value": fitted.value,
            "determined": fitted.interval.is_some(),
            "read_off": fitted.read_off,
            "low_95": fitted.interval.map(|interval| interval.0),
            "high_95": fitted.interval.map(|interval| interval.1),
        })
    };
    json!({ "data": outcome.data, "parameters": outcome.parameters.iter().map(parameter).collect::<Vec<_>>() })
}

/// The parameters of a fit in a table.
pub fn fit_text(outcome: &FitOutcome) -> String {
    let moved = outcome.parameters.iter().filter(|fitted| fitted.interval.is_some() && !fitted.read_off).count();
    let mut out = format!("{moved} parameters from {} intervals\n", outcome.data);
    for fitted in &outcome.parameters {
        let known = match fitted.interval {
            Some((low, high)) => {
                let how = if fitted.read_off { "read off, " } else { "" };
                format!("{how}95 %: {} to {}", figure(low), figure(high))
            }
            None => "not determined by these recordings, stays".to_owned(),
        };
        let (name, unit) = (fitted.parameter.name, fitted.parameter.units.text());
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {name:<32} {:>10} {unit:<7} {known}", figure(fitted.value));
    }
    out
}

/// A run beside its prediction in the words of the shop.
pub fn run_text(run: &Value, line_ranges: bool) -> String {
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or(0.0);
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or("").to_owned();
    let mut out = String::new();
    let mut put = |line: String| {
        let _ = writeln!(out, "{line}");
    };
    put(format!("{} against {}", word(run, "program"), word(run, "recording")));
    if run["foreign"].is_string() {
        put(format!("  refused: {}", word(run, "foreign")));
        put("  stretches of single tools that agree in tool and number of lines:".to_owned());
    } else {
        let (measured_s, predicted_s) = (number(run, "measured_s"), number(run, "cycle_time_s"));
        put(format!(
            "  measured {measured_s:.2} s, predicted {predicted_s:.2} s, {:+.2} %; held by a person {:.1} s, {:.1} s before ACTIVE",
            100.0 * (predicted_s / measured_s - 1.0),
            number(run, "held_s").max(0.0),
            number(run, "before_active_s")
        ));
        let timing = &run["block_timing"];
        put(format!(
            "  blocks: {} reports, median {:.3} s off, 95 % within {:.3} s, slope {:+.3} %",
            timing["count"],
            number(timing, "median_s"),
            number(timing, "p95_s"),
            100.0 * number(timing, "slope")
        ));
    }
    for row in run["intervals"].as_array().into_iter().flatten() {
        let kind = word(row, "kind");
        if kind == IntervalKind::LineRange.text() && !line_ranges {
            continue;
        }
        let (measured_s, predicted_s) = (number(row, "measured_s"), number(row, "predicted_s"));
        let tool = row["tool"].as_u64().map_or(String::new(), |tool| format!("T{tool}"));
        let ratio = |key: &str, name: &str| {
            let off = row[key].as_f64().filter(|ratio| (ratio - 1.0).abs() > super::dials::UNTOUCHED);
            off.map_or(String::new(), |ratio| format!("  {name} at {:.0} %", 100.0 * ratio))
        };
        put(format!(
            "  {kind:<17} {tool:<4} {:>6} to {:<6} {measured_s:>8.2} s  {predicted_s:>8.2} s {:>+7.1} %{}{}",
            row["first_line"],
            row["last_line"],
            100.0 * (predicted_s / measured_s - 1.0),
            ratio("feed_ratio", "feed"),
            ratio("rapid_ratio", "rapids"),
        ));
    }
    out
}
