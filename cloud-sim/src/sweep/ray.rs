//! Where a ray is inside a form that sweeps along a straight line: the closed forms under the cut of the tri-dexel.
//!
//! A form K of a cutter, moved from a to a + D with its axis n unchanged, covers K ⊕ [0, D]. K is convex, so the
//! covered volume is, and a ray o + t·e meets it in one interval. In the plane of t and the fraction p of the move
//!
//! ```text
//!   t|      ___ p = 1       { (t, p) : o + t e − p D ∈ K } is convex: its extent along t is the
//!    |   .-´   `|           interval. On the border of it at greatest t is either the form itself
//!    |  (       |           (∂Q/∂p = 0: the ray touches the silhouette that sweeps along), or an
//!    |   `-.___.|           edge: p = 0, p = 1, or the rim of one of the form's two ends.
//!    +----------- p
//! ```
//!
//! For a frustum of base c, radius r₀ + κs at height s along n, with m = o − c and τ = t − c·e:
//! Q(τ, p) = |m + τe − pD|² − s² − (r₀ + κs)² ≤ 0, s = n·(m + τe − pD) ∈ [0, H]. All of it is quadratic, so each
//! candidate is a square root. Three cases that make up nearly every cut of a program are shorter: a cylinder along the
//! ray, a cylinder across the ray, and a sphere.

use super::body::Form;
use super::ray_frustum::General;

/// Below this a direction cosine, or a rate against the length of a move, is zero.
pub(super) const NONE: f64 = 1e-12;

/// Slack on whether a candidate lies within the move and within the form, as a share of each.
pub(super) const SLACK: f64 = 1e-9;

/// Columns that are done at once.
pub(super) const WIDTH: usize = crate::stock::RAY_COLUMNS;

/// Where rays are covered, along the rays, mm; nothing where `low` is above `high`.
pub(super) struct Covered {
    pub(super) low: [f32; WIDTH],
    pub(super) high: [f32; WIDTH],
}

impl Covered {
    pub(super) const NOTHING: Self = Self { low: [f32::INFINITY; WIDTH], high: [f32::NEG_INFINITY; WIDTH] };

    pub(super) fn is_nothing(&self) -> bool {
        self.low.iter().all(|low| *low == f32::INFINITY)
    }

    /// Widens the intervals of a run of rays. `of` tells whether a ray is met, and where; without branches, so that the
    /// loop runs on lanes.
    #[inline(always)]
    fn widen(&mut self, columns: std::ops::Range<usize>, of: impl Fn(usize) -> (bool, f64, f64)) {
        let lows = &mut self.low[columns.clone()];
        let highs = &mut self.high[columns.clone()];
        for (offset, (low, high)) in lows.iter_mut().zip(highs).enumerate() {
            let (met, from, to) = of(columns.start + offset);
            let from = if met { from as f32 } else { f32::INFINITY };
            let to = if met { to as f32 } else { f32::NEG_INFINITY };
            *low = if from < *low { from } else { *low };
            *high = if to > *high { to } else { *high };
        }
    }

    /// Widens the interval of a ray: the union with another form of the same convex part.
    fn add(&mut self, column: usize, low: f64, high: f64) {
        let (low, high) = (low as f32, high as f32);
        if low < self.low[column] {
            self.low[column] = low;
        }
        if high > self.high[column] {
            self.high[column] = high;
        }
    }
}

/// The columns of one row of a tile.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Place of the row, mm.
    pub(super) v: f64,
    /// Place of the first column, and the distance of columns, mm.
    pub(super) u: f64,
    pub(super) cell_u: f64,
}

/// A form on a straight piece of path, as the rays of one axis see it. Places from the corner of the stock, mm; the
/// coordinates u, v and t are those of the columns, the rows and the rays.
pub(super) struct SweptForm {
    kind: Kind,
    /// Base of the frustum or centre of the sphere, at the start.
    origin: [f64; 3],
    /// Box of the form at the start, and the move: u, v, t.
    low: [f64; 3],
    high: [f64; 3],
    along: [f64; 3],
}

