use super::HeightMap;

/// Most vertices of the upper surface that [`HeightMap::to_stl`] writes: about 60 MB of triangles at most.
/// Larger maps are averaged over squares of cells, which keeps the volume.
pub const STL_VERTICES_MAX: usize = 300_000;

/// Vertices of the coarse surface that [`HeightMap::to_view_stl`] writes: some 20 ms and 8 MB whatever the map.
pub const VIEW_VERTICES: usize = 40_000;

/// The upper surface as a grid of vertices: cell (or averaged) heights with a border at the stock's edges.
struct Surface {
    xs: Vec<f32>,
    ys: Vec<f32>,
    heights: Vec<f32>,
    floor: f32,
}

impl HeightMap {
    /// Appends the stock as cut as a binary STL in mm: one closed mesh of top, sides and bottom.
    ///
    /// The top runs through the cell centres, so a vertical wall becomes one cell wide. Where everything
    /// was cut away down to the floor the mesh has a hole.
    pub fn to_stl(&self, out: &mut Vec<u8>) {
        self.write_stl(STL_VERTICES_MAX, out);
    }

    /// The same, coarse, for a viewer that cannot wait.
    pub fn to_view_stl(&self, out: &mut Vec<u8>) {
        self.write_stl(VIEW_VERTICES, out);
    }

    fn write_stl(&self, vertices_max: usize, out: &mut Vec<u8>) {
        let surface = self.surface(vertices_max);
        let mut writer = Writer { out, count: 0 };
        let header = writer.begin();
        surface.top_and_bottom(&mut writer);
        surface.sides(&mut writer);
        let count = writer.count;
        out[header + 80..header + 84].copy_from_slice(&count.to_le_bytes());
    }

    fn surface(&self, vertices_max: usize) -> Surface {
        let grid = &self.grid;
        let mut stride = 1;
        while (grid.columns / stride + 2) * (grid.rows / stride + 2) > vertices_max {
            stride += 1;
        }
        let (columns, rows) = (grid.columns.div_ceil(stride), grid.rows.div_ceil(stride));
        let bounds = self.bounds();
        // Border, centres of the squares (the last may be narrower), border.
        let axis = |count: usize, cells: usize, min: f64, cell: f64, max: f64| {
            let centre = |index: usize| {
                let (from, to) = (index * stride, ((index + 1) * stride).min(cells));
                (min + (from + to) as f64 / 2.0 * cell) as f32
            };
            std::iter::once(min as f32).chain((0..count).map(centre)).chain(std::iter::once(max as f32)).collect()
        };
        let xs: Vec<f32> = axis(columns, grid.columns, grid.min_x, grid.cell_x, bounds.max.x);
        let ys: Vec<f32> = axis(rows, grid.rows, grid.min_y, grid.cell_y, bounds.max.y);
        let mean = |square_column: usize, square_row: usize| {
            let mut sum = 0.0;
            let mut cells = 0.0;
            for row in square_row * stride..((square_row + 1) * stride).min(grid.rows) {
                for column in square_column * stride..((square_column + 1) * stride).min(grid.columns) {
                    sum += f64::from(self.cell(column, row));
                    cells += 1.0;
                }
            }
            (sum / cells) as f32
        };
        let squares: Vec<f32> = (0..rows * columns).map(|index| mean(index % columns, index / columns)).collect();
        let inner = |index: usize, count: usize| index.saturating_sub(1).min(count - 1);
        let heights = (0..ys.len())
            .flat_map(|row| (0..xs.len()).map(move |column| (row, column)))
            .map(|(row, column)| squares[inner(row, rows) * columns + inner(column, columns)])
            .collect();
        Surface { xs, ys, heights, floor: grid.floor }
    }
}

impl Surface {
    fn top(&self, column: usize, row: usize) -> [f32; 3] {
        [self.xs[column], self.ys[row], self.heights[row * self.xs.len() + column]]
    }

    fn bottom(&self, column: usize, row: usize) -> [f32; 3] {
        [self.xs[column], self.ys[row], self.floor]
    }

    /// A quad of top and of bottom over every square that has material at a corner. Where all four corners
    /// stand at the floor both are left out, and their neighbours meet at the shared edge: still closed.
    fn top_and_bottom(&self, writer: &mut Writer<'_>) {
        for row in 0..self.ys.len() - 1 {
            for column in 0..self.xs.len() - 1 {
                let corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)];
                let [a, b, c, d] = corners.map(|(column, row)| self.top(column, row));
                if [a, b, c, d].iter().all(|corner| corner[2] <= self.floor) {
                    continue;
                }
                writer.triangle(a, b, c);
                writer.triangle(a, c, d);
                let [a, b, c, d] = corners.map(|(column, row)| self.bottom(column, row));
                writer.triangle(a, c, b);
                writer.triangle(a, d, c);
            }
        }
    }

    fn sides(&self, writer: &mut Writer<'_>) {
        let (last_column, last_row) = (self.xs.len() - 1, self.ys.len() - 1);
        for column in 0..last_column {
            self.side(writer, (column, 0), (column + 1, 0));
            self.side(writer, (column + 1, last_row), (column, last_row));
        }
        for row in 0..last_row {
            self.side(writer, (last_column, row), (last_column, row + 1));
            self.side(writer, (0, row + 1), (0, row));
        }
    }

    /// The wall under an edge of the border, seen from outside from left to right.
    fn side(&self, writer: &mut Writer<'_>, left: (usize, usize), right: (usize, usize)) {
        let (top_left, top_right) = (self.top(left.0, left.1), self.top(right.0, right.1));
        let (bottom_left, bottom_right) = (self.bottom(left.0, left.1), self.bottom(right.0, right.1));
        if top_right[2] > self.floor {
            writer.triangle(bottom_left, bottom_right, top_right);
        }
        if top_left[2] > self.floor {
            writer.triangle(bottom_left, top_right, top_left);
        }
    }
}

pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) count: u32,
}

impl Writer<'_> {
    /// Writes the header with a count of zero and returns where it stands.
    pub(super) fn begin(&mut self) -> usize {
        let at = self.out.len();
        let mut header = [b' '; 84];
        header[..23].copy_from_slice(b"binary STL, millimetres");
        header[80..].fill(0);
        self.out.extend(header);
        at
    }

    pub(super) fn triangle(&mut self, a: [f32; 3], b: [f32; 3], c: [f32; 3]) {
        let edge = |from: [f32; 3], to: [f32; 3]| [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
        let (u, v) = (edge(a, b), edge(a, c));
        let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        let length = (normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]).sqrt();
        let unit = if length > 0.0 { normal.map(|value| value / length) } else { [0.0; 3] };
        for value in [unit, a, b, c].iter().flatten() {
            self.out.extend(value.to_le_bytes());
        }
        self.out.extend([0u8; 2]);
        self.count += 1;
    }
}
