//! The dialect without a controller: closed forms, and the machines' own INI files.

use std::path::Path;

use shared::det::Rng;
use shared::det::math::sin_cos;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::plan::Override;
use shared::time::{Duration, Instant};

use super::*;
use crate::controller::{Command, ControllerMode, Execution};

const MS: Duration = Duration::from_ms(1);

fn ms(ms: u64) -> Instant {
    Instant::from_ns(ms * 1_000_000)
}

fn permille(value: u16) -> Override {
    Override::from_permille(value).expect("in range")
}

/// A tick of a feed at 20 mm/s.
fn tick(number: u32) -> Tick {
    let mut words = [0_u64; FIELDS];
    for (field, value) in [(0, 110.0), (1, 220.0), (2, -5.0), (6, 20.0), (9, 1.0), (11, 50.0)] {
        words[field] = f64::to_bits(value);
    }
    words[14] = 7;
    words[15] = 2;
    for bit in [17, 19, 20] {
        words[bit] = 1;
    }
    Tick::from_words(number, &words)
}

/// A report as `status.py` writes it, while line 7 runs.
const REPORT: &str = r#"{"v":1,"n":3,"mode":2,"interp":4,"exec":3,"state":4,"paused":false,"dial":0.8,"rapid":1.0,
"dial_on":true,"adaptive_on":true,"hold_on":true,"g":[7,10,-1,170],"m":[7,-1,3,-1,9,-1,48,52,53,0],"motion_line":7,
"read_line":90,"file":"/nc/part.ngc","tool":4,"row":{"number":4,"diameter":3.0,"offsets":[0,0,30,0,0,0,0,0,0]},
"g5x":1,"g5x_offset":[100,200,-50,0,0,0,0,0,0],"g92_offset":[1,2,3,0,0,0,0,0,0],"rotation":0.0,
"tool_offset":[0,0,30,0,0,0,0,0,0],"units_per_mm":1.0}"#;

fn report(changes: &[(&str, &str)]) -> TaskStatus {
    let line = changes.iter().fold(REPORT.replace('\n', ""), |line, (from, to)| {
        assert!(line.contains(from), "{from} is not in the report");
        line.replace(from, to)
    });
    let mut found = None;
    let mut decoder = StatusDecoder::new();
    decoder.feed(format!("{line}\n").as_bytes(), |event| {
        if let StatusEvent::Status(status) = event {
            found = Some(status);
        }
    });
    found.expect("a report")
}

fn reader() -> Reader {
    Reader::new(ReaderConfig {
        tick_period: MS,
        status_age_max: Duration::from_ms(500),
        power_wired: false,
        spindle_measured: false,
    })
}

fn sample_of(reader: &mut Reader, now: Instant, tick: Tick) -> TickSample {
    let mut found = None;
    reader.handle_ticks(now, &[tick], |sample| found = Some(sample));
    found.expect("a sample a tick")
}

#[test]
fn a_tick_alone_says_what_hal_knows_and_nothing_else() {
    let seen = sample_of(&mut reader(), ms(5), tick(9)).sample;
    assert_eq!((seen.valid_at, seen.line, seen.factor), (ms(5), Some(7), Some(Override::PROGRAMMED)));
    assert_eq!(seen.rotary_velocity.map(|speed| speed.as_rpm()), Some(3000.0));
    assert_eq!((seen.execution, seen.mode, seen.position, seen.path_feedrate), (None, None, None, None));
    assert_eq!((seen.dial_permille, seen.factor_enabled, seen.tool, seen.spindle_power), (None, None, None, None));
}

#[test]
fn tick_and_report_make_a_whole_sample_until_the_report_is_old() {
    let mut reader = reader();
    reader.handle_status(ms(1), &report(&[]));
    let seen = sample_of(&mut reader, ms(5), tick(9)).sample;
    assert_eq!((seen.execution, seen.mode), (Some(Execution::Active), Some(ControllerMode::Automatic)));
    assert_eq!((seen.dial_permille, seen.factor_enabled), (Some(800), Some(true)));
    assert_eq!(seen.tool, Some(ToolNumber(4)));
    assert_eq!(seen.path_feedrate.map(|speed| speed.as_mm_s()), Some(20.0));
    // 110 − 100 − 1, 220 − 200 − 2, −5 − 30 + 50 − 3.
    assert_eq!(seen.position, Some(Point::new(9.0, 18.0, 12.0)));
    let late = sample_of(&mut reader, ms(502), tick(10)).sample;
    assert_eq!((late.position, late.dial_permille, late.factor_enabled), (None, None, None));
    assert_eq!(late.line, Some(7));
}

