use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use benches::emulator::{Emulator, EmulatorError, ForwarderEnd, Side};
use benches::handoff::arms::Arm;
use benches::handoff::files::{as_series, histogram, write_handoffs, write_hgrm, write_hlog, write_messages};
use benches::handoff::host::{RealTime, facts};
use benches::handoff::page::{Bars, Curve, page};
use benches::handoff::production::{self, Production};
use benches::handoff::report::{
    Verdict, arm_json, compare, junit, link_json, production_json, ratios, seal_json, share_verdict, text,
};
use benches::handoff::seal;
use benches::handoff::series::{Series, quantile};
use benches::handoff::transport::{ArmResult, MessageStages, Places, TransportPlan, measure, stages};
use scenarios::format::{LINK_FILE_BYTES_MAX, read_link_profile};
use scenarios::link::LinkProfile;
use scenarios::run::LivePlaces;
use serde_json::{Value, json};
use shared::budget::Stage;
use shared::files::FileText;

use super::arguments::Arguments;
use super::{Failure, say};

/// Signatures that are timed.
const SEALS: u64 = 20_000;
/// A soak goes through A B B A once in this time.
const SOAK_ROUND_S: f64 = 120.0;
/// Largest earlier summary that is read.
const BASELINE_BYTES_MAX: u64 = 16 << 20;

/// Everything that was measured.
struct Measured {
    arms: Vec<(ArmResult, Vec<MessageStages>)>,
    production: Option<(Production, ForwarderEnd)>,
    link: Option<ForwarderEnd>,
}

/// Measures, writes, and says whether everything that was expected held.
pub(super) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let profile = profile(&arguments.profile)?;
    let before = arguments.baseline.as_deref().map(read_baseline).transpose()?;
    fs::create_dir_all(&arguments.out).with_context(|| format!("making {}", arguments.out.display()))?;
    let real_time = RealTime { fifo: arguments.fifo, cpus: arguments.pin.clone(), lock_memory: arguments.lock_memory };
    // Told for this process; the others ask for the same. Done in a thread, so that this one stays ordinary.
    let asked = real_time.clone();
    let granted = std::thread::spawn(move || asked.apply()).join().map_err(|_| anyhow!("asking for real time"))?;
    let began = SystemTime::now();
    let plan = plan(arguments);
    let measured = measure_all(arguments, profile.as_ref(), &plan, &real_time)?;
    let seal = seal::measure(SEALS)?;
    let mut summary = json!({
        "schema": 1, "tool": "handoff-bench", "version": env!("CARGO_PKG_VERSION"),
        "profile": profile.as_ref().map_or("loopback", |profile| &profile.name),
        "seed": arguments.seed, "mtu": arguments.mtu,
        "transport_under_zenoh": plan.transport, "preset_in_production": arguments.preset.name(),
        "method": {
            "loop": "open, from the scheduled instant on an absolute timer (clock_nanosleep, CLOCK_MONOTONIC)",
            "coordinated_omission": "not committed: messages that had to wait count from when they were scheduled",
            "order": "A B B A", "rounds": plan.rounds, "rate_hz": plan.rate_hz, "payload_bytes": plan.bytes,
            "quantiles": "over everything sent; told only with 100 samples beyond; 95 % by block bootstrap",
        },
        "host": facts(), "real_time": granted.json(),
    });
    let mut verdicts = Vec::new();
    fill(&mut summary, &mut verdicts, &measured, arguments);
    let (value, verdict) = seal_json(&seal);
    summary["signature"] = value;
    verdicts.push(verdict);
    if let Some(before) = &before {
        let (value, against) = compare(&summary, before);
        summary["baseline"] = value;
        verdicts.extend(against);
    }
    summary["verdicts"] =
        verdicts.iter().map(|one| json!({ "name": one.name, "holds": one.holds, "what": one.what })).collect();
    let told = text(&summary, &verdicts);
    write_all(arguments, &measured, (&summary, &told, &verdicts), began)?;
    // A closed standard output leaves nobody to tell.
    let _ = std::io::stdout().lock().write_all(told.as_bytes());
    Ok(verdicts.iter().all(|verdict| verdict.holds != Some(false)))
}

fn plan(arguments: &Arguments) -> TransportPlan {
    let seconds = arguments.soak.map_or(arguments.seconds, |hours| hours * 3600.0);
    let rounds =
        if arguments.soak.is_some() { (seconds / SOAK_ROUND_S).ceil().max(1.0) as u64 } else { arguments.rounds };
    let arms = arguments.arms.len().max(1) as f64;
    // A soak lasts as long as it says over all arms together.
    let each_s = if arguments.soak.is_some() { seconds / arms } else { seconds };
    let ns = |ms: f64| (ms * 1e6) as u64;
    TransportPlan {
        arms: arguments.arms.clone(),
        rate_hz: arguments.rate_hz,
        count: (each_s * arguments.rate_hz).ceil() as u64,
        rounds,
        warm_up: (arguments.warm_up_s * arguments.rate_hz).ceil() as u64,
        bytes: usize::from(arguments.payload),
        program: None,
        transport: arguments.transport.scheme().to_owned(),
        timeout_ns: ns(arguments.timeout_ms),
        budget_ns: ns(arguments.budget_ms),
    }
}

