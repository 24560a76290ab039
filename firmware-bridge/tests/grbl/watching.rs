//! Another sender has the port through us: nothing of what it says or hears changes.

use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::grbl::{
    Flavour, Numbering, OnTrouble, Role, Session, StreamEnd, Streamer, TO_CONTROLLER_MAX, Tap,
};
use firmware_bridge::grbl_emulator::EmulatorConfig;
use shared::det::Rng;
use shared::time::Duration;

use crate::rig::{FLAVOURS, Rig, settings};

/// A sender of its own behind the tap: another session, which streams a program and asks for status.
struct Behind {
    rig: Rig,
    sender: Session,
    to_controller: Vec<u8>,
    from_controller: Vec<u8>,
}

impl Behind {
    fn new(flavour: Flavour) -> Self {
        let rig = Rig::new(EmulatorConfig::router(flavour, 11));
        let sender = Session::new(settings(flavour), Role::Watching(Tap::new()));
        Self { rig, sender, to_controller: Vec::new(), from_controller: Vec::new() }
    }

    /// One millisecond: what the sender has goes through us, what the controller says goes back.
    fn step(&mut self) {
        let mut bytes = Vec::new();
        self.sender.poll_bytes(self.rig.now, &mut bytes);
        self.to_controller.extend_from_slice(&bytes);
        assert_eq!(self.rig.session.handle_sender(self.rig.now, &bytes), bytes.len());
        self.rig.step();
        bytes.clear();
        self.rig.session.poll_sender(&mut bytes);
        self.from_controller.extend_from_slice(&bytes);
        self.sender.handle_bytes(self.rig.now, &bytes, &mut |_| ());
    }

    /// The operator presses at the other sender's screen.
    fn press(&mut self, byte: u8) {
        assert_eq!(self.rig.session.handle_sender(self.rig.now, &[byte]), 1);
    }
}

fn program(lines: u32) -> Vec<u8> {
    (1..=lines).map(|line| format!("G1 X{} F1200\n", line)).collect::<String>().into_bytes()
}

#[test]
fn a_stream_through_us_is_untouched_while_we_slow_it() {
    for flavour in FLAVOURS {
        let mut behind = Behind::new(flavour);
        (0..1000).for_each(|_| behind.step());
        let declaration = flavour.declaration(Duration::from_ms(50));
        let streamer = Streamer::new(program(300).into(), &declaration, OnTrouble::HoldAndStop, Numbering::AsWritten);
        behind.sender.send_program(streamer.expect("valid"));
        behind.rig.answered.clear();
        behind.rig.sent.clear();
        behind.to_controller.clear();
        let mut rng = Rng::new(5);
        let mut slowest = 200;
        for _ in 0..60_000 {
            if rng.chance(0.002) {
                behind.rig.factor(100 * (1 + rng.below(10) as u16), 100_000);
            }
            behind.step();
            slowest = slowest.min(behind.rig.emulator.feed_override());
            if behind.sender.streamer().is_some_and(Streamer::has_completed) {
                break;
            }
        }
        let report = behind.sender.streamer().expect("it sends").report();
        assert_eq!((report.end, report.proven_through), (StreamEnd::Completed, 300), "{flavour:?}");
        assert!(slowest <= 20, "{flavour:?}: slowed to {slowest} %");
        // Apart from our overrides and requests the controller got the other sender's bytes in their order.
        let lines =
            |bytes: &[u8]| bytes.iter().copied().filter(|byte| *byte != b'?' && *byte < 0x80).collect::<Vec<u8>>();
        assert_eq!(lines(&behind.rig.sent), lines(&behind.to_controller), "{flavour:?}");
        assert!(behind.rig.answered.iter().all(|(_, error)| *error == 0), "{flavour:?}");
        assert_eq!(behind.rig.answered.iter().filter(|(line, _)| line != b"$G").count(), 300, "{flavour:?}");
        // It asks often enough, so we hardly ask: at most one request in ten is ours.
        let theirs = behind.to_controller.iter().filter(|byte| **byte == b'?').count();
        let all = behind.rig.sent.iter().filter(|byte| **byte == b'?').count();
        assert!(all - theirs <= all / 10 + 1, "{flavour:?}: {all} requests, {theirs} theirs");
        assert_eq!(behind.rig.sample.map(|sample| sample.execution.is_some()), Some(true));
    }
}

