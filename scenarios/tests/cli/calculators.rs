//! `cosim cut` and `cosim lobes`: reference values, and what is said of wrong input.

use serde_json::Value;

use crate::support::{Bench, Done, near, number};

/// The reference cut of PROCESS.md section 4: Al7050, D20 N4 β30°, f_z 0.1, a_p 5, n 5000, no runout.
const CUT: &str = "cut --diameter 20 --flutes 4 --helix 30 --ap 5 --rpm 5000 --material 7050-T7451 --runout 0";

const LOBES: &str = "lobes --mode-x 922,0.011,0.03993 --flutes 2 --ktc 600 --krc 200";

fn run(line: &str) -> Done {
    Bench::new().cosim(&line.split_whitespace().collect::<Vec<_>>())
}

fn result(line: &str) -> Value {
    let done = run(&format!("{line} --json"));
    assert_eq!(done.code, 0, "{line}:\n{}", done.err);
    serde_json::from_str(&done.out).expect("the result is JSON")
}

#[test]
fn a_slot_and_a_half_immersion_are_those_of_the_reference() {
    for (ae, mean, peak, torque, power) in [
        ("20", [-280.48, 574.39, 155.33], 698.8, 7.8381, 4.1040),
        ("10", [74.64, 412.10, 77.66], 579.6, 3.9191, 2.0520),
    ] {
        let cut = result(&format!("{CUT} --ae {ae} --fz 0.1"));
        for (i, expected) in mean.into_iter().enumerate() {
            near(cut["force_mean_xyz_n"][i].as_f64().expect("a number"), expected, 2e-3, "mean force");
        }
        near(number(&cut, "force_peak_xy_n"), peak, 1e-2, "peak");
        near(number(&cut, "torque_mean_n_m"), torque, 2e-3, "torque");
        near(number(&cut, "power_kw"), power, 2e-3, "power");
        near(number(&cut, "feed_mm_min"), 2000.0, 1e-9, "feed");
        let removed: f64 = 5.0 * ae.parse::<f64>().expect("a number") * 2.0;
        near(number(&cut, "removal_rate_cm3_min"), removed, 1e-3, "removal rate");
    }
}

#[test]
fn the_feed_that_meets_a_limit_is_found() {
    let check = |solve: &str, key: &str, limit: f64| {
        let cut = result(&format!("{CUT} --ae 10 --solve {solve}"));
        near(number(&cut, key), limit, 1e-4, solve);
        number(&cut, "feed_per_tooth_mm")
    };
    near(check("force=600", "force_peak_xy_n", 600.0), 0.10520, 5e-3, "f_z for 600 N");
    check("power=1.5", "power_kw", 1.5);
    check("torque=3", "torque_mean_n_m", 3.0);
    check("deflection=30", "deflection_um", 30.0);
    near(check("chip=0.05", "chip_max_mm", 0.05), 0.05, 1e-3, "half immersion reaches the whole f_z");
}

#[test]
fn chip_and_volume_hold_at_any_radial_depth_and_shape() {
    let thin = result(&format!("{CUT} --ae 2 --fz 0.1"));
    near(number(&thin, "chip_max_mm"), 0.06, 1e-4, "chip thinning");
    for ae in ["0.3", "1.7", "7.1", "13.9", "19.99"] {
        for side in ["up", "down", "centre"] {
            let cut = result(&format!("{CUT} --ae {ae} --side {side} --fz 0.1"));
            let removed = 5.0 * ae.parse::<f64>().expect("a number") * 2.0;
            near(number(&cut, "removal_rate_cm3_min"), removed, 2e-3, &format!("{ae} {side}"));
        }
    }
    // A ball cuts its silhouette: in a slot of a_p = R half a disc of its radius.
    let ball = result("cut --diameter 10 --flutes 2 --shape ball --ap 5 --ae 10 --rpm 6000 --fz 0.05 --material St37");
    let disc_cm3_min = std::f64::consts::PI * 25.0 / 2.0 * 0.05 * 2.0 * 6000.0 / 1e3;
    near(number(&ball, "removal_rate_cm3_min"), disc_cm3_min, 1e-2, "ball");
    let bull = result(
        "cut --diameter 10 --flutes 2 --shape bull --corner 2 --ap 3 --ae 4 --vc 100 --feed 400 --material C45E",
    );
    assert!(number(&bull, "force_peak_xy_n") > 0.0 && (number(&bull, "cutting_speed_m_min") - 100.0).abs() < 1e-9);
}

