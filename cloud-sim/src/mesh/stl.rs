use shared::geom::Point;

use super::{COORDINATE_MAX_MM, MeshLimits};

/// Why bytes are not a mesh.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum StlError {
    /// Neither 84 bytes of binary header nor the word `solid`.
    #[error("this is not an STL file: neither a binary header nor the word `solid`")]
    NotStl,
    /// The count in the header does not fit the bytes that follow.
    #[error("the header promises {promised} triangles, the file holds {found}")]
    Truncated {
        /// By the header.
        promised: u64,
        /// By the length of the file.
        found: u64,
    },
    /// More triangles than [`MeshLimits::triangles_max`].
    #[error("{count} triangles are more than the {max} supported")]
    TooMany {
        /// How many there are at least.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// A coordinate that is not a number, or lies beyond [`COORDINATE_MAX_MM`].
    #[error("triangle {triangle} has a coordinate that is not a number or lies beyond ±{max} mm", max = COORDINATE_MAX_MM)]
    Coordinate {
        /// Which, from 1.
        triangle: u64,
    },
    /// An ASCII file with a broken line.
    #[error("line {line} is not a `vertex` with three numbers, or a facet has not exactly three of them")]
    Text {
        /// Which, from 1.
        line: u64,
    },
    /// No triangle at all.
    #[error("the mesh has no triangles")]
    Empty,
}

const HEADER_BYTES: usize = 84;
pub(super) const TRIANGLE_BYTES: usize = 50;

/// Reads a binary or ASCII STL whose unit is `unit_mm` millimetres long (1 or 25.4); STL itself has none.
///
/// Normals and attributes are ignored: which side is outside follows from the order of the corners. A file is taken for
/// binary when its length is exactly what its count says, because binary files that begin with `solid` exist.
///
/// # Errors
/// [`StlError`]; memory is taken only after the count was checked against the length of the file.
pub fn read_stl(bytes: &[u8], unit_mm: f64, limits: &MeshLimits) -> Result<Vec<[Point; 3]>, StlError> {
    let max = limits.triangles_max as u64;
    let promised = bytes.get(80..HEADER_BYTES).map(|count| le_u32(count, 0));
    let is_text = bytes.trim_ascii_start().starts_with(b"solid");
    match promised {
        Some(promised) => {
            let found = ((bytes.len() - HEADER_BYTES) / TRIANGLE_BYTES) as u64;
            let exact = (bytes.len() - HEADER_BYTES) as u64 == u64::from(promised) * TRIANGLE_BYTES as u64;
            if is_text && !exact {
                return read_text(bytes, unit_mm, limits);
            }
            if u64::from(promised) > max {
                return Err(StlError::TooMany { count: u64::from(promised), max });
            }
            if found < u64::from(promised) {
                return Err(StlError::Truncated { promised: u64::from(promised), found });
            }
            read_binary(&bytes[HEADER_BYTES..], promised as usize, unit_mm)
        }
        None if is_text => read_text(bytes, unit_mm, limits),
        None => Err(StlError::NotStl),
    }
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn read_binary(bytes: &[u8], count: usize, unit_mm: f64) -> Result<Vec<[Point; 3]>, StlError> {
    if count == 0 {
        return Err(StlError::Empty);
    }
    let mut triangles = Vec::with_capacity(count);
    for (index, record) in bytes.chunks_exact(TRIANGLE_BYTES).take(count).enumerate() {
        // 12 bytes of normal, three vertices of 12 bytes, two of attributes.
        let corner = |corner: usize| {
            let value = |axis: usize| f64::from(f32::from_bits(le_u32(record, 12 + corner * 12 + axis * 4))) * unit_mm;
            Point::new(value(0), value(1), value(2))
        };
        triangles.push(checked([corner(0), corner(1), corner(2)], index)?);
    }
    Ok(triangles)
}

fn read_text(bytes: &[u8], unit_mm: f64, limits: &MeshLimits) -> Result<Vec<[Point; 3]>, StlError> {
    let mut triangles = Vec::new();
    let mut corners: Vec<Point> = Vec::with_capacity(3);
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let fault = StlError::Text { line: index as u64 + 1 };
        let text = std::str::from_utf8(line.trim_ascii()).map_err(|_| fault)?;
        let mut words = text.split_ascii_whitespace();
        match words.next() {
            Some("vertex") => {
                let mut value = || words.next().and_then(|word| word.parse::<f64>().ok()).map(|value| value * unit_mm);
                let (Some(x), Some(y), Some(z)) = (value(), value(), value()) else {
                    return Err(fault);
                };
                if corners.len() == 3 || words.next().is_some() {
                    return Err(fault);
                }
                corners.push(Point::new(x, y, z));
            }
            Some("endfacet") => {
                let &[a, b, c] = corners.as_slice() else {
                    return Err(fault);
                };
                if triangles.len() == limits.triangles_max {
                    let count = triangles.len() as u64 + 1;
                    return Err(StlError::TooMany { count, max: limits.triangles_max as u64 });
                }
                triangles.push(checked([a, b, c], triangles.len())?);
                corners.clear();
            }
            Some("solid" | "endsolid" | "facet" | "outer" | "endloop") | None => {}
            Some(_) => return Err(fault),
        }
    }
    if triangles.is_empty() {
        return Err(StlError::Empty);
    }
    Ok(triangles)
}