/// The link; `None` for loopback.
fn profile(name: &str) -> Result<Option<LinkProfile>, Failure> {
    if name == "loopback" {
        return Ok(None);
    }
    if let Some(profile) = LinkProfile::built_in(name) {
        return Ok(Some(profile));
    }
    let known = LinkProfile::BUILT_IN.join(", ");
    let unknown =
        |why: String| Failure::Input(format!("{name} is neither loopback, {known} nor a readable file: {why}"));
    let size = fs::metadata(name).map_err(|error| unknown(error.to_string()))?.len();
    if size > LINK_FILE_BYTES_MAX {
        return Err(unknown(format!("it has {size} bytes; at most {LINK_FILE_BYTES_MAX} are read")));
    }
    let text = fs::read_to_string(name).map_err(|error| unknown(error.to_string()))?;
    read_link_profile(FileText { name, text: &text }).map(Some).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Input(lines.join("\n"))
    })
}

fn read_baseline(path: &Path) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::Input(format!("the baseline {}: {why}", path.display()));
    let size = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > BASELINE_BYTES_MAX {
        return Err(wrong(format!("it has {size} bytes; at most {BASELINE_BYTES_MAX} are read")));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if value["tool"] == "handoff-bench" && value["schema"] == 1 {
        Ok(value)
    } else {
        Err(wrong("it is no summary of handoff-bench of schema 1".to_owned()))
    }
}

/// Brings the link up, where one was asked for, and gives its places.
fn link(profile: Option<&LinkProfile>, arguments: &Arguments) -> Result<(Option<Emulator>, Places), Failure> {
    let Some(profile) = profile else {
        return Ok((None, Places { edge: Vec::new(), cloud: Vec::new(), address: "127.0.0.1".to_owned() }));
    };
    let emulator = Emulator::start(profile, arguments.seed, arguments.mtu).map_err(|error| match error {
        EmulatorError::NotAllowed { .. } => {
            Failure::Infrastructure(anyhow!("{error}; --profile loopback measures without a link"))
        }
        EmulatorError::Failed { .. } => Failure::Infrastructure(error.into()),
    })?;
    let places = Places {
        edge: emulator.inside(Side::Edge),
        cloud: emulator.inside(Side::Cloud),
        address: Side::Cloud.address().to_string(),
    };
    Ok((Some(emulator), places))
}

fn measure_all(
    arguments: &Arguments,
    profile: Option<&LinkProfile>,
    plan: &TransportPlan,
    real_time: &RealTime,
) -> Result<Measured, Failure> {
    let (emulator, places) = link(profile, arguments)?;
    let results = measure(plan, &places, real_time, &mut |line| say(line))?;
    let link_end = emulator.map(Emulator::finish);
    let with_stages = |result: ArmResult| {
        let stages = link_end.as_ref().map_or_else(Vec::new, |end| stages(&result.series, &end.stamps));
        (result, stages)
    };
    let arms = results.into_iter().map(with_stages).collect();
    let production = match &arguments.production {
        None => None,
        Some(scenario) => {
            // A link of its own: what the arms drew must not move what production meets.
            let (emulator, places) = link(profile, arguments)?;
            let listen = format!("{}/{}:0", arguments.transport.scheme(), places.address);
            let preset = arguments.preset;
            let places = LivePlaces { edge: places.edge, cloud: places.cloud, listen, preset };
            let run = production::measure(scenario, (arguments.speed, places), &arguments.out, &mut |line| say(line))?;
            Some((run, emulator.map(Emulator::finish).unwrap_or_default()))
        }
    };
    Ok(Measured { arms, production, link: link_end })
}

fn fill(summary: &mut Value, verdicts: &mut Vec<Verdict>, measured: &Measured, arguments: &Arguments) {
    let seed = arguments.seed;
    summary["transport"] = measured.arms.iter().map(|(result, stages)| arm_json(result, stages, seed)).collect();
    let of = |arm: Arm| measured.arms.iter().map(|(result, _)| result).find(|result| result.arm == arm);
    if let (Some(ours), Some(theirs)) = (of(Arm::Ours), of(Arm::Zenoh)) {
        let (value, more) = ratios(ours, theirs, seed);
        summary["ratios"] = value;
        verdicts.extend(more);
    }
    if let (Some(limit), Some(ours)) = (arguments.misses_max_pct, of(Arm::Ours)) {
        let share = ours.series.misses(1).late as f64 / ours.series.shots.len().max(1) as f64;
        verdicts.push(share_verdict("ours late or lost", Some(share), (limit, false)));
    }
    if let Some(end) = &measured.link {
        summary["link"] = link_json(end);
    }
    if let Some((production, end)) = &measured.production {
        let series = production_series(production, arguments);
        let seen = production::on_the_link(production, &end.stamps);
        summary["production"] = production_json(production, &series, &seen, seed);
        if let Some(limit) = arguments.covered_min_pct {
            let share = (production.cycles > 0).then(|| production.covered as f64 / production.cycles as f64);
            verdicts.push(share_verdict("cycles covered 100 ms ahead", share, (limit, true)));
        }
    }
}

