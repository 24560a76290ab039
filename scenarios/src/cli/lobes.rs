//! `cosim lobes`: at which depth a cut begins to chatter, over spindle speed, by both methods.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use cloud_sim::stability::{ChatterCut, Mode, largest_multiplier, lowest_limit, zeroth_order};
use serde_json::{Value, json};
use shared::cutting::{CuttingLaw, chip};
use shared::units::{Length, RotaryVelocity, Stress};

use super::draw;
use super::measure::{Side, material, print, within};

/// Steps of the chatter frequency in the zeroth order.
const FREQUENCY_STEPS: u32 = 20_000;

/// Intervals of a tooth period in the semi-discretisation: at least twenty to a vibration, within these.
const INTERVALS: (u32, u32) = (60, 400);

/// Most speeds of one table; each costs about a second.
const SPEEDS_MAX: i64 = 200;

/// Deepest a_p that is tried.
const DEPTH_MAX_MM: f64 = 100.0;

/// Cut and modes, as they are typed; what it is for is said at the command.
#[derive(Debug, Args)]
#[command(after_help = "Example, one mode along the feed, two teeth in a slot:\n  \
    cosim lobes --mode-x 922,0.011,0.03993 --flutes 2 --ktc 600 --krc 200 --rpm 4000,10000 --speeds 7")]
pub(super) struct LobesArgs {
    /// Mode along the feed: frequency in Hz, damping ratio, modal mass in kg.
    #[arg(long, value_name = "HZ,RATIO,KG", required_unless_present = "mode_y")]
    mode_x: Option<ModeArgument>,
    /// Mode across the feed.
    #[arg(long, value_name = "HZ,RATIO,KG")]
    mode_y: Option<ModeArgument>,
    /// Number of teeth.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=64), allow_negative_numbers = true)]
    flutes: u32,
    /// a_e as a share of the diameter: 1 is a slot.
    #[arg(long, value_name = "SHARE", default_value = "1", value_parser = within(0.001, 1.0, "of the diameter"), allow_negative_numbers = true)]
    immersion: f64,
    /// Where the material stands.
    #[arg(long, value_enum, default_value = "down")]
    side: Side,
    /// K_tc, tangential coefficient in N/mm².
    #[arg(long, value_name = "N_MM2", value_parser = within(1.0, 20_000.0, "N/mm²"), required_unless_present = "material", conflicts_with = "material", allow_negative_numbers = true)]
    ktc: Option<f64>,
    /// K_rc, radial coefficient in N/mm².
    #[arg(long, value_name = "N_MM2", value_parser = within(0.0, 20_000.0, "N/mm²"), requires = "ktc", required_unless_present = "material", allow_negative_numbers = true)]
    krc: Option<f64>,
    /// Material in place of coefficients: a file or a built-in name; a law of Kienzle is read at the thickest
    /// chip of `--fz`.
    #[arg(long)]
    material: Option<String>,
    /// f_z in mm at which the law of a material is read.
    #[arg(long, value_name = "MM", default_value = "0.1", value_parser = within(0.0001, 20.0, "mm"), allow_negative_numbers = true)]
    fz: f64,
    /// Speeds in revolutions a minute: one, or the first and the last.
    #[arg(long, value_name = "FROM,TO", value_delimiter = ',', num_args = 1..=2, required = true, value_parser = within(10.0, 200_000.0, "rev/min"), allow_negative_numbers = true)]
    rpm: Vec<f64>,
    /// How many speeds.
    #[arg(long, value_name = "COUNT", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=SPEEDS_MAX), allow_negative_numbers = true)]
    speeds: u32,
    /// Write the result as JSON to standard output, or with `--json=FILE` to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// A mode as it is written.
#[derive(Clone, Copy, Debug)]
struct ModeArgument(Mode);

impl FromStr for ModeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected HZ,RATIO,KG: a frequency from 1 to 20000 Hz, a damping ratio from 0.0001 to 0.5 and a modal mass \
             from 0.0001 to 10000 kg, for instance 922,0.011,0.03993"
                .to_owned()
        };
        let figures: Vec<f64> =
            text.split(',').map(|part| part.trim().parse().map_err(|_| expected())).collect::<Result<_, _>>()?;
        let [frequency_hz, damping_ratio, mass_kg] = *figures.as_slice() else {
            return Err(expected());
        };
        let sound = (1.0..=20_000.0).contains(&frequency_hz)
            && (1e-4..=0.5).contains(&damping_ratio)
            && (1e-4..=1e4).contains(&mass_kg);
        if sound { Ok(Self(Mode { frequency_hz, damping_ratio, mass_kg })) } else { Err(expected()) }
    }
}

