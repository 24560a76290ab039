//! One status report: `<State[:sub]|field|field…>`, in which every field may be missing.
//!
//! A report is read whole or not at all. Fields nobody knows are counted and skipped (grblHAL adds some with every
//! version); a field we know with a value that is none makes the report unreadable, because a line that is broken
//! in one place is not to be trusted in another. What a report does not say is not said to be zero.

use super::steps::Register;

/// Most axes of a position.
pub const AXES_MAX: usize = 6;

/// The machine's state. The numbers after a colon are sub-states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing to do.
    Idle,
    /// Moves.
    Run,
    /// Held: 0 standing and ready to resume, 1 still slowing down.
    Hold(u8),
    /// Jogs.
    Jog,
    /// Locked.
    Alarm,
    /// The door: 0 closed and ready to resume, 1 open, 2 slowing down, 3 resuming.
    Door(u8),
    /// Reads programs without moving.
    Check,
    /// Homes.
    Home,
    /// Asleep.
    Sleep,
    /// Waits for a tool change (grblHAL).
    Tool,
}

/// Values by axis, X first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axes {
    values: [f64; AXES_MAX],
    count: usize,
}

impl Axes {
    /// The values, in the unit the controller reports in (mm or inch, degrees for rotary axes).
    pub fn values(&self) -> &[f64] {
        &self.values[..self.count]
    }

    /// The first three axes; `None` where there are fewer.
    pub fn xyz(&self) -> Option<[f64; 3]> {
        (self.count >= 3).then(|| [self.values[0], self.values[1], self.values[2]])
    }
}

/// In which frame a position is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Position {
    /// `MPos`: machine.
    Machine(Axes),
    /// `WPos`: work, tool length included.
    Work(Axes),
}

/// `Bf`: what is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Planner blocks.
    pub blocks: u16,
    /// Bytes of the receive buffer.
    pub bytes: u16,
}

/// `Ov`: overrides in force, per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrides {
    /// Feed.
    pub feed: Register,
    /// Rapids: 100, 50 or 25, and what grblHAL allows.
    pub rapid: u8,
    /// Spindle.
    pub spindle: u8,
}

/// A whole report. `None`: the report does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatusReport {
    /// State.
    pub state: State,
    /// `MPos` or `WPos`.
    pub position: Option<Position>,
    /// `Bf`.
    pub free: Option<Free>,
    /// `Ln`: line number of the motion, from its N word.
    pub line: Option<u32>,
    /// `FS` or `F`: real feed in the reported unit a minute.
    pub feed_per_min: Option<f64>,
    /// `FS`: programmed spindle speed, rev/min.
    pub spindle_rpm: Option<f64>,
    /// `Pn`: the letters of closed switches; 32 letters at most, `P` probe, `X` `Y` `Z` limits, `D` door and so on.
    pub pins: Option<u32>,
    /// `WCO`: work offset, so that work = machine − offset.
    pub offset: Option<Axes>,
    /// `Ov`. Its absence means unchanged, except beside `WCO`: a report has one of the two.
    pub overrides: Option<Overrides>,
    /// `A`: the letters of what is on: `S` `C` spindle, `F` `M` coolant.
    pub accessories: Option<u32>,
    /// Fields nobody knows.
    pub unknown_fields: u8,
}

impl StatusReport {
    /// What no report can say of a line: it has a state and nothing else.
    fn of(state: State) -> Self {
        Self {
            state,
            position: None,
            free: None,
            line: None,
            feed_per_min: None,
            spindle_rpm: None,
            pins: None,
            offset: None,
            overrides: None,
            accessories: None,
            unknown_fields: 0,
        }
    }

    /// Reads a line with its angle brackets; `None` where any of it makes no sense.
    pub fn parse(line: &str) -> Option<Self> {
        let inner = line.strip_prefix('<')?.strip_suffix('>')?;
        let mut fields = inner.split('|');
        let mut report = Self::of(state(fields.next()?)?);
        for field in fields {
            report.field(field)?;
        }
        Some(report)
    }

    fn field(&mut self, field: &str) -> Option<()> {
        let (key, value) = field.split_once(':').unwrap_or((field, ""));
        match key {
            "MPos" => once(&mut self.position, Position::Machine(axes(value)?)),
            "WPos" => once(&mut self.position, Position::Work(axes(value)?)),
            "WCO" => once(&mut self.offset, axes(value)?),
            "Bf" => {
                let (blocks, bytes) = value.split_once(',')?;
                once(&mut self.free, Free { blocks: whole(blocks)?, bytes: whole(bytes)? })
            }
            "Ln" => once(&mut self.line, whole(value)?),
            "F" => once(&mut self.feed_per_min, speed(value)?),
            "FS" => {
                // grblHAL may add the real spindle speed as a third value.
                let mut values = value.split(',');
                let (feed, spindle) = (speed(values.next()?)?, speed(values.next()?)?);
                values.next().map_or(Some(0.0), speed)?;
                values.next().is_none().then_some(())?;
                once(&mut self.feed_per_min, feed)?;
                once(&mut self.spindle_rpm, spindle)
            }
            "Pn" => once(&mut self.pins, letters(value)?),
            "A" => once(&mut self.accessories, letters(value)?),
            "Ov" => {
                let mut values = value.split(',');
                let mut next = || values.next().and_then(whole::<u8>);
                let (feed, rapid, spindle) = (Register::new(next()?)?, next()?, next()?);
                values.next().is_none().then_some(())?;
                once(&mut self.overrides, Overrides { feed, rapid, spindle })
            }
            _ => {
                let plausible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
                self.unknown_fields = self.unknown_fields.saturating_add(1);
                plausible.then_some(())
            }
        }
    }
}

