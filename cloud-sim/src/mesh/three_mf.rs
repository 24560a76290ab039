//! 3MF: an archive with a model in XML, objects made of triangles or of other objects, and a plate they stand on.
//!
//! What is read is the core specification: units, meshes, components and build items with their transforms. A file that
//! *requires* an extension (parts in several files, slices, beams) cannot be understood without it and is refused by
//! its name. Colours and metadata are passed over.
//!
//! The archive is hostile until shown otherwise: names that climb out of it, encryption, too many entries, models that unpack
//! to more than a stated size or share, document types and entities, tags of a thousand attributes (whose check is
//! quadratic), objects that hold each other or multiply: each is refused by a limit of its own.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use roxmltree::{Document, Node, ParsingOptions};
use shared::geom::Point;
use zip::ZipArchive;

use super::{COORDINATE_MAX_MM, MeshError, MeshLimits};

/// Most entries of an archive.
const ENTRIES_MAX: usize = 1024;
/// Most bytes that one byte of the archive may unpack to: coordinates in words come to ten or twenty.
const INFLATION_MAX: u64 = 200;
/// Most attributes of one tag.
const ATTRIBUTES_MAX: usize = 64;
/// Memory that the tree of a document takes for a byte of it.
const TREE_BYTES_PER_BYTE: u64 = 16;
/// Deepest nesting of objects in objects, and most objects that are placed.
const DEPTH_MAX: usize = 16;
const PLACED_MAX: usize = 100_000;
/// Where the model is when the archive's own table does not say.
const MODEL: &str = "3D/3dmodel.model";
const RELATIONS: &str = "_rels/.rels";
const MODEL_RELATION: &str = "/3dmodel";

/// Why an archive is not a model that is accepted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ThreeMfError {
    /// Not an archive, or damaged.
    #[error("the 3MF archive cannot be read: {message}")]
    Archive {
        /// What the archive reader says.
        message: String,
    },
    /// More entries than are accepted.
    #[error("the archive has {count} entries, more than the {max} accepted", max = ENTRIES_MAX)]
    Entries {
        /// How many there are.
        count: usize,
    },
    /// A name that leads out of the archive.
    #[error("the archive holds `{name}`, a name that leads out of it")]
    Path {
        /// The name, shortened and without control characters.
        name: String,
    },
    /// It unpacks to more than is accepted.
    #[error("`{name}` unpacks to more than the {limit} bytes accepted for this archive")]
    Inflated {
        /// Which entry.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// No model inside.
    #[error("the archive holds no model; a 3MF file has one at {MODEL}")]
    NoModel,
    /// Not XML, or not plain XML.
    #[error("the model is not plain XML: {message}")]
    Xml {
        /// What the reader says, with line and column.
        message: String,
    },
    /// Needs what is not understood here.
    #[error("the model requires the extension `{name}`, which is not read here; export it as core 3MF or as STL")]
    Extension {
        /// Its prefix in the file.
        name: String,
    },
    /// A unit that the specification does not know.
    #[error("`{word}` is not a unit of 3MF")]
    Unit {
        /// As written.
        word: String,
    },
    /// An element without a value it must have, or with one that cannot be.
    #[error("line {line} of the model: {message}")]
    Element {
        /// Physical line.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// Objects within objects beyond the limits.
    #[error("the objects of the model hold each other more than {DEPTH_MAX} deep or more than {PLACED_MAX} times")]
    Nesting,
    /// More triangles than are accepted, every instance counted.
    #[error("the model places {count} triangles, more than the {max} supported")]
    TooMany {
        /// At least this many.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// Nothing on the plate.
    #[error("the model places no triangle")]
    Empty,
}

/// Units of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelUnit {
    Micron,
    Millimetre,
    Centimetre,
    Inch,
    Foot,
    Metre,
}

impl ModelUnit {
    fn parse(word: Option<&str>) -> Result<Self, ThreeMfError> {
        match word {
            None | Some("millimeter") => Ok(Self::Millimetre),
            Some("micron") => Ok(Self::Micron),
            Some("centimeter") => Ok(Self::Centimetre),
            Some("inch") => Ok(Self::Inch),
            Some("foot") => Ok(Self::Foot),
            Some("meter") => Ok(Self::Metre),
            Some(other) => Err(ThreeMfError::Unit { word: plain(other) }),
        }
    }

    /// Millimetres in one.
    pub(super) const fn mm(self) -> f64 {
        match self {
            Self::Micron => 1e-3,
            Self::Millimetre => 1.0,
            Self::Centimetre => 10.0,
            Self::Inch => 25.4,
            Self::Foot => 304.8,
            Self::Metre => 1000.0,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Micron => "micron",
            Self::Millimetre => "mm",
            Self::Centimetre => "cm",
            Self::Inch => "inch",
            Self::Foot => "foot",
            Self::Metre => "m",
        }
    }
}

/// A model as triangles in mm.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) unit: ModelUnit,
    pub(super) triangles: Vec<[Point; 3]>,
}

/// True for what begins like a zip archive, which no STL does.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