/// Calculates and prints; the exit code.
pub(super) fn command(args: &LobesArgs) -> u8 {
    if let [first, last] = *args.rpm.as_slice()
        && first >= last
    {
        return draw::message(&format!("--rpm is {first},{last}, expected the lower speed first"));
    }
    let (k_tc, k_rc) = match coefficients(args) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let (start_rad, exit_rad) = args.side.immersion_rad(args.immersion);
    let cut = ChatterCut {
        mode_x: args.mode_x.map(|mode| mode.0),
        mode_y: args.mode_y.map(|mode| mode.0),
        k_tc,
        k_rc,
        flutes: args.flutes,
        start_rad,
        exit_rad,
    };
    let frequencies = [cut.mode_x, cut.mode_y].into_iter().flatten().map(|mode| mode.frequency_hz);
    let highest_hz = frequencies.clone().fold(0.0, f64::max);
    let band_hz = (frequencies.fold(f64::INFINITY, f64::min) * 0.3, highest_hz * 4.0);
    let lowest = lowest_limit(&cut, band_hz, FREQUENCY_STEPS);
    let rows: Vec<Value> = speeds(args)
        .map(|rpm| {
            let spindle = RotaryVelocity::rev_s(rpm / 60.0);
            let zeroth = zeroth_order(&cut, spindle, band_hz, FREQUENCY_STEPS);
            let start_mm = lowest.map_or(0.01, |lobe| lobe.depth.as_mm() * 0.2);
            let semi = boundary(&cut, spindle, highest_hz, start_mm);
            json!({
                "rpm": rpm,
                "zeroth_order_mm": zeroth.map(|lobe| lobe.depth.as_mm()),
                "chatter_hz": zeroth.map(|lobe| lobe.frequency_hz),
                "semi_discretisation_mm": semi.map(Length::as_mm),
            })
        })
        .collect();
    let value = json!({
        "k_tc_n_mm2": k_tc.as_n_mm2(),
        "k_rc_n_mm2": k_rc.as_n_mm2(),
        "immersion_deg": [start_rad.to_degrees(), exit_rad.to_degrees()],
        "lowest_zeroth_order_mm": lowest.map(|lobe| lobe.depth.as_mm()),
        "lowest_chatter_hz": lowest.map(|lobe| lobe.frequency_hz),
        "depth_max_mm": DEPTH_MAX_MM,
        "speeds": rows,
    });
    print(&text(&value), &value, args.json.as_ref())
}

fn speeds(args: &LobesArgs) -> impl Iterator<Item = f64> {
    let first = args.rpm.first().copied().unwrap_or(0.0);
    let last = args.rpm.last().copied().unwrap_or(first);
    let count = if args.rpm.len() == 1 { 1 } else { args.speeds };
    let step = if count > 1 { (last - first) / f64::from(count - 1) } else { 0.0 };
    (0..count).map(move |i| first + step * f64::from(i))
}

/// K_tc and K_rc as given, or those of a material.
fn coefficients(args: &LobesArgs) -> Result<(Stress, Stress), u8> {
    if let (Some(k_tc), Some(k_rc)) = (args.ktc, args.krc) {
        return Ok((Stress::n_mm2(k_tc), Stress::n_mm2(k_rc)));
    }
    let material = material(args.material.as_deref().unwrap_or_default())?;
    let immersion = args.side.immersion_rad(args.immersion);
    let chip = chip::chip_thickness_max(Length::mm(args.fz), 1.0, immersion);
    let k_tc = material.law.specific_force(chip);
    Ok(match material.law {
        CuttingLaw::Mechanistic { k_rc, .. } => (k_tc, k_rc),
        CuttingLaw::Kienzle { radial_ratio, .. } => (k_tc, k_tc * radial_ratio),
    })
}

/// The lowest depth at which the largest multiplier reaches one, to a thousandth: depths are tried upwards in steps of
/// 5 %, because an island of chatter may lie below a stable stretch; `None` where the cut is stable
/// up to [`DEPTH_MAX_MM`].
fn boundary(cut: &ChatterCut, spindle: RotaryVelocity, highest_hz: f64, start_mm: f64) -> Option<Length> {
    let period_s = 1.0 / (spindle.as_rev_s() * f64::from(cut.flutes));
    let intervals = ((20.0 * highest_hz * period_s).ceil() as u32).clamp(INTERVALS.0, INTERVALS.1);
    let unstable =
        |depth_mm: f64| largest_multiplier(cut, spindle, Length::mm(depth_mm), intervals).is_some_and(|mu| mu > 1.0);
    let (mut below, mut above) = (0.0, start_mm);
    while !unstable(above) {
        if above >= DEPTH_MAX_MM {
            return None;
        }
        (below, above) = (above, (above * 1.05).min(DEPTH_MAX_MM));
    }
    while above - below > 1e-3 * above {
        let middle = (below + above) / 2.0;
        if unstable(middle) { above = middle } else { below = middle }
    }
    Some(Length::mm(above))
}

fn text(value: &Value) -> String {
    let figure = |value: &Value, digits: usize| {
        value.as_f64().map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
    };
    let mut out = format!(
        "K_tc {} N/mm², K_rc {} N/mm², immersion {}° to {}°\nno speed chatters below {} mm (zeroth order, at {} Hz)\n\n\
         {:>10}  {:>14}  {:>10}  {:>20}\n",
        figure(&value["k_tc_n_mm2"], 0),
        figure(&value["k_rc_n_mm2"], 0),
        figure(&value["immersion_deg"][0], 1),
        figure(&value["immersion_deg"][1], 1),
        figure(&value["lowest_zeroth_order_mm"], 4),
        figure(&value["lowest_chatter_hz"], 1),
        "rev/min",
        "zeroth, mm",
        "at Hz",
        "semi-discretised, mm",
    );
    for row in value["speeds"].as_array().into_iter().flatten() {
        out += &format!(
            "{:>10}  {:>14}  {:>10}  {:>20}\n",
            figure(&row["rpm"], 0),
            figure(&row["zeroth_order_mm"], 4),
            figure(&row["chatter_hz"], 1),
            figure(&row["semi_discretisation_mm"], 4),
        );
    }
    out += &format!("\n-  no boundary found (up to {} mm)\n", DEPTH_MAX_MM);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_three_figures_in_range() {
        let mode: ModeArgument = "922, 0.011,0.03993".parse().expect("a mode");
        assert_eq!(mode.0, Mode { frequency_hz: 922.0, damping_ratio: 0.011, mass_kg: 0.03993 });
        for wrong in ["922", "922,0.011", "922,0.011,x", "922,0.9,0.04", "-1,0.01,0.04", "1,2,3,4"] {
            let error = wrong.parse::<ModeArgument>().expect_err(wrong);
            assert!(error.contains("HZ,RATIO,KG"), "{error}");
        }
    }
}
