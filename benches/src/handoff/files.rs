//! Files beside the summary: percentile distribution (`.hgrm`), interval log (`.hlog`), and every message (`.csv`).

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::production::{Handoff, Production};
use super::series::Series;
use super::transport::ArmResult;
use shared::budget::Stage;

/// Steps between two halvings of the distance to 100 %, as HdrHistogram's own printer has them.
const TICKS_PER_HALF: u32 = 5;
/// Significant digits kept.
const DIGITS: u8 = 3;
/// Length of one interval of the log, ns.
const INTERVAL_NS: u64 = 1_000_000_000;

/// A histogram in µs; what is above the time-out stands at it.
///
/// # Errors
/// A time-out that a histogram cannot hold.
pub fn histogram(values_ns: impl Iterator<Item = u64>, timeout_ns: u64) -> anyhow::Result<Histogram<u64>> {
    let greatest = (timeout_ns / 1000).max(2);
    let mut histogram = Histogram::new_with_bounds(1, greatest, DIGITS).context("a histogram")?;
    values_ns.for_each(|ns| histogram.saturating_record((ns / 1000).max(1)));
    Ok(histogram)
}

/// The distribution as HdrHistogram's own tools print and plot it; values in ms.
///
/// # Errors
/// Writing fails.
pub fn write_hgrm(out: &mut dyn Write, histogram: &Histogram<u64>) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        let (value, share) = (step.value_iterated_to() as f64 / 1000.0, step.quantile_iterated_to());
        let count = histogram.count_between(0, step.value_iterated_to());
        if share < 1.0 {
            writeln!(out, "{value:>12.3} {share:>14.12} {count:>10} {:>14.2}", 1.0 / (1.0 - share))?;
        } else {
            writeln!(out, "{value:>12.3} {share:>14.12} {count:>10}")?;
        }
    }
    let (mean, deviation) = (histogram.mean() / 1000.0, histogram.stdev() / 1000.0);
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    let (max, total) = (histogram.max() as f64 / 1000.0, histogram.len());
    writeln!(out, "#[Max     = {max:>12.3}, Total count    = {total:>12}]")?;
    writeln!(
        out,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram.buckets(),
        2_u64 << (f64::from(DIGITS) * 10_f64.log2()).ceil() as u32
    )
}

/// One histogram a second for each arm, tagged with its name.
///
/// # Errors
/// Writing fails.
pub fn write_hlog(out: &mut dyn Write, arms: &[ArmResult], began: SystemTime) -> anyhow::Result<()> {
    let mut serialiser = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("handoff-bench; values in µs from the scheduled instant").with_start_time(began);
    builder.with_base_time(began).with_max_value_divisor(1000.0);
    let mut out = out;
    let mut log = builder.begin_log_with(&mut out, &mut serialiser).context("the interval log")?;
    let origin =
        arms.iter().filter_map(|arm| arm.series.shots.first()).map(|shot| shot.scheduled_ns).min().unwrap_or(0);
    let mut rows: Vec<(u64, &str, Histogram<u64>)> = Vec::new();
    for arm in arms {
        let series = &arm.series;
        for (shot, latency) in series.shots.iter().zip(series.latencies()) {
            let second = (shot.scheduled_ns - origin) / INTERVAL_NS;
            if rows.last().is_none_or(|(at, name, _)| *at != second || *name != arm.arm.name()) {
                rows.push((second, arm.arm.name(), histogram(std::iter::empty(), series.timeout_ns)?));
            }
            if let Some((_, _, row)) = rows.last_mut() {
                row.saturating_record((latency / 1000).max(1));
            }
        }
    }
    rows.sort_by_key(|(second, name, _)| (*second, *name));
    for (second, name, row) in &rows {
        let at = Duration::from_nanos(second * INTERVAL_NS);
        log.write_histogram(row, at, Duration::from_nanos(INTERVAL_NS), Tag::new(name))
            .map_err(|error| anyhow::anyhow!("the interval log: {error:?}"))?;
    }
    Ok(())
}

