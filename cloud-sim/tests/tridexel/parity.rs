//! On three axes the tri-dexel is the height map, within the cells.

use cloud_sim::executor::Serial;
use cloud_sim::sweep::Workpiece;
use shared::cutting::Engagement;
use shared::det::Rng;
use shared::motion::Geometry;
use shared::tool::CutterShape;

use super::setup::{block, bull, cone, cut, cutter, heights, line, near, point};

#[test]
fn random_programs_leave_the_same_part() {
    let (x_mm, y_mm, z_mm, cell_mm) = (50.0, 40.0, 12.0, 0.25);
    for (seed, shape) in
        [CutterShape::Flat, CutterShape::Ball, bull(1.5), cone(90.0), cone(40.0)].into_iter().enumerate()
    {
        let tool = cutter(shape, 9.0);
        let (mut rays, mut map) = (block(x_mm, y_mm, z_mm, cell_mm), heights(x_mm, y_mm, z_mm, cell_mm));
        let mut rng = Rng::new(seed as u64);
        let mut draw = || point(rng.between(0.0, x_mm), rng.between(0.0, y_mm), rng.between(-6.0, 1.0));
        let mut at = draw();
        let (mut by_rays, mut by_map) = (0.0, 0.0);
        for _ in 0..40 {
            let next = draw();
            by_rays += cut(&mut rays, &tool, at, next);
            by_map += cut(&mut map, &tool, at, next);
            at = next;
        }
        near(by_rays, by_map, 0.006, shape.name());
        // The rays along Z are the cells of the map: the same samples, so nearly the same volume.
        near(rays.volumes_mm3()[2], map.volume_mm3(), 2e-4, shape.name());
        for row in 0..40 {
            for column in 0..50 {
                let (x, y) = (f64::from(column) + 0.625, f64::from(row) + 0.625);
                let height = map.height_at(x, y).expect("inside");
                if height > -z_mm + 0.1 {
                    let (below, above) = (point(x, y, height - 0.2), point(x, y, height + 0.2));
                    // Two of three rays pass beside the place: only where the surface is nearly level must all agree.
                    let level = [(0.3, 0.0), (-0.3, 0.0), (0.0, 0.3), (0.0, -0.3)]
                        .iter()
                        .all(|(dx, dy)| map.height_at(x + dx, y + dy).is_some_and(|near| (near - height).abs() < 1e-3));
                    assert!(!level || (rays.covers(&below) && !rays.covers(&above)), "{} at {x}, {y}", shape.name());
                }
            }
        }
    }
}

/// Where contact begins and ends, degrees, the mean over the engaged height.
fn mean_ends_deg(engagement: &Engagement) -> (f64, f64) {
    let bin_deg = 360.0 / 128.0;
    let engaged = engagement.slices.iter().filter(|slice| slice.mask != 0);
    let (begin, end, height) = engaged.fold((0.0, 0.0, 0.0), |(begin, end, height), slice| {
        let thick_mm = slice.high_mm - slice.low_mm;
        let (first, last) = (slice.mask.trailing_zeros(), 128 - slice.mask.leading_zeros());
        (begin + thick_mm * f64::from(first), end + thick_mm * f64::from(last), height + thick_mm)
    });
    (begin / height * bin_deg, end / height * bin_deg)
}

#[test]
fn engagement_agrees_with_the_height_map() {
    for (shape, depth, stepover) in
        [(CutterShape::Flat, 4.0, 3.0), (CutterShape::Ball, 2.5, 2.0), (bull(1.5), 3.0, 5.0)]
    {
        let tool = cutter(shape, 10.0);
        let (mut rays, mut map) = (block(60.0, 40.0, 12.0, 0.1), heights(60.0, 40.0, 12.0, 0.1));
        let first = line(point(-8.0, 20.0, -depth), point(70.0, 20.0, -depth));
        rays.cut(&tool, &first, &Serial);
        map.cut(&tool, &first, &Serial);
        let next = line(point(-8.0, 20.0 + stepover, -depth), point(70.0, 20.0 + stepover, -depth));
        for at in [0.3, 0.5, 0.7] {
            let by_rays = rays.sample(&tool, &next, at, None).engagement;
            let by_map = Workpiece::sample(&map, &tool, &next, at, None).engagement;
            // A rounded end has other angles at every height: the mean over the height, not the widest of the slices there
            // happen to be.
            let (rays_deg, map_deg) = (mean_ends_deg(&by_rays), mean_ends_deg(&by_map));
            let off = (rays_deg.0 - map_deg.0).abs().max((rays_deg.1 - map_deg.1).abs());
            assert!(off < 2.0, "{}: {rays_deg:?} by rays, {map_deg:?} by heights", shape.name());
            near(by_rays.axial_depth_mm(), by_map.axial_depth_mm(), 0.04, shape.name());
            let bins = |engagement: &Engagement| {
                engagement
                    .slices
                    .iter()
                    .map(|slice| f64::from(slice.mask.count_ones()) * (slice.high_mm - slice.low_mm))
                    .sum::<f64>()
            };
            near(bins(&by_rays), bins(&by_map), 0.06, &format!("{}: engaged surface", shape.name()));
        }
    }
}

#[test]
fn an_arc_is_cut_as_its_chords() {
    let arc = Geometry::Arc {
        start: point(40.0, 20.0, -3.0),
        end: point(20.0, 40.0, -4.0),
        centre: point(20.0, 20.0, -3.0),
        normal: shared::geom::Vector::z(),
        sweep_rad: std::f64::consts::FRAC_PI_2,
    };
    let tool = cutter(CutterShape::Flat, 6.0);
    let motion = cloud_sim::sweep::ToolMotion::upright(arc);
    let by_rays = block(60.0, 60.0, 10.0, 0.2).cut(&tool, &motion, &Serial);
    let by_map = heights(60.0, 60.0, 10.0, 0.2).cut(&tool, &motion, &Serial);
    near(by_rays, by_map, 0.004, "helix");
}
