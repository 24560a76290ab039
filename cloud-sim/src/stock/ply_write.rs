//! PLY from the STL that each stock writes.
//!
//! STL repeats every corner and joins nothing; PLY lists each vertex once. So one writer serves every kind of stock:
//! corners with the same bits become one vertex, in the order in which they first appear.

use std::collections::BTreeMap;

/// Bytes of an STL before its first triangle, and of a triangle.
const HEADER: usize = 84;
const TRIANGLE: usize = 50;

/// Appends a binary little-endian PLY of the triangles of a binary STL as [`super::HeightMap::to_stl`] writes it.
pub fn ply_of_stl(stl: &[u8], out: &mut Vec<u8>) {
    let mut known: BTreeMap<[u8; 12], u32> = BTreeMap::new();
    let (mut vertices, mut faces) = (Vec::new(), Vec::new());
    let triangles = stl.get(HEADER..).unwrap_or_default().chunks_exact(TRIANGLE);
    let count = triangles.len();
    for triangle in triangles {
        faces.push(3u8);
        for corner in triangle[12..48].as_chunks::<12>().0 {
            let next = known.len() as u32;
            let index = *known.entry(*corner).or_insert_with(|| {
                vertices.extend_from_slice(corner);
                next
            });
            faces.extend(index.to_le_bytes());
        }
    }
    let header = format!(
        "ply\nformat binary_little_endian 1.0\ncomment millimetres\nelement vertex {}\nproperty float x\n\
         property float y\nproperty float z\nelement face {count}\nproperty list uchar uint vertex_indices\nend_header\n",
        known.len()
    );
    out.extend(header.into_bytes());
    out.append(&mut vertices);
    out.append(&mut faces);
}
