use super::{Face, TriDexel};
use crate::stock::mesh_write::Writer;

/// Most nodes of the lattice that [`TriDexel::to_stl`] looks at; a finer part is looked at in strides.
pub(crate) const NODES_MAX: usize = 1_500_000;

/// Rays at which the part is looked at: every so-manieth, and the places of the nodes, one beyond the box at both ends.
struct Lattice {
    /// Cells of the nodes along each axis, without the outer ones.
    cells: [Vec<usize>; 3],
    /// Places of the nodes from the corner of the box, mm.
    places: [Vec<f64>; 3],
    full: Vec<bool>,
}

/// A node of the lattice.
type Node = [usize; 3];

impl TriDexel {
    /// Appends the part as cut as a binary STL in mm: one closed mesh, undercuts included.
    ///
    /// A surface net (Gibson 1998): one vertex for every cube of the lattice that is partly in material, at the mean of
    /// the places where its edges leave it. Those places are the ends of intervals, as the lattice stands on the rays, so
    /// faces along the axes are exact and edges are rounded by a cell. Every edge of the mesh has an even number of triangles.
    pub fn to_stl(&self, out: &mut Vec<u8>) {
        let lattice = Lattice::new(self);
        let [nx, ny, nz] = lattice.places.each_ref().map(Vec::len);
        let cube = |[x, y, z]: Node| (z * (ny - 1) + y) * (nx - 1) + x;
        let mut vertices = vec![[f32::NAN; 3]; (nx - 1) * (ny - 1) * (nz - 1)];
        for z in 0..nz - 1 {
            for y in 0..ny - 1 {
                for x in 0..nx - 1 {
                    if let Some(vertex) = lattice.vertex(self, [x, y, z]) {
                        vertices[cube([x, y, z])] = vertex;
                    }
                }
            }
        }
        let mut writer = Writer { out, count: 0 };
        let header = writer.begin();
        for axis in 0..3 {
            lattice.each_change(axis, |node, leaves| {
                let (u, v) = Face::across(axis);
                let around = [(1, 1), (0, 1), (0, 0), (1, 0)].map(|(back_u, back_v)| {
                    let mut at = node;
                    at[u] -= back_u;
                    at[v] -= back_v;
                    vertices[cube(at)]
                });
                let [a, b, c, d] = if leaves { around } else { [around[3], around[2], around[1], around[0]] };
                writer.triangle(a, b, c);
                writer.triangle(a, c, d);
            });
        }
        let count = writer.count;
        out[header + 80..header + 84].copy_from_slice(&count.to_le_bytes());
    }
}

impl Lattice {
    fn new(part: &TriDexel) -> Self {
        let counts = [part.faces[2].columns, part.faces[2].rows, part.faces[0].rows];
        let mut stride = 1;
        while counts.iter().map(|count| count.div_ceil(stride) + 3).product::<usize>() > NODES_MAX {
            stride += 1;
        }
        let cells: [Vec<usize>; 3] = counts.map(|count| {
            let mut cells: Vec<usize> = (0..count).step_by(stride).collect();
            if cells.last() != Some(&(count - 1)) {
                cells.push(count - 1);
            }
            cells
        });
        let cell_mm = part.cell_mm();
        let places = std::array::from_fn(|axis| {
            let inner = cells[axis].iter().map(|cell| (*cell as f64 + 0.5) * cell_mm[axis]);
            let beyond = part.size[axis] + 0.5 * cell_mm[axis];
            std::iter::once(-0.5 * cell_mm[axis]).chain(inner).chain(std::iter::once(beyond)).collect()
        });
        let mut lattice = Self { cells, places, full: Vec::new() };
        let [nx, ny, nz] = lattice.places.each_ref().map(Vec::len);
        let nodes = (0..nz).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| [x, y, z])));
        lattice.full = nodes.map(|node| part.covers(&(part.min + lattice.place(node)))).collect();
        lattice
    }

    fn place(&self, node: Node) -> shared::geom::Vector {
        shared::geom::Vector::from_fn(|axis, _| self.places[axis][node[axis]])
    }

    fn is_full(&self, [x, y, z]: Node) -> bool {
        self.full[(z * self.places[1].len() + y) * self.places[0].len() + x]
    }

    /// Every edge along an axis with material at one of its ends: its lower node, and whether it leaves material
    /// upwards. The outermost nodes have no material, so there are cubes all around.
    fn each_change(&self, axis: usize, mut see: impl FnMut(Node, bool)) {
        let [nx, ny, nz] = self.places.each_ref().map(Vec::len);
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let node = [x, y, z];
                    if node[axis] + 1 == self.places[axis].len() {
                        continue;
                    }
                    let mut next = node;
                    next[axis] += 1;
                    let (here, there) = (self.is_full(node), self.is_full(next));
                    if here != there {
                        see(node, here);
                    }
                }
            }
        }
    }

    /// The vertex of a cube by its lowest node; `None` where it is wholly in or out of material.
    fn vertex(&self, part: &TriDexel, low: Node) -> Option<[f32; 3]> {
        let corner = |index: usize| [low[0] + (index & 1), low[1] + (index >> 1 & 1), low[2] + (index >> 2 & 1)];
        let full: [bool; 8] = std::array::from_fn(|index| self.is_full(corner(index)));
        if full.iter().all(|one| *one == full[0]) {
            return None;
        }
        let (mut sum, mut count) = (shared::geom::Vector::zeros(), 0.0);
        for axis in 0..3 {
            for index in (0..8).filter(|index| index >> axis & 1 == 0) {
                if full[index] != full[index | 1 << axis] {
                    let mut place = self.place(corner(index));
                    place[axis] = self.crossing(part, axis, corner(index), full[index]);
                    sum += place;
                    count += 1.0;
                }
            }
        }
        let vertex = part.min + sum / count;
        Some([vertex.x as f32, vertex.y as f32, vertex.z as f32])
    }

    /// Where the ray on an edge leaves or enters material between its two nodes; their middle where it does neither, which
    /// is where the three grids disagree about a node.
    fn crossing(&self, part: &TriDexel, axis: usize, node: Node, leaves: bool) -> f64 {
        let (from, to) = (self.places[axis][node[axis]], self.places[axis][node[axis] + 1]);
        let (u, v) = Face::across(axis);
        let cell = |axis: usize| node[axis].checked_sub(1).and_then(|index| self.cells[axis].get(index)).copied();
        let found = cell(u).zip(cell(v)).and_then(|(column, row)| {
            let face = &part.faces[axis];
            let (tile, ray) = face.place(column, row);
            let ends = face.tiles[tile].intervals(ray).map(|interval| f64::from(interval[usize::from(leaves)]));
            ends.into_iter().find(|end| (from..=to).contains(end))
        });
        found.unwrap_or(0.5 * (from + to))
    }
}