enum Kind {
    /// A cylinder along the rays.
    Axial { radius2: f64, inverse: f64 },
    /// A cylinder across the rays.
    Across(Across),
    /// A sphere, and the direction of the move seen along the rays.
    Sphere { radius: f64, ahead: [f64; 2], slide: Slide },
    /// Any frustum, any way.
    General(General),
}

/// A cylinder across the rays: its axis (n_u, n_v) and its move along the axis and beside it.
struct Across {
    n: [f64; 2],
    height: f64,
    radius: f64,
    rise: f64,
    slide: Slide,
}

impl SweptForm {
    /// `base` is the tip at the start, `axis` the unit vector from tip to spindle, both as (u, v, t).
    pub(super) fn new(form: &Form, base: [f64; 3], axis: [f64; 3], along: [f64; 3]) -> Self {
        let at = |height: f64| -> [f64; 3] { std::array::from_fn(|index| base[index] + axis[index] * height) };
        match *form {
            Form::Sphere { centre_mm, radius_mm } => {
                let centre = at(centre_mm);
                let level = (along[0] * along[0] + along[1] * along[1]).sqrt();
                Self {
                    kind: Kind::Sphere {
                        radius: radius_mm,
                        ahead: if level > NONE { [along[0] / level, along[1] / level] } else { [0.0; 2] },
                        slide: Slide::new(level, along[2]),
                    },
                    origin: centre,
                    low: centre.map(|value| value - radius_mm),
                    high: centre.map(|value| value + radius_mm),
                    along,
                }
            }
            Form::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm } => {
                // With the axis turned so that s grows along the ray.
                let mut ends = [(at(low_mm), radius_low_mm), (at(high_mm), radius_high_mm)];
                let mut n = axis;
                if n[2] < 0.0 {
                    ends.swap(0, 1);
                    n = n.map(|value| -value);
                }
                Self::frustum(ends, n, high_mm - low_mm, along)
            }
        }
    }

    fn frustum(ends: [([f64; 3], f64); 2], n: [f64; 3], height: f64, along: [f64; 3]) -> Self {
        let [(base, radius), (top, radius_top)] = ends;
        let reach = |index: usize| (1.0 - n[index] * n[index]).max(0.0).sqrt();
        let low = |index: usize| (base[index] - radius * reach(index)).min(top[index] - radius_top * reach(index));
        let high = |index: usize| (base[index] + radius * reach(index)).max(top[index] + radius_top * reach(index));
        let dot = n[0] * along[0] + n[1] * along[1] + n[2] * along[2];
        let level2 = along[0] * along[0] + along[1] * along[1];
        let is_straight = (radius - radius_top).abs() < NONE;
        let kind = if is_straight && n[2] > 1.0 - NONE {
            Kind::Axial { radius2: radius * radius, inverse: if level2 > NONE * NONE { 1.0 / level2 } else { 0.0 } }
        } else if is_straight && n[2] < NONE {
            let beside = -n[1] * along[0] + n[0] * along[1];
            Kind::Across(Across { n: [n[0], n[1]], height, radius, rise: dot, slide: Slide::new(beside, along[2]) })
        } else {
            Kind::General(General::new(n, height, (radius, radius_top), &along))
        };
        Self { kind, origin: base, low: std::array::from_fn(low), high: std::array::from_fn(high), along }
    }

    /// Between which places along an axis (u, v or t) the whole sweep lies.
    pub(super) fn range(&self, index: usize) -> (f64, f64) {
        (self.low[index] + self.along[index].min(0.0), self.high[index] + self.along[index].max(0.0))
    }

    /// Between which u a row can be covered: the move while its box reaches the row.
    fn span(&self, v: f64) -> Option<(f64, f64)> {
        let (from, to) = part_within(self.along[1], v - self.high[1], v - self.low[1])?;
        let (a, b) = (from * self.along[0], to * self.along[0]);
        Some((self.low[0] + a.min(b), self.high[0] + a.max(b)))
    }

    /// Widens what is covered of a row by this form.
    pub(super) fn cover(&self, row: &Row, covered: &mut Covered) {
        let Some((from, to)) = self.span(row.v) else {
            return;
        };
        // A column more on either side is harmless and cheaper than rounding up and down.
        let (first, last) = ((from - row.u) / row.cell_u, (to - row.u) / row.cell_u);
        if last < 0.0 || first > WIDTH as f64 - 1.0 {
            return;
        }
        let columns = first.max(0.0) as usize..(last as usize + 1).min(WIDTH);
        let v = row.v - self.origin[1];
        let (start, cell_u) = (row.u - self.origin[0], row.cell_u);
        // By way of a signed number of 32 bits: the only one that lanes turn into floating point.
        let u = |column: usize| start + f64::from(column as i32) * cell_u;
        let t = self.origin[2];
        match &self.kind {
            Kind::Axial { radius2, inverse } => self.cover_along(columns, u, v, (*radius2, *inverse), covered),
            Kind::Across(across) => match across.slide.way {
                Way::Level => across.cover::<LEVEL>(columns, u, v, t, covered),
                Way::Along => across.cover::<ALONG>(columns, u, v, t, covered),
                Way::Both => across.cover::<BOTH>(columns, u, v, t, covered),
            },
            Kind::Sphere { radius, ahead, slide } => match slide.way {
                Way::Level => cover_sphere::<LEVEL>((*radius, *ahead, slide), columns, u, v, t, covered),
                Way::Along => cover_sphere::<ALONG>((*radius, *ahead, slide), columns, u, v, t, covered),
                Way::Both => cover_sphere::<BOTH>((*radius, *ahead, slide), columns, u, v, t, covered),
            },
            Kind::General(general) => {
                for column in columns {
                    if let Some((low, high)) = general.extent(u(column), v, &self.along) {
                        covered.add(column, t + low, t + high);
                    }
                }
            }
        }
    }

    /// A cylinder along the rays: a ray is inside while the disc passes over it.
    fn cover_along(
        &self,
        columns: std::ops::Range<usize>,
        u: impl Fn(usize) -> f64,
        v: f64,
        (radius2, inverse): (f64, f64),
        covered: &mut Covered,
    ) {
        let [du, dv, dt] = self.along;
        let (low, high) = (self.low[2], self.high[2]);
        if dt == 0.0 || inverse == 0.0 {
            // Level or a plunge: one height for all.
            let (low, high) = (low + dt.min(0.0), high + dt.max(0.0));
            covered.widen(columns, |column| {
                let u = u(column);
                let part = ((u * du + v * dv) * inverse).clamp(0.0, 1.0);
                let (x, y) = (u - part * du, v - part * dv);
                (x * x + y * y <= radius2, low, high)
            });
            return;
        }
        covered.widen(columns, |column| {
            let u = u(column);
            let middle = (u * du + v * dv) * inverse;
            let (x, y) = (u - middle * du, v - middle * dv);
            let half2 = (radius2 - (x * x + y * y)) * inverse;
            let half = half2.max(0.0).sqrt();
            let (from, to) = ((middle - half).max(0.0), (middle + half).min(1.0));
            let met = (half2 >= 0.0) & (from <= to);
            (met, low + (from * dt).min(to * dt), high + (from * dt).max(to * dt))
        });
    }

    /// True where the rows that this form reaches are all covered alike.
    pub(super) fn is_same_for_rows(&self) -> bool {
        matches!(&self.kind, Kind::Across(across) if across.n[0].abs() < NONE && across.rise == 0.0)
    }

    /// Between which t anything can be covered of the rays in a rectangle of u and v: never too narrow.
    pub(super) fn within(&self, u: (f64, f64), v: (f64, f64)) -> (f64, f64) {
        let [du, dv, dt] = self.along;
        let (u, v) = ((u.0 - self.origin[0], u.1 - self.origin[0]), (v.0 - self.origin[1], v.1 - self.origin[1]));
        // Distance of two intervals, a grain less than exact.
        let gap =
            |(low, high): (f64, f64), way: f64| (low - way.max(0.0)).max(way.min(0.0) - high).max(0.0) * (1.0 - SLACK);
        let reach = |radius: f64, gap2: f64| {
            let reach = (radius * radius - gap2).max(0.0).sqrt();
            (self.origin[2] + dt.min(0.0) - reach, self.origin[2] + dt.max(0.0) + reach)
        };
        match &self.kind {
            Kind::Sphere { radius, .. } => {
                let (gap_u, gap_v) = (gap(u, du), gap(v, dv));
                reach(*radius, gap_u * gap_u + gap_v * gap_v)
            }
            Kind::Across(Across { n, radius, slide, .. }) => {
                let corners = [(u.0, v.0), (u.0, v.1), (u.1, v.0), (u.1, v.1)].map(|(u, v)| n[0] * v - n[1] * u);
                let low = corners.into_iter().fold(f64::INFINITY, f64::min);
                let high = corners.into_iter().fold(f64::NEG_INFINITY, f64::max);
                let gap = gap((low, high), slide.beside);
                reach(*radius, gap * gap)
            }
            Kind::Axial { .. } | Kind::General(_) => self.range(2),
        }
    }
}

