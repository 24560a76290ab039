//! The machine file as text, with what nobody said filled in.
//!
//! What is filled in is the built-in generic mill's, read from its own file, so that no figure stands in two places.

use std::fmt::Write as _;

use shared::files::{FileText, MachinePatch, read_machine};
use shared::machine::{LengthUnit, Machine};
use shared::program::{Diagnostic, Severity};

use super::draft::{AXES, Draft, SPINDLE_RPM, rounded};
use crate::format::Builtin;

/// The machine that lends its figures.
const GENERIC: &str = "generic-vmc";

/// Keys that a user may state beside a file.
const KEYS: [&str; 12] = [
    "feed_max_mm_min",
    "acceleration_mm_s2",
    "corner_deviation_mm",
    "tool_change_s",
    "m_code_s",
    "spindle.speed_max_rpm",
    "spindle.speed_slew_rpm_s",
    "spindle.power_max_kw",
    "spindle.torque_max_n_m",
    "spindle.efficiency",
    "spindle.idle_power_kw",
    "override.effect_time_ms",
];

/// Name and machine file. Fills in, and says so in the draft.
pub(super) fn write(draft: &mut Draft<'_>) -> Result<(String, String), Vec<Diagnostic>> {
    let generic = generic()?;
    if let Some(unknown) = draft.stated.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let message = format!("`{unknown}` is no figure that can be stated, expected one of {}", KEYS.join(", "));
        let advice = "correct the key".to_owned();
        return Err(vec![draft.file.diagnostic(Severity::Error, None, "machine::stated", message, advice)]);
    }
    let name = draft.name.take().unwrap_or_else(|| {
        draft.assumes("the file names no machine; it is called after the file".to_owned());
        draft.file.name.to_owned()
    });
    let mut out = head(draft, &name, &generic);
    for axis in 0..3 {
        out.push_str(&axis_table(draft, axis, &generic));
    }
    out.push_str(&spindle_table(draft, &generic));
    out.push_str(&override_table(draft, &generic));
    // Whatever was taken and filled in must be a machine that every reader accepts.
    let made = FileText { name: "the machine file made of it", text: &out };
    if draft.errors.is_empty() {
        read_machine(made, &MachinePatch::default())?;
    }
    Ok((name, out))
}

fn generic() -> Result<Machine, Vec<Diagnostic>> {
    let bytes = Builtin::Machine.find(GENERIC).unwrap_or_default();
    let file = FileText::from_bytes(GENERIC, bytes).map_err(|error| vec![*error])?;
    read_machine(file, &MachinePatch::default()).map(|(machine, _)| machine)
}

/// What nobody said: what the user states, else the generic mill's.
fn filled(draft: &mut Draft<'_>, key: &str, generic: f64) -> f64 {
    match draft.stated.get(key) {
        Some(value) => {
            draft.assumes(format!("`{key}` is {value}, as stated beside the file"));
            *value
        }
        None => {
            let value = rounded(generic);
            draft.assumes(format!("`{key}` is not in the file, {value} of {GENERIC} is taken"));
            value
        }
    }
}

fn head(draft: &mut Draft<'_>, name: &str, generic: &Machine) -> String {
    let unit = draft.unit.unwrap_or_else(|| {
        draft.assumes("the unit at power-on is not in the file, mm is taken".to_owned());
        LengthUnit::Millimetre
    });
    let unit = if unit == LengthUnit::Inch { "inch" } else { "mm" };
    let home = draft.axes.each_ref().map(|axis| axis.home_mm);
    if home.iter().any(Option::is_none) {
        draft.assumes("where the axes stand after homing is not in the file, 0 is taken".to_owned());
    }
    let home = home.map(|place| place.unwrap_or(0.0));
    let corner_mm = filled(draft, "corner_deviation_mm", generic.corner_deviation.as_mm());
    let tool_change_s = filled(draft, "tool_change_s", generic.tool_change.as_s());
    let m_code_s = filled(draft, "m_code_s", generic.m_code.as_s());
    draft.assumes("tool length applies by the program (G43), rapids go along the straight line".to_owned());
    draft.assumes("work nobody placed has its origin where the machine has its own".to_owned());
    let source = text(&format!("{}: {}", draft.kind, draft.file.name));
    let assumed = text(&format!("what it does not say is {GENERIC}'s or as stated at the import: see the comments"));
    let mut out = format!(
        "# {} machine, imported; `assumed` marks what the file does not say.\nschema = 1\nname = {}\nsources = [\n    \
         {source},\n    {assumed},\n]\nlength_unit = \"{unit}\"\ntool_length = \"by_program\"  # assumed\n\
         rapid_mode = \"linear\"  # assumed\ncorner_deviation_mm = {corner_mm:?}  # assumed\n\
         tool_change_s = {tool_change_s:?}  # assumed\nm_code_s = {m_code_s:?}  # assumed\nreference_mm = {home:?}\n\
         work_origin_mm = [0.0, 0.0, 0.0]  # assumed\n",
        draft.kind,
        text(name)
    );
    if let Some(speed_mm_min) = draft.path_speed_mm_min {
        let _ = writeln!(out, "path_speed_max_mm_min = {:?}", rounded(speed_mm_min));
    }
    if let Some([share, speed_ratio, arc_share, cycle_ms]) = draft.blend {
        let _ = writeln!(
            out,
            "\n[corner_blend]\nshare = {share:?}\nspeed_ratio = {speed_ratio:?}\narc_share = {arc_share:?}\ncycle_ms = {cycle_ms:?}"
        );
    }
    out
}

