//! Into a machine's INI file and out again, as text.
//!
//! Two things are added: the HAL file, as the last `HALFILE`, and `M52` to what LinuxCNC executes at the start, so that
//! the factor is obeyed without touching a program. What is added stands between marks, what is changed is kept beside it
//! as a comment: taking it out gives the bytes of before, whatever was edited elsewhere meanwhile.

use super::hal_file::{HalOptions, Wiring, can_hold, hal_file, off_file};

const BEGIN: &str = "# >>> cosim: taken out by `edge-agent uninstall linuxcnc`";
/// The same, where the line before had no line end of its own.
const BEGIN_UNENDED: &str = "# >>> cosim (the line before had no end): taken out by `edge-agent uninstall linuxcnc`";
const END: &str = "# <<< cosim";
const WAS: &str = "#cosim-was#";
const STARTUP: &str = "RS274NGC_STARTUP_CODE";

/// Why a machine is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// Installed already.
    #[error("the INI file has the co-simulation in it already: uninstall first")]
    Installed,
    /// There is no such section.
    #[error("the INI file has no section [{section}]")]
    NoSection {
        /// Which.
        section: &'static str,
    },
    /// Marks without their other half.
    #[error("the co-simulation's marks in the INI file are damaged: restore it by hand, or from a copy")]
    Damaged,
    /// A code of the same group stands in the way.
    #[error("{STARTUP} has {code}, and one block cannot hold M52 beside it: enable M52 P1 in the program or by hand")]
    StartupCode {
        /// Which.
        code: String,
    },
    /// Somebody else drives the factor.
    #[error("motion.adaptive-feed is driven by signal {signal} already: the machine has an adaptive feed of its own")]
    AdaptiveFeedDriven {
        /// By what.
        signal: String,
    },
    /// A module is loaded already, and HAL loads one once.
    #[error("the machine's HAL files load {module} already: give the co-simulation's names to that line, or join them")]
    ModuleLoaded {
        /// Which.
        module: String,
    },
    /// Figures that make no watchdog.
    #[error("watchdog, slew and queue have to be above zero")]
    Figures,
}

/// What is to be written for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The INI file.
    pub ini: String,
    /// `cosim.hal`, beside it.
    pub hal: String,
    /// `cosim-off.hal`, beside it.
    pub hal_off: String,
    /// False where the machine drives its feed hold itself: the agent cannot then.
    pub feed_hold: bool,
}

/// Adds the co-simulation. `wiring` is what the HAL files named in the INI file wire.
///
/// # Errors
/// [`InstallError`]; nothing is to be written then.
pub fn install(ini: &str, options: &HalOptions, wiring: &Wiring) -> Result<Installed, InstallError> {
    if ini.contains(BEGIN) || ini.contains(BEGIN_UNENDED) || ini.contains(WAS) {
        return Err(InstallError::Installed);
    }
    let (hal, hal_off) = (hal_file(options, wiring)?, off_file(options, wiring));
    let with_hal = with_hal_file(ini)?;
    Ok(Installed { ini: with_startup_code(&with_hal)?, hal, hal_off, feed_hold: can_hold(wiring) })
}

/// Takes the co-simulation out of an INI file. One that does not have it is given back as it is.
///
/// # Errors
/// [`InstallError::Damaged`] where a mark lacks its other half.
pub fn uninstall(ini: &str) -> Result<String, InstallError> {
    let mut text = String::with_capacity(ini.len());
    let mut inside = false;
    for line in ini.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        match (bare, inside) {
            (BEGIN, false) => inside = true,
            (BEGIN_UNENDED, false) => {
                inside = true;
                let ended = text.len() - line_end(&text).len();
                text.truncate(ended);
            }
            (END, true) => inside = false,
            (BEGIN | BEGIN_UNENDED, true) | (END, false) => return Err(InstallError::Damaged),
            (_, true) => {}
            (_, false) => text.push_str(line.strip_prefix(WAS).unwrap_or(line)),
        }
    }
    if inside { Err(InstallError::Damaged) } else { Ok(text) }
}

/// One line of an INI file: where it is and what it sets.
struct Entry<'a> {
    section: &'a str,
    key: &'a str,
    value: &'a str,
    /// Bytes of the line with its end.
    from: usize,
    to: usize,
}