impl Across {
    fn cover<const WAY: u8>(
        &self,
        columns: std::ops::Range<usize>,
        u: impl Fn(usize) -> f64,
        v: f64,
        t: f64,
        covered: &mut Covered,
    ) {
        let [nu, nv] = self.n;
        let (radius, radius2) = (self.radius, self.radius * self.radius);
        if self.rise == 0.0 {
            let height = self.height;
            let within = |s: f64| (s >= 0.0) & (s <= height);
            if nv == 0.0 {
                // The whole row alike, where the cylinder is.
                let (met, low, high) = self.slide.extent::<WAY>((radius, radius2), nu * v, (0.0, 1.0));
                covered.widen(columns, |column| (met & within(nu * u(column)), t + low, t + high));
                return;
            }
            covered.widen(columns, |column| {
                let u = u(column);
                let (met, low, high) = self.slide.extent::<WAY>((radius, radius2), nu * v - nv * u, (0.0, 1.0));
                (met & within(nu * u + nv * v), t + low, t + high)
            });
            return;
        }
        let inverse = 1.0 / self.rise;
        covered.widen(columns, |column| {
            let u = u(column);
            let s = nu * u + nv * v;
            let (a, b) = ((s - self.height) * inverse, s * inverse);
            let part = (a.min(b).max(0.0), a.max(b).min(1.0));
            let (met, low, high) = self.slide.extent::<WAY>((radius, radius2), nu * v - nv * u, part);
            (met, t + low, t + high)
        });
    }
}