fn axis_table(draft: &mut Draft<'_>, axis: usize, generic: &Machine) -> String {
    let name = AXES[axis];
    let figures = draft.axes[axis].clone();
    let mut out = format!("\n[axis.{name}]\n");
    match figures.travel_mm {
        Some([low, high]) => {
            let _ = writeln!(out, "travel_mm = [{:?}, {:?}]", rounded(low), rounded(high));
        }
        None => draft.assumes(format!("travel of {name} is not in the file; it is not checked")),
    }
    let mark = |found: bool| if found { "" } else { "  # assumed" };
    let speed_mm_min = figures.speed_mm_min.unwrap_or_else(|| {
        let own = generic.axes[axis].feed_max.as_mm_s() * 60.0;
        filled_axis(draft, name, "feed_max_mm_min", own)
    });
    let speed = rounded(speed_mm_min);
    let marked = mark(figures.speed_mm_min.is_some());
    let _ = writeln!(out, "feed_max_mm_min = {speed:?}{marked}\nrapid_mm_min = {speed:?}{marked}");
    let acceleration = figures
        .acceleration_mm_s2
        .unwrap_or_else(|| filled_axis(draft, name, "acceleration_mm_s2", generic.axes[axis].acceleration.as_mm_s2()));
    let marked = mark(figures.acceleration_mm_s2.is_some());
    let _ = writeln!(out, "acceleration_mm_s2 = {:?}{marked}", rounded(acceleration));
    if let Some(jerk) = figures.jerk_mm_s3 {
        let _ = writeln!(out, "jerk_mm_s3 = {:?}", rounded(jerk));
    }
    out
}

fn filled_axis(draft: &mut Draft<'_>, axis: &str, key: &str, generic: f64) -> f64 {
    let (value, whence) = match draft.stated.get(key) {
        Some(value) => (*value, "as stated beside the file".to_owned()),
        None => (rounded(generic), format!("{GENERIC}'s")),
    };
    draft.assumes(format!("`axis.{axis}.{key}` is not in the file: {value}, {whence}"));
    value
}

fn spindle_table(draft: &mut Draft<'_>, generic: &Machine) -> String {
    let own = &generic.spindle;
    let mark = |found: bool| if found { "" } else { "  # assumed" };
    let speed_found = draft.spindle_rpm.filter(|rpm| (SPINDLE_RPM.0..=SPINDLE_RPM.1).contains(rpm));
    let speed = speed_found.unwrap_or_else(|| filled(draft, "spindle.speed_max_rpm", own.speed_max.as_rev_s() * 60.0));
    let slew = filled(draft, "spindle.speed_slew_rpm_s", own.speed_slew_rev_s2 * 60.0);
    let power_found = draft.spindle_kw;
    let power = power_found.unwrap_or_else(|| filled(draft, "spindle.power_max_kw", own.power_max.as_w() / 1e3));
    let torque = filled(draft, "spindle.torque_max_n_m", own.torque_max.as_n_m());
    let efficiency = filled(draft, "spindle.efficiency", own.efficiency);
    let idle = filled(draft, "spindle.idle_power_kw", own.idle_power.as_w() / 1e3);
    format!(
        "\n[spindle]\nspeed_max_rpm = {:?}{}\nspeed_slew_rpm_s = {slew:?}  # assumed\npower_max_kw = {power:?}{}\n\
         torque_max_n_m = {torque:?}  # assumed\nefficiency = {efficiency:?}  # assumed\nidle_power_kw = {idle:?}  # assumed\n",
        rounded(speed),
        mark(speed_found.is_some()),
        mark(power_found.is_some()),
    )
}

fn override_table(draft: &mut Draft<'_>, generic: &Machine) -> String {
    let own = generic.override_range;
    let effect_ms = filled(draft, "override.effect_time_ms", own.effect_time.as_s() * 1e3);
    let (min, step) = (f64::from(own.min_permille) / 1e3, f64::from(own.step_permille) / 1e3);
    let slew = own.slew_per_s;
    draft.assumes(format!(
        "the override channel is not in the file: from {min} in steps of {step}, {slew} per second, {GENERIC}'s"
    ));
    format!(
        "\n[override]\nmin = {min:?}  # assumed\nstep = {step:?}  # assumed\nslew_per_s = {slew:?}  # assumed\n\
         effect_time_ms = {effect_ms:?}  # assumed\n"
    )
}

/// A TOML string.
fn text(value: &str) -> String {
    toml::Value::String(value.chars().filter(|c| !c.is_control()).take(200).collect()).to_string()
}