#[test]
fn positions_are_the_programs_whatever_turns_and_shifts() {
    let mut rng = Rng::new(20);
    for round in 0..200 {
        let [x, y, z] = std::array::from_fn(|_| rng.between(-300.0, 300.0));
        let (degrees, units) = (rng.between(-180.0, 180.0), if round % 2 == 0 { 1.0 } else { 1.0 / 25.4 });
        // LinuxCNC's own way: G92 in the turned frame, then rotation, then work offset, then tool.
        let (sin, cos) = sin_cos(degrees.to_radians());
        let program = [x * units + 1.0, y * units + 2.0, z * units + 3.0];
        let machine = [
            program[0] * cos - program[1] * sin + 100.0,
            program[0] * sin + program[1] * cos + 200.0,
            program[2] - 50.0 + 30.0,
        ];
        let mut at = tick(9);
        at.axes[..3].copy_from_slice(&machine);
        let mut reader = reader();
        let turned = format!("\"rotation\":{degrees}");
        let scaled = format!("\"units_per_mm\":{units}");
        reader.handle_status(ms(1), &report(&[("\"rotation\":0.0", &turned), ("\"units_per_mm\":1.0", &scaled)]));
        let found = sample_of(&mut reader, ms(5), at).sample.position.expect("everything was told");
        assert!((found - Point::new(x, y, z)).norm() < 1e-9, "{found} for {x} {y} {z} at {degrees}°");
    }
}

#[test]
fn an_offset_moved_in_mid_run_moves_no_part() {
    let mut reader = reader();
    sample_of(&mut reader, ms(1), tick(1));
    reader.handle_status(ms(2), &report(&[]));
    let before = sample_of(&mut reader, ms(3), tick(2)).sample.position;
    reader.handle_status(ms(4), &report(&[("[100,200,-50", "[90,200,-50")]));
    assert_eq!(sample_of(&mut reader, ms(5), tick(3)).sample.position, before);
    // The next program sees it.
    reader.handle_status(ms(6), &report(&[("[100,200,-50", "[90,200,-50"), ("\"interp\":4", "\"interp\":1")]));
    let after = sample_of(&mut reader, ms(7), tick(4)).sample.position;
    assert_eq!(after.zip(before).map(|(after, before)| after.x - before.x), Some(10.0));
}

#[test]
fn h26_the_factor_counts_by_the_codes_of_the_motion_that_runs() {
    let check = |changes: &[(&str, &str)], enabled: bool, dial: u16| {
        let mut reader = reader();
        reader.handle_status(ms(1), &report(changes));
        let seen = sample_of(&mut reader, ms(2), tick(1)).sample;
        assert_eq!((seen.factor_enabled, seen.dial_permille), (Some(enabled), Some(dial)), "{changes:?}");
    };
    check(&[], true, 800);
    // M52 P0, M50 P0, M49, G33, G76 of this motion.
    check(&[("48,52,53", "48,-1,53")], false, 800);
    check(&[("48,52,53", "51,52,53")], false, 1000);
    check(&[("48,52,53", "49,52,53")], false, 1000);
    check(&[("48,52,53", "50,52,53")], true, 800);
    check(&[("[7,10,", "[7,330,")], false, 800);
    check(&[("[7,10,", "[7,760,")], false, 800);
    // What is queued already is of later motions.
    check(&[("\"adaptive_on\":true", "\"adaptive_on\":false")], true, 800);
    check(&[("\"dial_on\":true", "\"dial_on\":false")], true, 800);
    // Codes that are not of this motion are the interpreter's: then both have to allow it.
    check(&[("\"m\":[7,", "\"m\":[90,"), ("\"adaptive_on\":true", "\"adaptive_on\":false")], false, 800);
    check(&[("\"m\":[7,", "\"m\":[90,"), ("48,52,53", "48,-1,53")], false, 800);
    check(&[("\"m\":[7,", "\"m\":[90,")], true, 800);
}

