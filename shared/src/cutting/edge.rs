//! The cutting edge in pieces: what part of it stands in material, at which radius, inclination and lag.
//!
//! A slice of the engagement becomes elements of the edge. An element of height dz whose radius grows by dr
//! has the length dS = √(dz² + dr²), sinκ = dz/dS and cosκ = dr/dS; that one description covers the cylinder (dr = 0),
//! the ball, the corner, the cone and the flat bottom (dz = 0). The helix makes the edge at height z follow its
//! tip by ψ = z·tanβ/R (constant lead, on every shape).

use std::f64::consts::{FRAC_PI_2, TAU};

use super::engagement::{ANGLE_BINS, Engagement, EngagementSlice};
use crate::det::math;
use crate::tool::{CutterShape, Tool};
use crate::units::Length;

/// Pieces in which the curved part of a cutter is cut, from the tip to its full diameter.
const CURVED_PIECES: f64 = 12.0;

/// Greatest lag within one element, in bins of the engagement mask: half a turn.
const LAG_BINS_MAX: f64 = ANGLE_BINS as f64 / 2.0;

/// A piece of one flute's edge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct EdgeElement {
    /// Axial length in mm.
    pub(super) dz_mm: f64,
    /// By how much the radius grows over it, in mm.
    pub(super) dr_mm: f64,
    /// Length of the edge in mm, above zero.
    pub(super) ds_mm: f64,
    /// Mean radius in mm.
    pub(super) radius_mm: f64,
    /// Lag of its lower end behind the tip, in bins.
    pub(super) lag_low_bins: f64,
    /// Lag of its upper end behind the tip, in bins.
    pub(super) lag_high_bins: f64,
    /// Where it is in material.
    pub(super) mask: u128,
}

/// Greatest lag over which cylindrical elements with different masks are taken as one, in bins.
const GROUP_BINS: f64 = 2.0;

/// Neighbouring elements taken as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct EdgeGroup<'a> {
    /// All of them together; its mask holds every bin that any of them has.
    pub(super) element: EdgeElement,
    /// What it was made of.
    pub(super) members: &'a [EdgeElement],
}

impl<'a> EdgeGroup<'a> {
    /// Takes the longest group from the front of `elements`, and leaves the rest. Neighbours on a cylinder form the
    /// same chip at the same angle, so that they differ only in where they are in material; within
    /// [`GROUP_BINS`] of lag their forces may be summed by angle.
    pub(super) fn take(elements: &mut &'a [EdgeElement]) -> Option<Self> {
        let mut element = *elements.first()?;
        let mut count = 1;
        while let Some(next) = elements.get(count) {
            let cylinder = element.dr_mm == 0.0 && next.dr_mm == 0.0 && element.radius_mm == next.radius_mm;
            let touches = (element.lag_high_bins - next.lag_low_bins).abs() <= 1e-6;
            if !(cylinder && touches && next.lag_high_bins - element.lag_low_bins <= GROUP_BINS) {
                break;
            }
            element.dz_mm += next.dz_mm;
            element.ds_mm += next.ds_mm;
            element.lag_high_bins = next.lag_high_bins;
            element.mask |= next.mask;
            count += 1;
        }
        let (members, rest) = elements.split_at(count);
        *elements = rest;
        Some(Self { element, members })
    }
}

/// Elements of the edge in material, lowest first.
///
/// `ploughs_down` says that the cutter moves down, so that a flat bottom cuts too, where it is in material: a
/// slice of no height at the tip says which part of it is.
pub(super) fn elements(engagement: &Engagement, tool: &Tool, ploughs_down: bool) -> Vec<EdgeElement> {
    let lag_bins_mm = math::tan(tool.helix.as_rad()) / tool.radius().as_mm() * ANGLE_BINS as f64 / TAU;
    let tip_mm = match tool.shape {
        CutterShape::Flat | CutterShape::Special(_) => 0.0,
        _ => tool.tip_height().as_mm(),
    };
    let mut found: Vec<EdgeElement> = Vec::with_capacity(engagement.slices.len() + 1);
    let bottom_mm = tool.width(Length::ZERO).as_mm();
    let ploughs = ploughs_down && bottom_mm > 0.0;
    let has_height = |slice: &&EngagementSlice| slice.high_mm > slice.low_mm.max(0.0);
    let face = engagement.slices.iter().find(|slice| slice.mask != 0 && slice.low_mm <= 0.0 && !has_height(slice));
    if let Some(face) = face.filter(|_| ploughs) {
        found.push(bottom_element(bottom_mm, face.mask));
    }
    // Slices with equal arcs are one: on a curved part they are thinner than a piece has to be.
    let alike = |a: &EngagementSlice, b: &EngagementSlice| a.mask == b.mask && a.high_mm == b.low_mm;
    for run in engagement.slices.chunk_by(alike) {
        let slice = EngagementSlice { high_mm: run[run.len() - 1].high_mm, ..run[0] };
        if slice.mask == 0 || !has_height(&&slice) {
            continue;
        }
        let low_mm = slice.low_mm.max(0.0);
        let curved_to_mm = slice.high_mm.min(tip_mm);
        if curved_to_mm > low_mm {
            for piece in curved_pieces(tool, tip_mm, low_mm, curved_to_mm) {
                push(&mut found, element(tool, lag_bins_mm, piece, slice.mask));
            }
        }
        if slice.high_mm > tip_mm {
            push(&mut found, element(tool, lag_bins_mm, [low_mm.max(tip_mm), slice.high_mm], slice.mask));
        }
    }
    found
}

