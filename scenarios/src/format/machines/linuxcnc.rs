//! LinuxCNC's `.ini`: units, limits of the path and of each axis, homes, spindle, blending.
//!
//! Coordinated moves obey the AXIS sections; where one of them misses a figure, that of its joint is taken. Speeds are in
//! machine units per second. The planner steps its acceleration unless PLANNER_TYPE asks for the one with limited jerk.
//! Corners are blended by arcs that may leave the corner by a quarter of the shorter move (the default where G64 has
//! no P), unless ARC_BLEND_ENABLE is 0.

use shared::machine::LengthUnit;
use shared::program::Span;

use super::draft::{ACCELERATION_MM_S2, AXES, Draft, JERK_MM_S3, PLACE_MM, SPEED_MM_MIN, SPINDLE_RPM, rounded};
use super::ini::{Ini, parse};

/// Share of the shorter move by which LinuxCNC's blends may leave the corner where no tolerance is in force.
const BLEND_SHARE: f64 = 0.25;

/// Share of the acceleration that LinuxCNC uses along arcs.
const ARC_SHARE: f64 = 0.5;

/// Servo period where the file does not say it.
const SERVO_PERIOD_NS: f64 = 1e6;

/// Reads the whole file; what is wrong is collected in the draft.
pub(super) fn read(draft: &mut Draft<'_>) {
    draft.kind = "LinuxCNC";
    let ini = parse(draft);
    if !ini.has("TRAJ") && !ini.has("KINS") {
        let message = "there is no section [TRAJ] and no section [KINS]".to_owned();
        return draft.error(Span::default(), "machine::ini", message, "name the .ini file LinuxCNC is started with");
    }
    draft.name = ini.text("EMC", "MACHINE").filter(|name| !name.text.is_empty()).map(|name| name.text.clone());
    let unit_mm = unit(draft, &ini);
    let axes = letters(draft, &ini);
    for (axis, name) in AXES.iter().enumerate() {
        one_axis(draft, &ini, axis, axes.iter().position(|letter| letter == name), unit_mm);
    }
    path(draft, &ini, unit_mm);
    spindle(draft, &ini);
    beside(draft, &ini);
}

/// Millimetres in a machine unit; sets the unit at power-on.
fn unit(draft: &mut Draft<'_>, ini: &Ini) -> f64 {
    let unit = match ini.text("TRAJ", "LINEAR_UNITS") {
        None => {
            draft.assumes("LINEAR_UNITS is not in the file, mm is taken".to_owned());
            LengthUnit::Millimetre
        }
        Some(value) => match value.text.to_ascii_lowercase().as_str() {
            "mm" | "metric" => LengthUnit::Millimetre,
            "in" | "inch" | "imperial" => LengthUnit::Inch,
            other => {
                let message = format!("`{}` is no unit of length", other.chars().take(40).collect::<String>());
                draft.error(value.span, "machine::ini", message, "write mm or inch");
                LengthUnit::Millimetre
            }
        },
    };
    if let Some(value) = ini.text("TRAJ", "LINEAR_UNITS") {
        draft.imports(value.span, format!("machine units: {}", value.text));
    }
    draft.unit = Some(unit);
    if let Some(code) = ini.text("RS274NGC", "RS274NGC_STARTUP_CODE") {
        let words: Vec<String> = code.text.split_whitespace().map(str::to_ascii_uppercase).collect();
        for (word, said) in [("G20", LengthUnit::Inch), ("G21", LengthUnit::Millimetre)] {
            if words.iter().any(|found| found == word) {
                draft.unit = Some(said);
                draft.imports(code.span, format!("unit at power-on: {word} of the startup code"));
            }
        }
    }
    unit.mm()
}

/// The letters of the joints in order, in small letters.
fn letters(draft: &mut Draft<'_>, ini: &Ini) -> Vec<String> {
    let from_kinematics = ini.text("KINS", "KINEMATICS").and_then(|value| {
        let (_, letters) = value.text.split_once("coordinates=")?;
        Some((letters.split_whitespace().next().unwrap_or("").to_owned(), value.span))
    });
    let from_path = ini.text("TRAJ", "COORDINATES").map(|value| (value.text.clone(), value.span));
    let Some((letters, span)) = from_kinematics.or(from_path) else {
        draft.assumes("the file names no coordinates; X, Y and Z are joints 0, 1 and 2".to_owned());
        return AXES.map(str::to_owned).to_vec();
    };
    let letters: Vec<String> = letters
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(16)
        .map(|letter| letter.to_ascii_lowercase().to_string())
        .collect();
    for letter in letters.iter().filter(|letter| !AXES.contains(&letter.as_str())) {
        draft.skips(span, format!("axis {letter} is not among X, Y and Z, it has no place here"));
    }
    if let Some(kinematics) = ini.text("KINS", "KINEMATICS").filter(|value| !value.text.starts_with("trivkins")) {
        let name = kinematics.text.split_whitespace().next().unwrap_or("").to_owned();
        draft.skips(kinematics.span, format!("kinematics `{name}`: axes are taken as straight and independent"));
    }
    letters
}