fn checked(triangle: [Point; 3], index: usize) -> Result<[Point; 3], StlError> {
    // NaN compares false, so it is refused too.
    let within = triangle.iter().flat_map(|point| point.iter()).all(|value| value.abs() <= COORDINATE_MAX_MM);
    if within { Ok(triangle) } else { Err(StlError::Coordinate { triangle: index as u64 + 1 }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], unit_mm: f64) -> Result<Vec<[Point; 3]>, StlError> {
        read_stl(bytes, unit_mm, &MeshLimits::STANDARD)
    }

    fn binary(promised: u32, triangles: &[[[f32; 3]; 3]]) -> Vec<u8> {
        let mut bytes = vec![0u8; 80];
        bytes.extend(promised.to_le_bytes());
        for triangle in triangles {
            bytes.extend([0u8; 12]);
            bytes.extend(triangle.iter().flatten().flat_map(|value| value.to_le_bytes()));
            bytes.extend([0u8; 2]);
        }
        bytes
    }

    const ONE: [[f32; 3]; 3] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 2.0]];

    #[test]
    fn binary_and_text_give_the_same_mesh_in_the_unit_that_was_said() {
        let text = "solid x\n facet normal 0 0 1\n outer loop\n vertex 0 0 0\n vertex 1 0 0\r\n vertex 0 1 2e0\n endloop\n \
                    endfacet\nendsolid x\n";
        let from_text = read(text.as_bytes(), 25.4).expect("valid text");
        assert_eq!(read(&binary(1, &[ONE]), 25.4).expect("valid bytes"), from_text);
        assert_eq!(from_text[0][2], Point::new(0.0, 25.4, 50.8));
        let mut said_solid = binary(1, &[ONE]);
        said_solid[..5].copy_from_slice(b"solid");
        assert_eq!(read(&said_solid, 1.0).expect("binary by its length").len(), 1);
    }

    #[test]
    fn hostile_files_are_refused_with_the_reason() {
        let nan = [[f32::NAN, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let far = [[1e30, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let cases: [(Vec<u8>, StlError); 9] = [
            (binary(u32::MAX, &[ONE]), StlError::TooMany { count: u64::from(u32::MAX), max: 4_000_000 }),
            (binary(2, &[ONE]), StlError::Truncated { promised: 2, found: 1 }),
            (binary(0, &[]), StlError::Empty),
            (binary(1, &[nan]), StlError::Coordinate { triangle: 1 }),
            (binary(1, &[far]), StlError::Coordinate { triangle: 1 }),
            (b"".to_vec(), StlError::NotStl),
            (b"solid x\nendsolid".to_vec(), StlError::Empty),
            (b"solid x\nvertex 1 2\n".to_vec(), StlError::Text { line: 2 }),
            (b"solid x\nfacet\nvertex 1 2 3\nendfacet".to_vec(), StlError::Text { line: 4 }),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(&bytes, 1.0), Err(expected));
        }
    }
}