/// Cuts the curved part of a slice into pieces of equal angle; a cone needs one.
fn curved_pieces(tool: &Tool, tip_mm: f64, low_mm: f64, high_mm: f64) -> impl Iterator<Item = [f64; 2]> {
    let angle = |z_mm: f64| math::acos(1.0 - z_mm / tip_mm);
    let (from, to) = (angle(low_mm), angle(high_mm));
    let count = match tool.shape {
        CutterShape::Cone { .. } | CutterShape::Drill { .. } => 1.0,
        _ => ((to - from) / FRAC_PI_2 * CURVED_PIECES).ceil().max(1.0),
    };
    let border = move |piece: f64| match piece {
        first if first <= 0.0 => low_mm,
        last if last >= count => high_mm,
        inner => tip_mm * (1.0 - math::cos(from + (to - from) * inner / count)),
    };
    (0..count as u32).map(move |piece| [border(f64::from(piece)), border(f64::from(piece) + 1.0)])
}

fn element(tool: &Tool, lag_bins_mm: f64, [low_mm, high_mm]: [f64; 2], mask: u128) -> EdgeElement {
    let radii_mm = [low_mm, (low_mm + high_mm) / 2.0, high_mm].map(|z_mm| tool.width(Length::mm(z_mm)).as_mm());
    let (dz_mm, dr_mm) = (high_mm - low_mm, radii_mm[2] - radii_mm[0]);
    let ds_mm = (dz_mm * dz_mm + dr_mm * dr_mm).sqrt();
    // Two means of the radius: over height (Simpson's rule) for what the side cuts, over radius for what the
    // end cuts. With one of them alone a ball would lose a hundredth of the volume it removes.
    let over_height_mm = (radii_mm[0] + 4.0 * radii_mm[1] + radii_mm[2]) / 6.0;
    let over_radius_mm = (radii_mm[0] + radii_mm[2]) / 2.0;
    let steepness = dz_mm * dz_mm / (ds_mm * ds_mm);
    EdgeElement {
        dz_mm,
        dr_mm,
        ds_mm,
        radius_mm: over_radius_mm + (over_height_mm - over_radius_mm) * steepness,
        lag_low_bins: low_mm * lag_bins_mm,
        lag_high_bins: high_mm * lag_bins_mm,
        mask,
    }
}

fn bottom_element(radius_mm: f64, mask: u128) -> EdgeElement {
    EdgeElement {
        dz_mm: 0.0,
        dr_mm: radius_mm,
        ds_mm: radius_mm,
        radius_mm: radius_mm / 2.0,
        lag_low_bins: 0.0,
        lag_high_bins: 0.0,
        mask,
    }
}