fn one_axis(draft: &mut Draft<'_>, ini: &Ini, axis: usize, joint: Option<usize>, unit_mm: f64) {
    let name = AXES[axis];
    let own = format!("AXIS_{}", name.to_ascii_uppercase());
    let of_joint = joint.map(|number| format!("JOINT_{number}"));
    if joint.is_none() && !ini.has(&own) {
        return draft.assumes(format!("the machine has no axis {name}"));
    }
    let figure = |draft: &mut Draft<'_>, key: &str| {
        let found = ini.number(draft, &own, key);
        found.or_else(|| ini.number(draft, of_joint.as_deref()?, key))
    };
    if let (Some((low, at)), Some((high, _))) = (figure(draft, "MIN_LIMIT"), figure(draft, "MAX_LIMIT")) {
        draft.travel(axis, at, [low * unit_mm, high * unit_mm]);
    }
    if let Some((speed, at)) = figure(draft, "MAX_VELOCITY") {
        let key = format!("axis.{name}.feed_max_mm_min");
        let speed = draft.checked(at, &key, speed * unit_mm * 60.0, SPEED_MM_MIN);
        draft.axes[axis].speed_mm_min = speed;
        say(draft, at, &format!("speed of {name}"), speed, "mm/min");
    }
    if let Some((acceleration, at)) = figure(draft, "MAX_ACCELERATION") {
        let key = format!("axis.{name}.acceleration_mm_s2");
        let acceleration = draft.checked(at, &key, acceleration * unit_mm, ACCELERATION_MM_S2);
        draft.axes[axis].acceleration_mm_s2 = acceleration;
        say(draft, at, &format!("acceleration of {name}"), acceleration, "mm/s²");
    }
    if let Some((jerk, at)) = figure(draft, "MAX_JERK") {
        jerk_of(draft, ini, axis, jerk * unit_mm, at);
    }
    let home = of_joint.as_deref().and_then(|section| ini.number(draft, section, "HOME"));
    if let Some((home, at)) = home {
        let key = format!("home of {name}");
        draft.axes[axis].home_mm = draft.checked(at, &key, home * unit_mm, PLACE_MM).map(rounded);
        say(draft, at, &format!("{name} after homing"), Some(home * unit_mm), "mm");
    }
}

fn jerk_of(draft: &mut Draft<'_>, ini: &Ini, axis: usize, jerk_mm_s3: f64, at: Span) {
    let name = AXES[axis];
    let smooth = ini.number(draft, "TRAJ", "PLANNER_TYPE").is_some_and(|(kind, _)| kind == 1.0);
    if !smooth {
        let text = format!("jerk of {name}: the planner steps its acceleration, for PLANNER_TYPE is not 1");
        return draft.skips(at, text);
    }
    let key = format!("axis.{name}.jerk_mm_s3");
    let jerk = draft.checked(at, &key, jerk_mm_s3, JERK_MM_S3);
    draft.axes[axis].jerk_mm_s3 = jerk;
    say(draft, at, &format!("jerk of {name}"), jerk, "mm/s³");
}

fn path(draft: &mut Draft<'_>, ini: &Ini, unit_mm: f64) {
    let speed = ["MAX_LINEAR_VELOCITY", "MAX_VELOCITY"].iter().find_map(|key| ini.number(draft, "TRAJ", key));
    if let Some((speed, at)) = speed {
        let speed = draft.checked(at, "path_speed_max_mm_min", speed * unit_mm * 60.0, SPEED_MM_MIN);
        draft.path_speed_mm_min = speed;
        say(draft, at, "speed along the path", speed, "mm/min");
    }
    for key in ["MAX_LINEAR_ACCELERATION", "MAX_ACCELERATION"] {
        if let Some(value) = ini.text("TRAJ", key) {
            draft.skips(value.span, format!("[TRAJ]{key}: coordinated moves obey the axes' accelerations"));
        }
    }
    let enabled = ini.number(draft, "TRAJ", "ARC_BLEND_ENABLE");
    match enabled {
        Some((0.0, at)) => {
            draft.skips(at, "ARC_BLEND_ENABLE is 0: corners are passed at the speed of the corner rule".to_owned());
        }
        _ => {
            let dial = ini.number(draft, "DISPLAY", "MAX_FEED_OVERRIDE");
            let ratio = dial.and_then(|(most, at)| draft.checked(at, "corner_blend.speed_ratio", most, (0.0, 10.0)));
            let period = ini.number(draft, "EMCMOT", "SERVO_PERIOD");
            let period = period.and_then(|(ns, at)| draft.checked(at, "servo period in ns", ns, (1e3, 1e8)));
            let cycle_ms = rounded(period.unwrap_or(SERVO_PERIOD_NS) / 1e6);
            draft.blend = Some([BLEND_SHARE, ratio.unwrap_or(1.0).max(1.0), ARC_SHARE, cycle_ms]);
            draft.assumes(format!("corners are blended by arcs, G64 without P by {BLEND_SHARE} of the shorter move"));
            if let Some((most, at)) = dial {
                draft.imports(at, format!("corner blends are wide enough for {most} times the feed"));
            }
        }
    }
}

fn spindle(draft: &mut Draft<'_>, ini: &Ini) {
    let Some((rpm, at)) = ini.number(draft, "SPINDLE_0", "MAX_FORWARD_VELOCITY") else { return };
    draft.spindle_rpm = draft.checked(at, "spindle.speed_max_rpm", rpm, SPINDLE_RPM);
    say(draft, at, "greatest spindle speed", Some(rpm), "rpm");
}

/// What stands beside the machine file.
fn beside(draft: &mut Draft<'_>, ini: &Ini) {
    if let Some(table) = ini.text("EMCIO", "TOOL_TABLE") {
        draft.skips(table.span, format!("the tool table {} is a file of its own: give it with --tools", table.text));
    }
    if let Some(value) = ini.text("RS274NGC", "PARAMETER_FILE") {
        draft.skips(value.span, format!("offsets and G28's place stand in {}, which is not read", value.text));
    }
    let text = format!("of its {} keys, those about drives, HAL, display and files have no part in motion", ini.keys);
    draft.skips(Span::default(), text);
}

fn say(draft: &mut Draft<'_>, at: Span, what: &str, value: Option<f64>, unit: &str) {
    if let Some(value) = value {
        draft.imports(at, format!("{what}: {} {unit}", rounded(value)));
    }
}