#[inline(always)]
fn cover_sphere<const WAY: u8>(
    (radius, ahead, slide): (f64, [f64; 2], &Slide),
    columns: std::ops::Range<usize>,
    u: impl Fn(usize) -> f64,
    v: f64,
    t: f64,
    covered: &mut Covered,
) {
    covered.widen(columns, |column| {
        let u = u(column);
        // Along the move seen from above, and beside it.
        let w = u * ahead[0] + v * ahead[1];
        let radius2 = radius * radius - (u * u + v * v - w * w);
        let circle = if WAY == BOTH { radius2.max(0.0).sqrt() } else { 0.0 };
        let (met, low, high) = slide.extent::<WAY>((circle, radius2), w, (0.0, 1.0));
        (met & (radius2 >= 0.0), t + low, t + high)
    });
}

/// The part of [0, 1] on which p · rate lies in [low, high].
fn part_within(rate: f64, low: f64, high: f64) -> Option<(f64, f64)> {
    if rate.abs() < NONE {
        return (low <= 0.0 && high >= 0.0).then_some((0.0, 1.0));
    }
    let (a, b) = (low / rate, high / rate);
    let (from, to) = (a.min(b).max(0.0), a.max(b).min(1.0));
    (from <= to).then_some((from, to))
}

/// A circle that slides: its rate beside the ray and along it.
struct Slide {
    beside: f64,
    inverse: f64,
    along: f64,
    /// Where on a unit circle the tangent has the direction of the slide.
    lean: f64,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    Level,
    Along,
    Both,
}

