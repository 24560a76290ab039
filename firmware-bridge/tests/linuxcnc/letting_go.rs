//! Agents that die, hang, are switched off; programs that are aborted: nothing stays slow, nothing resumes.

use std::process::{Child, Command, Stdio};

use firmware_bridge::controller::{Command as Order, Execution};
use firmware_bridge::link::hal::{HAL_LIBRARY, HalLink};

use crate::rig::{Outcome, Rig, Writer, ensure, halcmd, permille};
use crate::steering::STRAIGHT;
use crate::{SLEW_PER_S, WATCHDOG};

const SPEED: f64 = 40.0;
/// What a loaded machine may add between a mark and a kill, ms.
const MARK_TO_KILL_MS: usize = 400;

/// A record by LinuxCNC's own tool, for when the agent's place is somebody else's.
struct Sampler(Child);

/// One line of it.
#[derive(Clone, Copy, Debug)]
struct Row {
    number: u64,
    velocity: f64,
    factor: f64,
    marked: bool,
    held: bool,
    granted: bool,
}

impl Sampler {
    fn start() -> Result<Self, String> {
        let out = std::fs::File::create("sampled").map_err(|error| error.to_string())?;
        let mut command = Command::new("halsampler");
        command.arg("-t").stdout(out).stderr(Stdio::null());
        command.spawn().map(Self).map_err(|error| format!("halsampler: {error}"))
    }

    /// Ends it; all rows, none missing.
    fn stop(mut self) -> Result<Vec<Row>, String> {
        signal("TERM", self.0.id())?;
        self.0.wait().map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string("sampled").map_err(|error| error.to_string())?;
        // It says so once at its begin too, because it expects to begin at the first tick of all.
        let text = text.strip_prefix("overrun\n").unwrap_or(&text);
        ensure(!text.contains("overrun"), || "the sampler's queue ran over".to_owned())?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let rows: Option<Vec<Row>> = whole.lines().map(row).collect();
        let rows = rows.filter(|rows| !rows.is_empty()).ok_or("halsampler wrote something else")?;
        let gaps = rows.windows(2).filter(|pair| pair[1].number != pair[0].number + 1).count();
        ensure(gaps == 0, || format!("{gaps} gaps in the record"))?;
        Ok(rows)
    }
}

fn row(line: &str) -> Option<Row> {
    let words: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let field = |index: usize| words.get(index + 1).copied();
    Some(Row {
        number: *words.first()? as u64,
        velocity: field(6)?,
        factor: field(9)?,
        marked: field(13)? != 0.0,
        held: field(16)? != 0.0,
        granted: field(17)? != 0.0,
    })
}

fn signal(name: &str, process: u32) -> Result<(), String> {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status();
    ensure(status.is_ok_and(|status| status.success()), || format!("kill -{name} {process} failed"))
}

/// A mark in the record, by a signal of ours that nothing is wired to.
fn mark(on: bool) -> Result<(), String> {
    halcmd(&["sets", "cosim-power", if on { "1" } else { "0" }]).map(drop)
}

/// Whole, at rest, nobody in the agent's place.
fn vacated(rig: &mut Rig) -> Result<(), String> {
    if rig.link.is_none() {
        rig.enter()?;
    }
    rig.rest()?;
    rig.link = None;
    mark(false)
}

pub(crate) fn without_an_agent(rig: &mut Rig) -> Outcome {
    let factor = halcmd(&["getp", "motion.adaptive-feed"])?;
    ensure(factor == "1", || format!("before any agent came the factor is {factor}"))?;
    ensure(halcmd(&["getp", "motion.feed-hold"])? == "FALSE", || "held before any agent came".to_owned())?;
    rig.enter()?;
    rig.run_for(200);
    let newest = rig.record.last().map(|seen| seen.is.tick).ok_or("no ticks")?;
    ensure(newest.factor == 1.0 && !newest.granted, || format!("an agent that commands nothing changes {newest:?}"))?;
    let second = HalLink::open(HAL_LIBRARY, 0).map(|_| ()).map_err(|error| error.to_string());
    let refused = second.as_ref().is_err_and(|error| error.contains("which lives"));
    ensure(refused, || format!("a second agent beside the first: {second:?}"))?;
    Ok(format!("factor 1 without an agent; a second one is told: {}", second.err().unwrap_or_default()))
}

