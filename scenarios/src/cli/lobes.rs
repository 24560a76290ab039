//! `cosim lobes`: at which depth a cut begins to chatter, over spindle speed, by both methods.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use cloud_sim::stability::{
    ChatterCut, DEPTH_MAX, Mode, Suggestion, TipResponse, band_hz, limit_at, lowest_limit, speed_suggestion,
};
use serde_json::{Value, json};
use shared::cutting::{CuttingLaw, chip};
use shared::files::{FileText, MachinePatch, read_machine};
use shared::ident::ToolNumber;
use shared::machine::tip_of;
use shared::units::{Length, RotaryVelocity, Stress};

use super::measure::{Side, material, print, within};
use super::{bad_input, draw};
use crate::format::{LoadError, MachineWithTips, load_machine};

/// Steps of the chatter frequency in the zeroth order.
const FREQUENCY_STEPS: u32 = 20_000;

/// Taylor's exponent of a carbide edge in steel.
const TAYLOR_EXPONENT: f64 = 0.25;

/// Most speeds of one table; each costs about a second.
const SPEEDS_MAX: i64 = 200;

/// Cut and modes, as they are typed; what it is for is said at the command.
#[derive(Debug, Args)]
#[command(after_help = "Example, one mode along the feed, two teeth in a slot:\n  \
    cosim lobes --mode-x 922,0.011,0.03993 --flutes 2 --ktc 600 --krc 200 --rpm 4000,10000 --speeds 7\n\
    The tip of tool 3 as it was measured, and a better speed for 1.2 mm at 8000/min:\n  \
    cosim lobes --machine mill.toml --tool 3 --flutes 2 --material 6061-T6 --rpm 8000 --ap 1.2")]
pub(super) struct LobesArgs {
    /// Mode along the feed: frequency in Hz, damping ratio, modal mass in kg.
    #[arg(long, value_name = "HZ,RATIO,KG", required_unless_present_any = ["mode_y", "machine"], conflicts_with = "machine")]
    mode_x: Option<ModeArgument>,
    /// Mode across the feed.
    #[arg(long, value_name = "HZ,RATIO,KG", conflicts_with = "machine")]
    mode_y: Option<ModeArgument>,
    /// Machine file with `[[dynamics]]`: modes, or a measured frequency response in a file of its own. X of the machine
    /// is taken along the feed.
    #[arg(long, value_name = "FILE")]
    machine: Option<String>,
    /// T number whose `[[dynamics]]` count; without it the entry for every tool.
    #[arg(long, value_name = "T", requires = "machine", allow_negative_numbers = true)]
    tool: Option<u32>,
    /// a_p in mm that is cut: at each speed at which it chatters, a near speed is suggested at which it does not.
    #[arg(long, value_name = "MM", value_parser = within(0.001, 100.0, "mm"), allow_negative_numbers = true)]
    ap: Option<f64>,
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
    let tip = match tip(args) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let (start_rad, exit_rad) = args.side.immersion_rad(args.immersion);
    let cut = ChatterCut { x: tip.x, y: tip.y, k_tc, k_rc, flutes: args.flutes, start_rad, exit_rad };
    let Some((modal, fit_error)) = cut.modal() else {
        return draw::message(
            "the measured response shows no mode: no deep negative imaginary part; check units and signs",
        );
    };
    let Some(band) = band_hz(&cut) else {
        return draw::message("nothing is known that gives way; state --mode-x, or [[dynamics]] in the machine file");
    };
    let lowest = lowest_limit(&cut, band, FREQUENCY_STEPS);
    let row = |rpm: f64| {
        let spindle = RotaryVelocity::rev_s(rpm / 60.0);
        let limit = limit_at(&cut, &modal, spindle);
        let zeroth = limit.and_then(|limit| limit.zeroth);
        let depth = args.ap.map(Length::mm);
        let suggestion = depth.and_then(|depth| speed_suggestion(&cut, &modal, spindle, depth, tip.speed_max));
        json!({
            "rpm": rpm,
            "zeroth_order_mm": zeroth.map(|lobe| lobe.depth.as_mm()),
            "chatter_hz": zeroth.map(|lobe| lobe.frequency_hz),
            "semi_discretisation_mm": limit.and_then(|limit| limit.semi).map(Length::as_mm),
            "suggestion": suggestion.map(|suggestion| suggested(&suggestion, spindle)),
        })
    };
    let rows: Vec<Value> = speeds(args).map(row).collect();
    let mode = |mode: &Mode| json!([mode.frequency_hz, mode.damping_ratio, mode.mass_kg]);
    let modes = |tip: &TipResponse| match tip {
        TipResponse::Modes(modes) => modes.iter().map(mode).collect::<Vec<_>>(),
        TipResponse::Rigid | TipResponse::Measured(_) => Vec::new(),
    };
    let measured = [&cut.x, &cut.y].iter().any(|tip| matches!(tip, TipResponse::Measured(_)));
    let value = json!({
        "k_tc_n_mm2": k_tc.as_n_mm2(),
        "k_rc_n_mm2": k_rc.as_n_mm2(),
        "immersion_deg": [start_rad.to_degrees(), exit_rad.to_degrees()],
        "modes_x_hz_ratio_kg": modes(&modal.x),
        "modes_y_hz_ratio_kg": modes(&modal.y),
        "fit_error": measured.then_some(fit_error),
        "lowest_zeroth_order_mm": lowest.map(|lobe| lobe.depth.as_mm()),
        "lowest_chatter_hz": lowest.map(|lobe| lobe.frequency_hz),
        "depth_max_mm": DEPTH_MAX.as_mm(),
        "depth_mm": args.ap,
        "speeds": rows,
    });
    print(&text(&value), &value, args.json.as_ref())
}