#[test]
fn h26_a_motion_that_keeps_its_codes_to_itself_is_led_by_the_spindle() {
    let mut reader = reader();
    // G33 in line 8: the codes stay those of line 7 while it runs.
    let thread = report(&[("\"motion_line\":7", "\"motion_line\":8")]);
    assert_eq!(thread.codes_of(), Some(CodesOf::MotionBefore));
    for (at, enabled) in [(1, true), (20, true), (31, true), (32, false), (200, false)] {
        reader.handle_status(ms(at), &thread);
        let seen = sample_of(&mut reader, ms(at), tick(at as u32)).sample;
        assert_eq!(seen.factor_enabled, Some(enabled), "{at} ms after it began");
    }
    reader.handle_status(ms(201), &report(&[]));
    assert_eq!(sample_of(&mut reader, ms(201), tick(201)).sample.factor_enabled, Some(true));
}

#[test]
fn a_switched_off_agent_is_told_as_not_enabled() {
    let mut reader = reader();
    reader.handle_status(ms(1), &report(&[]));
    let off = Tick { granted: false, ..tick(1) };
    assert_eq!(sample_of(&mut reader, ms(2), off).sample.factor_enabled, Some(false));
}

#[test]
fn the_end_is_told_from_an_abort() {
    let check = |changes: &[(&str, &str)], in_position: bool, expected: Execution| {
        let mut reader = reader();
        reader.handle_status(ms(1), &report(&[]));
        sample_of(&mut reader, ms(2), Tick { in_position, ..tick(1) });
        let idle = [&[("\"interp\":4", "\"interp\":1")], changes].concat();
        reader.handle_status(ms(3), &report(&idle));
        let seen = sample_of(&mut reader, ms(4), tick(2)).sample.execution;
        assert_eq!(seen, Some(expected), "{changes:?}, in position {in_position}");
    };
    let ended = ("[7,-1,3,", "[7,2,3,");
    check(&[ended], true, Execution::ProgramCompleted);
    check(&[("[7,-1,3,", "[7,30,3,")], true, Execution::ProgramCompleted);
    check(&[ended], false, Execution::Stopped);
    check(&[], true, Execution::Stopped);
    check(&[ended, ("\"state\":4", "\"state\":1")], true, Execution::Stopped);
}

#[test]
fn pauses_have_their_names() {
    let check = |changes: &[(&str, &str)], held: bool, expected: Execution| {
        let mut reader = reader();
        reader.handle_status(ms(1), &report(changes));
        let seen = sample_of(&mut reader, ms(2), Tick { feed_hold: held, ..tick(1) }).sample.execution;
        assert_eq!(seen, Some(expected), "{changes:?}");
    };
    let paused = ("\"interp\":4", "\"interp\":3");
    check(&[], true, Execution::FeedHold);
    check(&[paused], false, Execution::Interrupted);
    check(&[paused, ("[7,-1,3,", "[7,0,3,")], false, Execution::ProgramStopped);
    check(&[paused, ("[7,-1,3,", "[7,1,3,")], false, Execution::OptionalStop);
    check(&[("\"state\":4", "\"state\":1")], false, Execution::Stopped);
}

#[test]
fn reports_come_through_any_cut_and_nonsense_is_counted() {
    let line = REPORT.replace('\n', "");
    let bytes = format!("{line}\nnot json\n{{\"v\":2}}\n{line}\n[1,2\n");
    for piece in [1, 2, 7, 100, bytes.len()] {
        let (mut decoder, mut reports, mut programs) = (StatusDecoder::new(), 0, Vec::new());
        for part in bytes.as_bytes().chunks(piece) {
            decoder.feed(part, |event| match event {
                StatusEvent::Status(status) => {
                    assert_eq!(status, report(&[]));
                    reports += 1;
                }
                StatusEvent::Program(program) => programs.push(program),
            });
        }
        assert_eq!((reports, decoder.refused()), (2, 3), "pieces of {piece}");
        assert_eq!(programs, ["/nc/part.ngc"]);
    }
}