/// The ways as constants of the inner loops: not along the ray; along the ray alone; both.
const LEVEL: u8 = 0;
const ALONG: u8 = 1;
const BOTH: u8 = 2;

impl Slide {
    fn new(beside: f64, along: f64) -> Self {
        let is_beside = beside.abs() >= NONE;
        let way = match (along == 0.0, is_beside) {
            (true, _) => Way::Level,
            (false, false) => Way::Along,
            (false, true) => Way::Both,
        };
        Self {
            beside: if is_beside { beside } else { 0.0 },
            inverse: if is_beside { 1.0 / beside } else { 0.0 },
            along,
            lean: if is_beside { along / (beside * beside + along * along).sqrt() * beside.signum() } else { 0.0 },
            way,
        }
    }

    /// Extent of p·along ± √(r² − (w − p·beside)²) over a part of the move, and whether there is any: concave above, convex
    /// below, so one clamped maximiser each. The radius itself is used in the last way only.
    #[inline(always)]
    fn extent<const WAY: u8>(&self, (radius, radius2): (f64, f64), w: f64, (from, to): (f64, f64)) -> (bool, f64, f64) {
        let Self { beside, inverse, along, lean, .. } = *self;
        if WAY == LEVEL {
            let p = (w * inverse).max(from).min(to);
            let y = w - p * beside;
            let half2 = radius2 - y * y;
            let half = half2.max(0.0).sqrt();
            return ((half2 >= 0.0) & (from <= to), -half, half);
        }
        if WAY == ALONG {
            let half2 = radius2 - w * w;
            let half = half2.max(0.0).sqrt();
            let (a, b) = (from * along, to * along);
            return ((half2 >= 0.0) & (from <= to), a.min(b) - half, a.max(b) + half);
        }
        let (a, b) = ((w - radius) * inverse, (w + radius) * inverse);
        let (from, to) = (a.min(b).max(from), a.max(b).min(to));
        let at = |y: f64| {
            let p = ((w - y) * inverse).max(from).min(to);
            let y = w - p * beside;
            (p * along, (radius2 - y * y).max(0.0).sqrt())
        };
        let ((high, half_high), (low, half_low)) = (at(-radius * lean), at(radius * lean));
        (from <= to, low - half_low, high + half_high)
    }
}

#[cfg(test)]
mod tests {
    use shared::det::Rng;

    use super::*;

