//! Engagement against the tri-dexel: the rules of the room's text for a cutter at any inclination.
//!
//! Heights do not exist here, places do: a bin counts where the place just ahead of it is in material. "Ahead" is along
//! the travel, so far that the whole cell around the place lies outside what the cutter stood in, and beside the
//! travel half a cell inside the radius. Where the surface mostly goes down or lies on the trailing half, the place is
//! [`TOUCH_CELLS`] of a cell along the travel from the surface itself. A wall found this way is half a cell thick: the
//! error of an angle is about h/(2R·sinφ), that of a_p a tenth of a cell above its search. Slices look at different places
//! within their bins, so that an angle is not rounded to one.

use std::f64::consts::TAU;

use shared::cutting::{ANGLE_BINS, Engagement, EngagementSlice};
use shared::det::math;
use shared::geom::{Point, Vector};
use shared::kinematics::ToolPose;

use crate::stock::TriDexel;
use crate::sweep::body::RevolvedTool;

/// How far along the travel a place is looked at where the surface is looked at itself, in cells.
const TOUCH_CELLS: f64 = 0.6;
/// Slices of the engaged height. Each looks at another place within its bins, as on a height map; the places
/// of neighbours are this many of them apart: any few in a row are spread evenly.
const SLICES: usize = 12;
const SLICE_STEP: usize = 5;
/// Levels at which the cutting part is searched for contact, and bins of each.
const SEARCH_LEVELS: usize = 24;
const SEARCH_STRIDE: usize = 4;
/// Halvings of the distance between levels to find where contact ends.
const HALVINGS: usize = 6;
/// Rings on which a face that goes down is looked at.
const FACE_RINGS: usize = 6;
/// Share of the travel across the axis below which a move is a plunge.
const PLUNGE_SHARE: f64 = 1e-3;

/// Where a tool stands, where it goes and which way it turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltedPose {
    /// Tip and axis, work frame.
    pub tool: ToolPose,
    /// Unit vector of travel against the work.
    pub travel: Vector,
    /// True for M4: the picture is mirrored at the path.
    pub mirrored: bool,
    /// How far the path goes straight on from here, mm.
    pub straight_on_mm: f64,
}

/// The engagement of a cutter at a pose. About 10 to 30 µs; the bench `tridexel` prints it.
pub fn sample_tilted(stock: &TriDexel, tool: &RevolvedTool, pose: &TiltedPose) -> Engagement {
    let mut engagement = Engagement::default();
    let height_mm = tool.cutting_height_mm();
    if pose.travel == Vector::zeros() || height_mm <= 0.0 {
        return engagement;
    }
    let view = View::new(stock, tool, pose);
    view.face(&mut engagement);
    let Some((low_mm, high_mm)) = view.touched(height_mm) else {
        return engagement;
    };
    // Where the cutter gets wider, equal steps of the square root are nearly equal steps of radius: thin near the tip, where a
    // shallow layer ends.
    let widens = view.widening(low_mm + 1e-3 * (high_mm - low_mm)) > 0.05;
    for slice in 0..SLICES {
        let border = |index: usize| {
            let share = index as f64 / SLICES as f64;
            low_mm + (high_mm - low_mm) * if widens { share * share } else { share }
        };
        let (low_mm, high_mm) = (border(slice), border(slice + 1));
        let within = ((slice * SLICE_STEP % SLICES) as f64 + 0.5) / SLICES as f64;
        let mask = view.ring(0.5 * (low_mm + high_mm), Looks { stride: 1, within });
        if mask != 0 {
            engagement.slices.push(EngagementSlice { low_mm, high_mm, mask });
        }
    }
    engagement
}

struct View<'a> {
    stock: &'a TriDexel,
    tool: &'a RevolvedTool,
    tip: Point,
    axis: Vector,
    /// φ = 90° and φ = 0°.
    ahead: Vector,
    beside: Vector,
    travel: Vector,
    /// Share of the travel across the axis; zero in a plunge. And along it.
    across: f64,
    along: f64,
    straight_on_mm: f64,
    cell_mm: f64,
    /// The axis nearest to the tool's, whose rays are looked at: exact along the tool, as a height map is.
    ray: usize,
    /// Sine and cosine where each bin begins.
    directions: [(f64, f64); ANGLE_BINS],
}

