#![allow(clippy::print_stderr, reason = "a skipped test must be seen")]

use std::path::Path;

use shared::det::Rng;
use shared::files::{MachinePatch, read_machine};
use shared::machine::{LengthUnit, Machine};

use super::*;

const INI: &str = "\
# a mill\n[EMC]\nMACHINE = Small Mill\n[DISPLAY]\nMAX_FEED_OVERRIDE = 1.5\n[RS274NGC]\nRS274NGC_STARTUP_CODE = G17 G21\n\
[TRAJ]\nCOORDINATES = X Y Z A\nLINEAR_UNITS = inch\nMAX_LINEAR_VELOCITY = 4\n[EMCIO]\nTOOL_TABLE = tool.tbl\n[KINS]\n\
KINEMATICS = trivkins coordinates=XYZA\n[AXIS_X]\nMIN_LIMIT = -10\nMAX_LIMIT = 10.0\nMAX_VELOCITY = 3\n\
MAX_ACCELERATION = 20\nMAX_JERK = 100\n[AXIS_Y]\nMAX_VELOCITY = 2\n[JOINT_1]\nMAX_VELOCITY = 9\nMAX_ACCELERATION = 10\n\
HOME = 0.5\n[AXIS_Z]\nMAX_VELOCITY = 1\nMAX_ACCELERATION = 5\n[SPINDLE_0]\nMAX_FORWARD_VELOCITY = 8000\n";

const PROBE: &str = "\
<?xml version='1.0'?>\n<MTConnectDevices xmlns='urn:mtconnect.org:MTConnectDevices:1.7'><Devices>\n\
<Device name='M1'><Description manufacturer='Acme' model='V1'/><Components><Axes name='axes'><Components>\n\
<Linear name='X'><Configuration><Specifications>\n\
<Specification type='POSITION' units='INCH'><Maximum>10</Maximum><Minimum>-10</Minimum></Specification>\n\
<Specification type='VELOCITY' units='MILLIMETER/SECOND'><Maximum>500</Maximum></Specification>\n\
</Specifications></Configuration><DataItems><DataItem type='POSITION' units='MILLIMETER' nativeUnits='INCH'/></DataItems>\n\
</Linear>\n\
<Linear name='Y'><DataItems><DataItem type='AXIS_FEEDRATE' units='MILLIMETER/SECOND'>\n\
<Constraints><Maximum>200</Maximum></Constraints></DataItem></DataItems></Linear>\n\
<Linear name='Z'/>\n\
<Rotary name='S'><DataItems><DataItem type='ROTARY_VELOCITY' units='REVOLUTION/MINUTE'>\n\
<Constraints><Maximum>9000</Maximum></Constraints></DataItem></DataItems></Rotary>\n\
<Rotary name='B'/>\n\
</Components></Axes></Components></Device>\n\
</Devices></MTConnectDevices>\n";

const FCM: &str = "{\n\"machine\": {\"name\": \"V2\", \"manufacturer\": \"Acme\", \"units\": \"imperial\",\n\"axes\": {\n\
\"X\": {\"type\": \"linear\", \"limits\": {\"min\": 0, \"max\": 20}, \"max_velocity\": 700},\n\
\"Y\": {\"type\": \"linear\", \"limits\": {\"min\": 0, \"max\": 14}, \"max_velocity\": 700},\n\
\"Z\": {\"type\": \"linear\", \"max_velocity\": 400},\n\
\"A\": {\"type\": \"rotary\", \"max_velocity\": 10000}},\n\
\"toolheads\": [{\"toolhead_type\": \"rotary\", \"max_power_kw\": 3.0, \"max_rpm\": 6000}, {\"toolhead_type\": \"laser\"}]},\n\
\"version\": 1}\n";

fn import(name: &str, text: &str) -> Result<MachineImport, Vec<Diagnostic>> {
    import_machine(name, text.as_bytes(), &MachineImportRequest::default())
}