#[test]
fn lobes_by_both_methods_are_those_of_the_reference() {
    let lobes = result(&format!("{LOBES} --rpm 5000"));
    near(number(&lobes, "lowest_zeroth_order_mm"), 0.29805, 5e-3, "lowest limit");
    near(number(&lobes, "lowest_chatter_hz"), 932.09, 5e-3, "its frequency");
    let row = &lobes["speeds"][0];
    // At 5000/min and 0.5 mm the multiplier is 1.0727: the boundary lies below.
    let semi = number(row, "semi_discretisation_mm");
    assert!(semi > 0.25 && semi < 0.5, "{row}");
    assert_eq!(number(row, "rpm"), 5000.0);
    let table = run(&format!("{LOBES} --rpm 4000,6000 --speeds 2"));
    assert!(table.code == 0 && table.out.contains("semi-discretised") && table.out.contains("6000"), "{}", table.out);
}

/// A measured response of the reference mode in µm/N, every 2 Hz, with an error of 1 % that goes up and down.
fn measured() -> String {
    let (natural_hz, damping, mass_kg) = (922.0f64, 0.011, 0.03993);
    let stiffness = mass_kg * (std::f64::consts::TAU * natural_hz).powi(2);
    let row = |i: u32| {
        let hz = 300.0 + 2.0 * f64::from(i);
        let ratio = hz / natural_hz;
        let (rest, loss) = (1.0 - ratio * ratio, 2.0 * damping * ratio);
        let size = stiffness * (rest * rest + loss * loss) * 1e-6 * if i.is_multiple_of(2) { 1.01 } else { 0.99 };
        format!("{hz},{},{}\n", rest / size, -loss / size)
    };
    "frequency_hz,x_real_um_n,x_imaginary_um_n\n".to_owned() + &(0..1200).map(row).collect::<String>()
}

const MACHINE: &str = include_str!("../../data/machines/generic-vmc.toml");