pub(super) fn read(bytes: &[u8], limits: &MeshLimits) -> Result<Model, MeshError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    if archive.len() > ENTRIES_MAX {
        return Err(ThreeMfError::Entries { count: archive.len() }.into());
    }
    check_names(&archive)?;
    let limit = limits.inflated_bytes_max.min((bytes.len() as u64).saturating_mul(INFLATION_MAX));
    let name = model_name(&mut archive, limit)?;
    let text = unpack(&mut archive, &name, limit)?;
    limits.check_memory(0, text.len() as u64 * TREE_BYTES_PER_BYTE)?;
    check_tags(&text)?;
    // No node is shorter than `<a/>`.
    let options = ParsingOptions { nodes_limit: (text.len() as u32 / 4).max(64), ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options)
        .map_err(|error| ThreeMfError::Xml { message: plain(&error.to_string()) })?;
    Reader { document: &document, limits, objects: BTreeMap::new(), placed: 0 }.model(text.len() as u64)
}

fn damaged(error: &dyn std::fmt::Display) -> ThreeMfError {
    ThreeMfError::Archive { message: plain(&error.to_string()) }
}

/// Text from the file as it may stand in a message.
fn plain(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn check_names(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<(), ThreeMfError> {
    for name in archive.file_names_raw() {
        let text = String::from_utf8_lossy(name);
        let climbs = text.split(['/', '\\']).any(|step| step == "..");
        if climbs || text.starts_with(['/', '\\']) || text.contains([':', '\0']) {
            return Err(ThreeMfError::Path { name: plain(&text) });
        }
    }
    Ok(())
}

/// The model by the archive's table of relations, else by its usual name.
fn model_name(archive: &mut ZipArchive<Cursor<&[u8]>>, limit: u64) -> Result<String, ThreeMfError> {
    let related = if archive.index_for_name(RELATIONS).is_some() {
        let text = unpack(archive, RELATIONS, limit)?;
        check_tags(&text)?;
        let document =
            Document::parse(&text).map_err(|error| ThreeMfError::Xml { message: plain(&error.to_string()) })?;
        let relation = document
            .descendants()
            .find(|node| node.attribute("Type").is_some_and(|kind| kind.ends_with(MODEL_RELATION)));
        relation.and_then(|node| node.attribute("Target")).map(|target| target.trim_start_matches('/').to_owned())
    } else {
        None
    };
    let name = related.unwrap_or_else(|| MODEL.to_owned());
    if archive.index_for_name(&name).is_some() { Ok(name) } else { Err(ThreeMfError::NoModel) }
}

fn unpack(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<String, ThreeMfError> {
    let entry = archive.by_name(name).map_err(|error| damaged(&error))?;
    let mut unpacked = Vec::new();
    entry.take(limit + 1).read_to_end(&mut unpacked).map_err(|error| damaged(&error))?;
    if unpacked.len() as u64 > limit {
        return Err(ThreeMfError::Inflated { name: plain(name), limit });
    }
    String::from_utf8(unpacked).map_err(|_| ThreeMfError::Xml { message: format!("`{}` is not UTF-8", plain(name)) })
}

/// Refuses tags with more attributes than any model has: comparing all with all takes the square of their number.
fn check_tags(text: &str) -> Result<(), ThreeMfError> {
    let (mut inside, mut quote, mut attributes) = (false, None, 0);
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match (byte, quote) {
            (b'"' | b'\'', None) if inside => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'<', None) => (inside, attributes) = (!matches!(bytes.get(at + 1), Some(b'!' | b'?')), 0),
            (b'>', None) => inside = false,
            (b'=', None) if inside => {
                attributes += 1;
                if attributes > ATTRIBUTES_MAX {
                    let message = format!("a tag has more than {ATTRIBUTES_MAX} attributes");
                    return Err(ThreeMfError::Xml { message });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A transform as the specification writes it: rows of a matrix that a row vector is multiplied with from the left.
#[derive(Clone, Copy)]
struct Transform([f64; 12]);

impl Transform {
    const NONE: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);

    fn apply(&self, point: &[f64; 3]) -> [f64; 3] {
        let m = &self.0;
        std::array::from_fn(|axis| point[0] * m[axis] + point[1] * m[3 + axis] + point[2] * m[6 + axis] + m[9 + axis])
    }

    /// First this, then the other.
    fn then(&self, outer: &Self) -> Self {
        let row = |row: usize, shift: f64| -> [f64; 3] {
            let m = [self.0[row * 3], self.0[row * 3 + 1], self.0[row * 3 + 2]];
            let moved = outer.apply(&m);
            std::array::from_fn(|axis| moved[axis] - (1.0 - shift) * outer.0[9 + axis])
        };
        let rows = [row(0, 0.0), row(1, 0.0), row(2, 0.0), row(3, 1.0)];
        Self(std::array::from_fn(|index| rows[index / 3][index % 3]))
    }
}

struct Reader<'a, 'input> {
    document: &'a Document<'input>,
    limits: &'a MeshLimits,
    objects: BTreeMap<&'a str, Node<'a, 'input>>,
    placed: usize,
}

impl<'a, 'input> Reader<'a, 'input> {
    fn model(mut self, tree_bytes: u64) -> Result<Model, MeshError> {
        let root = self.document.root_element();
        if root.tag_name().name() != "model" {
            return Err(self.wrong(root, "the root is not `model`").into());
        }
        if let Some(name) = root.attribute("requiredextensions").and_then(|list| list.split_whitespace().next()) {
            return Err(ThreeMfError::Extension { name: plain(name) }.into());
        }
        let unit = ModelUnit::parse(root.attribute("unit"))?;
        for object in children(root, "resources").flat_map(|resources| children(resources, "object")) {
            let id = object.attribute("id").ok_or_else(|| self.wrong(object, "an object without `id`"))?;
            self.objects.insert(id, object);
        }
        let mut items = Vec::new();
        for item in children(root, "build").flat_map(|build| children(build, "item")) {
            self.place(item, Transform::NONE, 0, &mut items)?;
        }
        let instances = |(node, _): &(Node<'_, '_>, Transform)| children(*node, "triangle").count() as u64;
        let count = items.iter().map(instances).fold(0u64, u64::saturating_add);
        if count > self.limits.triangles_max as u64 {
            return Err(ThreeMfError::TooMany { count, max: self.limits.triangles_max as u64 }.into());
        }
        self.limits.check_memory(count, tree_bytes * TREE_BYTES_PER_BYTE)?;
        let mut triangles = Vec::with_capacity(count as usize);
        for (mesh, transform) in items {
            self.mesh(mesh, &transform, unit.mm(), &mut triangles)?;
        }
        if triangles.is_empty() {
            return Err(ThreeMfError::Empty.into());
        }
        Ok(Model { unit, triangles })
    }

    /// Follows a build item or a component to the lists of triangles it places.
    fn place(
        &mut self,
        from: Node<'a, 'input>,
        outer: Transform,
        depth: usize,
        out: &mut Vec<(Node<'a, 'input>, Transform)>,
    ) -> Result<(), ThreeMfError> {
        self.placed += 1;
        if depth > DEPTH_MAX || self.placed > PLACED_MAX {
            return Err(ThreeMfError::Nesting);
        }
        let id = from.attribute("objectid").ok_or_else(|| self.wrong(from, "no `objectid`"))?;
        let message = "this object is not among the resources";
        let object = *self.objects.get(id).ok_or_else(|| self.wrong(from, message))?;
        let transform = self.transform(from)?.then(&outer);
        for mesh in children(object, "mesh") {
            out.extend(children(mesh, "triangles").map(|triangles| (triangles, transform)));
        }
        for component in children(object, "components").flat_map(|list| children(list, "component")) {
            self.place(component, transform, depth + 1, out)?;
        }
        Ok(())
    }

    fn transform(&self, node: Node<'_, '_>) -> Result<Transform, ThreeMfError> {
        let Some(text) = node.attribute("transform") else { return Ok(Transform::NONE) };
        let numbers: Option<Vec<f64>> = text.split_whitespace().map(number).collect();
        let numbers: Option<[f64; 12]> = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.map(Transform).ok_or_else(|| self.wrong(node, "a transform is twelve numbers"))
    }

    fn mesh(
        &self,
        list: Node<'_, '_>,
        transform: &Transform,
        unit_mm: f64,
        out: &mut Vec<[Point; 3]>,
    ) -> Result<(), ThreeMfError> {
        let mut points = Vec::new();
        let vertices = list.parent().into_iter().flat_map(|mesh| children(mesh, "vertices"));
        for vertex in vertices.flat_map(|vertices| children(vertices, "vertex")) {
            let value = |name| vertex.attribute(name).and_then(number);
            let (Some(x), Some(y), Some(z)) = (value("x"), value("y"), value("z")) else {
                return Err(self.wrong(vertex, "a vertex has three finite numbers x, y and z"));
            };
            let point = transform.apply(&[x, y, z]).map(|value| value * unit_mm);
            if !point.iter().all(|value| value.abs() <= COORDINATE_MAX_MM) {
                let message = format!("a coordinate lies beyond ±{COORDINATE_MAX_MM} mm");
                return Err(self.wrong(vertex, &message));
            }
            points.push(Point::from(point));
        }
        for triangle in children(list, "triangle") {
            let corner = |name| {
                let index: usize = triangle.attribute(name)?.trim().parse().ok()?;
                points.get(index).copied()
            };
            let (Some(a), Some(b), Some(c)) = (corner("v1"), corner("v2"), corner("v3")) else {
                return Err(self.wrong(triangle, "a triangle has three indices v1, v2 and v3 of vertices"));
            };
            out.push([a, b, c]);
        }
        Ok(())
    }

    fn wrong(&self, node: Node<'_, '_>, message: &str) -> ThreeMfError {
        let line = self.document.text_pos_at(node.range().start).row;
        ThreeMfError::Element { line, message: message.to_owned() }
    }
}

fn children<'a, 'input: 'a>(node: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn number(word: &str) -> Option<f64> {
    word.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}
