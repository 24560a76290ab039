use shared::geom::{Point, Vector};

use super::{Face, TriDexel};

/// An upright cylinder that fills its box.
pub(super) fn cylinder(part: &mut TriDexel, radius_mm: f64) {
    let size = part.size;
    for face in &mut part.faces {
        let axis = face.axis;
        let (u, v) = Face::across(axis);
        for row in 0..face.rows {
            for column in 0..face.columns {
                let (at_u, at_v) = ((column as f64 + 0.5) * face.cell_u, (row as f64 + 0.5) * face.cell_v);
                if axis == 2 {
                    let (x, y) = (at_u - radius_mm, at_v - radius_mm);
                    if x * x + y * y <= radius_mm * radius_mm {
                        face.set(column, row, &[[0.0, size.z as f32]]);
                    }
                    continue;
                }
                // A ray along X or Y: how far beside the axis it passes.
                let beside = if u == 2 { at_v } else { at_u } - radius_mm;
                debug_assert!(u == 2 || v == 2, "rays across the axis have Z among their rows or columns");
                let half2 = radius_mm * radius_mm - beside * beside;
                if half2 > 0.0 {
                    let half = half2.sqrt();
                    face.set(column, row, &[[(radius_mm - half) as f32, (radius_mm + half) as f32]]);
                }
            }
        }
        face.refresh_bounds();
    }
}

/// The inside of a closed mesh: on each ray, between its first and second crossing, its third and fourth, and so on. A
/// ray with an odd number of them has met a hole of the mesh and loses its last.
pub(super) fn mesh(part: &mut TriDexel, triangles: &[[Point; 3]]) {
    let (min, size) = (part.min, part.size);
    for face in &mut part.faces {
        let mut crossings: Vec<(u32, f32)> = Vec::new();
        for triangle in triangles {
            let corners = triangle.map(|corner| corner - min);
            cross(face, &corners, &mut crossings);
        }
        crossings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let end = size[face.axis] as f32;
        for ray in crossings.chunk_by(|a, b| a.0 == b.0) {
            let mut intervals: Vec<[f32; 2]> = Vec::new();
            for [(_, low), (_, high)] in ray.as_chunks::<2>().0 {
                let (low, high) = (low.max(0.0), high.min(end));
                if let Some(last) = intervals.last_mut().filter(|last| low <= last[1]) {
                    last[1] = last[1].max(high);
                } else if low < high && intervals.len() < super::INTERVALS_MAX {
                    intervals.push([low, high]);
                }
            }
            let (column, row) = (ray[0].0 as usize % face.columns, ray[0].0 as usize / face.columns);
            face.set(column, row, &intervals);
        }
        face.refresh_bounds();
    }
}

/// Where the rays of a face cross a triangle. A ray through an edge that two triangles share crosses exactly one of
/// them: the edge is evaluated from the same end for both, and a ray on it belongs to the one on its left.
fn cross(face: &Face, corners: &[Vector; 3], crossings: &mut Vec<(u32, f32)>) {
    let axis = face.axis;
    let (u, v) = Face::across(axis);
    let [a, b, c] = corners;
    let normal = (b - a).cross(&(c - a));
    if normal[axis] == 0.0 {
        return;
    }
    let (low, high) = (a.inf(b).inf(c), a.sup(b).sup(c));
    let first = |low: f64, cell: f64| (low / cell - 0.5).ceil().max(0.0) as usize;
    let end =
        |high: f64, cell: f64, count: usize| ((high / cell - 0.5).floor() + 1.0).clamp(0.0, count as f64) as usize;
    let turned = normal[axis] < 0.0;
    let inside = |p: &Vector, q: &Vector, at_u: f64, at_v: f64| {
        let swapped = (p[u], p[v]) > (q[u], q[v]);
        let (p, q) = if swapped { (q, p) } else { (p, q) };
        let side = (q[u] - p[u]) * (at_v - p[v]) - (q[v] - p[v]) * (at_u - p[u]);
        // Left of the edge in its own direction counts the edge itself, right of it does not.
        if swapped != turned { side < 0.0 } else { side >= 0.0 }
    };
    for row in first(low[v], face.cell_v)..end(high[v], face.cell_v, face.rows) {
        let at_v = (row as f64 + 0.5) * face.cell_v;
        for column in first(low[u], face.cell_u)..end(high[u], face.cell_u, face.columns) {
            let at_u = (column as f64 + 0.5) * face.cell_u;
            if inside(a, b, at_u, at_v) && inside(b, c, at_u, at_v) && inside(c, a, at_u, at_v) {
                let t = a[axis] - (normal[u] * (at_u - a[u]) + normal[v] * (at_v - a[v])) / normal[axis];
                crossings.push(((row * face.columns + column) as u32, t.clamp(low[axis], high[axis]) as f32));
            }
        }
    }
}