/// What gives way, and how fast the spindle turns at most.
struct Tip {
    x: TipResponse,
    y: TipResponse,
    speed_max: RotaryVelocity,
}

/// The tip as it was typed, or that of the machine file.
fn tip(args: &LobesArgs) -> Result<Tip, u8> {
    let typed = |mode: Option<ModeArgument>| mode.map_or(TipResponse::Rigid, |mode| TipResponse::Modes(vec![mode.0]));
    let Some(name) = &args.machine else {
        let speed_max = RotaryVelocity::rev_s(f64::INFINITY);
        return Ok(Tip { x: typed(args.mode_x), y: typed(args.mode_y), speed_max });
    };
    let MachineWithTips { text, tips } = load_machine(name).map_err(|error| bad_input(&error))?;
    let file = FileText { name, text: &text };
    let wrong = |diagnostics| {
        bad_input(&LoadError { diagnostics, texts: [(name.clone(), text.clone())].into_iter().collect() })
    };
    let (machine, _) = read_machine(file, &MachinePatch::default()).map_err(wrong)?;
    let found = match args.tool {
        Some(tool) => tip_of(&tips, ToolNumber(tool)),
        None => tips.iter().find(|tip| tip.tool.is_none()).or_else(|| tips.first().filter(|_| tips.len() == 1)),
    };
    let tip = found.ok_or_else(|| {
        let known: Vec<String> = tips.iter().filter_map(|tip| tip.tool).map(|tool| tool.to_string()).collect();
        let known = if known.is_empty() { "no tool".to_owned() } else { known.join(", ") };
        draw::message(&format!("{name} has no [[dynamics]] for this; it has those of {known}; name one with --tool"))
    })?;
    Ok(Tip { x: tip.x.clone(), y: tip.y.clone(), speed_max: machine.spindle.speed_max })
}

fn suggested(suggestion: &Suggestion, instead_of: RotaryVelocity) -> Value {
    let speed_ratio = suggestion.spindle / instead_of;
    json!({
        "life_ratio": chip::taylor_life_ratio(speed_ratio, TAYLOR_EXPONENT),
        "rpm": suggestion.spindle.as_rev_s() * 60.0,
        "stable_at_mm": suggestion.stable_at.as_mm(),
        "zeroth_order_mm": suggestion.zeroth.map(Length::as_mm),
    })
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

fn text(value: &Value) -> String {
    let figure = |value: &Value, digits: usize| {
        value.as_f64().map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
    };
    let fit = value["fit_error"].as_f64().map_or_else(String::new, |error| {
        format!("modes fitted to the measured response leave {:.1} % of it\n", error * 100.0)
    });
    let mut out = format!(
        "{fit}K_tc {} N/mm², K_rc {} N/mm², immersion {}° to {}°\nno speed chatters below {} mm (zeroth order, at {} Hz)\n\n\
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
    out += &format!("\n-  no boundary found (up to {} mm)\n", DEPTH_MAX.as_mm());
    for row in value["speeds"].as_array().into_iter().flatten() {
        let (suggestion, rpm) = (&row["suggestion"], figure(&row["rpm"], 0));
        if !suggestion.is_null() {
            out += &format!(
                "at {rpm}/min {} mm chatters; {}/min: stable at {} mm by semi-discretisation (zeroth order: {} mm), \
                 life of the edge × {}\n",
                figure(&value["depth_mm"], 3),
                figure(&suggestion["rpm"], 0),
                figure(&suggestion["stable_at_mm"], 3),
                figure(&suggestion["zeroth_order_mm"], 3),
                figure(&suggestion["life_ratio"], 2),
            );
        }
    }
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
