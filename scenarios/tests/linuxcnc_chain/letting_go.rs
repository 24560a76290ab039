//! Everything that can go away or change, on the real controller: the machine ends where it should, and says why.

use std::time::Duration;

use super::drive::{Outcome, Run, Shop};
use super::hands::{Mode, ensure, halcmd, mark, pass, signal, until};
use super::sampler::Row;

/// The watchdog as installed, and what a loaded machine may add between a mark and what is marked, ticks.
const WATCHDOG_TICKS: usize = 50;
const MARK_TICKS: usize = 400;
/// The slew as installed, in a tick.
const SLEW_PER_TICK: f64 = 2.0 / 1000.0;
/// Programmed speed of the slots, mm/s.
const SLOT_MM_S: f64 = 20.0;
/// From the last time to live to the baseline and its ramp.
const ALL_WITHIN: Duration = Duration::from_millis(1500);

fn find(rows: &[Row], from: usize, what: &str, fits: impl Fn(&Row) -> bool) -> Result<usize, String> {
    let found = rows[from.min(rows.len())..].iter().position(fits).map(|at| from + at);
    found.ok_or_else(|| format!("never {what} after tick {from} of {}", rows.len()))
}

/// Largest step that the agent's own slew makes between two ticks of this machine. Without a real-time kernel the servo
/// thread slips by tens of milliseconds, in which several of the agent's cycles pass; in HAL every tick counts.
const AGENT_STEP_MAX: f64 = 0.15;

fn largest_step(rows: &[Row], counts: impl Fn(&Row) -> bool) -> f64 {
    let pairs = rows.windows(2).filter(|pair| counts(&pair[0]) && counts(&pair[1]));
    pairs.map(|pair| (pair[1].factor - pair[0].factor).abs()).fold(0.0, f64::max)
}

/// In HAL no factor moves faster than the slew.
fn ramps_in_hal(rows: &[Row]) -> Result<(), String> {
    let step = largest_step(rows, |row| !row.granted);
    ensure(step <= SLEW_PER_TICK + 1e-6, || format!("the factor moves by {step} in a tick"))
}

/// The agent's own slew holds on feeds; a rapid has the factor 1 at once.
fn no_jump(rows: &[Row]) -> Result<(), String> {
    let step = largest_step(rows, Row::feeds);
    ensure(step <= AGENT_STEP_MAX, || format!("the factor moves by {step} in a tick"))
}

/// From the mark: the watchdog lets go, the factor ramps to 1, the machine runs as programmed.
fn let_go(rows: &[Row]) -> Outcome {
    let marked = find(rows, 0, "marked", |row| row.marked)?;
    let expired = find(rows, marked, "let go", |row| !row.granted)?;
    let reached = find(rows, expired, "at the value without us", |row| (row.factor - 1.0).abs() < 1e-9)?;
    let free =
        find(rows, expired, "at programmed speed", |row| row.feeds() && (row.velocity - SLOT_MM_S).abs() < 0.05)?;
    ramps_in_hal(&rows[expired..=reached])?;
    ensure(expired - marked <= WATCHDOG_TICKS + MARK_TICKS, || format!("it takes {} ticks", expired - marked))?;
    let ramp = reached - expired;
    ensure(ramp <= 550, || format!("the ramp takes {ramp} ticks"))?;
    Ok(format!("mark to letting go {} ms, ramp {ramp} ms, as programmed {} ms after", expired - marked, free - marked))
}

pub(crate) fn killed(shop: &mut Shop) -> Outcome {
    let run = shop.slowed("killed")?;
    mark(true)?;
    signal("KILL", run.agent.id())?;
    pass(ALL_WITHIN);
    shop.console.tell("abort")?;
    let figures = let_go(&run.sampler.stop()?)?;
    // The next agent takes another name and steers as the first.
    drop(run.agent);
    let next = shop.slowed("next")?;
    let rows = shop.end(next)?;
    ensure(rows.iter().any(|row| row.granted && row.factor < 0.9), || "the next agent never steers".to_owned())?;
    Ok(format!("{figures}; the next agent steers"))
}

pub(crate) fn stopped(shop: &mut Shop) -> Outcome {
    let run = shop.slowed("stopped")?;
    mark(true)?;
    signal("STOP", run.agent.id())?;
    pass(ALL_WITHIN);
    signal("CONT", run.agent.id())?;
    pass(ALL_WITHIN);
    let rows = shop.end(run)?;
    let figures = let_go(&rows)?;
    let marked = find(&rows, 0, "marked", |row| row.marked)?;
    no_jump(&rows[marked..])?;
    Ok(format!("{figures}; no jump when it goes on"))
}

