//! The moves held back until the next corner is known, and what waits behind them.

use super::super::canon::{CanonOp, Modal, Provenance};
use super::super::frame::Axes;
use super::Point;
use super::corner::sweep;
use crate::det::math;
use std::collections::VecDeque;

/// An arc may grow by so much, rad, when its end is moved to a corner.
const GROWTH_MAX_RAD: f64 = 0.001;

/// Kind and geometry of a held move, apart from where it ends.
#[derive(Clone, Debug)]
pub(super) enum Motion {
    /// G0 or G1.
    Line {
        /// G0.
        is_rapid: bool,
        /// Direction in which it may not be turned round; zero where it may.
        direction: Point,
    },
    /// G2 or G3.
    Arc {
        /// Centre.
        centre: Point,
        /// Signed turns.
        turns: i32,
        /// Swept angle of the arc as the program has it, rad; zero for an arc put in at a corner.
        sweep: f64,
    },
}

/// A move held back.
#[derive(Clone, Debug)]
pub(super) struct HeldMove {
    pub(super) motion: Motion,
    /// Where the centre of the cutter ends.
    pub(super) target: Axes,
    pub(super) at: Provenance,
    pub(super) modal: Modal,
}

/// Something held back.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Move(HeldMove),
    Other(CanonOp),
}

/// What is held, in order of the program.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    held: VecDeque<Held>,
    /// Where the first held move starts; `None` where that is not known any more.
    pub(super) anchor: Option<Point>,
}

/// The held arc that a following move meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldArc {
    pub(super) centre: Point,
    /// Radius on which the centre of the cutter runs.
    pub(super) radius: f64,
    pub(super) turns: i32,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn push(&mut self, held: Held) {
        self.held.push_back(held);
    }

    /// Takes everything out; where the next move starts is then not known.
    pub(super) fn drain(&mut self) -> VecDeque<Held> {
        self.anchor = None;
        std::mem::take(&mut self.held)
    }

    /// The move at the front, if it is an arc. Those behind it go along the normal only.
    pub(super) fn arc(&self, axes: [usize; 2]) -> Option<HeldArc> {
        let Some(Held::Move(HeldMove { motion: Motion::Arc { centre, turns, .. }, target, .. })) = self.held.front()
        else {
            return None;
        };
        let radius = math::hypot(centre[1] - target[axes[1]], centre[0] - target[axes[0]]);
        Some(HeldArc { centre: *centre, radius, turns: *turns })
    }

    /// Lets every held move end at a point of the plane: a move into a corner, then up and down again, are
    /// three to change.
    ///
    /// # Errors
    /// Why a move cannot end there: it would have to run backwards, or leave its circle by more than `grain_mm`.
    pub(super) fn end_at(&mut self, place: Point, axes: [usize; 2], grain_mm: f64) -> Result<(), &'static str> {
        let anchor = self.anchor;
        for held in &mut self.held {
            let Held::Move(held) = held else { continue };
            match held.motion {
                Motion::Arc { centre, turns, sweep: own } => {
                    let before = math::hypot(held.target[axes[0]] - centre[0], held.target[axes[1]] - centre[1]);
                    let after = math::hypot(place[0] - centre[0], place[1] - centre[1]);
                    if (before - after).abs() > grain_mm {
                        return Err("cutter compensation would let an arc end off its circle");
                    }
                    let grown = anchor
                        .is_some_and(|start| sweep(start, centre, turns, place).abs() > own.abs() + GROWTH_MAX_RAD);
                    if own != 0.0 && grown {
                        return Err("the cutter cannot reach this inner corner of an arc without gouging");
                    }
                }
                Motion::Line { is_rapid, direction } => {
                    let ahead = anchor.map_or(0.0, |start| {
                        direction[0] * (place[0] - start[0]) + direction[1] * (place[1] - start[1])
                    });
                    if ahead < 0.0 {
                        return Err(if is_rapid {
                            "the cutter cannot reach this inner corner of a traverse without gouging"
                        } else {
                            "the cutter cannot reach this inner corner without gouging: the line is too short for it"
                        });
                    }
                }
            }
            [held.target[axes[0]], held.target[axes[1]]] = place;
        }
        Ok(())
    }
}
