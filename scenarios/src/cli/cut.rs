//! `cosim cut`: one cut by the model that plans are made with, for people who want to check it or to ask it.
//!
//! The model knows 128 steps of the turn. A wall between two steps is reached by taking both cuts and mixing them by
//! a_e, which keeps the removed volume and the cutting torque exact. On a cutter with a curved tip each slice
//! meets the wall at its own angle, rounded to a step.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use shared::cutting::{
    ANGLE_BINS, CuttingModel, CuttingMotion, Engagement, EngagementSlice, Loads, Material, Runout, chip,
};
use shared::det::math;
use shared::tool::{CutterMaterial, CutterShape, Tool};
use shared::units::{Angle, Feedrate, Force, Length, Power, RotaryVelocity, Stress, Torque};

use super::measure::{Side, material, print, within};
use super::{EXIT_BAD_INPUT, draw};

/// Slices of a cutter with a curved tip.
const SLICES: u32 = 32;

/// Greatest f_z that is searched for a limit, as a share of the diameter.
const FEED_PER_TOOTH_SHARE_MAX: f64 = 0.2;

/// Form of the cutting end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Flat end mill or face mill.
    Flat,
    /// Ball nose.
    Ball,
    /// Flat with rounded corners (`--corner`).
    Bull,
}

/// The cut, as it is typed; what it is for is said at the command.
#[derive(Debug, Args)]
#[command(after_help = "Example, half of a 20 mm end mill in aluminium, climbing:\n  \
    cosim cut --diameter 20 --flutes 4 --helix 30 --ap 5 --ae 10 --rpm 5000 --fz 0.1 --material 7050-T7451\n\
    The feed at which its peak force is 600 N:\n  \
    cosim cut --diameter 20 --flutes 4 --ap 5 --ae 10 --rpm 5000 --material 7050-T7451 --solve force=600")]
