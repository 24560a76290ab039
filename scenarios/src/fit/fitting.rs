//! The fit itself: from a machine file, programs and recordings to a machine file.

use shared::job::{Job, JobSources};
use shared::motion::{FactorStep, Path, Profile, SegmentKind, plan_profile};
use shared::units::Feedrate;
use toml::Table;

use super::alignment::{Alignment, Block, ForeignRun, blocks};
use super::dials::{Dials, dials, reported_speeds};
use super::intervals::{Interval, IntervalKind, intervals};
use super::least_squares::{Unknown, solve};
use super::parameters::{PARAMETERS, Parameter, RAPID, SPINDLE_SLEW, Scale};
use super::recording::Recording;
use super::spindle_trace::run_ups;

/// Standard deviation of an interval between two sampled lines, s.
const SAMPLING_S: f64 = 0.07;
/// The same between two lines of many short ones, of which only each fifth is seen.
const RANGE_SAMPLING_S: f64 = 0.1;
/// What a model with a handful of parameters is expected to miss of a cut and of a line range, as a share.
const CUT_SHARE: f64 = 0.002;
const RANGE_SHARE: f64 = 0.03;
/// Two standard deviations and a bit: the normal distribution's 95 %.
const NINETY_FIVE: f64 = 1.96;
/// A deviation of more than this share of the doubt before is nothing learnt.
const LEARNT_SHARE: f64 = 0.7;
/// Two reported speeds within this share of each other are a level that was held.
const LEVEL_SHARE: f64 = 2e-3;

/// A program with what it takes to compile it, and runs of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Program, as it was named.
    pub program: String,
    /// Everything its job is compiled from; the machine's part is replaced.
    pub sources: JobSources,
    /// Runs of it.
    pub recordings: Vec<Recording>,
}

/// A parameter after the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedParameter {
    /// Which.
    pub parameter: Parameter,
    /// Value of the machine file the fit began with.
    pub start: f64,
    /// Value now.
    pub value: f64,
    /// The true value lies in it with 95 % probability as far as the model holds; `None` where the recordings
    /// do not determine the parameter, which is then at its start.
    pub interval: Option<(f64, f64)>,
    /// True if it was read off the reported speeds instead of moved.
    pub read_off: bool,
    /// True if the machine file the fit began with has it.
    pub said: bool,
}

/// An interval beside its prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow {
    /// Where.
    pub interval: Interval,
    /// What the machine file says, at the dials below, s.
    pub predicted_s: f64,
    /// Reported over programmed speed; `None` where no move says, which counts as 1.
    pub feed_ratio: Option<f64>,
    /// The same for rapids.
    pub rapid_ratio: Option<f64>,
    /// True if it takes part in a fit: nothing held, dials at 100 %, the whole run known.
    pub counts: bool,
}

/// What came of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOutcome {
    /// All parameters.
    pub parameters: Vec<FittedParameter>,
    /// The machine file with them.
    pub machine: Table,
    /// Intervals that took part.
    pub data: usize,
}

/// A program compiled for one machine.
struct Compiled {
    job: Job,
    profile: Profile,
    blocks: Vec<Block>,
}

fn compiled(case: &Case, machine: &Table) -> Option<Compiled> {
    let mut sources = case.sources.clone();
    let text = toml::to_string(machine).ok()?;
    sources.parts.insert(sources.manifest.machine.file.clone(), text.into_bytes());
    let (job, _) = Job::compile(&sources);
    let job = job?;
    let profile = plan_profile(&job.path, &job.machine, &[]);
    let blocks = blocks(&job.path);
    Some(Compiled { job, profile, blocks })
}