fn production_series(production: &Production, arguments: &Arguments) -> Series {
    as_series(production, (arguments.budget_ms * 1e6) as u64, (arguments.timeout_ms * 1e6) as u64)
}

fn write_all(
    arguments: &Arguments,
    measured: &Measured,
    (summary, told, verdicts): (&Value, &str, &[Verdict]),
    began: SystemTime,
) -> anyhow::Result<()> {
    let folder = &arguments.out;
    let write = |name: &str, body: &mut dyn FnMut(&mut dyn Write) -> anyhow::Result<()>| -> anyhow::Result<()> {
        let path = folder.join(name);
        let doing = || format!("writing {}", path.display());
        let mut out = std::io::BufWriter::new(fs::File::create(&path).with_context(doing)?);
        body(&mut out).and_then(|()| Ok(out.flush()?)).with_context(doing)
    };
    let arms: Vec<ArmResult> = measured.arms.iter().map(|(result, _)| result.clone()).collect();
    write("summary.json", &mut |out| Ok(serde_json::to_writer_pretty(out, summary)?))?;
    write("messages.csv", &mut |out| Ok(write_messages(out, &arms)?))?;
    write("latency.hlog", &mut |out| write_hlog(out, &arms, began))?;
    for arm in &arms {
        let histogram = histogram(arm.series.latencies(), arm.series.timeout_ns)?;
        write(&format!("{}.hgrm", arm.arm.name()), &mut |out| Ok(write_hgrm(out, &histogram)?))?;
    }
    if let Some((production, _)) = &measured.production {
        write("handoffs.csv", &mut |out| Ok(write_handoffs(out, production)?))?;
    }
    let html = html(arguments, measured, told);
    write("page.html", &mut |out| Ok(out.write_all(html.as_bytes())?))?;
    if let Some(path) = &arguments.junit {
        fs::write(path, junit(verdicts)).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn html(arguments: &Arguments, measured: &Measured, told: &str) -> String {
    let handoffs = measured.production.as_ref().map(|(production, _)| production_series(production, arguments));
    let mut curves: Vec<Curve<'_>> =
        measured.arms.iter().map(|(result, _)| Curve { name: result.arm.name(), series: &result.series }).collect();
    curves.extend(handoffs.as_ref().map(|series| Curve { name: "production handoffs", series }));
    let mut bars = Vec::new();
    for (result, stages) in &measured.arms {
        let column = |index: usize| stages.iter().map(|stages| stages.values()[index]).collect::<Vec<u64>>();
        let columns: Vec<_> = MessageStages::NAMES.iter().enumerate().map(|(i, name)| (*name, column(i))).collect();
        bars.extend(bars_of(result.arm.name(), &columns));
    }
    if let Some((production, _)) = &measured.production {
        let answers: Vec<_> = production.handoffs.iter().filter_map(|handoff| handoff.record.answer).collect();
        let mut columns: Vec<(&str, Vec<u64>)> = Stage::ALL
            .iter()
            .map(|stage| (stage.name(), answers.iter().map(|answer| answer.stages.get(*stage).as_ns()).collect()))
            .collect();
        columns.push(("unexplained", answers.iter().map(|answer| answer.unexplained.as_ns()).collect()));
        bars.extend(bars_of("handoff", &columns));
    }
    let title = format!("handoff-bench: {}", arguments.profile);
    page(&title, told, &curves, &bars, (arguments.budget_ms * 1e6) as u64)
}

/// Two rows of bars: the medians and the 99 % quantiles of each stage.
fn bars_of(name: &str, columns: &[(&str, Vec<u64>)]) -> Vec<Bars> {
    if columns.iter().all(|(_, column)| column.is_empty()) {
        return Vec::new();
    }
    let row = |share: f64, label: &str| Bars {
        name: format!("{name} {label}"),
        stages: columns
            .iter()
            .map(|(stage, column)| {
                let mut sorted = column.clone();
                sorted.sort_unstable();
                ((*stage).to_owned(), quantile(&sorted, share).unwrap_or(0))
            })
            .collect(),
    };
    vec![row(0.5, "p50"), row(0.99, "p99")]
}