pub(super) struct CutArgs {
    /// DC, cutting diameter in mm.
    #[arg(long, value_name = "MM", value_parser = within(0.1, 500.0, "mm"), allow_negative_numbers = true)]
    diameter: f64,
    /// Number of teeth.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=64), allow_negative_numbers = true)]
    flutes: u32,
    /// Form of the cutting end.
    #[arg(long, value_enum, default_value = "flat")]
    shape: Shape,
    /// Corner radius in mm of a bull nose.
    #[arg(long, value_name = "MM", value_parser = within(0.01, 250.0, "mm"), required_if_eq("shape", "bull"), allow_negative_numbers = true)]
    corner: Option<f64>,
    /// Helix angle in degrees.
    #[arg(long, value_name = "DEG", default_value = "30", value_parser = within(0.0, 70.0, "degrees"), allow_negative_numbers = true)]
    helix: f64,
    /// Length from tip to holder in mm; four diameters where absent.
    #[arg(long, value_name = "MM", value_parser = within(0.1, 1000.0, "mm"), allow_negative_numbers = true)]
    stickout: Option<f64>,
    /// The cutter is of high-speed steel; carbide without it.
    #[arg(long)]
    hss: bool,
    /// Runout in µm: how far the cutter's axis is off the spindle's.
    #[arg(long, value_name = "UM", default_value = "10", value_parser = within(0.0, 200.0, "µm"), allow_negative_numbers = true)]
    runout: f64,
    /// a_p, axial depth in mm.
    #[arg(long, value_name = "MM", value_parser = within(0.001, 300.0, "mm"), allow_negative_numbers = true)]
    ap: f64,
    /// a_e, radial depth in mm; the diameter is a slot.
    #[arg(long, value_name = "MM", value_parser = within(0.001, 500.0, "mm"), allow_negative_numbers = true)]
    ae: f64,
    /// Where the material stands.
    #[arg(long, value_enum, default_value = "down")]
    side: Side,
    /// Spindle speed in revolutions a minute.
    #[arg(long, value_name = "RPM", value_parser = within(1.0, 200_000.0, "rev/min"), required_unless_present = "vc", conflicts_with = "vc", allow_negative_numbers = true)]
    rpm: Option<f64>,
    /// v_c, cutting speed in m/min, in place of the spindle speed.
    #[arg(long, value_name = "M_MIN", value_parser = within(0.1, 10_000.0, "m/min"), allow_negative_numbers = true)]
    vc: Option<f64>,
    /// f_z, feed per tooth in mm.
    #[arg(long, value_name = "MM", value_parser = within(0.0001, 20.0, "mm"), required_unless_present_any = ["feed", "solve"], conflicts_with = "feed", allow_negative_numbers = true)]
    fz: Option<f64>,
    /// v_f, feed in mm/min, in place of the feed per tooth.
    #[arg(long, value_name = "MM_MIN", value_parser = within(0.01, 200_000.0, "mm/min"), allow_negative_numbers = true)]
    feed: Option<f64>,
    /// Material: a file, or a built-in name (6061-T6, 7050-T7451, AlSi-cast, St37, St50-2, St60-2, St70-2, C45E,
    /// 16MnCr5, 42CrMo4, X5CrNi18-10, GJL-250, Ti6Al4V).
    #[arg(long)]
    material: String,
    /// Find the feed that meets a limit: force=N (peak in the plane), torque=N·m, power=kW, deflection=µm, or chip=mm.
    #[arg(long, value_name = "LIMIT=VALUE", conflicts_with_all = ["fz", "feed"])]
    solve: Option<Limit>,
    /// Write the result as JSON to standard output, or with `--json=FILE` to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// A limit on one quantity, with what people write of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Force(Force),
    Torque(Torque),
    Power(Power),
    Deflection(Length),
    Chip(Length),
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected force=N, torque=N·m, power=kW, deflection=µm or chip=mm with a number above zero, for instance force=600"
                .to_owned()
        };
        let (name, value) = text.split_once('=').ok_or_else(expected)?;
        let value: f64 = value.trim().parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0).ok_or_else(expected)?;
        match name.trim() {
            "force" => Ok(Self::Force(Force::n(value))),
            "torque" => Ok(Self::Torque(Torque::n_m(value))),
            "power" => Ok(Self::Power(Power::w(value * 1e3))),
            "deflection" => Ok(Self::Deflection(Length::mm(value * 1e-3))),
            "chip" => Ok(Self::Chip(Length::mm(value))),
            _ => Err(expected()),
        }
    }
}

impl Limit {
    /// How much of the limit a cut takes: one meets it.
    fn share(self, loads: &Loads) -> f64 {
        match self {
            Self::Force(limit) => loads.force_peak_xy / limit,
            Self::Torque(limit) => loads.torque_mean / limit,
            Self::Power(limit) => loads.power / limit,
            Self::Deflection(limit) => loads.deflection / limit,
            Self::Chip(limit) => loads.chip_max / limit,
        }
    }
}

/// Calculates and prints; the exit code.
pub(super) fn command(args: &CutArgs) -> u8 {
    let material = match material(&args.material) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let cut = match Cut::new(args, &material) {
        Ok(cut) => cut,
        Err(message) => return draw::message(&message),
    };
    let found = match (args.solve, args.fz, args.feed) {
        (Some(limit), _, _) => cut.solve(limit),
        (None, Some(fz_mm), _) => Ok(fz_mm),
        (None, None, Some(feed_mm_min)) => Ok(feed_mm_min / 60.0 / cut.teeth_per_s),
        // The command line has asked for one of them.
        (None, None, None) => return EXIT_BAD_INPUT,
    };
    match found {
        Ok(fz_mm) => {
            let loads = cut.loads(fz_mm);
            let value = cut.json(args, &material, fz_mm, &loads);
            print(&text(args, &material, &value), &value, args.json.as_ref())
        }
        Err(message) => draw::message(&message),
    }
}

/// A cut, all but its feed.
struct Cut {
    model: CuttingModel,
    /// The cuts on both sides of the wall, and how much of the second one counts.
    engagements: [Engagement; 2],
    second_share: f64,
    spindle: RotaryVelocity,
    teeth_per_s: f64,
    diameter_mm: f64,
}