#[test]
fn any_byte_changed_gives_a_report_or_a_count_and_never_more() {
    let line = REPORT.replace('\n', "").into_bytes();
    let mut rng = Rng::new(4);
    for round in 0..20_000 {
        let mut bytes = line.clone();
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.below(256) as u8;
        }
        bytes.push(b'\n');
        let (mut decoder, mut reports) = (StatusDecoder::new(), 0);
        decoder.feed(&bytes, |event| reports += u64::from(matches!(event, StatusEvent::Status(_))));
        // A byte may have become a line end: two lines then.
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert!(reports + decoder.refused() <= lines, "round {round} of seed 4");
        assert!(reports <= 1, "round {round} of seed 4");
    }
    let long = [vec![b'x'; 100_000], b"\n".to_vec()].concat();
    let mut decoder = StatusDecoder::new();
    decoder.feed(&long, |_| panic!("this is no report"));
    assert_eq!(decoder.refused(), 1);
}

#[test]
fn h27_dial_times_factor_is_the_lower_of_dial_and_plan() {
    for dial in (0..=2000_u16).step_by(7) {
        for plan in (0..=1000_u16).step_by(3) {
            let factor = factor_beside_dial(permille(plan), dial);
            let effective = f64::from(dial) * factor.ratio();
            let lower = f64::from(dial.min(plan));
            // Rounded down by less than one per mille of the dial, and never above.
            assert!(effective <= lower + 1e-9, "dial {dial}, plan {plan}: {effective}");
            assert!(effective > lower - f64::from(dial) / 1000.0 - 1e-9, "dial {dial}, plan {plan}: {effective}");
        }
    }
    assert_eq!(factor_beside_dial(permille(0), 0), Override::PROGRAMMED);
}

fn seen(motion: MotionType, enabled: Option<bool>) -> TickSample {
    let mut seen = sample_of(&mut reader(), ms(1), Tick { motion_type: motion, ..tick(1) });
    seen.sample.factor_enabled = enabled;
    seen
}

fn command(factor: u16) -> Command {
    Command::Factor { factor: permille(factor), time_to_live: Duration::from_ms(20) }
}

#[test]
fn the_heart_beats_only_for_a_living_command_in_a_cycle_that_passed() {
    let mut commander = Commander::new(DialInCommand::Divided, permille(800));
    let newest = seen(MotionType::Feed, Some(true));
    let write = |commander: &mut Commander, at, gate| commander.poll_write(ms(at), Some(&newest), gate);
    assert!(!write(&mut commander, 0, GateVerdict::Passed).beat);
    commander.handle_command(ms(0), command(500));
    assert_eq!(
        write(&mut commander, 19, GateVerdict::Passed),
        HalWrite { factor: permille(500), hold: None, beat: true }
    );
    assert!(!write(&mut commander, 19, GateVerdict::Refused).beat);
    // Over: what is in force is repeated, without a heartbeat.
    let over = write(&mut commander, 20, GateVerdict::Passed);
    assert_eq!(over, HalWrite { factor: Override::PROGRAMMED, hold: None, beat: false });
}

#[test]
fn rapids_and_forbidden_motions_are_not_slowed_and_a_stop_is_a_stop() {
    let check = |motion, enabled, commanded, expected| {
        let mut commander = Commander::new(DialInCommand::Divided, permille(800));
        commander.handle_command(ms(0), command(commanded));
        let write = commander.poll_write(ms(1), Some(&seen(motion, enabled)), GateVerdict::Passed);
        assert_eq!((write.factor.permille(), write.beat), (expected, true), "{motion:?} {enabled:?} {commanded}");
    };
    check(MotionType::Feed, Some(true), 500, 500);
    check(MotionType::Feed, None, 500, 500);
    check(MotionType::Arc, Some(false), 500, 800);
    check(MotionType::Arc, Some(false), 1000, 800);
    check(MotionType::Traverse, Some(true), 500, 1000);
    check(MotionType::Traverse, Some(false), 500, 1000);
    check(MotionType::Traverse, Some(true), 0, 0);
    check(MotionType::Feed, Some(false), 0, 0);
}