#[test]
fn a_measured_response_beside_the_machine_file_takes_the_place_of_modes() {
    let bench = Bench::new();
    let machine = format!("{MACHINE}\n[[dynamics]]\ntool = 3\nresponse = \"tapped.csv\"\n");
    bench.write("mill.toml", &machine).write("tapped.csv", measured());
    let line = "lobes --machine mill.toml --tool 3 --flutes 2 --ktc 600 --krc 200 --rpm 5000 --ap 0.35 --json";
    let done = bench.cosim(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(done.code, 0, "{}", done.err);
    let lobes: Value = serde_json::from_str(&done.out).expect("the result is JSON");
    near(number(&lobes, "lowest_zeroth_order_mm"), 0.29805, 2e-2, "lowest limit");
    assert!((0.001..0.05).contains(&number(&lobes, "fit_error")), "{lobes}");
    near(lobes["modes_x_hz_ratio_kg"][0][0].as_f64().expect("a mode"), 922.0, 2e-3, "its frequency");
    let typed = result(&format!("{LOBES} --rpm 5000 --ap 0.35"));
    let semi = |value: &Value| number(&value["speeds"][0], "semi_discretisation_mm");
    near(semi(&lobes), semi(&typed), 2e-2, "limit by modes and by the modes of the fit");
    // What is suggested is near, and the second method finds it stable.
    let suggestion = &typed["speeds"][0]["suggestion"];
    if !suggestion.is_null() {
        let rpm = number(suggestion, "rpm");
        assert!((rpm / 5000.0 - 1.0).abs() <= 0.1 && number(suggestion, "stable_at_mm") > 0.35, "{suggestion}");
        let there = result(&format!("{LOBES} --rpm {rpm}"));
        assert!(semi(&there) > 0.35, "{there}");
    }
}

#[test]
fn a_response_that_does_not_read_is_named_with_file_line_and_column() {
    let bench = Bench::new();
    let check = |machine: &str, table: &str, texts: &[&str]| {
        bench.write("mill.toml", format!("{MACHINE}\n{machine}")).write("tapped.csv", table);
        let done = bench.cosim(&[
            "lobes",
            "--machine",
            "mill.toml",
            "--flutes",
            "2",
            "--ktc",
            "600",
            "--krc",
            "200",
            "--rpm",
            "5000",
        ]);
        assert_eq!(done.code, 2, "{machine}: {}", done.err);
        texts.iter().for_each(|text| assert!(done.err.contains(text), "`{text}` is not said:\n{}", done.err));
    };
    let named = "[[dynamics]]\nresponse = \"tapped.csv\"\n";
    check(named, &measured().replacen("300,", "3x0,", 1), &["tapped.csv:2:1", "`3x0` is no number"]);
    check(named, &measured().replace("x_imaginary_um_n", "phase"), &["tapped.csv:1:26", "`phase` is not a column"]);
    check("[[dynamics]]\nresponse = \"no.csv\"\n", "", &["no.csv"]);
    check("[[dynamics]]\ntool = 3\n", "", &["mill.toml", "neither modes"]);
    check("", "", &["no [[dynamics]]"]);
}

#[test]
fn wrong_input_says_what_was_expected() {
    let check = |line: &str, texts: &[&str]| {
        let done = run(line);
        assert_eq!(done.code, 2, "{line}:\n{}", done.err);
        texts.iter().for_each(|text| assert!(done.err.contains(text), "`{text}` is not said of {line}:\n{}", done.err));
    };
    check("cut", &["--diameter", "--material"]);
    check(&format!("{CUT} --ae 10"), &["--fz"]);
    check(&format!("{CUT} --ae 10 --fz -1"), &["--fz", "from 0.0001 to 20 mm"]);
    check(&format!("{CUT} --ae 10 --fz nan"), &["from 0.0001 to 20 mm"]);
    check(&format!("{CUT} --ae 21 --fz 0.1"), &["--ae is 21 mm", "at most the diameter, 20 mm"]);
    check(&format!("{CUT} --ae 10 --solve force"), &["force=N", "for instance force=600"]);
    check(&format!("{CUT} --ae 10 --solve speed=3"), &["power=kW"]);
    check(&format!("{CUT} --ae 10 --solve force=1"), &["no feed meets this limit"]);
    check(&format!("{CUT} --ae 10 --solve force=1e9"), &["not reached"]);
    check(&format!("{CUT} --ae 10 --fz 0.1 --stickout 3"), &["--stickout is 3 mm", "--ap, 5 mm"]);
    check(&format!("{CUT} --ae 10 --fz 0.1 --shape bull"), &["--corner"]);
    check(&format!("{CUT} --ae 10 --fz 0.1 --shape bull --corner 10"), &["less than half of the diameter"]);
    check("cut --diameter 20 --flutes 4 --ap 5 --ae 5 --rpm 5000 --fz 0.1 --material butter", &["butter", "St37"]);
    check("cut --diameter 20 --flutes 0 --ap 5 --ae 5 --rpm 5000 --fz 0.1 --material St37", &["1..=64"]);
    check(
        "cut --diameter 10 --flutes 2 --shape ball --ap 0.1 --ae 1 --rpm 5000 --fz 0.1 --material St37",
        &["larger --ap"],
    );
    check("lobes", &["--mode-x", "--flutes"]);
    check(&format!("{LOBES} --rpm 6000,4000"), &["the lower speed first"]);
    check(&format!("{LOBES} --rpm 5000 --immersion 2"), &["from 0.001 to 1 of the diameter"]);
    check("lobes --mode-x 922,0.011 --flutes 2 --ktc 600 --krc 200 --rpm 5000", &["HZ,RATIO,KG", "922,0.011,0.03993"]);
    check("lobes --mode-x 922,0.011,0.04 --flutes 2 --ktc 600 --rpm 5000", &["--krc"]);
}

#[test]
fn help_can_be_read_by_a_machinist() {
    for (line, texts) in [
        ("cut --help", ["climbing", "force=600", "Axial depth", "deflection"]),
        ("lobes --help", ["hammer test", "chatter", "zeroth order", "slot"]),
    ] {
        let done = run(line);
        let said = done.out.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(done.code == 0 && texts.iter().all(|text| said.contains(&text.to_lowercase())), "{}", done.out);
    }
}
