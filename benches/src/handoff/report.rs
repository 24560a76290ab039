//! The summary: figures, verdicts, what changed against an earlier run, and what a build server reads.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::bootstrap::{Ratio, quantile_interval, quantile_ratio};
use super::production::{OnTheLink, Production, as_told};
use super::seal::SealTimes;
use super::series::{QUANTILES, Series, quantile, told_quantile};
use super::transport::{ArmResult, MessageStages};
use crate::emulator::ForwarderEnd;
use crate::handoff::production::Handoff;
use shared::budget::Stage;

/// The k of the (m, k) count.
const WINDOW: usize = 100;
/// Bare Zenoh may be exceeded by this at the median, and at the 99.9 % quantile.
const RATIO_LIMITS: [(f64, &str, f64); 2] = [(0.5, "p50", 1.15), (0.999, "p99.9", 1.5)];
/// Signing and verifying together, median, ns.
const SIGNATURE_NS_MAX: u64 = 60_000;
/// What an interval may lie above that of the baseline before it counts as worse.
const NOISE_SHARE: f64 = 0.05;

/// Whether something that was promised or asked for held.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What.
    pub name: String,
    /// `None` where it cannot be told from these figures.
    pub holds: Option<bool>,
    /// In figures.
    pub what: String,
}

/// What is not known is a word, never a number.
fn known(value: Option<f64>) -> Value {
    value.map_or_else(|| json!("unavailable"), |value| json!(round(value)))
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// Samples in one block of the bootstrap: about a second, and enough blocks to draw from.
fn block(series: &Series) -> usize {
    let span_ns = match (series.shots.first(), series.shots.last()) {
        (Some(first), Some(last)) => last.scheduled_ns.saturating_sub(first.scheduled_ns).max(1),
        _ => 1,
    };
    let a_second = series.shots.len() as f64 * 1e9 / span_ns as f64;
    (a_second as usize).clamp(1, (series.shots.len() / 20).max(1))
}

/// Figures of a series: sent, quantiles that may be told with their intervals, misses.
pub fn series_json(series: &Series, seed: u64) -> Value {
    let sorted = series.sorted_ns();
    let ordered: Vec<u64> = series.latencies().collect();
    let misses = series.misses(WINDOW);
    let mut quantiles = Map::new();
    for (share, name) in QUANTILES {
        let told = told_quantile(&sorted, share);
        let interval = told.and_then(|_| quantile_interval(&ordered, share, block(series), seed));
        let value = json!({
            "ms": known(told.map(ms)),
            "interval_95_ms": interval.map_or_else(|| json!("unavailable"), |(low, high)| json!([round(ms(low)), round(ms(high))])),
        });
        quantiles.insert(name.to_owned(), value);
    }
    json!({
        "sent": series.shots.len(),
        "received": series.shots.iter().filter(|shot| shot.received_ns.is_some()).count(),
        "quantiles": quantiles,
        "max_ms": known(sorted.last().copied().map(ms)),
        "timeout_ms": ms(series.timeout_ns),
        "budget_ms": ms(series.budget_ns),
        "misses": {
            "late_or_lost": misses.late, "lost": misses.lost, "longest_run": misses.longest_run,
            "most_in_window": misses.most_in_window, "window": misses.window,
        },
    })
}

/// Quantiles of a set of times, µs.
fn times_json(mut values: Vec<u64>) -> Value {
    values.sort_unstable();
    json!({
        "count": values.len(),
        "p50_us": known(quantile(&values, 0.5).map(us)),
        "p99_us": known(told_quantile(&values, 0.99).map(us)),
        "max_us": known(values.last().copied().map(us)),
    })
}

/// One arm.
pub fn arm_json(result: &ArmResult, stages: &[MessageStages], seed: u64) -> Value {
    let mut value = series_json(&result.series, seed);
    if let Some(object) = value.as_object_mut() {
        object.insert("arm".to_owned(), json!(result.arm.name()));
        object.insert("generator_lag".to_owned(), times_json(result.series.lags_ns()));
        object.insert("cold_start_ms".to_owned(), known(result.cold_ns.map(ms)));
        if !stages.is_empty() {
            let mut by_name = Map::new();
            for (index, name) in MessageStages::NAMES.iter().enumerate() {
                let column = stages.iter().map(|stages| stages.values()[index]).collect();
                by_name.insert((*name).to_owned(), times_json(column));
            }
            object.insert("stages".to_owned(), Value::Object(by_name));
        }
    }
    value
}

/// Ratios of one arm to another, with what was promised of them.
pub fn ratios(ours: &ArmResult, theirs: &ArmResult, seed: u64) -> (Value, Vec<Verdict>) {
    let values = |result: &ArmResult| result.series.latencies().collect::<Vec<u64>>();
    let (a, b) = (values(ours), values(theirs));
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for (share, name, limit) in RATIO_LIMITS {
        let told = told_quantile(&ours.series.sorted_ns(), share).and(told_quantile(&theirs.series.sorted_ns(), share));
        let ratio = told.and_then(|_| quantile_ratio(&a, &b, share, block(&ours.series), seed));
        rows.push(json!({
            "of": ours.arm.name(), "to": theirs.arm.name(), "quantile": name, "limit": limit,
            "ratio": known(ratio.map(|ratio| ratio.value)),
            "interval_95": ratio.map_or_else(|| json!("unavailable"), |ratio| json!([round(ratio.low), round(ratio.high)])),
        }));
        verdicts.push(verdict_of(&format!("{} over {} at {name}", ours.arm.name(), theirs.arm.name()), ratio, limit));
    }
    (Value::Array(rows), verdicts)
}

/// Below the limit, above it, or not to be told because the limit lies inside the interval.
fn verdict_of(name: &str, ratio: Option<Ratio>, limit: f64) -> Verdict {
    let Some(Ratio { value, low, high }) = ratio else {
        let what = format!("limit {limit}: too few samples to tell this quantile");
        return Verdict { name: name.to_owned(), holds: None, what };
    };
    let holds = if high <= limit {
        Some(true)
    } else if low > limit {
        Some(false)
    } else {
        None
    };
    let what = format!("{value:.3}, 95 % within {low:.3} to {high:.3}, limit {limit}");
    Verdict { name: name.to_owned(), holds, what }
}

/// The signature's line.
pub fn seal_json(times: &SealTimes) -> (Value, Verdict) {
    let median = quantile(&times.both_ns, 0.5);
    let verdict = Verdict {
        name: "signature, sign and verify, p50".to_owned(),
        holds: median.map(|median| median <= SIGNATURE_NS_MAX),
        what: format!("{:.1} µs, limit {} µs", median.map_or(0.0, us), us(SIGNATURE_NS_MAX)),
    };
    let value = json!({
        "message_bytes": times.bytes,
        "sign": times_json(times.sign_ns.clone()),
        "verify": times_json(times.verify_ns.clone()),
        "both": times_json(times.both_ns.clone()),
    });
    (value, verdict)
}

/// Production handoffs: counts, figures, stages, what they leave unexplained, and what the forwarder saw.
pub fn production_json(production: &Production, series: &Series, seen: &[(Handoff, OnTheLink)], seed: u64) -> Value {
    let counted: Vec<&Handoff> = production.handoffs.iter().filter(|handoff| handoff.counts()).collect();
    let answers: Vec<_> = counted.iter().filter_map(|handoff| handoff.record.answer).collect();
    let mut stages = Map::new();
    for stage in Stage::ALL {
        let times = answers.iter().map(|answer| answer.stages.get(stage).as_ns()).collect();
        stages.insert(stage.name().to_owned(), times_json(times));
    }
    let unexplained = answers.iter().map(|answer| answer.unexplained.as_ns()).collect();
    let mut slack: Vec<u64> = answers.iter().map(|answer| answer.slack.as_ns()).collect();
    slack.sort_unstable();
    let age = answers.iter().map(|answer| answer.basis_age.as_ns()).collect();
    let share = (production.cycles > 0).then(|| production.covered as f64 / production.cycles as f64);
    json!({
        "triggered": production.handoffs.len(),
        "counted": counted.len(),
        "not_counted_because_nothing_was_removed": production.handoffs.len() - counted.len(),
        "chunks_arrived": production.arrived,
        "chunks_admitted": production.admitted,
        "cells_removed": production.removed_cells,
        "work_allowance_max": production.work_max,
        "trigger_to_admitted": series_json(series, seed),
        "stages": stages,
        "unexplained": times_json(unexplained),
        "horizon_slack": { "min_ms": known(slack.first().copied().map(ms)), "p50_ms": known(quantile(&slack, 0.5).map(ms)) },
        "age_of_information": times_json(age),
        "cycles": production.cycles,
        "cycles_covered_100_ms_ahead": production.covered,
        "covered_share": known(share),
        "fallbacks": production.fallbacks,
        "edge_cycle_real_time": production.cycle_real_time,
        "against_the_forwarder": forwarder_json(seen),
    })
}

/// The network and the cloud as the agent tells them, and as the forwarder saw them.
fn forwarder_json(seen: &[(Handoff, OnTheLink)]) -> Value {
    let told: Vec<((u64, u64), OnTheLink)> =
        seen.iter().filter_map(|(handoff, link)| Some((as_told(handoff)?, *link))).collect();
    if told.is_empty() {
        return json!("unavailable");
    }
    json!({
        "handoffs": told.len(),
        "network_told": times_json(told.iter().map(|((network, _), _)| *network).collect()),
        "network_seen": times_json(told.iter().map(|(_, link)| link.link).collect()),
        "service_told": times_json(told.iter().map(|((_, service), _)| *service).collect()),
        "cloud_seen": times_json(told.iter().map(|(_, link)| link.cloud).collect()),
    })
}

/// How exactly the forwarder kept the times that were drawn.
pub fn link_json(end: &ForwarderEnd) -> Value {
    let errors = end.stamps.release_errors_ns();
    let entries = end.stamps.entries();
    json!({
        "packets": entries.len(),
        "lost": entries.iter().filter(|stamp| stamp.left_ns == 0).count(),
        "refused_by_device": end.refused,
        "not_stamped": end.stamps.left_out(),
        "real_time": end.real_time,
        "release_error": times_json(errors),
    })
}

/// An expectation on a share in per cent.
pub fn share_verdict(name: &str, share: Option<f64>, (limit_pct, is_floor): (f64, bool)) -> Verdict {
    let pct = share.map(|share| share * 100.0);
    Verdict {
        name: name.to_owned(),
        holds: pct.map(|pct| if is_floor { pct >= limit_pct } else { pct <= limit_pct }),
        what: format!("{:.4} %, limit {limit_pct} %", pct.unwrap_or(0.0)),
    }
}

/// What changed against an earlier summary: a quantile is worse where its whole interval lies above the earlier one by
/// more than [`NOISE_SHARE`], better the other way, and else not to be told from noise.
pub fn compare(now: &Value, before: &Value) -> (Value, Vec<Verdict>) {
    let same = |key: &str| now["host"][key] == before["host"][key];
    let comparable = same("kernel") && same("processor") && same("processors") && now["profile"] == before["profile"];
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    let arms = now["transport"].as_array().into_iter().flatten();
    for arm in arms {
        let earlier = before["transport"].as_array().into_iter().flatten().find(|row| row["arm"] == arm["arm"]);
        let Some(earlier) = earlier else { continue };
        for (_, name) in QUANTILES {
            let interval = |row: &Value| {
                let ends = row["quantiles"][name]["interval_95_ms"].as_array()?;
                Some((ends.first()?.as_f64()?, ends.get(1)?.as_f64()?))
            };
            let Some(((low, high), (old_low, old_high))) = interval(arm).zip(interval(earlier)) else { continue };
            let word = if low > old_high * (1.0 + NOISE_SHARE) {
                "worse"
            } else if high * (1.0 + NOISE_SHARE) < old_low {
                "better"
            } else {
                "not to be told from noise"
            };
            let label = format!("{} {name}", arm["arm"].as_str().unwrap_or_default());
            let what = format!("{low:.3} to {high:.3} ms, before {old_low:.3} to {old_high:.3} ms: {word}");
            rows.push(
                json!({ "what": label, "now_ms": [low, high], "before_ms": [old_low, old_high], "change": word }),
            );
            let holds = if comparable { Some(word != "worse") } else { None };
            verdicts.push(Verdict { name: format!("against the baseline: {label}"), holds, what });
        }
    }
    let statement = if comparable {
        "Same computer and link. A quantile counts as worse only where its 95 % interval (block bootstrap) lies wholly \
         above that of the baseline and 5 % more; what overlaps is noise."
    } else {
        "Another computer or another link: the differences are shown, and decide nothing."
    };
    (json!({ "comparable": comparable, "statement": statement, "rows": rows }), verdicts)
}

/// For build servers.
pub fn junit(verdicts: &[Verdict]) -> String {
    let escaped = super::page::escaped;
    let failures = verdicts.iter().filter(|verdict| verdict.holds == Some(false)).count();
    let skipped = verdicts.iter().filter(|verdict| verdict.holds.is_none()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"handoff-bench\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">\n",
        verdicts.len()
    );
    for verdict in verdicts {
        let inside = match verdict.holds {
            Some(true) => String::new(),
            Some(false) => format!("<failure message=\"{}\"/>", escaped(&verdict.what)),
            None => format!("<skipped message=\"{}\"/>", escaped(&verdict.what)),
        };
        let _ = writeln!(xml, "  <testcase name=\"{}\">{inside}</testcase>", escaped(&verdict.name));
    }
    xml + "</testsuite>\n"
}

/// The summary for a person.
pub fn text(summary: &Value, verdicts: &[Verdict]) -> String {
    let mut out = format!("link: {}   seed {}\n", summary["profile"].as_str().unwrap_or("?"), summary["seed"]);
    out += "\nTransport alone (no simulation), same bytes both ways, from the scheduled instant, ms\n";
    let _ = writeln!(
        out,
        "{:<8}{:>9}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>8}{:>8}",
        "arm", "sent", "back", "p50", "p90", "p99", "p99.9", "p99.99", "max", "late", "run"
    );
    for arm in summary["transport"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "{}", figures_row(arm["arm"].as_str().unwrap_or("?"), arm));
    }
    for row in summary["ratios"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "  {} / {} at {}: {} (95 % within {}), limit {}",
            word(&row["of"]),
            word(&row["to"]),
            word(&row["quantile"]),
            row["ratio"],
            row["interval_95"],
            row["limit"]
        );
    }
    let seal = &summary["signature"];
    let _ = writeln!(
        out,
        "signature of {} bytes, µs p50: sign {}, verify {}, both {}",
        seal["message_bytes"], seal["sign"]["p50_us"], seal["verify"]["p50_us"], seal["both"]["p50_us"]
    );
    if let Some(production) = summary.get("production").filter(|value| value.is_object()) {
        out += &production_text(production);
    }
    if let Some(link) = summary.get("link").filter(|value| value.is_object()) {
        let _ = writeln!(
            out,
            "link: {} packets, {} lost, release error p50 {} µs, max {} µs, forwarder real-time: {}",
            link["packets"],
            link["lost"],
            link["release_error"]["p50_us"],
            link["release_error"]["max_us"],
            link["real_time"]
        );
    }
    let _ = writeln!(out, "host: {}", summary["host"]);
    let _ = writeln!(out, "measures: {}", summary["real_time"]);
    for verdict in verdicts {
        let word = match verdict.holds {
            Some(true) => "holds",
            Some(false) => "FAILS",
            None => "cannot be told",
        };
        let _ = writeln!(out, "{word:<15}{}: {}", verdict.name, verdict.what);
    }
    if let Some(statement) = summary["baseline"]["statement"].as_str() {
        let _ = writeln!(out, "{statement}");
    }
    out
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}