fn imported(name: &str, text: &str) -> (Machine, MachineImport) {
    let import = import(name, text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let file = FileText { name: "machine.toml", text: &import.toml };
    let (machine, _) = read_machine(file, &MachinePatch::default()).expect("an import is a machine file");
    (machine, import)
}

/// True if a remark says so about a line; 0 is about none.
fn says(remarks: &[Remark], line: u32, words: &str) -> bool {
    remarks.iter().any(|remark| remark.line.unwrap_or(0) == line && remark.text.contains(words))
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

#[test]
fn a_linuxcnc_configuration_in_inches() {
    let (machine, import) = imported("mill.ini", INI);
    assert_eq!((machine.name.as_str(), machine.length_unit), ("Small Mill", LengthUnit::Millimetre));
    let [x, y, z] = machine.axes;
    let travel = x.travel.expect("X has limits");
    assert!(close(travel.0.as_mm(), -254.0) && close(travel.1.as_mm(), 254.0));
    assert!(close(x.feed_max.as_mm_s(), 76.2) && close(x.rapid.as_mm_s(), 76.2));
    assert!(close(x.acceleration.as_mm_s2(), 508.0) && x.jerk.is_none());
    // The axis' own speed, the joint's acceleration where the axis has none.
    assert!(close(y.feed_max.as_mm_s(), 50.8) && close(y.acceleration.as_mm_s2(), 254.0));
    assert!(z.travel.is_none() && close(machine.reference.y, 12.7));
    assert!(close(machine.path_speed_max.expect("stated").as_mm_s(), 101.6));
    let blend = machine.corner_blend.expect("LinuxCNC blends");
    assert_eq!((blend.share, blend.speed_ratio, blend.arc_share), (0.25, 1.5, 0.5));
    assert!(close(machine.spindle.speed_max.as_rev_s() * 60.0, 8000.0));
    assert!(says(&import.imported, 19, "speed of x: 4572 mm/min"), "{:?}", import.imported);
    assert!(says(&import.skipped, 21, "PLANNER_TYPE") && says(&import.skipped, 15, "axis a"), "{:?}", import.skipped);
    assert!(says(&import.skipped, 13, "--tools"), "{:?}", import.skipped);
    assert!(says(&import.assumed, 0, "spindle.power_max_kw") && says(&import.assumed, 0, "travel of z"));
}

#[test]
fn jerk_and_blending_follow_the_planner() {
    let smooth = INI.replace("[TRAJ]\n", "[TRAJ]\nPLANNER_TYPE = 1\nARC_BLEND_ENABLE = 0\n");
    let (machine, import) = imported("mill.ini", &smooth);
    assert!(close(machine.axes[0].jerk.expect("stated").as_mm_s3(), 2540.0));
    assert!(machine.corner_blend.is_none() && says(&import.skipped, 10, "ARC_BLEND_ENABLE"), "{:?}", import.skipped);
}

#[test]
fn a_probe_with_specifications_and_constraints() {
    let (machine, import) = imported("Devices.xml", PROBE);
    assert_eq!((machine.name.as_str(), machine.length_unit), ("M1 (Acme V1)", LengthUnit::Inch));
    let travel = machine.axes[0].travel.expect("X has a specification");
    assert!(close(travel.0.as_mm(), -254.0) && close(travel.1.as_mm(), 254.0));
    assert!(close(machine.axes[0].feed_max.as_mm_s(), 500.0) && close(machine.axes[1].rapid.as_mm_s(), 200.0));
    assert!(close(machine.spindle.speed_max.as_rev_s() * 60.0, 9000.0));
    assert!(says(&import.skipped, 14, "axis b"), "{:?}", import.skipped);
    assert!(says(&import.assumed, 0, "axis.z.acceleration_mm_s2"), "{:?}", import.assumed);
}

#[test]
fn a_freecad_machine_in_inches() {
    let (machine, import) = imported("v2.fcm", FCM);
    assert_eq!((machine.name.as_str(), machine.length_unit), ("Acme V2", LengthUnit::Inch));
    assert!(close(machine.axes[0].feed_max.as_mm_s() * 60.0, 17_780.0));
    assert!(close(machine.axes[1].travel.expect("limits").1.as_mm(), 355.6) && machine.axes[2].travel.is_none());
    assert!(close(machine.spindle.power_max.as_w(), 3000.0) && close(machine.spindle.speed_max.as_rev_s(), 100.0));
    assert!(says(&import.skipped, 7, "axis A") && says(&import.skipped, 8, "laser"), "{:?}", import.skipped);
    // An older file has no object around it.
    let inner = FCM.replace("{\n\"machine\": ", "").replace(",\n\"version\": 1}", "");
    let (old, _) = imported("old.fcm", &inner);
    assert_eq!(old.axes, machine.axes);
}

#[test]
fn what_the_user_states_fills_in_and_is_said() {
    let stated = [("tool_change_s".to_owned(), 3.5), ("acceleration_mm_s2".to_owned(), 700.0)].into();
    let request = MachineImportRequest { device: None, stated };
    let import = import_machine("v2.fcm", FCM.as_bytes(), &request).expect("can be imported");
    let file = FileText { name: "machine.toml", text: &import.toml };
    let (machine, _) = read_machine(file, &MachinePatch::default()).expect("a machine file");
    assert_eq!((machine.tool_change.as_s(), machine.axes[2].acceleration.as_mm_s2()), (3.5, 700.0));
    assert!(says(&import.assumed, 0, "as stated beside the file"));
    let wrong = MachineImportRequest { device: None, stated: [("speed".to_owned(), 1.0)].into() };
    let errors = import_machine("v2.fcm", FCM.as_bytes(), &wrong).expect_err("no such figure");
    assert!(errors[0].message.contains("`speed`") && errors[0].message.contains("tool_change_s"), "{errors:?}");
    // A figure that no machine can have is refused as in a machine file.
    let absurd = MachineImportRequest { device: None, stated: [("tool_change_s".to_owned(), -1.0)].into() };
    assert!(import_machine("v2.fcm", FCM.as_bytes(), &absurd).is_err());
}

#[test]
fn every_mistake_has_its_line() {
    let check = |name: &str, text: &str, (from, to): (&str, &str), line: u32, code: &str, words: &str| {
        assert!(text.contains(from), "{from} is not in the sample");
        let errors = import(name, &text.replacen(from, to, 1)).expect_err(to);
        let found = errors.iter().any(|e| e.line == line && e.code == code && e.message.contains(words));
        assert!(found, "{to}: {errors:?}");
    };
    let ini = |change, line, code, words| check("mill.ini", INI, change, line, code, words);
    ini(("MAX_VELOCITY = 3", "MAX_VELOCITY = fast"), 19, "machine::ini", "`fast`, expected a number");
    ini(("MAX_VELOCITY = 3", "MAX_VELOCITY = 3 4"), 19, "machine::ini", "expected a number");
    ini(("MAX_VELOCITY = 3", "MAX_VELOCITY = 1e9"), 19, "machine::range", "axis.x.feed_max_mm_min");
    ini(("MAX_VELOCITY = 3", "MAX_VELOCITY = nan"), 19, "machine::ini", "expected a number");
    ini(("MAX_ACCELERATION = 20", "MAX_ACCELERATION = 0"), 20, "machine::range", "acceleration");
    ini(("MIN_LIMIT = -10", "MIN_LIMIT = 11"), 17, "machine::range", "lower and a higher");
    ini(("LINEAR_UNITS = inch", "LINEAR_UNITS = cubit"), 10, "machine::ini", "cubit");
    ini(("[AXIS_X]", "[AXIS_X"), 16, "machine::ini", "no end");
    ini(("MAX_LIMIT = 10.0", "MAX_LIMIT 10.0"), 18, "machine::ini", "neither");
    check("mill.ini", "[EMC]\n", ("[EMC]", "[FOO]"), 1, "machine::ini", "[TRAJ]");
    let probe = |change, line, code, words| check("d.xml", PROBE, change, line, code, words);
    probe(("<Maximum>500<", "<Maximum>many<"), 6, "machine::probe", "`many`");
    probe(("units='INCH'", "units='DEGREE'"), 5, "machine::probe", "DEGREE");
    probe(("<Maximum>10<", "<Maximum>-20<"), 5, "machine::range", "lower and a higher");
    probe(("</Linear>", "</Line>"), 8, "file::syntax", "not XML");
    probe(("MTConnectDevices xmlns", "MTConnectStreams xmlns"), 16, "file::syntax", "not XML");
    let fcm = |change, line, code, words| check("v.fcm", FCM, change, line, code, words);
    fcm(("700", "\"fast\""), 4, "machine::json", "expected a finite number");
    fcm(("imperial", "furlongs"), 2, "machine::json", "furlongs");
    fcm(("\"axes\"", "\"axles\""), 1, "machine::json", "no `axes`");
    fcm(("\"min\": 0", "\"min\": 30"), 4, "machine::range", "lower and a higher");
    fcm(("400", "400,,"), 6, "file::syntax", "not JSON");
}

#[test]
fn a_probe_of_several_devices_wants_a_name() {
    let two = PROBE.replace("</Devices>", "<Device name='M2'/></Devices>");
    let errors = import("d.xml", &two).expect_err("which one?");
    assert!(errors[0].message.contains("M1, M2") && errors[0].advice.contains("--device"), "{errors:?}");
    let named = |name: &str| MachineImportRequest { device: Some(name.to_owned()), ..Default::default() };
    let second = import_machine("d.xml", two.as_bytes(), &named("M2")).expect("M2 is there");
    assert_eq!(second.name, "M2");
    let errors = import_machine("d.xml", two.as_bytes(), &named("M3")).expect_err("no M3");
    assert!(errors[0].message.contains("expected one of M1, M2"), "{errors:?}");
}

#[test]
fn hostile_files_are_refused_or_read_but_never_more() {
    let entities =
        "<!DOCTYPE d [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><MTConnectDevices>&b;</MTConnectDevices>";
    let errors = import("d.xml", entities).expect_err("no entities");
    assert_eq!(errors[0].code, "file::syntax");
    for deep in ["[".repeat(200_000), "{\"axes\":".repeat(100_000), "<a>".repeat(50_000)] {
        assert!(import("x", &deep).is_err());
    }
    assert!(import_machine("m.ini", &vec![b'#'; FILE_BYTES_MAX + 1], &Default::default()).is_err());
    assert!(import_machine("m.ini", b"[TRAJ]\n\xff", &Default::default()).is_err());
    assert!(import("notes.txt", "hello").is_err());
    let many: String = (0..30_000).map(|n| format!("KEY_{n} = 1\nbad line\n")).collect();
    let errors = import("m.ini", &format!("[TRAJ]\n{many}")).expect_err("too many");
    assert!(errors.len() <= 60, "{} errors", errors.len());
}

#[test]
fn any_damage_is_an_error_or_a_machine() {
    let samples = [("m.ini", INI), ("d.xml", PROBE), ("v.fcm", FCM)];
    for (name, text) in samples {
        for end in 0..text.len() {
            let told = import(name, &text[..end]);
            assert!(told.is_ok() || told.is_err_and(|errors| !errors.is_empty()));
        }
    }
    let mut rng = Rng::new(20_261_122);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3000 {
        let (name, text) = samples[rng.below(3) as usize];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = b"0=[]<>\"{}-.:,e\n\0x9"[rng.below(18) as usize];
        }
        match import_machine(name, &bytes, &Default::default()) {
            Ok(_) => read += 1,
            Err(errors) => {
                assert!(!errors.is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 300 && refused > 300, "{read} read, {refused} refused");
}

/// A file of the surroundings; says loudly where it is missing, and fails where it must be there.
fn found(path: &Path) -> bool {
    let there = path.exists();
    let must = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(there || !must, "{} is missing", path.display());
    if !there {
        eprintln!("SKIPPED: {} is not here", path.display());
    }
    there
}

#[test]
fn real_probes_are_imported() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings/nist/Hurco_Devices.xml");
    if !found(&path) {
        return;
    }
    let bytes = std::fs::read(&path).expect("readable");
    let request = MachineImportRequest { device: Some("Hurco04".to_owned()), ..Default::default() };
    let import = import_machine("Hurco_Devices.xml", &bytes, &request).expect("a real probe");
    assert_eq!(import.name, "Hurco04 (Hurco VMX24)");
    assert!(says(&import.imported, 696, "spindle C"), "{:?}", import.imported);
    let errors = import_machine("Hurco_Devices.xml", &bytes, &Default::default()).expect_err("eight devices");
    assert!(errors[0].message.contains("Hurco02") && errors[0].message.contains("GFAgie01"), "{errors:?}");
}

#[test]
fn the_sample_configurations_of_linuxcnc_are_imported() {
    let folder = Path::new("/usr/share/doc/linuxcnc/examples/sample-configs/sim/axis");
    // Lean installations leave documents out, the samples among them: no reason to fail.
    if !folder.exists() {
        eprintln!("SKIPPED: {} is not here; it comes with linuxcnc-uspace", folder.display());
        return;
    }
    let (mut read, mut refused) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_none_or(|extension| extension != "ini") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("readable");
        match import_machine(&path.display().to_string(), &bytes, &Default::default()) {
            Ok(_) => read += 1,
            Err(errors) => refused.push(errors[0].to_string()),
        }
    }
    assert!(read >= 10 && refused.is_empty(), "{read} read, refused: {refused:#?}");
}
