//! The commands that speak to an agent that runs: `arm`, `off`, `rearm`, `confirm-stock`, `status`.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::bail;

use super::arguments::{AgentArgs, ArmArgs, StatusArgs};
use super::config::{self, Config, Controller};
use super::control::{ask, ask_status};
use super::stop::{announce, say};
use super::summary::StatusLine;
use super::words::meaning;

/// Time between two looks of `status --watch`.
const WATCH_TURN: Duration = Duration::from_millis(500);

/// The signal of `cosim.hal` that takes the agent's say.
const OFF_SIGNAL: &str = "cosim-off";

/// `arm`. The switch in HAL is set back as well, where it is ours to set.
pub(super) fn arm(args: &ArmArgs) -> anyhow::Result<()> {
    let config = config::read(&args.agent.config)?;
    if is_linuxcnc(&config) && halcmd(&["gets", OFF_SIGNAL]).is_some_and(|said| said == "TRUE") {
        match halcmd(&["sets", OFF_SIGNAL, "0"]) {
            Some(_) => say("the switch cosim-off in HAL was on; it is off now"),
            None => say("cosim-off is held by a switch of the machine: nothing is commanded until it is set back"),
        }
    }
    say_word(&config, if args.first_part { "arm-first-part" } else { "arm" })
}

/// `rearm`, `confirm-stock`.
pub(super) fn word(args: &AgentArgs, word: &str) -> anyhow::Result<()> {
    say_word(&config::read(&args.config)?, word)
}

/// `off`: asks the agent, and where it does not answer takes its say away in HAL.
pub(super) fn off(args: &AgentArgs) -> anyhow::Result<()> {
    let config = config::read(&args.config)?;
    let Err(silence) = say_word(&config, "off") else { return Ok(()) };
    if !is_linuxcnc(&config) {
        bail!("{silence:#}; the controller lets go by itself when commands stop");
    }
    match halcmd(&["sets", OFF_SIGNAL, "1"]) {
        Some(_) => {
            say(&format!("{silence:#}; cosim-off is set in HAL: the agent has no say any more, whatever it does"));
            Ok(())
        }
        None => bail!("{silence:#}, and halcmd cannot set {OFF_SIGNAL}: as LinuxCNC's user, halcmd -f cosim-off.hal"),
    }
}

/// `status`: once, or again and again.
pub(super) fn status(args: &StatusArgs) -> anyhow::Result<()> {
    let config = config::read(&args.agent.config)?;
    loop {
        match ask_status(&config.state_dir) {
            Ok(line) if args.json => announce(&line),
            Ok(line) => announce(&shown(&line)),
            Err(error) if args.watch => announce(&format!("NO AGENT   {error:#}")),
            Err(error) => return Err(error),
        }
        if !args.watch {
            return Ok(());
        }
        std::thread::sleep(WATCH_TURN);
    }
}

fn say_word(config: &Config, word: &str) -> anyhow::Result<()> {
    let answer = ask(&config.state_dir, word)?;
    if answer != "ok" {
        bail!("the agent says: {answer}");
    }
    say(&format!("{word}: taken"));
    Ok(())
}

fn is_linuxcnc(config: &Config) -> bool {
    matches!(config.controller, Controller::LinuxCnc(_))
}

/// LinuxCNC's own tool; `None` where it fails.
fn halcmd(words: &[&str]) -> Option<String> {
    let output = Command::new("halcmd").args(words).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A line of state for a person: the lamp, the reason, and the figures.
fn shown(line: &str) -> String {
    let Ok(status) = serde_json::from_str::<StatusLine>(line) else {
        return "OPENING    the agent has not finished a cycle yet".to_owned();
    };
    // A session that is being opened has no plan: the machine is on what it falls back to.
    let lamp = if status.lamp == "opening" { "FALLBACK".to_owned() } else { status.lamp.to_uppercase() };
    let meaning = meaning(&status.reason).map_or_else(String::new, |meaning| format!(": {meaning}"));
    let effect = match status.effect_ms {
        Some(ms) => format!("effect {ms:.1} ms (measured)"),
        None => "effect time declared, not measured yet".to_owned(),
    };
    let handoff = status.handoff_ms.map_or_else(|| "none yet".to_owned(), |ms| format!("{ms:.1} ms"));
    format!(
        "{lamp:<10} {}{meaning}\n           line {}, {:.1} mm, factor {:.3}, plan reaches {:.1} mm ahead, session {}, \
         handoff {handoff}, {effect}",
        status.reason, status.line, status.station_mm, status.factor, status.horizon_mm, status.phase
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lamp_comes_first_and_the_reason_is_explained() {
        let line = r#"{"kind":"status","t_ms":1.0,"lamp":"fallback","line":7,"station_mm":12.34,"factor":1.0,
            "reason":"work_offset_differs","load":null,"spindle_power_w":null,"handoff_ms":8.0,"horizon_mm":0.0,
            "phase":"no_lease","done_permille":null,"running":true,"effect_ms":null}"#;
        let text = shown(line);
        assert!(text.starts_with("FALLBACK   work_offset_differs: the work offset is not where"), "{text}");
        assert!(text.contains("declared") && text.contains("line 7, 12.3 mm"), "{text}");
        assert!(shown(&line.replace("\"fallback\"", "\"opening\"")).starts_with("FALLBACK"));
        assert!(shown("").starts_with("OPENING"));
    }
}