/// Intervals of a run beside the predictions of a machine. A foreign run gives the stretches of single tools
/// that agree, and says why it is foreign.
pub fn interval_rows(job: &Job, recording: &Recording) -> (Vec<IntervalRow>, Option<ForeignRun>) {
    let profile = plan_profile(&job.path, &job.machine, &[]);
    let blocks = blocks(&job.path);
    match Alignment::new(&job.path, job.facts.lines, recording) {
        Ok(alignment) => {
            let mut rows = rows(job, &profile, &blocks, (&alignment, None), recording);
            rows.extend(spin_ups(job, recording));
            (rows, None)
        }
        Err(foreign) => {
            let stretches = Alignment::by_tool(&job.path, recording);
            // A dial of rapids is turned seldom: where one tool's moves do not show it, another's do.
            let whole_s = (0.0, recording.duration_s);
            let rapid = stretches.iter().find_map(|(_, alignment)| {
                dials((&job.path, &profile), &blocks, (alignment, recording), whole_s).rapid
            });
            let each = |(_, alignment): &(u32, Alignment)| rows(job, &profile, &blocks, (alignment, rapid), recording);
            let mut rows: Vec<IntervalRow> = stretches.iter().flat_map(each).collect();
            rows.iter_mut().for_each(|row| row.counts = false);
            (rows, Some(foreign))
        }
    }
}

fn rows(
    job: &Job,
    profile: &Profile,
    blocks: &[Block],
    (alignment, usual_rapid): (&Alignment, Option<f64>),
    recording: &Recording,
) -> Vec<IntervalRow> {
    let path: &Path = &job.path;
    let mut cut: Option<(Dials, Option<Profile>)> = None;
    intervals(path, blocks, alignment, recording)
        .into_iter()
        .map(|interval| {
            if interval.kind == IntervalKind::Cut {
                let shown = dials((path, profile), blocks, (alignment, recording), interval.span_s);
                let dials = Dials { rapid: shown.rapid.or(usual_rapid), ..shown };
                cut = Some((dials, (!dials.untouched()).then(|| dialled(job, &interval, dials))));
            }
            let moving = !matches!(
                interval.kind,
                IntervalKind::Start | IntervalKind::ToolChange | IntervalKind::SpindleStop | IntervalKind::End
            );
            let (dials, other) = match &cut {
                Some((dials, other)) if moving => (*dials, other.as_ref()),
                _ => (Dials { feed: None, rapid: None }, None),
            };
            let dialled_s = recording.dialled_s(interval.span_s.0, interval.span_s.1);
            let counts = interval.kind.is_fitted() && interval.held_s <= 0.0 && dialled_s <= 0.0 && dials.untouched();
            let predicted_s = interval.predicted_s(other.unwrap_or(profile));
            IntervalRow { interval, predicted_s, feed_ratio: dials.feed, rapid_ratio: dials.rapid, counts }
        })
        .collect()
}

/// The profile with the dials of a stretch; beyond it nothing is asked.
fn dialled(job: &Job, interval: &Interval, dials: Dials) -> Profile {
    let from = job.path.segments()[interval.segments.0].start;
    let factors = [FactorStep { from, ratio: dials.feed.unwrap_or(1.0) }];
    let Some(rapid) = dials.rapid else {
        return plan_profile(&job.path, &job.machine, &factors);
    };
    let mut segments = job.path.segments().to_vec();
    for segment in segments.iter_mut().filter(|segment| segment.kind == SegmentKind::Rapid) {
        segment.feed = Feedrate::mm_s(segment.feed.as_mm_s() * rapid);
    }
    match Path::new(segments) {
        Ok(path) => plan_profile(&path, &job.machine, &factors),
        // The same segments with other feeds are a path as before.
        Err(_) => plan_profile(&job.path, &job.machine, &factors),
    }
}

/// The reported run-ups beside the machine's ramp.
fn spin_ups(job: &Job, recording: &Recording) -> Vec<IntervalRow> {
    let row = |run_up: super::spindle_trace::RunUp| {
        let interval = Interval {
            kind: IntervalKind::SpinUp,
            tool: None,
            lines: (0, 0),
            measured_s: run_up.ramp_s,
            held_s: 0.0,
            span_s: (run_up.from_s, run_up.from_s + run_up.ramp_s),
            segments: (0, 0),
        };
        let predicted_s = run_up.speed_rev_s / job.machine.spindle.speed_slew_rev_s2;
        IntervalRow { interval, predicted_s, feed_ratio: None, rapid_ratio: None, counts: false }
    };
    run_ups(recording).into_iter().map(row).collect()
}