/// The plan expires, the baseline holds, nothing stays slow, and the plan is back once the other side is.
fn plan_is_lost(shop: &mut Shop, name: &str, act: fn(&Shop, bool) -> Result<(), String>) -> Outcome {
    let run = shop.slowed(name)?;
    let from = run.agent.reasons().len();
    mark(true)?;
    act(shop, true)?;
    run.agent.wait_for_reason(from, "plan_expired")?;
    let lamp = run.agent.status().map(|status| status.lamp);
    pass(ALL_WITHIN);
    act(shop, false)?;
    let back = run.agent.wait("on a plan again", |status| status.lamp == "ok" || !status.running);
    let reasons: Vec<String> = run.agent.reasons().into_iter().skip(from).map(|(_, reason)| reason).collect();
    let rows = shop.end(run)?;
    back?;
    let marked = find(&rows, 0, "marked", |row| row.marked)?;
    no_jump(&rows[marked..])?;
    let seen = &rows[marked..];
    let held = seen.iter().filter(|row| row.granted && row.feeds()).count();
    ensure(held * 10 >= seen.iter().filter(|row| row.feeds()).count() * 8, || {
        format!("the watchdog let go in {} of {} ticks, though the agent lives", seen.len() - held, seen.len())
    })?;
    Ok(format!("lamp {lamp:?}; then {}", reasons.join(", ")))
}

pub(crate) fn cloud_stopped(shop: &mut Shop) -> Outcome {
    plan_is_lost(shop, "cloud", |shop, gone| shop.cloud.signal(if gone { "STOP" } else { "CONT" }))
}

pub(crate) fn link_cut(shop: &mut Shop) -> Outcome {
    plan_is_lost(shop, "cable", |shop, gone| {
        shop.cable.cut(gone);
        Ok(())
    })
}

/// The program runs again under the same agent: as programmed, until the operator has re-armed.
fn nothing_resumes(shop: &mut Shop, run: &Run, reason: &str) -> Outcome {
    let told = run.agent.status().map(|status| (status.lamp, status.reason));
    ensure(told.as_ref().is_some_and(|(lamp, told)| lamp == "fallback" && told == reason), || format!("{told:?}"))?;
    shop.rest()?;
    mark(true)?;
    shop.start("slots.ngc")?;
    pass(Duration::from_millis(4000));
    let latched = run.agent.status().is_some_and(|status| status.lamp == "fallback");
    ensure(latched, || format!("it resumes by itself: {:?}", run.agent.status()))?;
    mark(false)?;
    run.agent.say("rearm")?;
    run.agent.say("confirm-stock")?;
    run.agent.wait("steering again after the re-arm", |status| status.factor < 0.9 && status.lamp != "fallback")?;
    Ok(format!("{told:?}, as programmed until re-armed, then steered"))
}

/// While marked, and settled, feeds run as programmed.
fn as_programmed_while_marked(rows: &[Row]) -> Result<(), String> {
    let marked: Vec<&Row> = rows.iter().filter(|row| row.marked && row.feeds()).collect();
    let slow = marked.iter().skip(700).filter(|row| row.factor < 1.0).count();
    ensure(marked.len() > 1000 && slow == 0, || format!("{slow} of {} ticks were slowed", marked.len()))
}

fn ended_by(shop: &mut Shop, name: &str, order: &str) -> Outcome {
    let run = shop.slowed(name)?;
    let from = run.agent.reasons().len();
    shop.console.tell(order)?;
    run.agent.wait_for_reason(from, "controller_stopped")?;
    let figures = nothing_resumes(shop, &run, "controller_stopped")?;
    as_programmed_while_marked(&shop.end(run)?)?;
    Ok(figures)
}

pub(crate) fn aborted(shop: &mut Shop) -> Outcome {
    ended_by(shop, "abort", "abort")
}

pub(crate) fn emergency_stop(shop: &mut Shop) -> Outcome {
    ended_by(shop, "estop", "state estop")
}