/// Appends an element: grows the one before it where they are the same cylinder in the same material.
fn push(found: &mut Vec<EdgeElement>, next: EdgeElement) {
    if let Some(last) = found.last_mut() {
        let touches = (last.lag_high_bins - next.lag_low_bins).abs() <= 1e-9 * ANGLE_BINS as f64;
        let cylinder = last.dr_mm == 0.0 && next.dr_mm == 0.0 && last.radius_mm == next.radius_mm;
        let short = next.lag_high_bins - last.lag_low_bins <= LAG_BINS_MAX;
        if touches && cylinder && short && last.mask == next.mask {
            last.dz_mm += next.dz_mm;
            last.ds_mm += next.ds_mm;
            last.lag_high_bins = next.lag_high_bins;
            return;
        }
    }
    let pieces = ((next.lag_high_bins - next.lag_low_bins) / LAG_BINS_MAX).ceil().clamp(1.0, 64.0);
    let lag_step = (next.lag_high_bins - next.lag_low_bins) / pieces;
    for piece in 0..pieces as u32 {
        let lag_low_bins = next.lag_low_bins + lag_step * f64::from(piece);
        found.push(EdgeElement {
            dz_mm: next.dz_mm / pieces,
            dr_mm: next.dr_mm / pieces,
            ds_mm: next.ds_mm / pieces,
            lag_low_bins,
            lag_high_bins: lag_low_bins + lag_step,
            ..next
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutting::testing;

    #[test]
    fn a_plunge_cuts_with_its_bottom_alone() {
        let face = EngagementSlice { low_mm: 0.0, high_mm: 0.0, mask: u128::MAX };
        let elements = elements(&Engagement { slices: vec![face] }, &testing::end_mill(10.0, 4, 30.0), true);
        assert_eq!(elements.len(), 1);
        assert_eq!((elements[0].dr_mm, elements[0].dz_mm, elements[0].mask), (5.0, 0.0, u128::MAX));
    }

    fn slices(count: u32, height_mm: f64, mask: u128) -> Engagement {
        let slice =
            |i: u32| EngagementSlice { low_mm: f64::from(i) * height_mm, high_mm: f64::from(i + 1) * height_mm, mask };
        Engagement { slices: (0..count).map(slice).collect() }
    }

    #[test]
    fn equal_slices_of_a_cylinder_are_one_element() {
        let found = elements(&slices(16, 0.5, 0xff), &testing::end_mill(10.0, 4, 30.0), false);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0].dz_mm - 8.0).abs() < 1e-12 && found[0].radius_mm == 5.0);
    }

    #[test]
    fn the_edge_of_a_ball_is_as_long_as_its_arc() {
        let tool = testing::ball(10.0, 2, 30.0);
        for count in [1, 7, 16] {
            let found = elements(&slices(count, 5.0 / f64::from(count), 0xff), &tool, false);
            let length_mm: f64 = found.iter().map(|element| element.ds_mm).sum();
            let quarter_mm = FRAC_PI_2 * 5.0;
            assert!((length_mm / quarter_mm - 1.0).abs() < 3e-3, "{count}: {length_mm} against {quarter_mm}");
            let rise: f64 = found.iter().map(|element| element.dr_mm).sum();
            assert!((rise - 5.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_bottom_cuts_when_it_goes_down_and_only_then() {
        let tool = testing::end_mill(10.0, 4, 30.0);
        assert_eq!(elements(&slices(1, 0.5, 1 << 40), &tool, false).len(), 1);
        assert_eq!(elements(&slices(1, 0.5, 1 << 40), &tool, true).len(), 1, "nothing lies under the bottom");
        let mut ramp = slices(1, 0.5, 1 << 40);
        ramp.slices.insert(0, EngagementSlice { low_mm: 0.0, high_mm: 0.0, mask: 0xff });
        assert_eq!(elements(&ramp, &tool, false).len(), 1);
        let down = elements(&ramp, &tool, true);
        assert_eq!((down.len(), down[0].dz_mm, down[0].ds_mm, down[0].mask), (2, 0.0, 5.0, 0xff));
    }

    #[test]
    fn slices_of_different_arcs_are_grouped_by_lag() {
        let mut engagement = slices(16, 0.5, 0xff);
        engagement.slices.iter_mut().step_by(2).for_each(|slice| slice.mask = 0xf);
        let found = elements(&engagement, &testing::end_mill(20.0, 4, 30.0), false);
        let (mut rest, mut groups) = (found.as_slice(), Vec::new());
        while let Some(group) = EdgeGroup::take(&mut rest) {
            groups.push(group);
        }
        assert!(found.len() == 16 && groups.len() < 7, "{} elements, {} groups", found.len(), groups.len());
        let in_material_mm = |bin: usize| -> f64 {
            let members = groups.iter().flat_map(|group| group.members);
            members.filter(|member| member.mask >> bin & 1 == 1).map(|member| member.ds_mm).sum()
        };
        assert!((in_material_mm(0) - 8.0).abs() < 1e-9 && (in_material_mm(7) - 4.0).abs() < 1e-9);
        assert_eq!(in_material_mm(8), 0.0);
        let whole_mm: f64 = groups.iter().map(|group| group.element.ds_mm).sum();
        assert!((whole_mm - 8.0).abs() < 1e-9 && groups.iter().all(|group| group.element.mask == 0xff));
    }

    #[test]
    fn a_long_helix_is_cut_into_half_turns() {
        let found = elements(&slices(1, 60.0, 0xff), &testing::end_mill(6.0, 3, 45.0), false);
        assert!(found.len() > 5 && found.iter().all(|e| e.lag_high_bins - e.lag_low_bins <= LAG_BINS_MAX + 1e-9));
        assert!((found.iter().map(|element| element.dz_mm).sum::<f64>() - 60.0).abs() < 1e-9);
    }
}
