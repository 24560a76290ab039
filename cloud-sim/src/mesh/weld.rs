//! From a soup of triangles to a mesh: corners that coincide become one, and what that shows is repaired.
//!
//! Corners are welded where they are equal to the last bit, which is what exporters write. Where edges stay open, the
//! corners on them are welded once more within [`WELD_MM`]: seams between patches that were rounded separately. Then
//! triangles without area and doubles go, and in a mesh whose every edge has two triangles all are turned to agree with
//! their neighbours; a mesh that encloses a negative volume is inside out and turned as a whole.
//!
//! Everything is done by sorting, so that equal soups give equal meshes.

use std::collections::BTreeMap;

use shared::geom::Point;

use super::{Mesh, MeshError};

/// Distance within which corners on open edges become one, mm: far below what a machine holds.
const WELD_MM: f64 = 1e-3;

/// Most corners on open edges that are tried: more is no seam.
const SEAM_CORNERS_MAX: usize = 400_000;

/// An undirected edge: its corners in order, the triangle, and whether the triangle runs along it.
type Edge = (u32, u32, u32, bool);

pub(super) fn weld(soup: Vec<[Point; 3]>) -> Result<Mesh, MeshError> {
    let mut mesh = equal_corners(soup);
    let mut remarks = Vec::new();
    let read = mesh.triangles.len();
    drop_flat(&mut mesh);
    let flat = read - mesh.triangles.len();
    let mut edges = edges_of(&mesh);
    mesh.open_edges = open(&edges);
    if !mesh.open_edges.is_empty() {
        let welded = weld_seams(&mut mesh);
        if welded > 0 {
            drop_flat(&mut mesh);
            edges = edges_of(&mesh);
            mesh.open_edges = open(&edges);
            remarks.push(format!("{welded} corners less than {WELD_MM} mm apart were joined"));
        }
    }
    if flat > 0 {
        remarks.push(format!("{flat} triangles without area, or drawn twice, were left out"));
    }
    if mesh.triangles.is_empty() {
        return Err(MeshError::NoArea);
    }
    if mesh.open_edges.is_empty() {
        let turned = agree(&mut mesh, &edges);
        if turned > 0 {
            remarks.push(format!("{turned} triangles were turned to agree with their neighbours"));
        }
        if mesh.volume_mm3() < 0.0 {
            mesh.triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
            remarks.push("the mesh was inside out and was turned".to_owned());
        }
    } else {
        remarks.push(format!("the mesh is open at {} edges", mesh.open_edges.len()));
    }
    mesh.remarks = remarks;
    Ok(mesh)
}

fn equal_corners(soup: Vec<[Point; 3]>) -> Mesh {
    let corner = |index: u32| soup[index as usize / 3][index as usize % 3];
    // A sum with zero makes −0 and 0 the same corner.
    let key = |index: u32| corner(index).coords.map(|value| value + 0.0);
    let compare = |a: &u32, b: &u32| {
        let (a, b) = (key(*a), key(*b));
        a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)).then(a.z.total_cmp(&b.z))
    };
    let mut order: Vec<u32> = (0..3 * soup.len() as u32).collect();
    order.sort_unstable_by(compare);
    let mut points: Vec<Point> = Vec::new();
    let mut triangles = vec![[0u32; 3]; soup.len()];
    for index in order {
        let point = Point::from(key(index));
        if points.last() != Some(&point) {
            points.push(point);
        }
        triangles[index as usize / 3][index as usize % 3] = points.len() as u32 - 1;
    }
    Mesh { points, triangles, open_edges: Vec::new(), remarks: Vec::new() }
}

/// Drops triangles without area and all but the first of those with the same corners.
fn drop_flat(mesh: &mut Mesh) {
    let points = &mesh.points;
    mesh.triangles.retain(|&[a, b, c]| {
        let [pa, pb, pc] = [a, b, c].map(|index| points[index as usize]);
        a != b && b != c && c != a && (pb - pa).cross(&(pc - pa)).norm_squared() > 0.0
    });
    let mut sorted: Vec<([u32; 3], u32)> = Vec::with_capacity(mesh.triangles.len());
    for (index, triangle) in mesh.triangles.iter().enumerate() {
        let mut corners = *triangle;
        corners.sort_unstable();
        sorted.push((corners, index as u32));
    }
    sorted.sort_unstable();
    let doubles: Vec<u32> = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).collect();
    if !doubles.is_empty() {
        let mut keep = vec![true; mesh.triangles.len()];
        doubles.iter().for_each(|&index| keep[index as usize] = false);
        let mut keep = keep.into_iter();
        mesh.triangles.retain(|_| keep.next().unwrap_or(true));
    }
}