/// Moves the parameters of a machine file until the planner's times agree with the recordings.
///
/// # Errors
/// A sentence where a program does not compile for the machine, or no run counts.
pub fn fit_machine(start: &Table, cases: &[Case]) -> Result<FitOutcome, String> {
    let mut machine = start.clone();
    let mut found = as_said(start);
    for (index, (value, deviation)) in read_off(&machine, cases)? {
        let spread = NINETY_FIVE * deviation;
        found[index] = FittedParameter {
            value,
            interval: Some((value - spread, value + spread)),
            read_off: true,
            ..found[index].clone()
        };
        found[index].parameter.put(&mut machine, value);
    }
    let mut free: Vec<usize> = (0..PARAMETERS.len()).filter(|index| PARAMETERS[*index].scale != Scale::Read).collect();
    for index in &free {
        PARAMETERS[*index].put(&mut machine, PARAMETERS[*index].value(start));
    }
    let data = residuals(&machine, cases).ok_or("a program does not compile for this machine")?.len();
    if data == 0 {
        return Err("no interval of a recording counts: every run is foreign, held, or away from 100 %".to_owned());
    }
    loop {
        let unknowns: Vec<Unknown> = free.iter().map(|index| unknown(&PARAMETERS[*index], &found[*index])).collect();
        let mut trial = |places: &[f64]| {
            let mut moved = machine.clone();
            for (index, place) in free.iter().zip(places) {
                PARAMETERS[*index].put(&mut moved, PARAMETERS[*index].unmoved(*place));
            }
            let mut out = residuals(&moved, cases).filter(|residuals| residuals.len() == data)?;
            // What the file says counts as one more, weak observation of each.
            out.extend(free.iter().zip(places).map(|(index, place)| {
                let parameter = &PARAMETERS[*index];
                (place - parameter.moved(found[*index].start)) / parameter.doubt
            }));
            Some(out)
        };
        let solution = solve(&unknowns, &mut trial).ok_or("the recordings and the machine file do not fit together")?;
        let lost = undetermined(&free, &solution.deviations);
        for (slot, index) in free.iter().enumerate() {
            let parameter = PARAMETERS[*index];
            let (place, spread) = (solution.values[slot], NINETY_FIVE * solution.deviations[slot]);
            let value = parameter.unmoved(place);
            found[*index].value = value;
            found[*index].interval = Some((parameter.unmoved(place - spread), parameter.unmoved(place + spread)));
        }
        if lost.is_empty() {
            break;
        }
        for index in &lost {
            found[*index] = FittedParameter { value: found[*index].start, interval: None, ..found[*index].clone() };
        }
        free.retain(|index| !lost.contains(index));
        if free.is_empty() {
            break;
        }
    }
    // What is not determined and the file says stays as it is there, axis by axis; what it does not say is put
    // in as the fit took it.
    let mut machine = start.clone();
    for fitted in found.iter().filter(|fitted| fitted.interval.is_some() || !fitted.said) {
        fitted.parameter.put(&mut machine, fitted.value);
    }
    Ok(FitOutcome { parameters: found, machine, data })
}

/// Every parameter as the file says it.
fn as_said(start: &Table) -> Vec<FittedParameter> {
    let one = |parameter: &Parameter| {
        let value = parameter.value(start);
        let said = parameter.is_said(start);
        FittedParameter { parameter: *parameter, start: value, value, interval: None, read_off: false, said }
    };
    PARAMETERS.iter().map(one).collect()
}

fn unknown(parameter: &Parameter, found: &FittedParameter) -> Unknown {
    Unknown {
        start: parameter.moved(found.value),
        low: parameter.moved(parameter.low),
        high: parameter.moved(parameter.high),
        step: parameter.step(),
    }
}