impl Cut {
    fn new(args: &CutArgs, material: &Material) -> Result<Self, String> {
        if args.ae > args.diameter {
            return Err(format!("--ae is {} mm, expected at most the diameter, {} mm", args.ae, args.diameter));
        }
        let tool = tool(args)?;
        let runout = Runout { offset: Length::mm(args.runout * 1e-3), angle: Angle::ZERO };
        let model = CuttingModel::new(&tool, &material.law, runout)
            .ok_or_else(|| "the cutter has no force model: check diameter, flutes and helix".to_owned())?;
        let per_s = match (args.rpm, args.vc) {
            (Some(rpm), _) => rpm / 60.0,
            (None, Some(vc_m_min)) => vc_m_min * 1e3 / 60.0 / (std::f64::consts::PI * args.diameter),
            (None, None) => return Err("say the spindle speed: --rpm or --vc".to_owned()),
        };
        let (engagements, second_share) = engagements(args, &tool);
        if engagements.iter().all(Engagement::is_air) {
            return Err(
                "at this depth the cutter's tip does not reach the wall: a larger --ap or --ae is needed".to_owned()
            );
        }
        Ok(Self {
            model,
            engagements,
            second_share,
            spindle: RotaryVelocity::rev_s(per_s),
            teeth_per_s: per_s * f64::from(args.flutes),
            diameter_mm: args.diameter,
        })
    }

    fn loads(&self, fz_mm: f64) -> Loads {
        let motion = CuttingMotion {
            spindle: self.spindle,
            across: Feedrate::mm_s(fz_mm * self.teeth_per_s),
            down: Feedrate::ZERO,
        };
        let loads = |engagement: &Engagement| self.model.loads(engagement, &motion).unwrap_or(Loads::AIR);
        mixed(&loads(&self.engagements[0]), &loads(&self.engagements[1]), self.second_share)
    }

    /// The greatest f_z in mm that keeps a limit, to a millionth.
    fn solve(&self, limit: Limit) -> Result<f64, String> {
        let share = |fz_mm: f64| limit.share(&self.loads(fz_mm));
        let (mut below, mut above) = (1e-4, FEED_PER_TOOTH_SHARE_MAX * self.diameter_mm);
        if share(below) > 1.0 {
            let percent = share(below) * 100.0;
            return Err(format!(
                "no feed meets this limit: at f_z {below} mm the cut already takes {percent:.0} % of it"
            ));
        }
        if share(above) <= 1.0 {
            return Err(format!(
                "the limit is not reached below f_z {above} mm: a lower limit, or a heavier cut is needed"
            ));
        }
        while (above - below) > 1e-6 * below {
            let middle = (below + above) / 2.0;
            if share(middle) > 1.0 { above = middle } else { below = middle }
        }
        Ok(below)
    }

    fn json(&self, args: &CutArgs, material: &Material, fz_mm: f64, loads: &Loads) -> Value {
        let rpm = self.spindle.as_rev_s() * 60.0;
        let (start, exit) = args.side.immersion_rad(args.ae / args.diameter);
        let [x, y, z] = loads.force_mean_xyz_n;
        // The wall may lie between two steps: what has a closed form is said exactly.
        let chip_max_mm = match args.shape {
            Shape::Flat => chip::chip_thickness_max(Length::mm(fz_mm), 1.0, (start, exit)).as_mm(),
            Shape::Ball | Shape::Bull => loads.chip_max.as_mm(),
        };
        json!({
            "material": material.name,
            "source": material.source,
            "feed_per_tooth_mm": fz_mm,
            "feed_mm_min": fz_mm * self.teeth_per_s * 60.0,
            "spindle_rpm": rpm,
            "cutting_speed_m_min": std::f64::consts::PI * args.diameter * rpm / 1e3,
            "immersion_deg": [start.to_degrees(), exit.to_degrees()],
            "force_peak_xy_n": loads.force_peak_xy.as_n(),
            "force_mean_xyz_n": [x, y, z],
            "force_normal_n": loads.force_normal.as_n(),
            "torque_mean_n_m": loads.torque_mean.as_n_m(),
            "power_kw": loads.power.as_w() / 1e3,
            "removal_rate_cm3_min": loads.removal_rate_mm3_s * 60.0 / 1e3,
            "specific_force_n_mm2": loads.specific_force().map(Stress::as_n_mm2),
            "chip_max_mm": chip_max_mm,
            "chip_mean_mm": loads.chip_mean.as_mm(),
            "deflection_um": loads.deflection.as_mm() * 1e3,
            "bending_stress_n_mm2": loads.bending_stress.as_n_mm2(),
            "solved": args.solve.is_some(),
        })
    }
}

