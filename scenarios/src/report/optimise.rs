use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::Figure;

/// A program before and after its feeds were rewritten.
#[derive(Clone, Debug, Serialize)]
pub struct OptimiseJson {
    /// File of the program.
    pub program: String,
    /// Digest of its bytes.
    pub program_digest: String,
    /// Digest of the rewritten bytes.
    pub optimised_digest: String,
    /// Machine.
    pub machine: String,
    /// Material.
    pub material: String,
    /// Where the limits come from.
    pub limits: String,
    /// Limit on the peak resultant by tool, N.
    pub force_limit_n: BTreeMap<String, Figure>,
    /// Factor of moves outside the inflated stock.
    pub air_factor: f64,
    /// The allowance by which the stock is inflated, mm.
    pub air_allowance_mm: f64,
    /// Most different factors; unavailable where not bounded.
    pub buckets: Figure,
    /// Blocks that were split, and what they became.
    pub blocks_split: [usize; 2],
    /// Cycle time with one feed for each whole block, s; that of the written program where none was split.
    pub cycle_time_whole_blocks_s: f64,
    /// Different factors of the written program.
    pub factors: usize,
    /// Cycle time at 100 %, s.
    pub cycle_time_programmed_s: f64,
    /// Cycle time of the written program, s.
    pub cycle_time_optimised_s: f64,
    /// Cycle time of the program as it was under the plan over station, s.
    pub cycle_time_plan_s: f64,
    /// Cycle time at the best constant override under the same limits, s.
    pub cycle_time_constant_s: f64,
    /// That override, ratio.
    pub constant_override: f64,
    /// Cycle time when only air is faster and nothing slower, s.
    pub cycle_time_air_only_s: f64,
    /// What one feed a block costs against the plan over station, without the air; negative where it is quicker.
    pub lost_to_whole_blocks_s: f64,
    /// Peak loads at 100 %.
    pub programmed: PeaksJson,
    /// Peak loads of the written program.
    pub optimised: PeaksJson,
    /// Share of the time of the written program in which each reason sets the feed; sums to 1.
    pub reasons: BTreeMap<&'static str, f64>,
    /// Lines whose feed is lower than programmed.
    pub lines_slower: usize,
    /// Lines whose feed is higher.
    pub lines_faster: usize,
    /// F words changed, added, and turned from an expression into a number.
    pub words: [usize; 3],
    /// Steps that stay above a limit, because no feed that may be written meets it.
    pub steps_above_limit: usize,
    /// Times the text was written and loaded again.
    pub rounds: usize,
    /// Where the machine file says how tips give way: cuts that chatter at their depth and speed.
    pub chatter: ChatterJson,
    /// What was not given and was filled in.
    pub assumed: Vec<String>,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// Cuts of a program that chatter. Speed and depth are to be changed there; no feed helps.
#[derive(Clone, Debug, Serialize)]
pub struct ChatterJson {
    /// Parts of the program (tool, speed, arc) whose deepest cut was looked at by both methods.
    pub parts: usize,
    /// Parts that were left out because a tool has too many.
    pub left_out: usize,
    /// Tools of whose tip nothing is known.
    pub unknown: Vec<String>,
    /// Share of a measured response that its modes leave over, by tool.
    pub fit_error: BTreeMap<String, f64>,
    /// Cuts that chatter, by line.
    pub risks: Vec<ChatterRiskJson>,
}

/// One cut that chatters.
#[derive(Clone, Debug, Serialize)]
pub struct ChatterRiskJson {
    /// Line of the program.
    pub line: u32,
    /// Tool.
    pub tool: String,
    /// Programmed speed.
    pub rpm: f64,
    /// Depth of the cut, mm.
    pub depth_mm: f64,
    /// Where a tooth enters and leaves, degrees.
    pub immersion_deg: [f64; 2],
    /// Limit by the zeroth order, mm.
    pub zeroth_order_mm: Figure,
    /// Limit by semi-discretisation, mm; unavailable where the cut is stable by it.
    pub semi_discretisation_mm: Figure,
    /// A speed within ±10 % at which both methods, at low immersion the second, hold 1.1 times the depth.
    pub suggested_rpm: Figure,
}

/// Highest loads of a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PeaksJson {
    /// Peak resultant in the plane, N.
    pub force_peak_xy_n: Figure,
    /// Mean resultant over the cutting time, N.
    pub force_mean_n: Figure,
    /// Greatest power at the cutter, W.
    pub power_peak_w: Figure,
    /// Highest load over its limit, predictions raised by the uncertainty; above 1 a limit is broken.
    pub load_over_limit: f64,
}

/// The report in words.
pub fn optimise_text(report: &OptimiseJson) -> String {
    let mut out = String::new();
    write_report(&mut out, report).map_or_else(|_| String::new(), |()| out)
}

