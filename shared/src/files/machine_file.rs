use serde::Deserialize;

use super::kinematics_table::{KinematicsTable, kinematics};
use super::text::{FileText, parse_toml};
use crate::geom::Point;
use crate::machine::{
    Axis, Control, CornerBlend, InsideArcs, LengthUnit, Machine, NoseSection, OverrideRange, RapidEnd, RapidMode,
    RotaryAxis, Spindle, SpindleRating, SpindleStart, SpindleWait, ToolAtStart, ToolLengthRule,
};
use crate::program::Diagnostic;
use crate::units::{Acceleration, Feedrate, Jerk, Length, Power, RotaryVelocity, Seconds, Torque};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MachineFile {
    schema: u32,
    name: String,
    /// Where the figures come from; read by people.
    #[allow(dead_code)]
    sources: Vec<String>,
    length_unit: UnitWord,
    tool_length: ToolLengthWord,
    rapid_mode: RapidWord,
    corner_deviation_mm: f64,
    path_speed_max_mm_min: Option<f64>,
    tool_change_s: f64,
    m_code_s: f64,
    spindle_start: Option<SpindleStartWord>,
    /// Who keeps the feed along the contour of inside arcs.
    inside_arcs: Option<InsideArcsWord>,
    reference_mm: [f64; 3],
    /// Where work usually stands: the origin that is assumed for a work offset nobody stated.
    work_origin_mm: [f64; 3],
    axis: AxisTables,
    corner_blend: Option<BlendTable>,
    spindle: SpindleTable,
    #[serde(rename = "override")]
    overrides: OverrideTable,
    control: Option<ControlTable>,
    kinematics: Option<KinematicsTable>,
    #[serde(default)]
    pub(super) dynamics: Vec<DynamicsTable>,
}

/// How a tip gives way: modes by direction, or a file with what was measured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DynamicsTable {
    /// T number; every other tool without it.
    pub(super) tool: Option<u32>,
    pub(super) x: Option<Vec<ModeTable>>,
    pub(super) y: Option<Vec<ModeTable>>,
    /// A file with a measured response, beside the machine file.
    pub(super) response: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModeTable {
    pub(super) frequency_hz: f64,
    pub(super) damping_ratio: f64,
    pub(super) mass_kg: f64,
}