fn tool(args: &CutArgs) -> Result<Tool, String> {
    let diameter = Length::mm(args.diameter);
    let shape = match (args.shape, args.corner) {
        (Shape::Flat, _) => CutterShape::Flat,
        (Shape::Ball, _) => CutterShape::Ball,
        (Shape::Bull, Some(corner_mm)) if corner_mm < args.diameter / 2.0 => {
            CutterShape::BullNose { corner_radius: Length::mm(corner_mm) }
        }
        (Shape::Bull, corner) => {
            let given = corner.map_or("absent".to_owned(), |mm| format!("{mm} mm"));
            return Err(format!(
                "--corner is {given}, expected less than half of the diameter, {} mm",
                args.diameter / 2.0
            ));
        }
    };
    let stickout = args.stickout.map_or(diameter * 4.0, Length::mm);
    if stickout.as_mm() < args.ap {
        return Err(format!("--stickout is {} mm, expected at least --ap, {} mm", stickout.as_mm(), args.ap));
    }
    Ok(Tool {
        flutes: Some(args.flutes),
        helix: Angle::rad(args.helix.to_radians()),
        flute_length: stickout,
        stickout,
        material: if args.hss { CutterMaterial::HighSpeedSteel } else { CutterMaterial::Carbide },
        ..Tool::of_shape(shape, diameter)
    })
}

/// The cuts on both sides of the wall, and the share of the second one.
fn engagements(args: &CutArgs, tool: &Tool) -> ([Engagement; 2], f64) {
    let bin = std::f64::consts::TAU / ANGLE_BINS as f64;
    let half = ANGLE_BINS as u32 / 2;
    // Bins in material where the arc is `steps` long, from its own side.
    let mask = |steps: u32| -> u128 {
        let (from, to) = match args.side {
            Side::Up => (0, steps),
            Side::Down => (half - steps, half),
            Side::Centre => (half / 2 - steps, half / 2 + steps),
        };
        (from..to).fold(0, |mask, bin| mask | 1 << bin)
    };
    let arc_rad = |share: f64| match args.side {
        Side::Up | Side::Down => math::acos(1.0 - 2.0 * share),
        Side::Centre => math::asin(share),
    };
    let share_of = |steps: f64| match args.side {
        Side::Up | Side::Down => (1.0 - math::cos(steps * bin)) / 2.0,
        Side::Centre => math::sin(steps * bin),
    };
    if args.shape == Shape::Flat {
        let share = args.ae / args.diameter;
        let most = if args.side == Side::Centre { half / 2 } else { half };
        let first = ((arc_rad(share) / bin + 1e-9).floor() as u32).min(most - 1);
        let (low, high) = (share_of(f64::from(first)), share_of(f64::from(first + 1)));
        let slice = |steps: u32| EngagementSlice { low_mm: 0.0, high_mm: args.ap, mask: mask(steps) };
        let cuts = [first, first + 1].map(|steps| Engagement { slices: vec![slice(steps)] });
        return (cuts, ((share - low) / (high - low)).clamp(0.0, 1.0));
    }
    let height_mm = args.ap / f64::from(SLICES);
    let slice = |i: u32| {
        let radius_mm = tool.width(Length::mm((f64::from(i) + 0.5) * height_mm)).as_mm();
        // The wall stands a_e inside the full diameter; higher up the cutter reaches further over it.
        let into_mm = match args.side {
            Side::Up | Side::Down => args.ae - args.diameter / 2.0 + radius_mm,
            Side::Centre => args.ae.min(2.0 * radius_mm),
        };
        let share = (into_mm / (2.0 * radius_mm)).clamp(0.0, 1.0);
        let steps = (arc_rad(share) / bin).round() as u32;
        EngagementSlice { low_mm: f64::from(i) * height_mm, high_mm: f64::from(i + 1) * height_mm, mask: mask(steps) }
    };
    let cut = Engagement { slices: (0..SLICES).map(slice).collect() };
    ([cut.clone(), cut], 0.0)
}