/// Parameters of which the recordings say no more than the file did.
fn undetermined(free: &[usize], deviations: &[f64]) -> Vec<usize> {
    let known = |(index, deviation): &(&usize, &f64)| **deviation > LEARNT_SHARE * PARAMETERS[**index].doubt;
    free.iter().zip(deviations).filter(known).map(|(index, _)| *index).collect()
}

/// Measured minus predicted, in standard deviations, of every interval that counts.
fn residuals(machine: &Table, cases: &[Case]) -> Option<Vec<f64>> {
    let mut out = Vec::new();
    for case in cases {
        let compiled = compiled(case, machine)?;
        for recording in &case.recordings {
            let Ok(alignment) = Alignment::new(&compiled.job.path, compiled.job.facts.lines, recording) else {
                continue;
            };
            let rows = rows(&compiled.job, &compiled.profile, &compiled.blocks, (&alignment, None), recording);
            for row in rows.iter().filter(|row| row.counts) {
                let (sampling_s, share) = match row.interval.kind {
                    IntervalKind::LineRange | IntervalKind::Approach => (RANGE_SAMPLING_S, RANGE_SHARE),
                    _ => (SAMPLING_S, CUT_SHARE),
                };
                let deviation_s = sampling_s.max(share * row.interval.measured_s);
                out.push((row.interval.measured_s - row.predicted_s) / deviation_s);
            }
        }
    }
    Some(out)
}

/// Place of a parameter, with its value and standard deviation.
type Reading = (usize, (f64, f64));

/// What the reported speeds say by themselves: the rapid speed of an axis that moves alone, and the rate of
/// the spindle's ramps. With their standard deviations.
fn read_off(machine: &Table, cases: &[Case]) -> Result<Vec<Reading>, String> {
    let (mut rapids_mm_s, mut rates): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for case in cases {
        let compiled = compiled(case, machine).ok_or_else(|| format!("{} does not compile", case.program))?;
        for recording in &case.recordings {
            rates.extend(run_ups(recording).iter().map(|run_up| 60.0 * run_up.speed_rev_s / run_up.ramp_s));
            let Ok(alignment) = Alignment::new(&compiled.job.path, compiled.job.facts.lines, recording) else {
                continue;
            };
            let alone = |block: usize| moves_alone(&compiled.job.path, &compiled.blocks[block]);
            let speeds =
                reported_speeds(&alignment, recording).filter(|(_, block, _)| alone(*block)).map(|(_, _, speed)| speed);
            rapids_mm_s.extend(held_level(speeds.collect()));
        }
    }
    let mut out = Vec::new();
    if let Some(fastest) = rapids_mm_s.iter().copied().max_by(f64::total_cmp) {
        out.push((RAPID, (60.0 * fastest, 60.0 * fastest * LEVEL_SHARE / 2.0)));
    }
    rates.sort_by(f64::total_cmp);
    if let Some(middle) = rates.get(rates.len() / 2) {
        let variance = rates.iter().map(|rate| (rate - middle) * (rate - middle)).sum::<f64>() / rates.len() as f64;
        out.push((SPINDLE_SLEW, (*middle, (variance / rates.len() as f64).sqrt())));
    }
    Ok(out)
}

/// True for a block whose movement is rapids along one axis each.
fn moves_alone(path: &Path, block: &Block) -> bool {
    let mut moves =
        path.segments()[block.segments.clone()].iter().filter(|segment| segment.length.as_mm() > 0.0).peekable();
    moves.peek().is_some()
        && moves.all(|segment| {
            let way = segment.geometry.end() - segment.geometry.start();
            segment.kind == SegmentKind::Rapid && way.amax() > 0.999 * way.norm()
        })
}

/// The greatest speed that was reported at least twice.
fn held_level(mut speeds: Vec<f64>) -> Option<f64> {
    speeds.sort_by(f64::total_cmp);
    speeds.windows(2).rev().find(|pair| pair[1] - pair[0] <= LEVEL_SHARE * pair[1]).map(|pair| pair[1])
}