/// What the control adds; everything is zero or unknown where it is not said.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ControlTable {
    start_s: f64,
    end_s: f64,
    smoothing_s: f64,
    rapid_end: RapidEndWord,
    tool_at_start: ToolAtStartWord,
    spindle_wait: Option<SpindleWaitTable>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RapidEndWord {
    #[default]
    Blended,
    AtRest,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToolAtStartWord {
    #[default]
    Unknown,
    AsAtEnd,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpindleWaitTable {
    ready_s: f64,
    stopped_s: f64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitWord {
    Mm,
    Inch,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToolLengthWord {
    ByProgram,
    AtToolChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RapidWord {
    Linear,
    Dogleg,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AxisTables {
    x: AxisTable,
    y: AxisTable,
    z: AxisTable,
    a: Option<RotaryTable>,
    b: Option<RotaryTable>,
    c: Option<RotaryTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotaryTable {
    feed_max_deg_min: f64,
    rapid_deg_min: f64,
    acceleration_deg_s2: f64,
    jerk_deg_s3: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SpindleStartWord {
    AtCommand,
    BeforeMotion,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum InsideArcsWord {
    AsProgrammed,
    Reduce,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AxisTable {
    travel_mm: Option<[f64; 2]>,
    feed_max_mm_min: f64,
    rapid_mm_min: f64,
    acceleration_mm_s2: f64,
    rapid_acceleration_mm_s2: Option<f64>,
    jerk_mm_s3: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlendTable {
    share: f64,
    speed_ratio: f64,
    arc_share: f64,
    cycle_ms: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpindleTable {
    speed_max_rpm: f64,
    speed_slew_rpm_s: f64,
    power_max_kw: f64,
    torque_max_n_m: f64,
    efficiency: f64,
    idle_power_kw: f64,
    /// S6-40 %; without it the continuous figures hold for every duty.
    s6_power_max_kw: Option<f64>,
    s6_torque_max_n_m: Option<f64>,
    #[serde(default)]
    nose: Vec<NoseTable>,
}

/// A section of the spindle's nose, upwards from the gauge line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoseTable {
    diameter_low_mm: f64,
    diameter_high_mm: f64,
    length_mm: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideTable {
    min: f64,
    step: f64,
    slew_per_s: f64,
    effect_time_ms: f64,
}

/// Single values of a machine file replaced by a job (`[machine.override]`).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachinePatch {
    rapid_mode: Option<RapidWord>,
    tool_change_s: Option<f64>,
    corner_deviation_mm: Option<f64>,
}

/// Reads a machine file: the machine, and the origin that is assumed for work nobody placed.
///
/// # Errors
/// Every diagnostic found: a key that is missing or unknown, or a figure outside its range.
pub fn read_machine(file: FileText<'_>, patch: &MachinePatch) -> Result<(Machine, [f64; 3]), Vec<Diagnostic>> {
    let read: MachineFile = parse_toml(file).map_err(|error| vec![*error])?;
    let mut ranges = Ranges { file, errors: Vec::new() };
    if read.schema != 1 {
        let message = format!("schema {} is not known, this version reads schema 1", read.schema);
        ranges.errors.push(file.error_at("schema", "file::schema", message, "use a newer version".to_owned()));
    }
    let tables = [(&read.axis.x, "x"), (&read.axis.y, "y"), (&read.axis.z, "z")];
    let axes = tables.map(|(table, name)| axis(table, name, &mut ranges));
    let tables = [(&read.axis.a, "a"), (&read.axis.b, "b"), (&read.axis.c, "c")];
    let rotary = tables.map(|(table, name)| table.as_ref().map(|table| rotary(table, name, &mut ranges)));
    let table = read.kinematics.as_ref();
    let kinematics = table.and_then(|table| kinematics(table, &rotary, file, &mut ranges.errors));
    let spindle_nose = nose(&read.spindle.nose, &mut ranges);
    let spindle_s6 = spindle_s6(&read.spindle, &mut ranges);
    let spindle = spindle(&read.spindle, &mut ranges);
    let override_range = override_range(&read.overrides, &mut ranges);
    let control = control(&read.control.unwrap_or_default(), &mut ranges);
    let corner_mm = patch.corner_deviation_mm.unwrap_or(read.corner_deviation_mm);
    let rapid_mode = match (patch.rapid_mode, read.rapid_mode) {
        (Some(RapidWord::Linear), _) | (None, RapidWord::Linear) => RapidMode::Linear,
        (Some(RapidWord::Dogleg), _) | (None, RapidWord::Dogleg) => RapidMode::Dogleg,
    };
    let machine = Machine {
        name: read.name,
        axes,
        rotary,
        kinematics,
        rapid_mode,
        corner_deviation: Length::mm(ranges.within("corner_deviation_mm", corner_mm, 0.0, 10.0)),
        corner_blend: read.corner_blend.map(|table| corner_blend(&table, &mut ranges)),
        path_speed_max: read
            .path_speed_max_mm_min
            .map(|speed| Feedrate::mm_s(ranges.within("path_speed_max_mm_min", speed, 1.0, 1e6) / 60.0)),
        spindle,
        spindle_nose,
        spindle_s6,
        inside_arcs: match read.inside_arcs {
            Some(InsideArcsWord::Reduce) => InsideArcs::Reduce,
            Some(InsideArcsWord::AsProgrammed) | None => InsideArcs::AsProgrammed,
        },
        spindle_start: match read.spindle_start {
            Some(SpindleStartWord::BeforeMotion) => SpindleStart::BeforeMotion,
            Some(SpindleStartWord::AtCommand) | None => SpindleStart::AtCommand,
        },
        tool_change: Seconds::s(ranges.within(
            "tool_change_s",
            patch.tool_change_s.unwrap_or(read.tool_change_s),
            0.0,
            600.0,
        )),
        m_code: Seconds::s(ranges.within("m_code_s", read.m_code_s, 0.0, 60.0)),
        tool_length_rule: match read.tool_length {
            ToolLengthWord::ByProgram => ToolLengthRule::ByProgram,
            ToolLengthWord::AtToolChange => ToolLengthRule::AtToolChange,
        },
        length_unit: match read.length_unit {
            UnitWord::Mm => LengthUnit::Millimetre,
            UnitWord::Inch => LengthUnit::Inch,
        },
        reference: Point::from(read.reference_mm.map(|v| ranges.within("reference_mm", v, -1e5, 1e5))),
        override_range,
        control,
    };
    let origin = read.work_origin_mm.map(|v| ranges.within("work_origin_mm", v, -1e5, 1e5));
    if ranges.errors.is_empty() { Ok((machine, origin)) } else { Err(ranges.errors) }
}

fn corner_blend(table: &BlendTable, ranges: &mut Ranges<'_>) -> CornerBlend {
    CornerBlend {
        share: ranges.within("corner_blend.share", table.share, 0.01, 0.5),
        speed_ratio: ranges.within("corner_blend.speed_ratio", table.speed_ratio, 1.0, 10.0),
        arc_share: ranges.within("corner_blend.arc_share", table.arc_share, 0.05, 1.0),
        cycle: Seconds::s(ranges.within("corner_blend.cycle_ms", table.cycle_ms, 0.0, 100.0) / 1e3),
    }
}

fn axis(table: &AxisTable, name: &str, ranges: &mut Ranges<'_>) -> Axis {
    let key = |leaf: &str| format!("axis.{name}.{leaf}");
    let acceleration = ranges.within(&key("acceleration_mm_s2"), table.acceleration_mm_s2, 1.0, 1e6);
    let rapid_acceleration = table.rapid_acceleration_mm_s2.unwrap_or(acceleration);
    if let Some([low, high]) = table.travel_mm {
        ranges.within(&key("travel_mm"), high - low, f64::MIN_POSITIVE, 1e6);
    }
    Axis {
        travel: table.travel_mm.map(|[low, high]| (Length::mm(low), Length::mm(high))),
        feed_max: Feedrate::mm_s(ranges.within(&key("feed_max_mm_min"), table.feed_max_mm_min, 1.0, 1e6) / 60.0),
        rapid: Feedrate::mm_s(ranges.within(&key("rapid_mm_min"), table.rapid_mm_min, 1.0, 1e6) / 60.0),
        acceleration: Acceleration::mm_s2(acceleration),
        rapid_acceleration: Acceleration::mm_s2(ranges.within(
            &key("rapid_acceleration_mm_s2"),
            rapid_acceleration,
            1.0,
            1e6,
        )),
        jerk: table.jerk_mm_s3.map(|jerk| Jerk::mm_s3(ranges.within(&key("jerk_mm_s3"), jerk, 1.0, 1e9))),
    }
}

fn rotary(table: &RotaryTable, name: &str, ranges: &mut Ranges<'_>) -> RotaryAxis {
    let mut within = |leaf: &str, value: f64| ranges.within(&format!("axis.{name}.{leaf}"), value, 1e-3, 1e9);
    RotaryAxis {
        feed_max_rad_s: (within("feed_max_deg_min", table.feed_max_deg_min) / 60.0).to_radians(),
        rapid_rad_s: (within("rapid_deg_min", table.rapid_deg_min) / 60.0).to_radians(),
        acceleration_rad_s2: within("acceleration_deg_s2", table.acceleration_deg_s2).to_radians(),
        jerk_rad_s3: table.jerk_deg_s3.map(|jerk| within("jerk_deg_s3", jerk).to_radians()),
    }
}

fn spindle(table: &SpindleTable, ranges: &mut Ranges<'_>) -> Spindle {
    Spindle {
        speed_max: RotaryVelocity::rev_s(ranges.within("spindle.speed_max_rpm", table.speed_max_rpm, 1.0, 1e6) / 60.0),
        speed_slew_rev_s2: ranges.within("spindle.speed_slew_rpm_s", table.speed_slew_rpm_s, 1.0, 1e7) / 60.0,
        power_max: Power::w(ranges.within("spindle.power_max_kw", table.power_max_kw, 1e-3, 1e4) * 1e3),
        torque_max: Torque::n_m(ranges.within("spindle.torque_max_n_m", table.torque_max_n_m, 1e-3, 1e5)),
        efficiency: ranges.within("spindle.efficiency", table.efficiency, 0.05, 1.0),
        idle_power: Power::w(ranges.within("spindle.idle_power_kw", table.idle_power_kw, 0.0, 1e3) * 1e3),
    }
}

fn nose(tables: &[NoseTable], ranges: &mut Ranges<'_>) -> Vec<NoseSection> {
    let mut length = |key: &str, value: f64| Length::mm(ranges.within(key, value, 1e-3, 5e3));
    let sections = tables.iter().map(|table| NoseSection {
        diameter_low: length("spindle.nose.diameter_low_mm", table.diameter_low_mm),
        diameter_high: length("spindle.nose.diameter_high_mm", table.diameter_high_mm),
        length: length("spindle.nose.length_mm", table.length_mm),
    });
    sections.collect()
}

/// The rating for periodic load, no lower than the continuous one.
fn spindle_s6(table: &SpindleTable, ranges: &mut Ranges<'_>) -> Option<SpindleRating> {
    let (power_kw, torque_n_m) = (table.s6_power_max_kw, table.s6_torque_max_n_m);
    if power_kw.is_none() && torque_n_m.is_none() {
        return None;
    }
    let power_kw = power_kw.unwrap_or(table.power_max_kw);
    let torque_n_m = torque_n_m.unwrap_or(table.torque_max_n_m);
    Some(SpindleRating {
        power_max: Power::w(ranges.within("spindle.s6_power_max_kw", power_kw, table.power_max_kw, 1e4) * 1e3),
        torque_max: Torque::n_m(ranges.within("spindle.s6_torque_max_n_m", torque_n_m, table.torque_max_n_m, 1e5)),
    })
}

fn override_range(table: &OverrideTable, ranges: &mut Ranges<'_>) -> OverrideRange {
    let min = ranges.within("override.min", table.min, 0.0, 1.0);
    let step = ranges.within("override.step", table.step, 0.001, 1.0);
    OverrideRange {
        min_permille: (min * 1000.0).round() as u16,
        step_permille: (step * 1000.0).round() as u16,
        slew_per_s: ranges.within("override.slew_per_s", table.slew_per_s, 0.01, 1000.0),
        effect_time: Seconds::s(ranges.within("override.effect_time_ms", table.effect_time_ms, 0.0, 60_000.0) / 1e3),
    }
}

fn control(table: &ControlTable, ranges: &mut Ranges<'_>) -> Control {
    let mut time = |key: &str, value: f64, high: f64| Seconds::s(ranges.within(key, value, 0.0, high));
    Control {
        start: time("control.start_s", table.start_s, 60.0),
        end: time("control.end_s", table.end_s, 60.0),
        smoothing: time("control.smoothing_s", table.smoothing_s, 1.0),
        rapid_end: match table.rapid_end {
            RapidEndWord::Blended => RapidEnd::Blended,
            RapidEndWord::AtRest => RapidEnd::AtRest,
        },
        tool_at_start: match table.tool_at_start {
            ToolAtStartWord::Unknown => ToolAtStart::Unknown,
            ToolAtStartWord::AsAtEnd => ToolAtStart::AsAtEnd,
        },
        spindle_wait: table.spindle_wait.as_ref().map(|wait| SpindleWait {
            ready: time("control.spindle_wait.ready_s", wait.ready_s, 60.0),
            stopped: time("control.spindle_wait.stopped_s", wait.stopped_s, 60.0),
        }),
    }
}

/// Collects figures that lie outside what is physically sensible.
struct Ranges<'a> {
    file: FileText<'a>,
    errors: Vec<Diagnostic>,
}

impl Ranges<'_> {
    fn within(&mut self, key: &str, value: f64, low: f64, high: f64) -> f64 {
        if !(low..=high).contains(&value) {
            let message = format!("`{key}` is {value}, expected a number from {low} to {high}");
            let advice = "correct the figure; the unit is in the key".to_owned();
            self.errors.push(self.file.error_at(key, "file::range", message, advice));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SpindleDuty;

    const START: &str = "schema = 1\nname = \"x\"\nsources = []\nlength_unit = \"mm\"\ntool_length = \"by_program\"\n\
        rapid_mode = \"linear\"\ncorner_deviation_mm = 0.01\ntool_change_s = 5.0\nm_code_s = 0.2\n\
        reference_mm = [0.0, 0.0, 0.0]\nwork_origin_mm = [0.0, 0.0, 0.0]\n";
    const REST: &str = "[spindle]\nspeed_max_rpm = 12000.0\nspeed_slew_rpm_s = 6000.0\npower_max_kw = 11.0\n\
        torque_max_n_m = 70.0\nefficiency = 0.85\nidle_power_kw = 0.5\n[override]\nmin = 0.1\nstep = 0.01\n\
        slew_per_s = 5.0\neffect_time_ms = 5.0\n";

    fn linear() -> String {
        let axis = |axis| {
            format!("[axis.{axis}]\nfeed_max_mm_min = 15000.0\nrapid_mm_min = 24000.0\nacceleration_mm_s2 = 2000.0\n")
        };
        ["x", "y", "z"].map(axis).concat()
    }

    fn read(more: &str, tables: &str) -> Result<Machine, Vec<&'static str>> {
        let text = format!("{START}{more}{}{tables}{REST}", linear());
        read_machine(FileText { name: "m.toml", text: &text }, &MachinePatch::default())
            .map(|read| read.0)
            .map_err(|found| found.iter().map(|diagnostic| diagnostic.code).collect())
    }

    #[test]
    fn rotary_axes_and_the_wait_for_the_spindle_are_optional() {
        let plain = read("", "").expect("valid");
        assert_eq!((plain.rotary, plain.spindle_start), ([None; 3], SpindleStart::AtCommand));
        let table = "[axis.b]\nfeed_max_deg_min = 1800.0\nrapid_deg_min = 3600.0\nacceleration_deg_s2 = 180.0\n";
        let turning = read("spindle_start = \"before_motion\"\n", table).expect("valid");
        let [None, Some(axis), None] = turning.rotary else {
            panic!("{:?}", turning.rotary);
        };
        assert!((axis.feed_max_rad_s - std::f64::consts::PI / 6.0).abs() < 1e-12);
        assert!((axis.rapid_rad_s - std::f64::consts::PI / 3.0).abs() < 1e-12);
        assert!((axis.acceleration_rad_s2 - std::f64::consts::PI).abs() < 1e-12);
        assert_eq!((axis.jerk_rad_s3, turning.spindle_start), (None, SpindleStart::BeforeMotion));
    }

    #[test]
    fn joints_are_read_and_their_mistakes_named_by_line() {
        let axis = "[axis.a]\nfeed_max_deg_min = 1800.0\nrapid_deg_min = 3600.0\nacceleration_deg_s2 = 180.0\n";
        let joint = |axis: &str, direction: &str| {
            format!(
                "[[kinematics.joint]]\naxis = \"{axis}\"\ncarries = \"work\"\ndirection = {direction}\n\
                 centre_mm = [1.0, 2.0, 3.0]\n"
            )
        };
        let good = read("", &format!("{axis}{}", joint("a", "[-2.0, 0.0, 0.0]"))).expect("valid");
        let kinematics = good.kinematics.expect("a joint");
        assert_eq!(kinematics.joints()[0].direction, crate::geom::Vector::new(-1.0, 0.0, 0.0));
        let refused = |tables: String, line: &str| {
            let linear = ["x", "y", "z"].map(|axis| {
                let limits = "feed_max_mm_min = 15000.0\nrapid_mm_min = 24000.0\nacceleration_mm_s2 = 2000.0\n";
                format!("[axis.{axis}]\n{limits}")
            });
            let text = format!("{START}{}{tables}{REST}", linear.concat());
            let file = FileText { name: "m.toml", text: &text };
            let errors = read_machine(file, &MachinePatch::default()).expect_err("a mistake");
            let found = errors.iter().find(|error| error.code == "file::kinematics").expect("about the joints");
            let written = text.lines().nth(found.line as usize - 1).unwrap_or_default();
            assert!(written.contains(line) && found.source == "m.toml", "{found:?} at `{written}`");
        };
        refused(joint("a", "[-1.0, 0.0, 0.0]"), "axis = \"a\"");
        refused(format!("{axis}{}", joint("a", "[0.0, 0.0, 0.0]")), "direction");
        refused(format!("{axis}{0}{0}", joint("a", "[1.0, 0.0, 0.0]")), "axis = \"a\"");
    }

    #[test]
    fn the_nose_of_the_spindle_is_optional() {
        let nose = |high: &str| {
            let section = format!("diameter_low_mm = 60.0\ndiameter_high_mm = {high}\nlength_mm = 80.0\n");
            read("", &format!("[[spindle.nose]]\n{section}"))
        };
        assert_eq!(read("", "").expect("valid").spindle_nose, []);
        assert_eq!(nose("-1.0"), Err(vec!["file::range"]));
        let sections = nose("90.0").expect("valid").spindle_nose;
        assert_eq!(sections.iter().map(|section| section.diameter_high.as_mm()).collect::<Vec<_>>(), [90.0]);
    }

    #[test]
    fn periodic_load_and_inside_arcs_are_optional() {
        let plain = read("", "").expect("valid");
        assert_eq!((plain.spindle_s6, plain.inside_arcs), (None, InsideArcs::AsProgrammed));
        assert_eq!(plain.rating(SpindleDuty::S6), plain.rating(SpindleDuty::S1));
        let more = "inside_arcs = \"reduce\"\n";
        let text = format!(
            "{START}{more}{}{}",
            linear(),
            REST.replace("idle_power_kw", "s6_power_max_kw = 15.0\nidle_power_kw")
        );
        let file = FileText { name: "m.toml", text: &text };
        let (machine, _) = read_machine(file, &MachinePatch::default()).expect("valid");
        assert_eq!(machine.inside_arcs, InsideArcs::Reduce);
        let s6 = machine.rating(SpindleDuty::S6);
        assert_eq!((s6.power_max.as_w(), s6.torque_max.as_n_m()), (15_000.0, 70.0));
        assert_eq!(machine.rating(SpindleDuty::S1).power_max.as_w(), 11_000.0);
        let text = text.replace("15.0\n", "5.0\n");
        let errors =
            read_machine(FileText { name: "m.toml", text: &text }, &MachinePatch::default()).expect_err("lower");
        assert!(errors[0].to_string().contains("spindle.s6_power_max_kw"), "{}", errors[0]);
    }

    #[test]
    fn a_rotary_axis_that_cannot_turn_is_refused() {
        let table = "[axis.c]\nfeed_max_deg_min = 1800.0\nrapid_deg_min = 0.0\nacceleration_deg_s2 = 180.0\n";
        assert_eq!(read("", table), Err(vec!["file::range"]));
    }
}