/// A mixture of two cuts.
fn mixed(first: &Loads, second: &Loads, share: f64) -> Loads {
    let mix = |a: f64, b: f64| a + (b - a) * share;
    Loads {
        force_peak_xy: Force::n(mix(first.force_peak_xy.as_n(), second.force_peak_xy.as_n())),
        force_normal: Force::n(mix(first.force_normal.as_n(), second.force_normal.as_n())),
        force_mean: Force::n(mix(first.force_mean.as_n(), second.force_mean.as_n())),
        force_mean_xyz_n: std::array::from_fn(|i| mix(first.force_mean_xyz_n[i], second.force_mean_xyz_n[i])),
        torque_mean: Torque::n_m(mix(first.torque_mean.as_n_m(), second.torque_mean.as_n_m())),
        power: Power::w(mix(first.power.as_w(), second.power.as_w())),
        power_cutting: Power::w(mix(first.power_cutting.as_w(), second.power_cutting.as_w())),
        removal_rate_mm3_s: mix(first.removal_rate_mm3_s, second.removal_rate_mm3_s),
        chip_max: Length::mm(mix(first.chip_max.as_mm(), second.chip_max.as_mm())),
        chip_mean: Length::mm(mix(first.chip_mean.as_mm(), second.chip_mean.as_mm())),
        deflection: Length::mm(mix(first.deflection.as_mm(), second.deflection.as_mm())),
        bending_stress: Stress::n_mm2(mix(first.bending_stress.as_n_mm2(), second.bending_stress.as_n_mm2())),
    }
}

fn text(args: &CutArgs, material: &Material, value: &Value) -> String {
    let number = |key: &str| value[key].as_f64().unwrap_or(0.0);
    let mean = |i: usize| value["force_mean_xyz_n"][i].as_f64().unwrap_or(0.0);
    let immersion = |i: usize| value["immersion_deg"][i].as_f64().unwrap_or(0.0);
    let solved = if args.solve.is_some() { "  (meets the limit)" } else { "" };
    format!(
        "{}, a_p {} mm, a_e {} mm of D {} mm, {} teeth, runout {} µm\n\
         spindle        {:10.0} rev/min    v_c {:.1} m/min\n\
         feed           {:10.1} mm/min     f_z {:.5} mm{solved}\n\
         immersion      {:10.1} ° to {:.1} °\n\
         peak force     {:10.1} N          across the spindle, with runout\n\
         mean force     {:10.1} N along the feed, {:.1} N to its left, {:.1} N along the spindle\n\
         torque         {:10.3} N·m        mean\n\
         power          {:10.3} kW         at the edge, mean\n\
         removed        {:10.2} cm³/min\n\
         chip           {:10.4} mm         at most, without runout; mean {:.4} mm\n\
         deflection     {:10.1} µm         of the cutter alone, a lower bound\n\
         bending        {:10.0} N/mm²\n\
         coefficients   {}\n",
        material.name,
        args.ap,
        args.ae,
        args.diameter,
        args.flutes,
        args.runout,
        number("spindle_rpm"),
        number("cutting_speed_m_min"),
        number("feed_mm_min"),
        number("feed_per_tooth_mm"),
        immersion(0),
        immersion(1),
        number("force_peak_xy_n"),
        mean(0),
        mean(1),
        mean(2),
        number("torque_mean_n_m"),
        number("power_kw"),
        number("removal_rate_cm3_min"),
        number("chip_max_mm"),
        number("chip_mean_mm"),
        number("deflection_um"),
        number("bending_stress_n_mm2"),
        material.source,
    )
}