/// H27 with bytes that we see: the operator's presses are exact, also in the middle of ours.
#[test]
fn h27_the_other_senders_presses_are_the_operators() {
    for flavour in FLAVOURS {
        let mut behind = Behind::new(flavour);
        let run = |behind: &mut Behind, ms: u64| (0..ms).for_each(|_| behind.step());
        run(&mut behind, 1500);
        behind.rig.factor(600, 600_000);
        // In the middle of our four presses.
        run(&mut behind, 8);
        behind.press(0x92);
        run(&mut behind, 1500);
        assert_eq!((behind.rig.emulator.feed_override(), behind.rig.operator()), (60, Some(70)), "{flavour:?}");
        behind.press(0x90);
        run(&mut behind, 1500);
        assert_eq!((behind.rig.emulator.feed_override(), behind.rig.operator()), (60, Some(100)), "{flavour:?}");
        for _ in 0..3 {
            behind.press(0x92);
            run(&mut behind, 300);
        }
        assert_eq!((behind.rig.emulator.feed_override(), behind.rig.operator()), (30, Some(30)), "{flavour:?}");
        for _ in 0..9 {
            behind.press(0x91);
            run(&mut behind, 300);
        }
        assert_eq!((behind.rig.emulator.feed_override(), behind.rig.operator()), (60, Some(70)), "{flavour:?}");
        behind.rig.session.let_go();
        run(&mut behind, 1500);
        assert_eq!(behind.rig.emulator.feed_override(), 70, "{flavour:?}");
    }
}

/// A reset by the other sender is heard on its way there, and the end of its program on its way back.
#[test]
fn resets_and_ends_of_the_other_sender_are_heard() {
    let mut behind = Behind::new(Flavour::Grbl);
    (0..1500).for_each(|_| behind.step());
    behind.rig.factor(300, 600_000);
    (0..1000).for_each(|_| behind.step());
    assert_eq!(behind.rig.emulator.feed_override(), 30);
    let line = b"G1X5F1200\nM30\n";
    assert_eq!(behind.rig.session.handle_sender(behind.rig.now, line), line.len());
    (0..3000).for_each(|_| behind.step());
    assert_eq!(behind.rig.sample.and_then(|sample| sample.execution), Some(Execution::ProgramCompleted));
    let resets = behind.rig.resets;
    assert_eq!(behind.rig.session.handle_sender(behind.rig.now, &[0x18]), 1);
    (0..2000).for_each(|_| behind.step());
    assert_eq!((behind.rig.resets, behind.rig.emulator.feed_override()), (resets + 1, 100));
    assert!(!behind.rig.session.standing(behind.rig.now).holding);
}

/// Nothing is dropped in secret: what does not fit is not taken, and a sender that does not read is known.
#[test]
fn a_full_tap_takes_no_more_and_says_so() {
    let mut session = Session::new(settings(Flavour::Grbl), Role::Watching(Tap::new()));
    let bytes = vec![b'G'; TO_CONTROLLER_MAX + 100];
    let now = shared::time::Instant::ORIGIN;
    assert_eq!(session.handle_sender(now, &bytes), TO_CONTROLLER_MAX);
    assert_eq!(session.handle_sender(now, b"G"), 0);
    let memory = session.memory_bytes();
    for _ in 0..1000 {
        session.handle_bytes(now, &[b'x'; 1000], &mut |_| ());
    }
    assert!(session.tap().expect("we watch").is_stuck());
    assert_eq!(session.memory_bytes(), memory);
    session.tap().expect("we watch").reset_sender();
    assert!(!session.tap().expect("we watch").is_stuck());
}
