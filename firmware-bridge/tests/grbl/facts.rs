//! The emulator against what was measured: without the traps the other tests would prove nothing.

use firmware_bridge::dialect::grbl::Flavour;
use firmware_bridge::dialect::grbl::status::{State, StatusReport};
use firmware_bridge::grbl_emulator::{Emulator, EmulatorConfig};
use shared::time::{Duration, Instant};

use crate::rig::FLAVOURS;

fn at_ms(ms: u64) -> Instant {
    Instant::ORIGIN.after(Duration::from_ms(ms))
}

fn burst(flavour: Flavour, bytes: &[u8], spacing_ms: u64) -> u8 {
    let mut emulator = Emulator::new(EmulatorConfig::router(flavour, 1), Instant::ORIGIN);
    for (index, byte) in bytes.iter().enumerate() {
        let now = at_ms(10 + spacing_ms * index as u64);
        emulator.advance_to(now, &mut |_| ());
        emulator.handle_bytes(now, &[*byte]);
    }
    emulator.advance_to(at_ms(1000), &mut |_| ());
    emulator.feed_override()
}

/// CONTROLLERS.md section 2, measured: five 0x92 in one write give 90, thirty 0x93 give 102 to 104, with 5 ms between
/// them they are exact.
#[test]
fn bursts_coalesce_on_grbl_as_measured() {
    assert_eq!(burst(Flavour::Grbl, &[0x92; 5], 0), 90);
    let thirty = burst(Flavour::Grbl, &[0x93; 30], 0);
    assert!((102..=104).contains(&thirty), "{thirty}");
    assert_eq!(burst(Flavour::Grbl, &[0x92; 5], 5), 50);
    assert_eq!(burst(Flavour::Grbl, &[0x93; 30], 5), 130);
}

#[test]
fn bursts_queue_on_grblhal_and_the_rest_is_dropped() {
    // As fast as USB: the whole burst between two turns of the main loop.
    let usb = |bytes: &[u8]| {
        let config = EmulatorConfig { byte_time: Duration::from_us(1), ..EmulatorConfig::router(Flavour::GrblHal, 1) };
        let mut emulator = Emulator::new(config, Instant::ORIGIN);
        emulator.handle_bytes(at_ms(10), bytes);
        emulator.advance_to(at_ms(100), &mut |_| ());
        (emulator.feed_override(), emulator.bytes_dropped())
    };
    assert_eq!(usb(&[0x92; 5]), (50, 0));
    assert_eq!(usb(&[0x93; 30]), (116, 14));
}

fn reports(emulator: &mut Emulator, from_ms: u64, count: u64) -> Vec<StatusReport> {
    let mut bytes = Vec::new();
    for index in 0..count {
        emulator.advance_to(at_ms(from_ms + 100 * index), &mut |_| ());
        emulator.handle_bytes(at_ms(from_ms + 100 * index), b"?");
    }
    let end = at_ms(from_ms + 100 * count);
    emulator.advance_to(end, &mut |_| ());
    emulator.poll_bytes(end, &mut bytes);
    let text = String::from_utf8(bytes).expect("a clean line");
    text.lines().filter_map(|line| StatusReport::parse(line.trim())).collect()
}

#[test]
fn override_and_offset_come_now_and_then_and_never_together() {
    for flavour in FLAVOURS {
        let mut emulator = Emulator::new(EmulatorConfig::router(flavour, 1), Instant::ORIGIN);
        let found = reports(&mut emulator, 10, 60);
        assert_eq!(found.len(), 60);
        let stated = found.iter().filter(|report| report.overrides.is_some()).count();
        let offsets = found.iter().filter(|report| report.offset.is_some()).count();
        assert!((4..=8).contains(&stated) && (4..=8).contains(&offsets), "{stated} {offsets}");
        assert!(found.iter().all(|report| report.overrides.is_none() || report.offset.is_none()));
        // On change it is stated at once, or in the report after a work offset.
        emulator.handle_bytes(at_ms(7000), &[0x92]);
        let changed = reports(&mut emulator, 7100, 2);
        assert!(changed.iter().any(|report| report.overrides.is_some_and(|said| said.feed.percent() == 90)));
    }
}

/// A line answers, moves, and arrives in the time that distance, feed, override and acceleration give.
#[test]
fn a_move_takes_the_time_it_should() {
    for (percent_down, feed_mm_s) in [(0, 10.0), (5, 5.0)] {
        let mut emulator = Emulator::new(EmulatorConfig::router(Flavour::Grbl, 1), Instant::ORIGIN);
        for press in 0..percent_down {
            emulator.handle_bytes(at_ms(10 + 10 * press), &[0x92]);
            emulator.advance_to(at_ms(10 + 10 * press), &mut |_| ());
        }
        emulator.handle_bytes(at_ms(200), b"G91G1X20F600\n");
        let mut done = None;
        for ms in 200..6000 {
            emulator.advance_to(at_ms(ms), &mut |happening| {
                if let firmware_bridge::grbl_emulator::Happening::Done { .. } = happening {
                    done = Some(ms);
                }
            });
        }
        // v/a more than at full speed throughout; the line arrives after 14 bytes.
        let expected_ms = 200.0 + 1.2 + 1000.0 * (20.0 / feed_mm_s + feed_mm_s / 500.0);
        let done = done.expect("it arrives") as f64;
        assert!((done - expected_ms).abs() < 25.0, "{done} ms, expected {expected_ms}");
    }
}

#[test]
fn a_reset_in_motion_is_alarm_3_and_puts_the_override_back() {
    let mut emulator = Emulator::new(EmulatorConfig::router(Flavour::Grbl, 1), Instant::ORIGIN);
    emulator.handle_bytes(at_ms(1), b"G91G1X100F600\n\x92");
    emulator.advance_to(at_ms(500), &mut |_| ());
    assert_eq!(emulator.feed_override(), 90);
    let mut bytes = Vec::new();
    emulator.poll_bytes(at_ms(500), &mut bytes);
    bytes.clear();
    emulator.handle_bytes(at_ms(500), b"\x18");
    let found = reports(&mut emulator, 510, 1);
    assert_eq!(found.last().map(|report| report.state), Some(State::Alarm));
    assert_eq!((emulator.feed_override(), emulator.speed_mm_s()), (100, 0.0));
}
