use std::fmt::Write;

use super::figure::Figure;
use super::findings_text::write_findings;
use super::json::{RunJson, SimulateJson, WorstAtJson};

/// Most entries of a list that are printed; the rest is counted.
pub(super) const LISTED_MAX: usize = 12;

/// A simulation in words.
pub fn simulate_text(report: &SimulateJson) -> String {
    let mut out = String::new();
    write_simulation(&mut out, report);
    out
}

/// A run in words.
pub fn run_text(report: &RunJson) -> String {
    let mut out = String::new();
    put(&mut out, format_args!("Scenario {} ({}, {} × machine speed)", report.scenario, report.mode, report.speed));
    write_simulation(&mut out, &report.simulated);
    put(&mut out, format_args!("\nLive"));
    put(&mut out, format_args!("  cycle time as run        {:>10.2} s", report.cycle_time_run_s));
    put(&mut out, format_args!("  under a live plan        {:>10} of the feed time", percent(report.covered_share.0)));
    write_handoff(&mut out, report);
    write_fallbacks(&mut out, report);
    write_learned(&mut out, report);
    write_truth(&mut out, report);
    if !report.expectations.is_empty() {
        put(&mut out, format_args!("\nExpectations"));
        for verdict in &report.expectations {
            let mark = if verdict.holds { "holds " } else { "FAILED" };
            put(&mut out, format_args!("  {mark} {} {}: {}", verdict.key, verdict.expected, verdict.found));
        }
    }
    put(&mut out, format_args!("\nDigest of inputs and decisions {}", report.recording_digest));
    out
}

pub(super) fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = out.write_fmt(line);
    out.push('\n');
}

