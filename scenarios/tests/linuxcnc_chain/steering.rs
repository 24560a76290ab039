//! The plan on the machine: what the agent believes against the record, the write to effect table, the dial.

use std::path::Path;
use std::time::Duration;

use edge_agent::recording::{Entry, Tape};
use edge_agent::shell::{EdgeSummary, EffectFigures};
use firmware_bridge::controller::ControllerSample;

use super::cases::ORIGIN;
use super::drive::{Outcome, Shop};
use super::hands::{Mode, ensure, pass};
use super::sampler::Row;

/// How long the corpus program is steered.
const CORPUS_S: u64 = 20;
/// Ticks compared one by one to find where the record begins in the agent's.
const PATTERN: usize = 400;
/// Six digits behind the point are printed by LinuxCNC's tool.
const PRINTED: f64 = 1e-6;
/// Programmed speed of the slots, mm/s.
const SLOT_MM_S: f64 = 20.0;

pub(crate) fn chips(shop: &mut Shop) -> Outcome {
    steered(shop, "chips", shop.seconds)
}

pub(crate) fn corpus(shop: &mut Shop) -> Outcome {
    // The program names no tool: the operator has put in the one the job tells of. Another one is a reason to stop steering.
    shop.rest()?;
    shop.console.tell("mdi T4 M6")?;
    shop.console.tell("idle")?;
    steered(shop, "corpus", CORPUS_S)
}

/// Steers a case for a while; the record is judged afterwards ([`super::judge`]).
fn steered(shop: &mut Shop, case: &str, seconds: u64) -> Outcome {
    let run = shop.run(case, case, Mode::Active)?;
    pass(Duration::from_secs(seconds));
    let status = run.agent.say("status")?;
    shop.console.tell("abort")?;
    let rows = run.sampler.stop()?;
    let reasons = run.agent.reasons();
    let summary = run.agent.leave()?;
    let told = serde_json::to_string(&summary).map_err(|error| error.to_string())?;
    std::fs::write(format!("{case}.edge"), told).map_err(|error| error.to_string())?;
    let slowed = rows.iter().filter(|row| row.feeds() && row.granted && row.factor < 0.97).count();
    ensure(slowed > 1000, || format!("only {slowed} ticks were slowed; lamps and reasons: {reasons:?}"))?;
    let seen = no_tick_missing(case, &rows, seconds)?;
    let table = effect_table(&summary)?;
    Ok(format!("{case}: {seen}; {slowed} ticks slowed by the plan\n{table}\n  edge-agent status said:\n{status}"))
}

/// What the agent was told, tick by tick, against the record: the same ticks, none missing.
fn no_tick_missing(case: &str, rows: &[Row], seconds: u64) -> Outcome {
    let samples = samples(&format!("{case}.mcap"))?;
    let speeds = |sample: &ControllerSample| sample.path_feedrate.map_or(f64::NAN, |speed| speed.as_mm_s());
    let same = |sample: &ControllerSample, row: &Row| (speeds(sample) - row.velocity).abs() <= PRINTED;
    let moving = rows.iter().position(|row| row.velocity > 0.0).ok_or("the axes never moved")?;
    let pattern = rows.get(moving..moving + PATTERN).ok_or("the record is too short")?;
    let matches = |at: usize| {
        let window = samples.get(at..at + PATTERN).unwrap_or_default();
        window.len() == PATTERN && window.iter().zip(pattern).all(|(sample, row)| same(sample, row))
    };
    let at = (0..samples.len()).find(|at| matches(*at)).ok_or("the record is nowhere in what the agent was told")?;
    let (mut compared, mut worst_mm) = (0_usize, 0.0_f64);
    for (sample, row) in samples[at..].iter().zip(&rows[moving..]) {
        ensure(same(sample, row), || {
            format!("tick {}: the agent was told {} mm/s, the record has {}", row.number, speeds(sample), row.velocity)
        })?;
        if let Some(place) = sample.position {
            let off =
                [place.x - row.at[0] + ORIGIN[0], place.y - row.at[1] + ORIGIN[1], place.z - row.at[2] + ORIGIN[2]];
            worst_mm = off.iter().fold(worst_mm, |worst, value| worst.max(value.abs()));
        }
        compared += 1;
    }
    ensure(compared as u64 >= seconds * 900, || format!("only {compared} ticks in {seconds} s"))?;
    ensure(worst_mm <= PRINTED, || format!("places are up to {worst_mm} mm apart"))?;
    Ok(format!("{compared} ticks as recorded beside the agent, none missing, places within {worst_mm:.1e} mm"))
}