/// Every message: `arm,number,scheduled_ns,sent_ns,received_ns,latency_ns`; the last two empty where none came.
///
/// # Errors
/// Writing fails.
pub fn write_messages(out: &mut dyn Write, arms: &[ArmResult]) -> io::Result<()> {
    writeln!(out, "arm,number,scheduled_ns,sent_ns,received_ns,latency_ns")?;
    for arm in arms {
        for shot in &arm.series.shots {
            let given = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
            writeln!(
                out,
                "{},{},{},{},{},{}",
                arm.arm.name(),
                shot.number,
                shot.scheduled_ns,
                shot.sent_ns,
                given(shot.received_ns),
                given(shot.latency_ns())
            )?;
        }
    }
    Ok(())
}

/// Every handoff with its stages in ns; empty where it was missed.
///
/// # Errors
/// Writing fails.
pub fn write_handoffs(out: &mut dyn Write, production: &Production) -> io::Result<()> {
    let names: Vec<String> = Stage::ALL.iter().map(|stage| format!("{}_ns", stage.name())).collect();
    writeln!(
        out,
        "triggered_at_ns,basis,epoch,sequence,counts,removed_cells,work,total_ns,{},unexplained_ns,slack_ns",
        names.join(",")
    )?;
    for handoff in &production.handoffs {
        writeln!(out, "{}", handoff_row(handoff))?;
    }
    Ok(())
}

fn handoff_row(handoff: &Handoff) -> String {
    let record = &handoff.record;
    let mut cells = vec![
        record.triggered_at.as_ns().to_string(),
        record.basis.map_or_else(String::new, |basis| basis.0.to_string()),
        handoff.closing.map_or_else(String::new, |closing| closing.epoch.to_string()),
        handoff.closing.map_or_else(String::new, |closing| closing.sequence.to_string()),
        u8::from(handoff.counts()).to_string(),
        handoff.closing.map_or_else(String::new, |closing| closing.removed_cells.to_string()),
        handoff.closing.map_or_else(String::new, |closing| closing.work.to_string()),
        record.total.as_ns().to_string(),
    ];
    match &record.answer {
        Some(answer) => {
            cells.extend(Stage::ALL.iter().map(|stage| answer.stages.get(*stage).as_ns().to_string()));
            cells.extend([answer.unexplained.as_ns().to_string(), answer.slack.as_ns().to_string()]);
        }
        None => cells.extend((0..Stage::ALL.len() + 2).map(|_| String::new())),
    }
    cells.join(",")
}

/// The production handoffs as a series, so that they get the same figures as messages.
pub fn as_series(production: &Production, budget_ns: u64, timeout_ns: u64) -> Series {
    let counted = production.handoffs.iter().filter(|handoff| handoff.counts()).enumerate();
    let shots = counted
        .map(|(number, handoff)| {
            let at = handoff.record.triggered_at.as_ns();
            super::series::Shot {
                number: number as u64,
                scheduled_ns: at,
                sent_ns: at,
                received_ns: handoff.record.answer.map(|_| at + handoff.record.total.as_ns()),
            }
        })
        .collect();
    Series { shots, timeout_ns, budget_ns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_has_the_form_that_plotters_read() {
        let histogram = histogram((1..=1000).map(|ms| ms * 1_000_000), 2_000_000_000).expect("a histogram");
        let mut out = Vec::new();
        write_hgrm(&mut out, &histogram).expect("memory takes it");
        let text = String::from_utf8(out).expect("text");
        let median = text.lines().find(|line| line.contains(" 0.500000000000 ")).expect("the median has a row");
        let fields: Vec<f64> = median.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        assert!((fields[0] - 500.0).abs() < 1.0 && (fields[2] - 500.0).abs() <= 1.0 && fields[3] == 2.0, "{median}");
        assert!(text.contains("#[Max     =     1000.") && text.contains("Total count    =         1000]"), "{text}");
    }
}