/// Sets a field that may stand in a report once.
fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

fn state(text: &str) -> Option<State> {
    let (name, sub) = match text.split_once(':') {
        Some((name, sub)) => (name, Some(whole::<u8>(sub)?)),
        None => (text, None),
    };
    Some(match (name, sub) {
        ("Hold", sub) => State::Hold(sub.unwrap_or(0)),
        ("Door", sub) => State::Door(sub.unwrap_or(0)),
        // grblHAL says more of some states than we use.
        ("Idle", None) => State::Idle,
        ("Run", _) => State::Run,
        ("Jog", _) => State::Jog,
        ("Alarm", _) => State::Alarm,
        ("Check", None) => State::Check,
        ("Home", _) => State::Home,
        ("Sleep", None) => State::Sleep,
        ("Tool", _) => State::Tool,
        _ => return None,
    })
}

fn axes(text: &str) -> Option<Axes> {
    let mut found = Axes { values: [0.0; AXES_MAX], count: 0 };
    for value in text.split(',') {
        *found.values.get_mut(found.count)? = decimal(value)?;
        found.count += 1;
    }
    Some(found)
}

/// Digits with at most one point and a leading minus, at most twelve characters: `str::parse` would take `inf`,
/// `1e9` and `+5`, which no controller writes.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && digits.len() <= 12;
    let begins = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    (plain && begins).then(|| text.parse().ok()).flatten()
}

fn speed(text: &str) -> Option<f64> {
    decimal(text).filter(|value| *value >= 0.0)
}

/// Decimal digits only.
pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    let plain = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Capital letters as a set: bit 0 is `A`.
fn letters(text: &str) -> Option<u32> {
    text.bytes().try_fold(0, |set, letter| letter.is_ascii_uppercase().then(|| set | 1 << (letter - b'A')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_optional_and_what_is_there_is_read() {
        let bare = StatusReport::parse("<Idle>").expect("a state is enough");
        assert_eq!(bare, StatusReport::of(State::Idle));
        let line = "<Hold:1|WPos:-1.500,2.000,0.125|Bf:15,128|Ln:99|FS:500,8000|Pn:PZ|Ov:90,50,110|A:SFM>";
        let full = StatusReport::parse(line).expect("whole");
        assert_eq!(full.state, State::Hold(1));
        let Some(Position::Work(position)) = full.position else { panic!("{full:?}") };
        assert_eq!(position.xyz(), Some([-1.5, 2.0, 0.125]));
        assert_eq!(full.free, Some(Free { blocks: 15, bytes: 128 }));
        assert_eq!((full.line, full.feed_per_min, full.spindle_rpm), (Some(99), Some(500.0), Some(8000.0)));
        assert_eq!(full.pins, Some(1 << 15 | 1 << 25));
        let overrides = full.overrides.expect("said");
        assert_eq!((overrides.feed.percent(), overrides.rapid, overrides.spindle), (90, 50, 110));
        assert_eq!((full.offset, full.unknown_fields), (None, 0));
        let hal =
            StatusReport::parse("<Run|MPos:0.000,0.000,0.000,45.000|F:100|WCO:1.0,2.0,3.0,0.0|H:1|FW:grblHAL|SD:ok>");
        let hal = hal.expect("whole");
        assert_eq!((hal.unknown_fields, hal.feed_per_min, hal.spindle_rpm), (3, Some(100.0), None));
        assert_eq!(hal.offset.expect("said").values(), [1.0, 2.0, 3.0, 0.0]);
        assert_eq!(StatusReport::parse("<Alarm|A:>").expect("whole").accessories, Some(0));
    }

    #[test]
    fn what_is_broken_in_one_place_is_not_believed_in_another() {
        for line in [
            "<>",
            "<Idle",
            "Idle>",
            "<idle>",
            "<Idle|>",
            "<Idle|Ov:9,100,100>",
            "<Idle|Ov:201,100,100>",
            "<Idle|Ov:100,100>",
            "<Idle|Ov:100,100,100,1>",
            "<Idle|Ov:+90,100,100>",
            "<Run|MPos:1,,2>",
            "<Run|MPos:1.0.0,2,3>",
            "<Run|MPos:nan,0,0>",
            "<Run|MPos:1e3,0,0>",
            "<Run|MPos:1,2,3,4,5,6,7>",
            "<Run|F:-1>",
            "<Run|FS:1>",
            "<Run|FS:1,2,3,4>",
            "<Run|Bf:1>",
            "<Run|Bf:-1,2>",
            "<Run|Ln:>",
            "<Run|Ln:1x>",
            "<Run|Pn:x>",
            "<Run|M*os:0,0,0>",
            "<Hold:x>",
            "<Run|Ln:1|Ln:2>",
            "<Run|MPos:0,0,0|WPos:0,0,0>",
            "<Run|Ln:99999999999>",
        ] {
            assert_eq!(StatusReport::parse(line), None, "{line}");
        }
    }
}