/// Where a ring is looked at: every `stride`-th bin, `within` bins from where it begins.
#[derive(Clone, Copy)]
struct Looks {
    stride: usize,
    within: f64,
}

/// Sine and cosine of the sum of two angles: a product of complex numbers.
fn turned((s, c): (f64, f64), (sine, cosine): (f64, f64)) -> (f64, f64) {
    (s * cosine + c * sine, c * cosine - s * sine)
}

/// Sine and cosine where each bin begins from those of one, good to 10⁻¹⁴.
fn directions() -> [(f64, f64); ANGLE_BINS] {
    let bin = math::sin_cos(TAU / ANGLE_BINS as f64);
    let mut at = (0.0, 1.0);
    std::array::from_fn(|_| {
        let here = at;
        at = turned(here, bin);
        here
    })
}

impl<'a> View<'a> {
    fn new(stock: &'a TriDexel, tool: &'a RevolvedTool, pose: &TiltedPose) -> Self {
        let ToolPose { tip, axis } = pose.tool;
        let along = pose.travel.dot(&axis);
        let flat = pose.travel - axis * along;
        let plunge = flat.norm() < PLUNGE_SHARE;
        let ahead = if plunge { any_across(&axis) } else { flat.normalize() };
        let side = if pose.mirrored { -1.0 } else { 1.0 };
        Self {
            stock,
            tool,
            tip,
            axis,
            ahead,
            beside: axis.cross(&ahead) * side,
            travel: pose.travel,
            across: if plunge { 0.0 } else { flat.norm() },
            along,
            straight_on_mm: pose.straight_on_mm,
            cell_mm: stock.cell_mm().into_iter().fold(0.0, f64::max),
            ray: axis.iamax(),
            directions: directions(),
        }
    }

    /// dr/dz of the cutting part at a height.
    fn widening(&self, height_mm: f64) -> f64 {
        let delta = 1e-4;
        let (low, high) = ((height_mm - delta).max(0.0), height_mm + delta);
        let radius = |height_mm: f64| self.tool.cutting_radius_at_mm(height_mm);
        if radius(high) == 0.0 { 0.0 } else { (radius(high) - radius(low)) / (high - low) }
    }

    /// Bins in material at a height above the tip, every `stride`-th of them standing for its neighbours.
    fn ring(&self, height_mm: f64, Looks { stride, within }: Looks) -> u128 {
        let radius_mm = self.tool.cutting_radius_at_mm(height_mm);
        if radius_mm <= 0.0 {
            return 0;
        }
        let widening = self.widening(height_mm);
        let group = if stride == 1 { 1u128 } else { (1u128 << stride) - 1 };
        let further = math::sin_cos(within * TAU / ANGLE_BINS as f64);
        let mut mask = 0u128;
        for bin in (0..ANGLE_BINS).step_by(stride) {
            let (sine, cosine) = turned(self.directions[bin], further);
            // n·t for the outward normal, (radial − axis · dr/dz) but for its length.
            if self.across * sine - widening * self.along <= 1e-9 {
                continue;
            }
            let place = if self.across > 0.0 && sine > 0.0 {
                self.ahead_of(radius_mm, height_mm, (sine, cosine))
            } else {
                self.on_surface(radius_mm, height_mm, (sine, cosine))
            };
            if self.stock.covers_along(self.ray, &place) {
                mask |= group << bin;
            }
        }
        mask
    }