/// What the record says about a writer that is gone at the mark: from what it commanded to the value without it.
fn let_go(rows: &[Row], commanded: f64, without: f64) -> Result<String, String> {
    let find = |from: usize, what: &str, fits: &dyn Fn(&Row) -> bool| {
        let found = rows[from..].iter().position(fits).map(|at| from + at);
        found.ok_or_else(|| format!("never {what} after tick {from} of {}", rows.len()))
    };
    let runs_at = |row: &Row, share: f64| (row.velocity - SPEED * share).abs() < 0.01;
    let steered = find(0, "steered", &|row| row.granted && row.factor == commanded && runs_at(row, commanded))?;
    let marked = find(steered, "marked", &|row| row.marked)?;
    let held = rows[steered..marked].iter().all(|row| row.factor == commanded && row.granted);
    ensure(held, || "it let go early".to_owned())?;
    let expired = find(marked, "let go", &|row| !row.granted)?;
    let reached = find(expired, "at the value without us", &|row| (row.factor - without).abs() < 1e-9)?;
    let free = find(reached, "at the speed without us", &|row| runs_at(row, without))?;
    let steps = rows[expired..=reached].windows(2).map(|pair| (pair[1].factor - pair[0].factor).abs());
    let step = steps.fold(0.0, f64::max);
    ensure(step <= SLEW_PER_S / 1000.0 + 1e-6, || format!("the factor moves by {step} in a tick"))?;
    let ramp = ((commanded - without).abs() / SLEW_PER_S * 1000.0) as usize + 5;
    ensure(reached - expired <= ramp, || format!("the ramp takes {} ticks, not {ramp}", reached - expired))?;
    let watchdog = (WATCHDOG.as_ms() as usize) + MARK_TO_KILL_MS;
    ensure(expired - marked <= watchdog, || format!("the watchdog takes {} ticks", expired - marked))?;
    Ok(format!(
        "mark to watchdog {} ms (the watchdog's own: {}), ramp {} ms, at speed {} ms after the mark",
        expired - marked,
        WATCHDOG.as_ms(),
        reached - expired,
        free - marked
    ))
}

/// A run with a writer that is gone in the middle of it, and what the record says.
fn gone_by(rig: &mut Rig, how: &str, commanded: u16, without: f64) -> Outcome {
    vacated(rig)?;
    halcmd(&["setp", "cosim-select.in0", &without.to_string()])?;
    let sampler = Sampler::start()?;
    rig.start(STRAIGHT)?;
    let writer = Writer::spawn(&[&commanded.to_string()])?;
    rig.run_for(500);
    mark(true)?;
    signal(how, writer.id())?;
    rig.run_for(1200);
    let rows = sampler.stop()?;
    drop(writer);
    rig.enter()?;
    let found = rig.record.last().map_or(0.0, |seen| seen.is.tick.factor);
    halcmd(&["setp", "cosim-select.in0", "1"])?;
    ensure((found - without).abs() < 1e-9, || format!("the next agent finds the factor at {found}"))?;
    let name = rig.link.as_ref().map(|link| link.name().to_owned()).unwrap_or_default();
    Ok(let_go(&rows, f64::from(commanded) / 1000.0, without)? + "; the next agent is " + &name)
}

pub(crate) fn killed_writer(rig: &mut Rig) -> Outcome {
    gone_by(rig, "KILL", 500, 1.0)
}

pub(crate) fn stopped_writer(rig: &mut Rig) -> Outcome {
    gone_by(rig, "STOP", 500, 1.0)
}

/// Under a ceiling program as programmed is 1/k, and that is also where it goes without an agent: downwards.
pub(crate) fn killed_under_a_ceiling(rig: &mut Rig) -> Outcome {
    gone_by(rig, "KILL", 1000, 0.8)
}

pub(crate) fn abort_and_emergency_stop(rig: &mut Rig) -> Outcome {
    let mut figures = String::new();
    for order in ["abort", "state estop"] {
        if rig.link.is_none() {
            rig.enter()?;
        }
        rig.rest()?;
        rig.start(STRAIGHT)?;
        rig.plan = Some(permille(500));
        rig.until("half speed", |seen| (seen.tick.current_vel - SPEED / 2.0).abs() < 0.01)?;
        let from = rig.record.len();
        rig.tell(order)?;
        rig.until("standstill", |seen| {
            seen.tick.current_vel == 0.0 && seen.sample.execution != Some(Execution::Active)
        })?;
        let said = rig.since(from).iter().any(|seen| seen.is.sample.execution == Some(Execution::Stopped));
        ensure(said, || format!("{order} is not told as stopped"))?;
        // The agent that goes on commanding moves nothing.
        let still = rig.record.len();
        rig.run_for(300);
        for order in ["state reset", "state on"] {
            rig.tell(order)?;
        }
        rig.run_for(300);
        ensure(rig.since(still).iter().all(|seen| seen.is.tick.current_vel == 0.0), || format!("moves after {order}"))?;
        // And one that has stopped commanding leaves nothing behind.
        rig.plan = None;
        rig.run_for(600);
        rig.start(STRAIGHT)?;
        rig.until("full speed", |seen| (seen.tick.current_vel - SPEED).abs() < 0.01 && seen.tick.factor == 1.0)?;
        figures.push_str(&format!("{order}: stopped, still for 600 ms, next program at full speed; "));
    }
    Ok(figures)
}