#[test]
fn a_hold_beats_until_it_is_in_force_and_is_released_by_name() {
    let mut commander = Commander::new(DialInCommand::Divided, Override::PROGRAMMED);
    let mut newest = seen(MotionType::Feed, Some(true));
    commander.handle_command(ms(0), Command::FeedHold);
    let write = commander.poll_write(ms(1), Some(&newest), GateVerdict::Passed);
    assert_eq!((write.hold, write.beat), (Some(true), true));
    newest.tick.feed_hold = true;
    let write = commander.poll_write(ms(2), Some(&newest), GateVerdict::Passed);
    assert_eq!((write.hold, write.beat), (Some(true), false));
    commander.release_hold();
    let write = commander.poll_write(ms(3), Some(&newest), GateVerdict::Passed);
    assert_eq!((write.hold, write.beat), (Some(false), true));
}

#[test]
fn the_record_of_capabilities_says_what_was_measured() {
    let declared = CapabilityRecord::declared(MS, Duration::from_ms(5), Some(Duration::from_ms(50)));
    assert_eq!((declared.fail_safe.basis, declared.effect_time.basis), (Basis::Declared, Basis::Declared));
    assert!(declared.capabilities().watchdog && declared.capabilities().factor);
    let measured = declared.with_effect_time(Duration::from_us(900)).with_watchdog(Duration::from_ms(51));
    assert_eq!((measured.fail_safe.basis, measured.effect_time.basis), (Basis::Measured, Basis::Measured));
    assert_eq!(measured.capabilities().effect_time, Duration::from_us(900));
    assert!(!CapabilityRecord::declared(MS, MS, None).capabilities().watchdog);
}

fn options() -> HalOptions {
    HalOptions {
        without_us: permille(800),
        watchdog: Duration::from_ms(50),
        slew_per_s: 2.0,
        queue_len: 4000,
        thread: "servo-thread".to_owned(),
    }
}

#[test]
fn the_hal_file_joins_what_is_wired_and_refuses_what_it_cannot_have() {
    let plain = hal_file(&options(), &Wiring::default()).expect("nothing stands in the way");
    for line in [
        "setp cosim-select.in0 0.8",
        "setp cosim-watchdog.width 0.05",
        "setp cosim-limit.maxv 2",
        "loadrt sampler depth=4000 cfg=ffffffffffffffssbbbbb",
        "addf sampler.0 servo-thread -1",
        "net cosim-program-line motion.program-line => sampler.0.pin.14",
    ] {
        assert!(plain.lines().any(|found| found == line), "{line} is missing");
    }
    assert!(!plain.contains('@'), "a mark is left");
    let machine = "# a net in a comment: net no motion.motion-type\nnet where \\\n  motion.program-line => x.in\n\
                   linkps axis.x.pos-cmd at-x\nnet hold a.out => motion.feed-hold\n";
    let joined = hal_file(&options(), &Wiring::read([machine])).expect("all can be joined");
    for line in [
        "net where => sampler.0.pin.14",
        "net at-x => sampler.0.pin.0",
        "net cosim-hold cosim-keep.out => cosim-keep.in-0",
        "net cosim-motion-type motion.motion-type => sampler.0.pin.15",
    ] {
        assert!(joined.lines().any(|found| found == line), "{line} is missing in:\n{joined}");
    }
    assert!(!off_file(&options(), &Wiring::read([machine])).contains("motion.feed-hold"));
    let refused = |machine: &str| hal_file(&options(), &Wiring::read([machine])).err();
    let driven = InstallError::AdaptiveFeedDriven { signal: "af".to_owned() };
    assert_eq!(refused("net af => motion.adaptive-feed"), Some(driven));
    assert_eq!(refused("loadrt mux2 count=2"), Some(InstallError::ModuleLoaded { module: "mux2".to_owned() }));
    let no_watchdog = HalOptions { watchdog: Duration::ZERO, ..options() };
    assert_eq!(hal_file(&no_watchdog, &Wiring::default()), Err(InstallError::Figures));
}

/// Installs, looks, takes it out again and compares the bytes.
fn there_and_back(ini: &str) -> Result<String, InstallError> {
    let installed = install(ini, &options(), &Wiring::default())?;
    assert_ne!(installed.ini, ini);
    assert_eq!(install(&installed.ini, &options(), &Wiring::default()), Err(InstallError::Installed));
    assert_eq!(uninstall(&installed.ini).as_deref(), Ok(ini), "not the same bytes:\n{}", installed.ini);
    Ok(installed.ini)
}