fn write_report(out: &mut String, report: &OptimiseJson) -> std::fmt::Result {
    write_head(out, report)?;
    writeln!(out, "\n                              at 100 %    optimised")?;
    let (before, after) = (report.cycle_time_programmed_s, report.cycle_time_optimised_s);
    let change = if before > 0.0 { (after / before - 1.0) * 100.0 } else { 0.0 };
    writeln!(out, "  cycle time             {before:>12.2} {after:>12.2} s ({change:+.1} %)")?;
    let (programmed, optimised) = (&report.programmed, &report.optimised);
    let rows = [
        ("peak force in the plane", programmed.force_peak_xy_n, optimised.force_peak_xy_n, "N"),
        ("mean force in the cut", programmed.force_mean_n, optimised.force_mean_n, "N"),
        ("peak power at the cutter", programmed.power_peak_w, optimised.power_peak_w, "W"),
    ];
    for (name, programmed, optimised, unit) in rows {
        writeln!(out, "  {name:<24} {programmed:>10} {optimised:>12} {unit}")?;
    }
    writeln!(
        out,
        "  highest load over limit  {:>10.3} {:>12.3}   (with the uncertainty of the prediction)",
        programmed.load_over_limit, optimised.load_over_limit
    )?;
    writeln!(out, "\n  plan over station, live  {:>23.2} s", report.cycle_time_plan_s)?;
    writeln!(
        out,
        "  best constant override   {:>23.2} s at {:.1} %, under the same limits",
        report.cycle_time_constant_s,
        report.constant_override * 100.0
    )?;
    writeln!(
        out,
        "  faster in air only       {:>23.2} s at {:.0} % outside the stock and {:.1} mm around it",
        report.cycle_time_air_only_s,
        report.air_factor * 100.0,
        report.air_allowance_mm
    )?;
    writeln!(
        out,
        "  one feed a block costs   {:>23.2} s against the plan over station",
        report.lost_to_whole_blocks_s
    )?;
    if report.blocks_split[0] > 0 {
        let [blocks, pieces] = report.blocks_split;
        let whole_s = report.cycle_time_whole_blocks_s;
        writeln!(out, "  without splitting        {whole_s:>23.2} s; {blocks} blocks became {pieces}")?;
    }
    write_reasons(out, report)?;
    let [changed, added, fixed] = report.words;
    writeln!(
        out,
        "\n  {} lines slower, {} faster, {} different factors; F words: {changed} changed, {added} added, {fixed} expressions now numbers",
        report.lines_slower, report.lines_faster, report.factors
    )?;
    if report.steps_above_limit > 0 {
        writeln!(
            out,
            "  WARNING: {} steps stay above a limit; no feed that may be written meets it there",
            report.steps_above_limit
        )?;
    }
    write_chatter(out, &report.chatter)?;
    for (title, entries) in [("Assumed, because it was not given", &report.assumed), ("Notes", &report.notes)] {
        if !entries.is_empty() {
            writeln!(out, "\n{title}")?;
        }
        entries.iter().try_for_each(|entry| writeln!(out, "  {entry}"))?;
    }
    Ok(())
}

fn write_head(out: &mut String, report: &OptimiseJson) -> std::fmt::Result {
    writeln!(out, "Program   {}", report.program)?;
    writeln!(out, "Machine   {}; material {}", report.machine, report.material)?;
    writeln!(out, "Limits    {}", report.limits)?;
    for (tool, limit) in &report.force_limit_n {
        writeln!(out, "          {tool}: peak force in the plane {limit} N")?;
    }
    Ok(())
}

fn write_reasons(out: &mut String, report: &OptimiseJson) -> std::fmt::Result {
    writeln!(out, "\n  what sets the feed   share of time")?;
    for (reason, share) in &report.reasons {
        writeln!(out, "  {reason:<20} {:>11.1} %", share * 100.0)?;
    }
    Ok(())
}

fn write_chatter(out: &mut String, chatter: &ChatterJson) -> std::fmt::Result {
    if chatter.parts == 0 {
        return Ok(());
    }
    writeln!(out, "\nStability: {} parts looked at, {} left out", chatter.parts, chatter.left_out)?;
    for (tool, error) in &chatter.fit_error {
        writeln!(out, "  {tool}: modes fitted to the measured response leave {:.1} % of it", error * 100.0)?;
    }
    let limit = |figure: Figure| figure.0.map_or_else(|| "none found".to_owned(), |mm| format!("{mm:.3} mm"));
    for risk in &chatter.risks {
        writeln!(
            out,
            "  WARNING: line {}: {} chatters {:.3} mm deep at {:.0}/min; limit by zeroth order {}, by semi-discretisation {}",
            risk.line,
            risk.tool,
            risk.depth_mm,
            risk.rpm,
            limit(risk.zeroth_order_mm),
            limit(risk.semi_discretisation_mm)
        )?;
        match risk.suggested_rpm.0 {
            Some(rpm) => writeln!(out, "           at {rpm:.0}/min it would hold; no feed changes that")?,
            None => writeln!(out, "           no near speed is confirmed; cut less deep, no feed changes that")?,
        }
    }
    Ok(())
}
