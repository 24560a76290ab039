//! Mesh files as they come from outside: thousands of damaged ones, and what reading really takes.
// The figures are printed for the reader of the run.
#![allow(clippy::print_stderr)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Cursor, Write};

use cloud_sim::mesh::{MeshLimits, read_mesh};
use shared::det::Rng;
use shared::machine::LengthUnit;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Counts the bytes that this thread holds, and the most it ever did.
struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static MOST: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    HELD.with(|held| {
        held.set(held.get() + bytes);
        MOST.with(|most| most.set(most.get().max(held.get())));
    });
}

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract; counting touches
// thread-local integers that need no memory of their own.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes as i64);
        let moved = unsafe { System.realloc(memory, layout, bytes) };
        count(-(layout.size() as i64));
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes held beyond what is held now while something is done.
fn most_bytes(work: impl FnOnce()) -> u64 {
    let before = HELD.with(Cell::get);
    MOST.with(|most| most.set(before));
    work();
    (MOST.with(Cell::get) - before).max(0) as u64
}

/// The triangles of a plate with a grid of corners, closed below.
fn plate(edge: usize) -> Vec<[[f32; 3]; 3]> {
    let high = |x: usize, y: usize| [x as f32, y as f32, 1.0 + ((x * 7 + y * 3) % 5) as f32 * 0.1];
    let mut triangles = Vec::new();
    for x in 0..edge {
        for y in 0..edge {
            let (a, b, c, d) = (high(x, y), high(x + 1, y), high(x, y + 1), high(x + 1, y + 1));
            triangles.extend([[a, b, d], [a, d, c]]);
            let floor = |p: [f32; 3]| [p[0], p[1], 0.0];
            triangles.extend([[floor(a), floor(d), floor(b)], [floor(a), floor(c), floor(d)]]);
        }
    }
    triangles
}

fn binary(triangles: &[[[f32; 3]; 3]]) -> Vec<u8> {
    let mut bytes = vec![0u8; 80];
    bytes.extend((triangles.len() as u32).to_le_bytes());
    for triangle in triangles {
        bytes.extend([0u8; 12]);
        bytes.extend(triangle.iter().flatten().flat_map(|value| value.to_le_bytes()));
        bytes.extend([0u8; 2]);
    }
    bytes
}

fn text(triangles: &[[[f32; 3]; 3]]) -> Vec<u8> {
    let facet = |triangle: &[[f32; 3]; 3]| {
        let corners: String = triangle.iter().map(|[x, y, z]| format!("vertex {x} {y} {z}\n")).collect();
        format!("facet normal 0 0 1\nouter loop\n{corners}endloop\nendfacet\n")
    };
    format!("solid a\n{}endsolid a\n", triangles.iter().map(facet).collect::<String>()).into_bytes()
}

fn model(triangles: &[[[f32; 3]; 3]]) -> String {
    let corners = triangles.iter().flatten();
    let vertices: String = corners.map(|[x, y, z]| format!("<vertex x=\"{x}\" y=\"{y}\" z=\"{z}\"/>")).collect();
    let list = (0..triangles.len()).map(|t| 3 * t);
    let list: String = list.map(|t| format!("<triangle v1=\"{t}\" v2=\"{}\" v3=\"{}\"/>", t + 1, t + 2)).collect();
    format!(
        "<model unit=\"millimeter\"><resources><object id=\"1\"><mesh><vertices>{vertices}</vertices><triangles>{list}\
         </triangles></mesh></object></resources><build><item objectid=\"1\"/></build></model>"
    )
}

fn archive(model: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("3D/3dmodel.model", options).expect("a valid entry");
    writer.write_all(model).expect("memory");
    writer.finish().expect("memory").into_inner()
}

/// One to eight damages: bytes changed, cut off, put in, repeated, or made a number that hurts.
fn damage(rng: &mut Rng, whole: &[u8]) -> Vec<u8> {
    const WORDS: [&[u8]; 10] = [
        b"nan",
        b"inf",
        b"-1e309",
        b"4294967295",
        b"\xff\xff\xff\xff",
        b"\0\0\xc0\x7f",
        b"<",
        b"\"/>",
        b"solid",
        b"PK\x03\x04",
    ];
    let mut bytes = whole.to_vec();
    for _ in 0..=rng.below(8) {
        let at = rng.below(bytes.len().max(1) as u64) as usize;
        let to = (at + rng.below(64) as usize).min(bytes.len());
        match rng.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let word = WORDS[rng.below(WORDS.len() as u64) as usize];
                let to = (at + word.len()).min(bytes.len());
                bytes.splice(at..to, word.iter().copied());
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            _ => {}
        }
    }
    bytes
}

#[test]
fn ten_thousand_damaged_files_neither_panic_nor_take_more_memory_than_granted() {
    let small = plate(3);
    let (binary, text, model) = (binary(&small), text(&small), model(&small));
    let whole = archive(model.as_bytes());
    let limits = MeshLimits { memory_max_bytes: 8 << 20, ..MeshLimits::STANDARD };
    let mut rng = Rng::new(2026);
    let (mut read, mut refused) = (0, 0);
    for round in 0..10_000 {
        let bytes = match round % 4 {
            0 => damage(&mut rng, &binary),
            1 => damage(&mut rng, &text),
            2 => damage(&mut rng, &whole),
            // The model damaged before it is packed, so that the damage gets past the check sum.
            _ => archive(&damage(&mut rng, model.as_bytes())),
        };
        let taken = most_bytes(|| match read_mesh(&bytes, Some(LengthUnit::Millimetre), &limits) {
            Ok(mesh) => {
                read += 1;
                let count = mesh.points.len() as u32;
                assert!(mesh.triangles.iter().flatten().all(|index| *index < count), "round {round}");
                assert!(mesh.points.iter().all(|point| point.iter().all(|value| value.is_finite())), "round {round}");
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        });
        assert!(taken <= limits.memory_max_bytes, "round {round}: {taken} bytes");
    }
    eprintln!("{read} read, {refused} refused");
    assert!(read > 500 && refused > 3000, "{read} read and {refused} refused show nothing");
}

#[test]
fn a_count_of_four_billion_takes_no_memory() {
    let mut header = vec![0u8; 80];
    header.extend(u32::MAX.to_le_bytes());
    header.extend([0u8; 100]);
    let taken = most_bytes(|| {
        assert!(read_mesh(&header, Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).is_err());
    });
    assert!(taken < 4096, "{taken} bytes");
}

#[test]
fn reading_takes_no_more_than_it_says() {
    let triangles = plate(160);
    let count = triangles.len() as u64;
    let check = |bytes: &[u8], stated: u64, name: &str| {
        let granted = MeshLimits { memory_max_bytes: stated, ..MeshLimits::STANDARD };
        let taken = most_bytes(|| {
            let mesh = read_mesh(bytes, Some(LengthUnit::Millimetre), &granted).expect("within what is granted");
            assert_eq!(mesh.triangles.len() as u64, count);
        });
        eprintln!("{name}: {count} triangles, {} bytes of file, {taken} bytes taken, {stated} stated", bytes.len());
        assert!(taken <= stated, "{name}: {taken} bytes taken, {stated} stated");
    };
    // By the length of the file, header and all.
    check(&binary(&triangles), 240 * (count + 2), "binary STL");
    let model = model(&triangles);
    check(&archive(model.as_bytes()), 240 * count + 16 * model.len() as u64, "3MF");
}