#[test]
fn installing_and_taking_out_gives_the_same_bytes() {
    let has = |ini: &str, line: &str| {
        let installed = there_and_back(ini).expect("nothing stands in the way");
        assert!(installed.lines().any(|found| found.trim_end() == line), "{line:?} is missing in:\n{installed}");
        installed
    };
    let plain = "[HAL]\nHALFILE = a.hal\nHALFILE=b.hal\n\n[RS274NGC]\nRS274NGC_STARTUP_CODE = G17 G21\nX = 1\n";
    let installed = has(plain, "RS274NGC_STARTUP_CODE = G17 G21 M52");
    let order: Vec<&str> = installed.lines().filter(|line| line.starts_with("HALFILE")).collect();
    assert_eq!(order, ["HALFILE = a.hal", "HALFILE=b.hal", "HALFILE = cosim.hal"]);
    has("[HAL]\n[RS274NGC]\n", "RS274NGC_STARTUP_CODE = M52 P1");
    has(
        "[RS274NGC]\r\nRS274NGC_STARTUP_CODE = G64 P0.01\r\n[HAL]\r\nHALFILE = a.hal\r\n",
        "RS274NGC_STARTUP_CODE = G64 P0.01 M52",
    );
    has("[RS274NGC]\n[HAL]\nHALFILE = a.hal", "HALFILE = cosim.hal");
    has("[HAL]\nHALFILE = a.hal\n[RS274NGC]\nRS274NGC_STARTUP_CODE = G21  ", "RS274NGC_STARTUP_CODE = G21 M52");
    let already = there_and_back("[HAL]\n[RS274NGC]\nRS274NGC_STARTUP_CODE = M52 P1\n").expect("only HAL is added");
    assert_eq!(already.matches("M52").count(), 1);
}

#[test]
fn what_stands_in_the_way_is_named() {
    let code = |code: &str| {
        let ini = format!("[HAL]\n[RS274NGC]\nRS274NGC_STARTUP_CODE = {code}\n");
        there_and_back(&ini).expect_err("it stands in the way")
    };
    assert_eq!(code("M50 P0"), InstallError::StartupCode { code: "M50".to_owned() });
    assert_eq!(code("G64 P0"), InstallError::StartupCode { code: "P0".to_owned() });
    assert_eq!(code("m 5 2 p 0"), InstallError::StartupCode { code: "M52 P0".to_owned() });
    assert_eq!(there_and_back("[HAL]\n"), Err(InstallError::NoSection { section: "RS274NGC" }));
    assert_eq!(there_and_back("[RS274NGC]\n"), Err(InstallError::NoSection { section: "HAL" }));
    assert_eq!(uninstall("# <<< cosim\n"), Err(InstallError::Damaged));
    assert_eq!(uninstall("a\n"), Ok("a\n".to_owned()));
}

/// INI files of LinuxCNC's package, wherever Debian puts them.
#[allow(clippy::disallowed_methods, reason = "the files of another package are read where it keeps them")]
fn packaged() -> Vec<String> {
    let root = Path::new("/usr/share/doc/linuxcnc/examples/sample-configs/sim/axis");
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    let entries = std::fs::read_dir(root).map(|entries| entries.flatten().collect()).unwrap_or_else(|_| Vec::new());
    let files = entries.iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "ini"));
    let found: Vec<String> =
        files.filter_map(|path| std::fs::read(path).ok()).filter_map(|b| String::from_utf8(b).ok()).collect();
    assert!(!must || !found.is_empty(), "LinuxCNC's package has to be there");
    found
}

#[test]
fn the_packages_machines_are_given_back_as_they_were() {
    let machines = packaged();
    if machines.is_empty() {
        let skipped = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: no LinuxCNC here\n");
        assert!(skipped.is_ok());
        return;
    }
    let installed = machines.iter().filter(|ini| match there_and_back(ini) {
        Ok(_) => true,
        Err(InstallError::NoSection { .. } | InstallError::StartupCode { .. }) => false,
        Err(error) => panic!("{error}"),
    });
    let count = installed.count();
    assert!(count * 10 >= machines.len() * 9, "only {count} of {} machines", machines.len());
}