fn figures_row(name: &str, row: &Value) -> String {
    let cell = |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let mut out = format!("{name:<8}{:>9}{:>9}", count(&row["sent"]), count(&row["received"]));
    for (_, quantile) in QUANTILES {
        let _ = write!(out, "{:>10}", cell(&row["quantiles"][quantile]["ms"]));
    }
    let _ = write!(
        out,
        "{:>10}{:>8}{:>8}",
        cell(&row["max_ms"]),
        count(&row["misses"]["late_or_lost"]),
        count(&row["misses"]["longest_run"])
    );
    out
}

fn production_text(production: &Value) -> String {
    let mut out = String::from("\nProduction handoffs (trigger to admitted plan), ms\n");
    let _ = writeln!(out, "{}", figures_row("handoff", &production["trigger_to_admitted"]));
    let _ = writeln!(
        out,
        "  {} triggered, {} count (plan from a step that removed cells), {} do not; {} chunks admitted of {}, {} cells removed, work allowance at most {}",
        production["triggered"],
        production["counted"],
        production["not_counted_because_nothing_was_removed"],
        production["chunks_admitted"],
        production["chunks_arrived"],
        production["cells_removed"],
        production["work_allowance_max"]
    );
    let stages = production["stages"].as_object().into_iter().flatten();
    for (name, figures) in
        stages.map(|(name, value)| (name.as_str(), value)).chain([("unexplained", &production["unexplained"])])
    {
        let _ = writeln!(
            out,
            "  {name:<12} p50 {:>9} µs   p99 {:>13} µs   max {:>10} µs",
            figures["p50_us"].to_string(),
            figures["p99_us"].to_string(),
            figures["max_us"].to_string()
        );
    }
    let seen = &production["against_the_forwarder"];
    if seen.is_object() {
        let _ = writeln!(
            out,
            "  network told p50 {} µs, seen on the link {} µs; service told {} µs, cloud seen {} µs (of {} handoffs)",
            seen["network_told"]["p50_us"],
            seen["network_seen"]["p50_us"],
            seen["service_told"]["p50_us"],
            seen["cloud_seen"]["p50_us"],
            seen["handoffs"]
        );
    }
    let _ = writeln!(
        out,
        "  {} of {} cycles covered 100 ms ahead ({}), {} fallbacks",
        production["cycles_covered_100_ms_ahead"],
        production["cycles"],
        production["covered_share"],
        production["fallbacks"]
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_by_its_interval_and_not_by_its_value() {
        let ratio = |value: f64, low: f64, high: f64| Some(Ratio { value, low, high });
        assert_eq!(verdict_of("x", ratio(1.1, 1.05, 1.14), 1.15).holds, Some(true));
        assert_eq!(verdict_of("x", ratio(1.2, 1.16, 1.3), 1.15).holds, Some(false));
        assert_eq!(verdict_of("x", ratio(1.2, 1.1, 1.3), 1.15).holds, None);
        assert_eq!(verdict_of("x", None, 1.15).holds, None);
    }

    fn summary(kernel: &str, low: f64, high: f64) -> Value {
        json!({
            "host": { "kernel": kernel, "processor": "p", "processors": 2 }, "profile": "lan",
            "transport": [{ "arm": "ours", "quantiles": { "p50": { "interval_95_ms": [low, high] } } }],
        })
    }

    #[test]
    fn a_baseline_decides_only_on_the_same_computer_and_beyond_the_noise() {
        let verdict = |now: Value| compare(&now, &summary("k", 1.0, 1.1)).1[0].holds;
        assert_eq!(verdict(summary("k", 1.05, 1.3)), Some(true), "they overlap");
        assert_eq!(verdict(summary("k", 1.2, 1.3)), Some(false));
        assert_eq!(verdict(summary("k", 0.5, 0.6)), Some(true));
        assert_eq!(verdict(summary("other", 1.2, 1.3)), None);
        let failed = compare(&summary("k", 1.2, 1.3), &summary("k", 1.0, 1.1)).1;
        let xml = junit(&failed);
        assert!(xml.contains("failures=\"1\"") && xml.contains("<failure message=\"1.200 to 1.300 ms"), "{xml}");
    }
}