    /// Just ahead of the forward half of a ring.
    fn ahead_of(&self, radius_mm: f64, height_mm: f64, (sine, cosine): (f64, f64)) -> Point {
        let half_mm = 0.5 * self.cell_mm;
        let beside_max = (radius_mm - half_mm).max(0.0);
        let beside_mm = (radius_mm * cosine).clamp(-beside_max, beside_max);
        let inner_mm = (beside_mm.abs() - half_mm).max(0.0);
        let clear_mm = (radius_mm * radius_mm - inner_mm * inner_mm).max(0.0).sqrt() + half_mm;
        let ring_mm = radius_mm * sine;
        let way_mm = (clear_mm - ring_mm).min(self.straight_on_mm * self.across);
        let climb_mm = way_mm * self.along / self.across;
        self.tip + self.axis * (height_mm + climb_mm) + self.ahead * (ring_mm + way_mm) + self.beside * beside_mm
    }

    fn on_surface(&self, radius_mm: f64, height_mm: f64, (sine, cosine): (f64, f64)) -> Point {
        let surface = self.axis * height_mm + (self.ahead * sine + self.beside * cosine) * radius_mm;
        self.tip + surface + self.travel * (TOUCH_CELLS * self.cell_mm)
    }

    /// The flat face cuts only when it goes down: with its whole area at no height.
    fn face(&self, engagement: &mut Engagement) {
        let face_mm = self.tool.cutting_radius_at_mm(0.0);
        if face_mm <= 1e-6 || self.along >= -1e-9 {
            return;
        }
        let further = math::sin_cos(0.5 * TAU / ANGLE_BINS as f64);
        let (mut mask, mut carried) = (0u128, FACE_RINGS / 2);
        for bin in 0..ANGLE_BINS {
            let direction = turned(self.directions[bin], further);
            // Rings of equal area. What does not fill a bin is carried to the next.
            let radius = |ring: usize| face_mm * ((ring as f64 + 0.5) / FACE_RINGS as f64).sqrt();
            let place = |ring: usize| self.on_surface(radius(ring), 0.0, direction);
            carried += (0..FACE_RINGS).filter(|ring| self.stock.covers_along(self.ray, &place(*ring))).count();
            if carried >= FACE_RINGS {
                carried -= FACE_RINGS;
                mask |= 1 << bin;
            }
        }
        if mask != 0 {
            engagement.slices.push(EngagementSlice { low_mm: 0.0, high_mm: 0.0, mask });
        }
    }

    /// Between which heights the cutting part touches material.
    fn touched(&self, height_mm: f64) -> Option<(f64, f64)> {
        // Closer together near the tip, where shallow cuts touch.
        let level = |place: f64| {
            let share = place / SEARCH_LEVELS as f64;
            height_mm * share * share
        };
        let looks = Looks { stride: SEARCH_STRIDE, within: 0.5 * SEARCH_STRIDE as f64 };
        let touches = |height_mm: f64| self.ring(height_mm, looks) != 0;
        let mut levels = (0..SEARCH_LEVELS).filter(|index| touches(level(*index as f64 + 0.5)));
        let first = levels.next()?;
        let last = levels.next_back().unwrap_or(first);
        let border = |mut out_mm: f64, mut in_mm: f64| {
            for _ in 0..HALVINGS {
                let middle_mm = 0.5 * (out_mm + in_mm);
                if touches(middle_mm) {
                    in_mm = middle_mm;
                } else {
                    out_mm = middle_mm;
                }
            }
            0.5 * (out_mm + in_mm)
        };
        let low_mm = if first == 0 { 0.0 } else { border(level(first as f64 - 0.5), level(first as f64 + 0.5)) };
        let top = touches(height_mm * (1.0 - 1e-6));
        let beyond = if last + 1 == SEARCH_LEVELS { height_mm } else { level(last as f64 + 1.5) };
        let high_mm =
            if last + 1 == SEARCH_LEVELS && top { height_mm } else { border(beyond, level(last as f64 + 0.5)) };
        (low_mm < high_mm).then_some((low_mm, high_mm))
    }
}

/// A unit vector across an axis: +X for an upright tool, as for plunges on a height map.
fn any_across(axis: &Vector) -> Vector {
    let from = if axis.x.abs() < 0.9 { Vector::x() } else { Vector::y() };
    (from - axis * from.dot(axis)).normalize()
}