fn percent(share: Option<f64>) -> String {
    share.map_or("unavailable".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn write_simulation(out: &mut String, report: &SimulateJson) {
    put(
        out,
        format_args!("Program   {} ({} motions, {:.1} mm of path)", report.program, report.motions, report.path_mm),
    );
    put(out, format_args!("Machine   {}; material {}", report.machine, report.material));
    for line in &report.read_as {
        put(out, format_args!("Read as   {line}"));
    }
    let [cell_x, cell_y] = report.stock.cell_mm;
    put(
        out,
        format_args!(
            "Stock     cells of {cell_x:.3} × {cell_y:.3} mm, {:.1} MB{}",
            report.stock.bytes as f64 / 1e6,
            if report.stock.coarsened { " (coarser than wished, to stay under the memory cap)" } else { "" }
        ),
    );
    put(out, format_args!("\n                             at 100 %     planned"));
    put(
        out,
        format_args!(
            "  cycle time            {:>12.2} {:>12.2} s",
            report.cycle_time_programmed_s, report.cycle_time_planned_s
        ),
    );
    let rows = [
        ("peak force in the plane", report.force_peak_xy_n_programmed, report.force_peak_xy_n, "N"),
        ("mean force in the cut", report.force_mean_n_programmed, report.force_mean_n, "N"),
        ("peak power at the cutter", report.power_peak_w_programmed, report.power_peak_w, "W"),
    ];
    for (name, programmed, planned, unit) in rows {
        put(out, format_args!("  {name:<24} {programmed:>9} {planned:>12} {unit}"));
    }
    match report.force_limit_n.0 {
        Some(_) => put(out, format_args!("  limit on the peak force  {:>22} N", report.force_limit_n)),
        None => put(out, format_args!("  limit on the peak force  {:>22}", "none stated")),
    }
    put(out, format_args!("  removed volume           {:>22.1} mm³", report.removed_volume_mm3));
    let split: Vec<String> = report.cycle_time_split_s.iter().map(|(name, time)| format!("{name} {time:.1}")).collect();
    put(out, format_args!("  at 100 %: {} s", split.join(", ")));
    if let (Some(constant), Some(time)) = (report.constant_override.0, report.cycle_time_constant_s.0) {
        put(
            out,
            format_args!(
                "  best constant override   {:>10} {time:>12.2} s under the same limits",
                percent(Some(constant))
            ),
        );
    }
    write_reasons(out, report);
    write_findings(out, report);
    write_list(out, "Assumed, because it was not given", &report.assumed);
    write_list(out, "Not taken over from the tool libraries", &report.skipped);
    write_list(out, "Notes", &report.notes);
}

fn write_reasons(out: &mut String, report: &SimulateJson) {
    put(out, format_args!("\n  what binds           share of time   lost to 100 %   won over constant"));
    for (reason, share) in &report.reasons {
        let lost = report.time_lost_s.get(reason).copied().unwrap_or(0.0);
        let won = report.time_won_over_constant_s.get(reason).copied().unwrap_or(0.0);
        put(out, format_args!("  {reason:<20} {:>12} {lost:>13.2} s {won:>15.2} s", percent(Some(*share))));
    }
}

fn write_list(out: &mut String, title: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    put(out, format_args!("\n{title}"));
    for entry in entries.iter().take(LISTED_MAX) {
        put(out, format_args!("  {entry}"));
    }
    if entries.len() > LISTED_MAX {
        put(out, format_args!("  … and {} more; all are in the JSON", entries.len() - LISTED_MAX));
    }
}

fn write_handoff(out: &mut String, report: &RunJson) {
    if let Figure(Some(stood_ms)) = report.machine_stood_still_ms
        && stood_ms > 0.0
    {
        put(
            out,
            format_args!(
                "  the machine's process    was not run for {stood_ms:.0} ms in all; the machine stood still then"
            ),
        );
    }
    if let Some(cycle) = report.edge_cycle {
        let kind = if cycle.real_time { "real-time" } else { "ordinary" };
        put(
            out,
            format_args!(
                "  the edge's cycle         {} of {:.0} ms, {kind} scheduling; late by {:.2} ms (p50), {:.2} (p99), {:.2} at most; {} overruns",
                cycle.count,
                cycle.period_ms,
                cycle.late_p50_us * 1e-3,
                cycle.late_p99_us * 1e-3,
                cycle.late_max_us * 1e-3,
                cycle.overruns
            ),
        );
    }
    let counts = report.handoff_counts;
    put(
        out,
        format_args!(
            "  handoffs                 {} triggered, {} answered in time, {} missed; {} chunks admitted, {} cells behind them",
            counts.triggered, counts.answered, report.misses, counts.chunks_admitted, counts.cells_removed
        ),
    );
    if !report.handoff.is_empty() {
        put(out, format_args!("  stage                       count      p50 ms      p99 ms      max ms"));
    }
    for (stage, times) in &report.handoff {
        put(
            out,
            format_args!(
                "  {stage:<24} {:>8} {:>11.3} {:>11.3} {:>11.3}",
                times.count,
                times.p50_us / 1e3,
                times.p99_us / 1e3,
                times.max_us / 1e3
            ),
        );
    }
    for (reason, count) in &report.rejects {
        put(out, format_args!("  rejected as {reason}: {count}"));
    }
}

fn write_fallbacks(out: &mut String, report: &RunJson) {
    put(out, format_args!("  fallbacks                {}", report.fallbacks.len()));
    for fallback in report.fallbacks.iter().take(LISTED_MAX) {
        let line = fallback.line.map_or("?".to_owned(), |line| line.to_string());
        put(
            out,
            format_args!(
                "  at {:.2} s, line {line}: {} for {} s; first command on the fallback curve {} ms after expiry",
                fallback.at_s, fallback.reason, fallback.for_s, fallback.reaction_ms
            ),
        );
    }
}

/// Every alarm before anything else, then the newest of what was tightened and estimated.
fn write_learned(out: &mut String, report: &RunJson) {
    if report.learned.is_empty() {
        return put(out, format_args!("  learned from the spindle  nothing: no cut stood far enough above idle"));
    }
    let of = |kind: &'static str| report.learned.iter().filter(move |learned| learned.kind == kind);
    put(out, format_args!("  learned from the spindle  {} alarms", of("alarm").count()));
    let newest = ["tightened", "estimate"].into_iter().filter_map(|kind| of(kind).next_back());
    for learned in of("alarm").take(LISTED_MAX).chain(newest) {
        match learned.at_s.0 {
            Some(at_s) => put(out, format_args!("  at {at_s:.2} s, {}: {}", learned.kind, learned.what)),
            None => put(out, format_args!("  {}: {}", learned.kind, learned.what)),
        }
    }
    put(out, format_args!("  all {} of it stands in the JSON report", report.learned.len()));
}

fn write_truth(out: &mut String, report: &RunJson) {
    if let Some(truth) = &report.truth {
        put(
            out,
            format_args!(
                "\nHidden process, {} seeds: true peak over limit, worst {:.3}; {} overshoots, {:.3} s in all",
                truth.seeds, truth.worst, truth.overshoots, truth.overshoot_s
            ),
        );
        if let Some(WorstAtJson { time_s, at_mm: [x, y, z], feed_mm_min }) = truth.worst_at {
            put(out, format_args!("  the worst at {time_s:.2} s, X{x:.3} Y{y:.3} Z{z:.3}, F{feed_mm_min:.0}"));
        }
    }
    if !report.comparison.is_empty() {
        put(out, format_args!("\n  policy          time s   peak/limit   entry mean   entry max   above limit s"));
    }
    for row in &report.comparison {
        put(
            out,
            format_args!(
                "  {:<12} {:>9.2} {:>12.3} {:>12.3} {:>11.3} {:>15.3}",
                row.policy,
                row.cycle_time_s,
                row.peak_ratio,
                row.entry_peak_ratio_mean,
                row.entry_peak_ratio_max,
                row.overshoot_s
            ),
        );
    }
}
