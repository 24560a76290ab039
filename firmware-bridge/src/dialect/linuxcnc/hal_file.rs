//! The HAL file beside the machine's own: text from a template, what the machine already has wired, and four figures.
//!
//! HAL lets a pin be on one signal only and a module be loaded once. A machine that was wired by others has, for
//! instance, `motion.program-line` on a signal of its own already; a file that did not know would keep LinuxCNC from
//! starting. So what is there is read first ([`Wiring`]), its signals are joined where there are any, and what cannot be
//! joined is refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use shared::plan::Override;
use shared::time::Duration;

use super::install::InstallError;
use super::tick::FIELD_TYPES;

const TEMPLATE: &str = include_str!("../../../linuxcnc/cosim.hal");
const OFF_TEMPLATE: &str = include_str!("../../../linuxcnc/cosim-off.hal");

/// Modules the file loads.
const MODULES: [&str; 7] = ["oneshot", "lut5", "conv_s32_float", "sum2", "mux2", "limit3", "sampler"];
/// Pins of the machine that are driven.
const ADAPTIVE_FEED: &str = "motion.adaptive-feed";
const FEED_HOLD: &str = "motion.feed-hold";

/// What a person decides about the file. No default: each is a matter of safety or of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct HalOptions {
    /// Value without us: 1.0, or 1/k under a ceiling program.
    pub without_us: Override,
    /// From the last heartbeat to the begin of letting go. A few of the agent's cycles.
    pub watchdog: Duration,
    /// How fast the factor ramps when it lets go, 1/s.
    pub slew_per_s: f64,
    /// Ticks the sampler keeps for a reader that is late.
    pub queue_len: u32,
    /// Name of the servo thread.
    pub thread: String,
}

/// What the machine's own HAL files wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    signals: BTreeMap<String, String>,
    modules: BTreeSet<String>,
}

impl Wiring {
    /// Reads HAL files in the order they are loaded. Tcl files are read as far as they use HAL's own words; what they
    /// compute stays unknown.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut wiring = Self::default();
        for file in files {
            for line in logical_lines(file) {
                wiring.take(&line);
            }
        }
        wiring
    }

    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !matches!(*word, "=>" | "<=" | "<=>")).collect();
        let join = |pin: &str, signal: &str| (pin.to_owned(), signal.to_owned());
        match words.as_slice() {
            ["net", signal, pins @ ..] => self.signals.extend(pins.iter().map(|pin| join(pin, signal))),
            ["linkps", pin, signal] | ["linksp", signal, pin] => self.signals.extend([join(pin, signal)]),
            ["loadrt", module, ..] => {
                self.modules.insert((*module).to_owned());
            }
            _ => {}
        }
    }

    /// The signal a pin is on.
    pub fn signal(&self, pin: &str) -> Option<&str> {
        self.signals.get(pin).map(String::as_str)
    }
}

/// The HAL file for a machine.
///
/// # Errors
/// [`InstallError`] where the machine already drives the factor or loads a module the file needs.
pub fn hal_file(options: &HalOptions, wiring: &Wiring) -> Result<String, InstallError> {
    if let Some(signal) = wiring.signal(ADAPTIVE_FEED) {
        return Err(InstallError::AdaptiveFeedDriven { signal: signal.to_owned() });
    }
    if let Some(module) = MODULES.iter().find(|module| wiring.modules.contains(**module)) {
        return Err(InstallError::ModuleLoaded { module: (*module).to_owned() });
    }
    let slew_is_sane = options.slew_per_s.is_finite() && options.slew_per_s > 0.0;
    if !slew_is_sane || options.watchdog == Duration::ZERO || options.queue_len == 0 {
        return Err(InstallError::Figures);
    }
    let mut text = String::with_capacity(TEMPLATE.len() + 256);
    for line in filled(TEMPLATE, options).lines() {
        text.push_str(&joined(line, wiring));
        text.push('\n');
    }
    Ok(text)
}

/// True where the file can drive the feed hold: nobody else does.
pub(super) fn can_hold(wiring: &Wiring) -> bool {
    wiring.signal(FEED_HOLD).is_none()
}

/// The file that takes everything out of a running machine.
pub fn off_file(options: &HalOptions, wiring: &Wiring) -> String {
    let filled = filled(OFF_TEMPLATE, options);
    let ours = |line: &&str| can_hold(wiring) || !line.contains(FEED_HOLD);
    filled.lines().filter(ours).fold(String::new(), |text, line| text + line + "\n")
}

fn filled(template: &str, options: &HalOptions) -> String {
    let marks = [
        ("@WITHOUT_US@", format!("{}", options.without_us.ratio())),
        ("@WATCHDOG_S@", format!("{}", options.watchdog.as_s())),
        ("@SLEW_PER_S@", format!("{}", options.slew_per_s)),
        ("@DEPTH@", format!("{}", options.queue_len)),
        ("@FIELDS@", FIELD_TYPES.to_owned()),
        ("@THREAD@", options.thread.clone()),
    ];
    marks.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// A line of the file, on the machine's own signal where the pin is on one.
fn joined(line: &str, wiring: &Wiring) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [net, _, pins @ ..] = words.as_slice() else { return line.to_owned() };
    if *net != "net" {
        return line.to_owned();
    }
    if pins.contains(&FEED_HOLD) {
        // Driven by the machine: the hold is kept and recorded, and drives nothing.
        return if can_hold(wiring) { line.to_owned() } else { line.replace(&format!(" {FEED_HOLD}"), "") };
    }
    let taken = pins.iter().find_map(|pin| Some((*pin, wiring.signal(pin)?)));
    let Some((pin, signal)) = taken else { return line.to_owned() };
    let rest = pins.iter().filter(|word| **word != pin && **word != "=>");
    let mut text = format!("net {signal} =>");
    rest.for_each(|word| write!(text, " {word}").expect("writing to a String does not fail"));
    text
}

/// Lines without comments, continued lines joined.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut held = String::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim_end();
        if let Some(part) = line.strip_suffix('\\') {
            held.push_str(part);
            held.push(' ');
            continue;
        }
        held.push_str(line);
        lines.push(std::mem::take(&mut held));
    }
    lines.push(held);
    lines
}