/// Somebody saves the program again while it runs: the controller reads on from the new bytes.
pub(crate) fn other_program(shop: &mut Shop) -> Outcome {
    let text = std::fs::read("slots.ngc").map_err(|error| error.to_string())?;
    std::fs::write("copy.ngc", &text).map_err(|error| error.to_string())?;
    let run = shop.slowed_on("copy.ngc", "other")?;
    let from = run.agent.reasons().len();
    mark(true)?;
    // One byte more: the same motion, and nobody's promise.
    std::fs::write("copy.ngc", [text.as_slice(), b"\n"].concat()).map_err(|error| error.to_string())?;
    run.agent.wait_for_reason(from, "program_differs")?;
    pass(Duration::from_millis(2500));
    let status = run.agent.say("status")?;
    as_programmed_while_marked(&shop.end(run)?)?;
    ensure(status.starts_with("FALLBACK   program_differs"), || status.clone())?;
    Ok(status)
}

/// What an operator can only do between two runs: the run is ended, something is edited, the same program runs again.
/// LinuxCNC itself refuses it in mid-run; what it says then is part of the figures.
fn edited(
    shop: &mut Shop,
    name: &str,
    edit: fn(&mut Shop) -> Result<(), String>,
    undo: fn(&mut Shop) -> Result<(), String>,
    reason: &str,
) -> Outcome {
    let run = shop.slowed(name)?;
    let from = run.agent.reasons().len();
    edit(shop)?;
    let refused = shop.console.ask("complaints")?;
    pass(Duration::from_millis(500));
    let untouched = run.agent.reasons().iter().skip(from).all(|(lamp, _)| lamp != "fallback");
    shop.console.tell("abort")?;
    run.agent.wait_for_reason(from, "controller_stopped")?;
    shop.rest()?;
    edit(shop)?;
    run.agent.say("rearm")?;
    run.agent.say("confirm-stock")?;
    run.agent.wait("without a latch", |status| status.lamp != "fallback" || status.reason == "not_running")?;
    let from = run.agent.reasons().len();
    mark(true)?;
    shop.start("slots.ngc")?;
    let told = run.agent.wait_for_reason(from, reason);
    pass(Duration::from_millis(4000));
    let status = run.agent.say("status");
    let rows = shop.end(run);
    undo(shop)?;
    told?;
    as_programmed_while_marked(&rows?)?;
    Ok(format!("in mid-run LinuxCNC says {refused:?} (nothing changed: {untouched}); between runs\n{}", status?))
}

fn write_tools(from: &str, to: &str) -> Result<(), String> {
    let table = std::fs::read_to_string("tool.tbl").map_err(|error| error.to_string())?;
    std::fs::write("tool.tbl", table.replace(from, to)).map_err(|error| error.to_string())
}

pub(crate) fn tool_edited(shop: &mut Shop) -> Outcome {
    let edit = |shop: &mut Shop| {
        write_tools("T2 P2 D10 Z0", "T2 P2 D9.5 Z0")?;
        shop.console.tell("tools")
    };
    let undo = |shop: &mut Shop| {
        shop.rest()?;
        write_tools("T2 P2 D9.5 Z0", "T2 P2 D10 Z0")?;
        shop.console.tell("tools")
    };
    edited(shop, "tool", edit, undo, "tool_diameter_differs")
}

pub(crate) fn offset_edited(shop: &mut Shop) -> Outcome {
    edited(shop, "offset", |shop| shop.console.tell("mdi G10 L2 P1 X10.5"), Shop::rest, "work_offset_differs")
}

/// M50 P0, M52 P0 and G33 in the program: the factor is 1 there, and the plan goes on behind.
pub(crate) fn forbidden(shop: &mut Shop) -> Outcome {
    let run = shop.run("forbidding", "forbidding", Mode::Active)?;
    let over = |run: &Run| run.agent.status().is_some_and(|status| !status.running && status.line >= 18);
    let ended = until(Duration::from_secs(150), || {
        // G33 waits at its start for the mark of the spindle, which this mill does not have.
        if run.agent.status().is_some_and(|status| status.line >= 18) {
            for (pin, value) in [("turns.reset", "1"), ("spindle.0.index-enable", "0"), ("turns.reset", "0")] {
                let _ = halcmd(&["setp", pin, value]);
            }
        }
        over(&run)
    });
    let reasons: Vec<String> = run.agent.reasons().into_iter().map(|(_, reason)| reason).collect();
    let rows = shop.end(run)?;
    let mut figures = String::new();
    for (line, free) in [(7, false), (9, true), (11, false), (15, true), (17, false), (19, true)] {
        let of_line: Vec<&Row> = rows.iter().filter(|row| row.line == line && row.feeds()).collect();
        // A report tells the codes a little after the motion began, and the factor is slewed.
        let settled = &of_line[of_line.len() * 6 / 10..of_line.len() * 9 / 10];
        let at_one = settled.iter().filter(|row| row.factor > 0.999).count();
        figures.push_str(&format!("line {line}: {at_one} of {} ticks at 1; ", settled.len()));
        let right = if free { at_one * 10 >= settled.len() * 9 } else { at_one * 10 <= settled.len() };
        ensure(!settled.is_empty() && right, || format!("{figures}; ended {ended}; {reasons:?}"))?;
    }
    Ok(format!("{figures}{}", reasons.join(", ")))
}