/// Every edge of every triangle, sorted.
fn edges_of(mesh: &Mesh) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::with_capacity(3 * mesh.triangles.len());
    for (index, &[a, b, c]) in mesh.triangles.iter().enumerate() {
        for (from, to) in [(a, b), (b, c), (c, a)] {
            edges.push((from.min(to), from.max(to), index as u32, from < to));
        }
    }
    edges.sort_unstable();
    edges
}

/// The edges of an odd number of triangles.
fn open(edges: &[Edge]) -> Vec<[u32; 2]> {
    let groups = edges.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    groups.filter(|group| group.len() % 2 == 1).map(|group| [group[0].0, group[0].1]).collect()
}

/// Joins corners of open edges that lie within [`WELD_MM`]; returns how many were joined to another.
fn weld_seams(mesh: &mut Mesh) -> usize {
    let mut corners: Vec<u32> = mesh.open_edges.iter().flatten().copied().collect();
    corners.sort_unstable();
    corners.dedup();
    if corners.len() > SEAM_CORNERS_MAX {
        return 0;
    }
    // Cells of the tolerance hold the corners that others are joined to. These lie further apart than the tolerance,
    // so that a cell holds few of them.
    let cell = |point: &Point| [point.x, point.y, point.z].map(|value| (value / WELD_MM).floor() as i64);
    let mut kept: BTreeMap<[i64; 3], Vec<u32>> = BTreeMap::new();
    let mut joined: BTreeMap<u32, u32> = BTreeMap::new();
    for corner in corners {
        let point = mesh.points[corner as usize];
        let home = cell(&point);
        let around = (0..27).map(|at| [home[0] + at / 9 - 1, home[1] + at / 3 % 3 - 1, home[2] + at % 3 - 1]);
        let near = around.filter_map(|cell| kept.get(&cell)).flatten().copied();
        let partner = near.filter(|other| (mesh.points[*other as usize] - point).norm() <= WELD_MM).min();
        match partner {
            Some(partner) => drop(joined.insert(corner, partner)),
            None => kept.entry(home).or_default().push(corner),
        }
    }
    for corner in mesh.triangles.iter_mut().flatten() {
        *corner = joined.get(corner).copied().unwrap_or(*corner);
    }
    joined.len()
}

/// Turns triangles so that neighbours run opposite ways along their edge; returns how many were turned. Does nothing
/// where an edge has more than two triangles, or where they already agree.
fn agree(mesh: &mut Mesh, edges: &[Edge]) -> usize {
    let pairs = || edges.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    if pairs().any(|group| group.len() != 2) || pairs().all(|group| group[0].3 != group[1].3) {
        return 0;
    }
    // Neighbours over each of the three edges, and whether both run the same way along it.
    let mut neighbours: Vec<Vec<(u32, bool)>> = vec![Vec::with_capacity(3); mesh.triangles.len()];
    for pair in pairs() {
        let (a, b, same) = (pair[0].2, pair[1].2, pair[0].3 == pair[1].3);
        neighbours[a as usize].push((b, same));
        neighbours[b as usize].push((a, same));
    }
    let mut turned: Vec<Option<bool>> = vec![None; mesh.triangles.len()];
    let mut total = 0;
    for seed in 0..turned.len() {
        if turned[seed].is_some() {
            continue;
        }
        turned[seed] = Some(false);
        let (mut body, mut next) = (vec![seed], 0);
        while let Some(&index) = body.get(next) {
            next += 1;
            let own = turned[index] == Some(true);
            for &(other, same) in &neighbours[index] {
                if turned[other as usize].is_none() {
                    turned[other as usize] = Some(own != same);
                    body.push(other as usize);
                }
            }
        }
        // The majority keeps its side: the seed may itself be one of the few.
        let flipped = body.iter().filter(|index| turned[**index] == Some(true)).count();
        let invert = flipped * 2 > body.len();
        for index in &body {
            if (turned[*index] == Some(true)) != invert {
                mesh.triangles[*index].swap(1, 2);
                total += 1;
            }
        }
    }
    total
}