/// Every sample of the agent's recording, in order.
fn samples(path: &str) -> Result<Vec<ControllerSample>, String> {
    let bytes = std::fs::read(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
    let tape = Tape::read(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let sample = |(_, entry)| if let Entry::Sample(sample) = entry { Some(sample) } else { None };
    Ok(tape.entries().filter_map(sample).collect())
}

fn effect_table(summary: &EdgeSummary) -> Outcome {
    let seen = summary.linuxcnc.as_ref().ok_or("the agent says nothing about LinuxCNC")?;
    let lost = (seen.ticks_lost, seen.reports_dropped);
    ensure(lost == (0, 0), || format!("ticks lost and reports dropped: {lost:?}"))?;
    ensure(seen.effect_basis == "measured" && seen.unanswered == 0, || format!("{seen:?}"))?;
    ensure(seen.write_to_velocity.count > 0, || format!("no change of speed was measured: {seen:?}"))?;
    let mut table = "  write to effect, by the agent        count     p50     p95     max (ms)\n".to_owned();
    let rows =
        [("factor in the servo tick", seen.write_to_factor), ("first change of velocity", seen.write_to_velocity)];
    for (what, EffectFigures { count, p50_ms, p95_ms, max_ms }) in rows {
        table.push_str(&format!("  {what:<34}{count:8}{p50_ms:8.2}{p95_ms:8.2}{max_ms:8.2}\n"));
    }
    let handoff = summary.handoff.get("total").map_or(0.0, |total| total.p50_us * 1e-3);
    table.push_str(&format!(
        "  handoffs {} of {} in time (p50 {handoff:.1} ms), {} chunks; covered by a plan {:.1} %; cycle late p99 {:.1} ms",
        summary.answered,
        summary.triggered,
        summary.chunks_admitted,
        summary.covered_share.unwrap_or(0.0) * 100.0,
        summary.cycle.late_p99_us * 1e-3
    ));
    Ok(table)
}

/// The dial goes down and up while a plan slows the machine: the lower of both, each time.
pub(crate) fn dial(shop: &mut Shop) -> Outcome {
    let run = shop.slowed("dial")?;
    // Until the slew from the entry is over.
    pass(Duration::from_millis(2500));
    let plan = run.agent.status().map_or(1.0, |status| status.factor);
    let mut figures = format!("plan {:.0} %: ", plan * 100.0);
    for dial in [0.3_f64, 1.0, 1.5, 1.0] {
        shop.console.tell(&format!("dial {dial}"))?;
        // A new factor at the first cycle that sees the dial, and the slew to it.
        pass(Duration::from_millis(1500));
        let rows = super::sampler::rows(Path::new("dial.ticks"))?;
        let settled = &rows[rows.len().saturating_sub(200)..];
        let feeding: Vec<f64> = settled.iter().filter(|row| row.feeds()).map(|row| row.velocity / SLOT_MM_S).collect();
        let share = feeding.iter().sum::<f64>() / feeding.len().max(1) as f64;
        // The plan itself may move by some percent along the slot.
        let most = dial.min(plan + 0.05).min(1.0);
        ensure(!feeding.is_empty() && share <= most + 0.01 && share >= (dial.min(plan) - 0.08).max(0.05), || {
            format!("{figures} at dial {dial} the machine runs at {share:.3} of the programmed speed")
        })?;
        figures.push_str(&format!("dial {:.0} % -> {:.1} %; ", dial * 100.0, share * 100.0));
    }
    let there = shop.console.ask("dial?")?;
    shop.end(run)?;
    Ok(format!("{figures}the dial is where it was put ({there})"))
}