pub(crate) fn off_while_hanging(shop: &mut Shop) -> Outcome {
    let run = shop.slowed("off")?;
    run.agent.say("off")?;
    run.agent.wait("off", |status| status.lamp == "off" && status.factor > 0.999)?;
    run.agent.say("arm")?;
    run.agent.wait("steering again", |status| status.lamp == "ok" && status.factor < 0.9)?;
    mark(true)?;
    signal("STOP", run.agent.id())?;
    let said = run.agent.say("off")?;
    ensure(said.contains("cosim-off is set"), || said.clone())?;
    // It goes on, and beats, and has no say.
    signal("CONT", run.agent.id())?;
    pass(Duration::from_millis(2500));
    let rows = shop.end(run)?;
    halcmd(&["sets", "cosim-off", "0"])?;
    let figures = let_go(&rows)?;
    let last = &rows[rows.len() - 1000..rows.len().saturating_sub(300)];
    ensure(last.iter().all(|row| !row.granted), || "the agent has a say again".to_owned())?;
    Ok(format!("{figures}; {said}"))
}

/// What no agent can say is said to the signal itself: nothing but a factor from 0 to 1 comes out.
pub(crate) fn hostile_requests(shop: &mut Shop) -> Outcome {
    let run = shop.slowed("hostile")?;
    mark(true)?;
    signal("STOP", run.agent.id())?;
    let mut answers = Vec::new();
    // Of these only whole numbers are taken; one below zero stops, one above a thousand is the whole.
    for value in ["nan", "inf", "0.5", "1e300", "-1000", "-1", "2000", "2147483647"] {
        let answer = halcmd(&["sets", "cosim-request", value]);
        answers.push(format!("{value}: {}", answer.map_or_else(|error| error, |_| "taken".to_owned())));
        for beat in 0..20 {
            halcmd(&["sets", "cosim-heartbeat", if beat % 2 == 0 { "1" } else { "0" }])?;
        }
    }
    signal("CONT", run.agent.id())?;
    pass(ALL_WITHIN);
    let still_steers = run.agent.wait("steering again", |status| status.factor < 0.9);
    let rows = shop.end(run)?;
    still_steers?;
    let wrong = rows.iter().filter(|row| !(0.0..=1.0).contains(&row.factor)).count();
    let backwards = rows.iter().filter(|row| row.velocity < 0.0).count();
    ensure(wrong == 0 && backwards == 0, || {
        format!("{wrong} ticks with another factor, {backwards} backwards; {answers:?}")
    })?;
    let taken = |value: &str| answers.iter().any(|answer| *answer == format!("{value}: taken"));
    ensure(!taken("nan") && !taken("inf") && taken("-1"), || format!("{answers:?}"))?;
    ensure(rows.iter().any(|row| row.marked && row.factor == 0.0), || "a request below zero did not stop".to_owned())?;
    Ok(answers.join("; "))
}

pub(crate) fn shadow(shop: &mut Shop) -> Outcome {
    let run = shop.run("slots", "shadow", Mode::Shadow)?;
    run.agent.say("arm")?;
    run.agent.wait("in shadow with a plan", |status| status.lamp == "shadow" && status.factor < 0.9)?;
    pass(ALL_WITHIN);
    let status = run.agent.say("status")?;
    let rows = shop.end(run)?;
    let touched = rows.iter().filter(|row| row.granted || row.factor != 1.0).count();
    ensure(touched == 0, || format!("{touched} ticks show an agent in shadow"))?;
    ensure(status.starts_with("SHADOW"), || status.clone())?;
    Ok(status)
}