    /// How far a place is outside a form: convex, negative within, by the form's definition.
    fn outside(form: &Form, tip: [f64; 3], axis: [f64; 3], place: [f64; 3]) -> f64 {
        let m: [f64; 3] = std::array::from_fn(|index| place[index] - tip[index]);
        let s = (0..3).map(|index| m[index] * axis[index]).sum::<f64>();
        let q = (m.iter().map(|value| value * value).sum::<f64>() - s * s).max(0.0).sqrt();
        match *form {
            Form::Sphere { centre_mm, radius_mm } => (q * q + (s - centre_mm) * (s - centre_mm)).sqrt() - radius_mm,
            Form::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm } => {
                let share = (s - low_mm) / (high_mm - low_mm);
                let radius = radius_low_mm + (radius_high_mm - radius_low_mm) * share;
                (q - radius).max(low_mm - s).max(s - high_mm)
            }
        }
    }

    /// The least value of a convex function on an interval.
    fn least(mut from: f64, mut to: f64, value: impl Fn(f64) -> f64) -> f64 {
        for _ in 0..90 {
            let (a, b) = (from + (to - from) * 0.382, from + (to - from) * 0.618);
            if value(a) < value(b) { to = b } else { from = a }
        }
        value(0.5 * (from + to))
    }

    struct Case {
        form: Form,
        tip: [f64; 3],
        axis: [f64; 3],
        along: [f64; 3],
    }

    impl Case {
        /// How far a place on a ray is outside the sweep.
        fn depth(&self, u: f64, v: f64, t: f64) -> f64 {
            least(0.0, 1.0, |p| {
                let place = [u - p * self.along[0], v - p * self.along[1], t - p * self.along[2]];
                outside(&self.form, self.tip, self.axis, place)
            })
        }
    }

    fn unit(vector: [f64; 3]) -> [f64; 3] {
        let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        vector.map(|value| value / length)
    }

    /// A direction that is often one of the six along the axes.
    fn direction(rng: &mut Rng) -> [f64; 3] {
        if rng.chance(0.5) {
            let mut along = [0.0; 3];
            along[rng.below(3) as usize] = if rng.chance(0.5) { 1.0 } else { -1.0 };
            return along;
        }
        unit([rng.normal(), rng.normal(), rng.normal()])
    }

    fn case(rng: &mut Rng) -> Case {
        let form = if rng.chance(0.25) {
            Form::Sphere { centre_mm: rng.between(0.0, 3.0), radius_mm: rng.between(0.5, 3.0) }
        } else {
            let radius = rng.between(0.5, 3.0);
            let top = match rng.below(3) {
                0 => radius,
                1 => 0.0,
                _ => rng.between(0.1, 4.0),
            };
            let low_mm = rng.between(0.0, 1.0);
            let (radius_low_mm, radius_high_mm) = if rng.chance(0.5) { (radius, top) } else { (top, radius) };
            Form::Frustum { low_mm, high_mm: low_mm + rng.between(0.3, 5.0), radius_low_mm, radius_high_mm }
        };
        let length = if rng.chance(0.1) { 0.0 } else { rng.between(0.01, 6.0) };
        let along = direction(rng).map(|value| value * length);
        let tip = std::array::from_fn(|_| rng.between(-1.0, 1.0));
        Case { form, tip, axis: direction(rng), along }
    }

    #[test]
    fn a_ray_is_covered_exactly_where_the_sweep_is() {
        let (mut hits, mut misses) = (0, 0);
        for seed in 0..6000 {
            let mut rng = Rng::new(seed);
            let case = case(&mut rng);
            let swept = SweptForm::new(&case.form, case.tip, case.axis, case.along);
            let (u, v) = (rng.between(-3.0, 3.0), rng.between(-3.0, 3.0));
            let mut covered = Covered::NOTHING;
            swept.cover(&Row { v, u, cell_u: 1.0 }, &mut covered);
            let (low, high) = (f64::from(covered.low[0]), f64::from(covered.high[0]));
            let what = || format!("seed {seed}: {:?} axis {:?} along {:?}", case.form, case.axis, case.along);
            if low > high {
                misses += 1;
                let nearest = least(-20.0, 20.0, |t| case.depth(u, v, t));
                assert!(nearest > -1e-4, "{}: missed, but {nearest} inside", what());
                continue;
            }
            hits += 1;
            let slack = 2e-4;
            for (end, out) in [(low, -slack), (high, slack)] {
                let (at, beyond) = (case.depth(u, v, end), case.depth(u, v, end + 10.0 * out));
                assert!(at < slack, "{}: end {end} is {at} outside", what());
                // Where a border is grazed, the way out is longer than the depth: only a clear inside is wrong.
                assert!(beyond > -slack * 0.5, "{}: {end} is no end: {beyond}", what());
            }
            let range = swept.range(2);
            assert!(low >= range.0 - 1e-5 && high <= range.1 + 1e-5, "{}: beyond its box", what());
        }
        assert!(hits > 1500 && misses > 1500, "{hits} hits, {misses} misses: the cases are lopsided");
    }
}