fn entries(ini: &str) -> Vec<Entry<'_>> {
    let (mut section, mut from, mut found) = ("", 0, Vec::new());
    for line in ini.split_inclusive('\n') {
        let to = from + line.len();
        let text = line.trim();
        let comment = text.starts_with(['#', ';']);
        let name = text.strip_prefix('[').and_then(|rest| Some(rest.split_once(']')?.0));
        if let Some(name) = name.filter(|_| !comment) {
            section = name;
            found.push(Entry { section, key: "", value: "", from, to });
        } else if let Some((key, value)) = text.split_once('=').filter(|_| !comment) {
            found.push(Entry { section, key: key.trim(), value: value.trim(), from, to });
        }
        from = to;
    }
    found
}

fn with_hal_file(ini: &str) -> Result<String, InstallError> {
    let entries = entries(ini);
    let in_hal = |entry: &&Entry<'_>| entry.section == "HAL";
    let mut files = entries.iter().filter(in_hal).filter(|entry| matches!(entry.key, "HALFILE" | "TWOPASS"));
    let after = files.next_back().or_else(|| entries.iter().find(in_hal));
    let after = after.ok_or(InstallError::NoSection { section: "HAL" })?.to;
    Ok(with_block(ini, after, "HALFILE = cosim.hal"))
}

fn with_startup_code(ini: &str) -> Result<String, InstallError> {
    let entries = entries(ini);
    let in_section: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.section == "RS274NGC").collect();
    let Some(entry) = in_section.iter().find(|entry| entry.key == STARTUP) else {
        let head = in_section.first().ok_or(InstallError::NoSection { section: "RS274NGC" })?;
        return Ok(with_block(ini, head.to, &format!("{STARTUP} = M52 P1")));
    };
    let Some(addition) = addition(entry.value)? else { return Ok(ini.to_owned()) };
    let line = &ini[entry.from..entry.to];
    let changed = format!("{STARTUP} = {}{addition}", entry.value);
    let kept = format!("{}{WAS}{line}{}", &ini[..entry.from], &ini[entry.to..]);
    Ok(with_block(&kept, entry.to + WAS.len(), &changed))
}

/// What to add to a startup code; `None` where it has M52 already.
///
/// A block holds one P word, and every code of the block that knows one takes it: `G64 … M52 P1` would also set a path
/// tolerance of one unit. M52 without a P word enables just as well; so none is added. Where there is one, M52 takes it
/// for its own: any but zero enables.
fn addition(code: &str) -> Result<Option<&'static str>, InstallError> {
    let words = words(code);
    let has = |letter: char, value: f64| words.iter().any(|word| word.0 == letter && word.1 == value);
    let p_word = words.iter().find(|word| word.0 == 'P');
    if has('M', 52.0) {
        let off = p_word.is_some_and(|word| word.1 == 0.0);
        return if off { Err(InstallError::StartupCode { code: "M52 P0".to_owned() }) } else { Ok(None) };
    }
    if let Some(other) = [48.0, 49.0, 50.0, 51.0, 53.0].into_iter().find(|number| has('M', *number)) {
        return Err(InstallError::StartupCode { code: format!("M{other}") });
    }
    match p_word {
        Some((_, value)) if *value <= 0.0 => Err(InstallError::StartupCode { code: format!("P{value}") }),
        _ => Ok(Some(" M52")),
    }
}

/// Words of a block: letter and number; blanks count for nothing.
fn words(code: &str) -> Vec<(char, f64)> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        let len = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(rest.len());
        if let (true, Ok(value)) = (letter.is_ascii_alphabetic(), rest[..len].parse()) {
            found.push((letter, value));
        }
        rest = &rest[len..];
    }
    found
}

/// A line between marks, put in at a byte position where a line begins or the text ends.
fn with_block(ini: &str, at: usize, line: &str) -> String {
    let (before, after) = ini.split_at(at);
    let end = if before.contains("\r\n") { "\r\n" } else { "\n" };
    let ended = before.is_empty() || before.ends_with('\n');
    let (begin, break_before) = if ended { (BEGIN, "") } else { (BEGIN_UNENDED, end) };
    format!("{before}{break_before}{begin}{end}{line}{end}{END}{end}{after}")
}

fn line_end(text: &str) -> &'static str {
    match text {
        text if text.ends_with("\r\n") => "\r\n",
        text if text.ends_with('\n') => "\n",
        _ => "",
    }
}
