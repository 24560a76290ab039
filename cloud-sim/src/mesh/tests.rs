use std::io::{Cursor, Write};

use shared::geom::{Point, Vector};
use shared::machine::LengthUnit;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Mesh, MeshError, MeshLimits, StlError, ThreeMfError, read_mesh, weld};

const MM: Option<LengthUnit> = Some(LengthUnit::Millimetre);

/// The twelve triangles of a box, counter-clockwise from outside.
fn box_soup(min: [f64; 3], max: [f64; 3]) -> Vec<[Point; 3]> {
    let corner =
        |index: usize| Point::from(std::array::from_fn::<f64, 3, _>(|axis| [min, max][index >> axis & 1][axis]));
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).map(|triangle| triangle.map(corner)).collect()
}

fn unit_box() -> Vec<[Point; 3]> {
    box_soup([0.0; 3], [2.0, 3.0, 4.0])
}

fn read(bytes: &[u8]) -> Result<Mesh, MeshError> {
    read_mesh(bytes, MM, &MeshLimits::STANDARD)
}

fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options).expect("a valid entry");
        writer.write_all(text.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn model(attributes: &str, resources: &str, build: &str) -> Vec<u8> {
    let text = format!(
        "<?xml version=\"1.0\"?><model {attributes}><resources>{resources}</resources><build>{build}</build></model>"
    );
    archive(&[("3D/3dmodel.model", &text)])
}

fn object(id: u32, soup: &[[Point; 3]]) -> String {
    let vertices: String =
        soup.iter().flatten().map(|p| format!("<vertex x=\"{}\" y=\"{}\" z=\"{}\"/>", p.x, p.y, p.z)).collect();
    let triangle =
        |index: usize| format!("<triangle v1=\"{}\" v2=\"{}\" v3=\"{}\"/>", index * 3, index * 3 + 1, index * 3 + 2);
    let triangles: String = (0..soup.len()).map(triangle).collect();
    format!(
        "<object id=\"{id}\"><mesh><vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh></object>"
    )
}

#[test]
fn a_box_is_welded_and_closed() {
    let mesh = weld::weld(unit_box()).expect("a box");
    assert_eq!((mesh.points.len(), mesh.triangles.len()), (8, 12));
    assert!(mesh.is_closed() && mesh.remarks.is_empty(), "{:?}", mesh.remarks);
    assert!((mesh.volume_mm3() - 24.0).abs() < 1e-12);
    let moved = mesh.moved(&Vector::new(1.0, 0.0, 0.0));
    assert!((moved.volume_mm3() - 24.0).abs() < 1e-9 && moved.bounds().max.x == 3.0);
}

#[test]
fn repairs_are_made_and_said() {
    let check = |change: &dyn Fn(&mut Vec<[Point; 3]>), word: &str| {
        let mut soup = unit_box();
        change(&mut soup);
        let mesh = weld::weld(soup).expect("repaired");
        assert!(mesh.is_closed(), "{word}");
        assert!((mesh.volume_mm3() - 24.0).abs() < 1e-2, "{word}: {}", mesh.volume_mm3());
        assert!(mesh.remarks.iter().any(|remark| remark.contains(word)), "{word}: {:?}", mesh.remarks);
    };
    check(&|soup| soup.iter_mut().for_each(|triangle| triangle.swap(0, 1)), "inside out");
    check(&|soup| soup[3].swap(0, 1), "1 triangles were turned");
    check(&|soup| soup.push([soup[0][0], soup[0][1], soup[0][1]]), "without area");
    check(&|soup| soup.push(soup[5]), "drawn twice");
    // A seam: one face was rounded by itself.
    check(
        &|soup| soup[2..4].iter_mut().flatten().for_each(|point| *point += Vector::new(3e-4, -2e-4, 1e-4)),
        "less than 0.001 mm apart",
    );
}

#[test]
fn an_open_mesh_is_a_surface_and_no_solid() {
    let mut soup = unit_box();
    soup.remove(0);
    let mesh = weld::weld(soup).expect("a surface");
    assert!(!mesh.is_closed() && mesh.remarks.iter().any(|remark| remark.contains("open at 3 edges")));
    assert!(matches!(mesh.closed(), Err(MeshError::Open { edges: 3, .. })));
    let flat = Point::origin();
    assert_eq!(weld::weld(vec![[flat, flat, flat]]), Err(MeshError::NoArea));
}

#[test]
fn a_model_is_placed_in_its_own_unit() {
    let placed = |attributes: &str, build: &str| {
        read_mesh(&model(attributes, &object(1, &unit_box()), build), None, &MeshLimits::STANDARD)
    };
    let item = "<item objectid=\"1\"/>";
    for (unit, mm) in [("micron", 1e-3), ("millimeter", 1.0), ("centimeter", 10.0), ("inch", 25.4), ("foot", 304.8)] {
        let mesh = placed(&format!("unit=\"{unit}\""), item).expect("a model");
        assert!((mesh.volume_mm3() / (24.0 * mm * mm * mm) - 1.0).abs() < 1e-9, "{unit}");
    }
    assert_eq!(placed("", item).expect("millimetres").bounds().max, Point::new(2.0, 3.0, 4.0));
    // Turned about Z by a quarter, then moved: row vectors from the left.
    let turned = placed("", "<item objectid=\"1\" transform=\"0 1 0 -1 0 0 0 0 1 10 20 30\"/>").expect("a model");
    assert_eq!((turned.bounds().min, turned.bounds().max), (Point::new(7.0, 20.0, 30.0), Point::new(10.0, 22.0, 34.0)));
    assert!(turned.volume_mm3() > 0.0);
    let inch = model("unit=\"inch\"", &object(1, &unit_box()), item);
    assert!(matches!(read(&inch), Err(MeshError::UnitDisagrees { file: "inch", stated: "mm" })));
}

#[test]
fn objects_of_objects_add_their_transforms() {
    let assembly = "<object id=\"2\"><components><component objectid=\"1\" transform=\"1 0 0 0 1 0 0 0 1 5 0 0\"/>\
                    <component objectid=\"1\"/></components></object>";
    let resources = object(1, &unit_box()) + assembly;
    let mesh = read(&model("", &resources, "<item objectid=\"2\" transform=\"0 1 0 -1 0 0 0 0 1 0 0 0\"/>"));
    let mesh = mesh.expect("an assembly");
    assert_eq!(mesh.triangles.len(), 24);
    // The inner shift along X is turned onto Y by the outer transform.
    assert_eq!((mesh.bounds().min, mesh.bounds().max), (Point::new(-3.0, 0.0, 0.0), Point::new(0.0, 7.0, 4.0)));
}

#[test]
fn an_stl_needs_a_unit() {
    let text = b"solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid";
    assert_eq!(read_mesh(text, None, &MeshLimits::STANDARD), Err(MeshError::UnitUnknown));
    let inch = read_mesh(text, Some(LengthUnit::Inch), &MeshLimits::STANDARD).expect("a triangle");
    assert_eq!(inch.bounds().max, Point::new(25.4, 25.4, 0.0));
}

fn refused(bytes: &[u8], limits: &MeshLimits) -> ThreeMfError {
    match read_mesh(bytes, None, limits) {
        Err(MeshError::ThreeMf(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn hostile_archives_are_refused_each_by_its_limit() {
    let standard = MeshLimits::STANDARD;
    let item = "<item objectid=\"1\"/>";
    let whole = |text: &str| archive(&[("3D/3dmodel.model", text)]);
    // A bomb: sixty megabytes of blanks in sixty kilobytes.
    let bomb = whole(&" ".repeat(60 << 20));
    assert!(bomb.len() < 100_000 && matches!(refused(&bomb, &standard), ThreeMfError::Inflated { .. }));
    let long = MeshLimits { inflated_bytes_max: 1000, ..standard };
    let large = model("", &object(1, &unit_box()), item);
    assert_eq!(refused(&large, &long), ThreeMfError::Inflated { name: "3D/3dmodel.model".to_owned(), limit: 1000 });
    for name in ["../a", "3D/../../a", "/a", "C:\\a", "a\\..\\b"] {
        let climbing = archive(&[(name, ""), ("3D/3dmodel.model", "<model/>")]);
        assert!(matches!(refused(&climbing, &standard), ThreeMfError::Path { .. }), "{name}");
    }
    let entities = "<!DOCTYPE m [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><model>&b;</model>";
    assert!(matches!(refused(&whole(entities), &standard), ThreeMfError::Xml { .. }));
    let external = "<!DOCTYPE m [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><model>&a;</model>";
    assert!(matches!(refused(&whole(external), &standard), ThreeMfError::Xml { .. }));
    let attributes: String = (0..5000).map(|index| format!(" a{index}=\"\"")).collect();
    assert!(matches!(refused(&whole(&format!("<model{attributes}/>")), &standard), ThreeMfError::Xml { .. }));
    let names: Vec<String> = (0..2000).map(|index| format!("a{index}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(refused(&archive(&many), &standard), ThreeMfError::Entries { count: 2000 });
    assert_eq!(refused(&archive(&[("a.txt", "")]), &standard), ThreeMfError::NoModel);
    assert!(matches!(refused(b"PK\x03\x04 and nothing more", &standard), ThreeMfError::Archive { .. }));
    // Deep and wide: elements within elements, objects within objects.
    let deep = format!("<model>{}{}</model>", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert!(read(&whole(&deep)).is_err());
    let own = "<object id=\"1\"><components><component objectid=\"1\"/></components></object>";
    assert_eq!(refused(&model("", own, item), &standard), ThreeMfError::Nesting);
    let doubling: String = (1..16)
        .map(|id| {
            let component = format!("<component objectid=\"{}\"/>", id + 1).repeat(40);
            format!("<object id=\"{id}\"><components>{component}</components></object>")
        })
        .collect();
    let doubling = doubling + &object(16, &unit_box());
    assert_eq!(refused(&model("", &doubling, item), &standard), ThreeMfError::Nesting);
    let few = MeshLimits { triangles_max: 11, ..standard };
    assert_eq!(refused(&large, &few), ThreeMfError::TooMany { count: 12, max: 11 });
}

#[test]
fn models_that_cannot_be_meant_are_refused_with_their_line() {
    let standard = MeshLimits::STANDARD;
    let item = "<item objectid=\"1\"/>";
    let check = |resources: &str, build: &str, word: &str| {
        let error = refused(&model("", resources, build), &standard).to_string();
        assert!(error.contains(word), "{error}, expected {word}");
    };
    let vertex = |x: &str| {
        format!(
            "<object id=\"1\"><mesh><vertices><vertex x=\"{x}\" y=\"0\" z=\"0\"/></vertices><triangles><triangle v1=\"0\" v2=\"0\" v3=\"1\"/></triangles></mesh></object>"
        )
    };
    check(&vertex("NaN"), item, "three finite numbers");
    check(&vertex("inf"), item, "three finite numbers");
    check(&vertex("1e12"), item, "beyond ±10000 mm");
    check(&vertex("1"), item, "indices v1, v2 and v3");
    check(&vertex("1"), "<item objectid=\"7\"/>", "not among the resources");
    check(&vertex("1"), "<item objectid=\"1\" transform=\"1 2 3\"/>", "twelve numbers");
    check(&vertex("1"), "", "places no triangle");
    let production = model("requiredextensions=\"p\"", "", item);
    assert_eq!(refused(&production, &standard), ThreeMfError::Extension { name: "p".to_owned() });
    let unit = model("unit=\"furlong\"", "", item);
    assert_eq!(refused(&unit, &standard), ThreeMfError::Unit { word: "furlong".to_owned() });
}

#[test]
fn sizes_are_held_against_the_limits_before_memory_is_taken() {
    let standard = MeshLimits::STANDARD;
    let mut header = vec![0u8; 80];
    header.extend(u32::MAX.to_le_bytes());
    header.extend([0u8; 50]);
    let many = StlError::TooMany { count: u64::from(u32::MAX), max: 4_000_000 };
    assert_eq!(read(&header), Err(MeshError::Stl(many)));
    let small = MeshLimits { bytes_max: 100, ..standard };
    assert_eq!(read_mesh(&header, MM, &small), Err(MeshError::TooLarge { bytes: 134, limit: 100 }));
    let poor = MeshLimits { memory_max_bytes: 1000, ..standard };
    let large = model("", &object(1, &unit_box()), "<item objectid=\"1\"/>");
    assert!(matches!(read_mesh(&large, None, &poor), Err(MeshError::Memory { limit: 1000, .. })));
    let stl = vec![0u8; 84 + 50 * 100];
    assert!(matches!(read_mesh(&stl, MM, &poor), Err(MeshError::Memory { needed: 24_240, limit: 1000 })));
}