pub(crate) fn hold_and_off(rig: &mut Rig) -> Outcome {
    vacated(rig)?;
    let sampler = Sampler::start()?;
    rig.start(STRAIGHT)?;
    rig.run_for(300);
    let writer = Writer::spawn(&["1000", "hold"])?;
    rig.run_for(500);
    mark(true)?;
    drop(writer);
    rig.run_for(500);
    let rows = sampler.stop()?;
    let held = rows.iter().position(|row| row.held).ok_or("the hold never came into force")?;
    // From there on: the queue begins with what was there before.
    let marked = held + rows[held..].iter().position(|row| row.marked).ok_or("no mark")?;
    ensure(rows[marked..].iter().all(|row| row.held && row.velocity == 0.0), || {
        "it moves after the one who held it has died".to_owned()
    })?;
    let stopped = rows[held..].iter().position(|row| row.velocity == 0.0).ok_or("the hold stops nothing")?;
    // The next agent commands, and takes nothing back that it was not told to.
    rig.enter()?;
    rig.plan = Some(permille(1000));
    rig.run_for(300);
    ensure(rig.velocity() == 0.0, || "the next agent releases a hold unasked".to_owned())?;
    let said = rig.record.last().and_then(|seen| seen.is.sample.execution);
    ensure(said == Some(Execution::FeedHold), || format!("a hold is told as {said:?}"))?;
    halcmd(&["sets", "cosim-off", "1"])?;
    rig.until("motion after off", |seen| (seen.tick.current_vel - SPEED).abs() < 0.01 && !seen.tick.feed_hold)?;
    // The switch back on: the request of the dead one is still there, so the hold is too, until it is taken back.
    halcmd(&["sets", "cosim-off", "0"])?;
    rig.until("hold again", |seen| seen.tick.feed_hold)?;
    rig.commander.release_hold();
    rig.until("motion after release", |seen| (seen.tick.current_vel - SPEED).abs() < 0.01 && !seen.tick.feed_hold)?;
    rig.commander.handle_command(rig.now(), Order::FeedHold);
    rig.until("standstill", |seen| seen.tick.current_vel == 0.0)?;
    rig.commander.release_hold();
    rig.plan = None;
    rig.tell("abort")?;
    Ok(format!("held in {stopped} ms, still held {} ms after the death of the holder", rows.len() - marked))
}

pub(crate) fn off_while_beating(rig: &mut Rig) -> Outcome {
    if rig.link.is_none() {
        rig.enter()?;
    }
    rig.rest()?;
    rig.start(STRAIGHT)?;
    rig.plan = Some(permille(500));
    rig.until("half speed", |seen| (seen.tick.current_vel - SPEED / 2.0).abs() < 0.01)?;
    let from = rig.record.len();
    halcmd(&["sets", "cosim-off", "1"])?;
    rig.until("full speed", |seen| (seen.tick.current_vel - SPEED).abs() < 0.01)?;
    rig.run_for(300);
    let newest = rig.record.last().map(|seen| seen.is).ok_or("no ticks")?;
    ensure(newest.tick.factor == 1.0 && !newest.tick.granted, || format!("switched off: {:?}", newest.tick))?;
    ensure(newest.sample.factor_enabled == Some(false), || "off is not told".to_owned())?;
    let ticks = rig.since(from).iter().take_while(|seen| seen.is.tick.factor < 1.0).count();
    halcmd(&["sets", "cosim-off", "0"])?;
    rig.plan = None;
    rig.tell("abort")?;
    Ok(format!("full factor {ticks} ticks after the switch was asked for"))
}

pub(crate) fn off_file(rig: &mut Rig) -> Outcome {
    if rig.link.is_none() {
        rig.enter()?;
    }
    rig.rest()?;
    rig.start(STRAIGHT)?;
    rig.plan = Some(permille(500));
    rig.until("half speed", |seen| (seen.tick.current_vel - SPEED / 2.0).abs() < 0.01)?;
    halcmd(&["-f", "cosim-off.hal"])?;
    rig.until("full speed", |seen| (seen.tick.current_vel - SPEED).abs() < 0.01)?;
    let factor = halcmd(&["getp", "motion.adaptive-feed"])?;
    ensure(factor == "1", || format!("the pin is at {factor}"))?;
    rig.tell("abort")?;
    Ok("full speed although an agent asks for half".to_owned())
}
