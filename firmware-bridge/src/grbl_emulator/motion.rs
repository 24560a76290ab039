//! Planner and motion in virtual time: a queue of blocks, a trapezoid over all of them, overrides, hold.

use std::collections::VecDeque;

use super::gcode::Block;

/// Two blocks whose directions differ by more than this cosine are passed at standstill.
const STRAIGHT_COSINE: f64 = 0.95;

/// What drives the motion during a step; ratios.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drive {
    pub(super) feed: f64,
    pub(super) rapid: f64,
    pub(super) hold: bool,
}

/// The machine's motion.
#[derive(Clone, Debug)]
pub(super) struct Axes {
    blocks: VecDeque<Block>,
    blocks_max: usize,
    acceleration: f64,
    rapid_mm_s: f64,
    at: f64,
    speed: f64,
    position: [f64; 3],
}

impl Axes {
    pub(super) fn new(blocks_max: usize, acceleration: f64, rapid_mm_s: f64) -> Self {
        Self {
            blocks: VecDeque::with_capacity(blocks_max),
            blocks_max,
            acceleration: acceleration.max(1.0),
            rapid_mm_s: rapid_mm_s.max(0.1),
            at: 0.0,
            speed: 0.0,
            position: [0.0; 3],
        }
    }

    pub(super) fn free(&self) -> usize {
        self.blocks_max - self.blocks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn is_moving(&self) -> bool {
        self.speed > 0.0
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    pub(super) fn position(&self) -> [f64; 3] {
        self.position
    }

    pub(super) fn line(&self) -> u32 {
        self.blocks.front().map_or(0, |block| block.line)
    }

    /// A block without length is done already.
    pub(super) fn push(&mut self, block: Block) {
        if block.length > 0.0 {
            self.blocks.push_back(block);
        }
    }

    /// Throws everything away and stands.
    pub(super) fn flush(&mut self) {
        self.blocks.clear();
        (self.at, self.speed) = (0.0, 0.0);
    }

    /// One step of `time` s; `done` gets the line number of every finished block.
    pub(super) fn step(&mut self, time: f64, drive: Drive, done: &mut dyn FnMut(u32)) {
        let Some(front) = self.blocks.front() else {
            self.speed = 0.0;
            return;
        };
        let change = self.acceleration * time;
        let nominal = self.nominal(front, drive);
        let room =
            (self.exit_speed(drive).powi(2) + 2.0 * self.acceleration * (front.length - self.at).max(0.0)).sqrt();
        self.speed = if drive.hold {
            (self.speed - change).max(0.0)
        } else {
            let wanted = if self.speed > nominal { (self.speed - change).max(nominal) } else { nominal };
            // A block that is nearly done must still end.
            wanted.min(self.speed + change).min(room).max(change.min(nominal))
        };
        self.at += self.speed * time;
        while let Some(front) = self.blocks.front() {
            if self.at < front.length - 1e-9 {
                self.position = front.point(self.at);
                return;
            }
            self.at -= front.length;
            self.position = front.to;
            done(front.line);
            self.blocks.pop_front();
        }
        (self.at, self.speed) = (0.0, 0.0);
    }

    fn nominal(&self, block: &Block, drive: Drive) -> f64 {
        match block.feed_mm_s {
            Some(feed) => (feed * drive.feed).min(self.rapid_mm_s),
            None => self.rapid_mm_s * drive.rapid,
        }
    }

    /// Greatest speed at the end of the first block from which all that follow can still be stopped on.
    fn exit_speed(&self, drive: Drive) -> f64 {
        let mut exit = 0.0f64;
        for index in (1..self.blocks.len()).rev() {
            let (before, block) = (&self.blocks[index - 1], &self.blocks[index]);
            let entry = (exit * exit + 2.0 * self.acceleration * block.length).sqrt();
            let (end, start) = (before.direction(true), block.direction(false));
            let cosine: f64 = [0, 1, 2].map(|axis| end[axis] * start[axis]).iter().sum();
            let passes = cosine > STRAIGHT_COSINE;
            let both = self.nominal(before, drive).min(self.nominal(block, drive));
            exit = if passes { entry.min(both) } else { 0.0 };
        }
        exit
    }
}
