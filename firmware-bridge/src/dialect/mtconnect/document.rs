//! The three documents of an agent: what a device can report, what it reported, and what was wrong with a question.
//!
//! A document is a bounded piece of XML, read into a tree and left again at once. Elements are known by their local name:
//! each version of the standard has a name space of its own and the words stayed the same.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use crate::dialect::SourceTime;

/// Most nodes of a document.
const NODES_MAX: u32 = 200_000;
/// Longest `dataItemId` that is remembered, bytes.
const ID_BYTES_MAX: usize = 256;

/// Why a document is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// Not UTF-8, not XML, or more of it than is read.
    #[error("the document is not XML that is read here")]
    Syntax,
    /// Another document than was asked for.
    #[error("the agent answers with another document than was asked for")]
    Kind,
    /// The agent says that the question was wrong.
    #[error("the agent refuses the question")]
    Refused,
    /// The head lacks what everything rests on, or contradicts itself.
    #[error("the head of the document lacks its instance or its sequence, or they contradict each other")]
    Head,
    /// The agent has no device of that name.
    #[error("the agent has no such device")]
    NoDevice,
    /// The agent has several devices and none was named.
    #[error("the agent has several devices: name one")]
    SeveralDevices,
    /// Nothing of the device is of use.
    #[error("the device reports nothing that is followed here")]
    NothingFollowed,
}

/// What a data item is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// A field of a sample, by its key in [`crate::dialect::shdr`].
    Field(&'static str),
    /// The name of the program.
    Program,
}

/// The data items that are followed, by their id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    items: BTreeMap<String, Item>,
    device: Option<String>,
}

impl Binding {
    pub(super) fn item(&self, id: &str) -> Option<Item> {
        self.items.get(id).copied()
    }

    /// Fields that this device will fill, by their keys, and whether it names its program.
    pub fn followed(&self) -> (Vec<&'static str>, bool) {
        let mut keys: Vec<_> = self
            .items
            .values()
            .filter_map(|item| match item {
                Item::Field(key) => Some(*key),
                Item::Program => None,
            })
            .collect();
        keys.sort_unstable();
        (keys, self.items.values().any(|item| *item == Item::Program))
    }

    /// The device's name, where it can stand in an address.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }
}

/// The head of an answer about observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) instance: u64,
    /// The oldest that the agent still has.
    pub(super) first: u64,
    /// The one that comes next.
    pub(super) next: u64,
}

/// One observation of a followed item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observation<'a> {
    pub(super) sequence: u64,
    pub(super) stamp: Option<SourceTime>,
    pub(super) item: Item,
    pub(super) value: &'a str,
}

/// What a data item of a probe would be for us, and how well it would do: the least is taken.
fn candidate(item: Node<'_, '_>) -> Option<(Item, u8)> {
    if !matches!(item.attribute("representation"), None | Some("VALUE")) {
        return None;
    }
    let sub = item.attribute("subType").unwrap_or("");
    let units = item.attribute("units").unwrap_or("");
    // Actual before what says nothing; what is merely commanded or programmed is another quantity.
    let actual = match sub {
        "ACTUAL" => Some(0),
        "" => Some(1),
        _ => None,
    };
    let field = |key| Some(Item::Field(key));
    let (item, rank) = match item.attribute("type")? {
        "EXECUTION" if sub.is_empty() => (field("Execution"), Some(0)),
        "CONTROLLER_MODE" if sub.is_empty() => (field("ControllerMode"), Some(0)),
        "LINE_NUMBER" if matches!(sub, "" | "ABSOLUTE") => (field("LineNumber"), Some(0)),
        // The word before version 1.4.
        "LINE" if matches!(sub, "" | "ABSOLUTE") => (field("LineNumber"), Some(1)),
        // In machine coordinates it says nothing about the place in the program.
        "PATH_POSITION" if item.attribute("coordinateSystem") != Some("MACHINE") => (field("PathPosition"), actual),
        "PATH_FEEDRATE" if units == "MILLIMETER/SECOND" => (field("PathFeedrate"), actual),
        "PATH_FEEDRATE" if sub == "OVERRIDE" => (field("PathFeedrateOverride"), Some(2)),
        "PATH_FEEDRATE_OVERRIDE" => match sub {
            "PROGRAMMED" => (field("PathFeedrateOverride"), Some(0)),
            "" | "OVERRIDE" => (field("PathFeedrateOverride"), Some(1)),
            "RAPID" => (field("Rapid_Override"), Some(0)),
            _ => return None,
        },
        "ROTARY_VELOCITY" if units == "REVOLUTION/MINUTE" => (field("RotaryVelocity"), actual),
        "SPINDLE_SPEED" if units == "REVOLUTION/MINUTE" => (field("RotaryVelocity"), actual.map(|rank| rank + 2)),
        "ROTARY_VELOCITY_OVERRIDE" => (field("Spindle_Override"), Some(0)),
        "WATTAGE" if units == "WATT" && turns(item) => (field("SpindlePower"), actual),
        "TOOL_NUMBER" => (field("ToolNumber"), Some(0)),
        "TOOL_ID" => (field("ToolNumber"), Some(1)),
        "PROGRAM" if matches!(sub, "" | "ACTIVE" | "MAIN") => (Some(Item::Program), Some(0)),
        _ => return None,
    };
    Some((item?, rank?))
}

/// True for an item of an axis that turns: its power is the spindle's.
fn turns(item: Node<'_, '_>) -> bool {
    item.ancestors().any(|node| node.tag_name().name() == "Rotary")
}

fn tree(bytes: &[u8]) -> Result<Document<'_>, DocumentFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentFault::Syntax)?;
    // A document type can only define entities, which no answer needs.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|_| DocumentFault::Syntax)
}

fn expect(document: &Document<'_>, kind: &str) -> Result<u64, DocumentFault> {
    match document.root_element().tag_name().name() {
        "MTConnectError" => return Err(DocumentFault::Refused),
        found if found != kind => return Err(DocumentFault::Kind),
        _ => {}
    }
    number(head(document)?, "instanceId")
}

fn head<'a, 'b>(document: &'a Document<'b>) -> Result<Node<'a, 'b>, DocumentFault> {
    let head = document.root_element().children().find(|node| node.tag_name().name() == "Header");
    head.ok_or(DocumentFault::Head)
}

fn number(head: Node<'_, '_>, name: &str) -> Result<u64, DocumentFault> {
    head.attribute(name).and_then(|text| text.trim().parse().ok()).ok_or(DocumentFault::Head)
}

/// Reads the answer to `/probe`: the instance, and the items of the device that are followed. Of several that say the
/// same the best is taken, and among equals the first: the first path, the first spindle.
pub(super) fn read_probe(bytes: &[u8], wanted: Option<&str>) -> Result<(u64, Binding), DocumentFault> {
    let document = tree(bytes)?;
    let instance = expect(&document, "MTConnectDevices")?;
    let mut devices = document.root_element().descendants().filter(|node| node.tag_name().name() == "Device");
    let device = match wanted {
        Some(name) => devices.find(|node| node.attribute("name") == Some(name) || node.attribute("uuid") == Some(name)),
        None => {
            let only = devices.next();
            if devices.next().is_some() {
                return Err(DocumentFault::SeveralDevices);
            }
            only
        }
    };
    let device = device.ok_or(DocumentFault::NoDevice)?;
    let mut best: BTreeMap<Item, (u8, &str)> = BTreeMap::new();
    for node in device.descendants().filter(|node| node.tag_name().name() == "DataItem") {
        let (Some((item, rank)), Some(id)) = (candidate(node), node.attribute("id")) else { continue };
        if id.len() <= ID_BYTES_MAX && best.get(&item).is_none_or(|found| rank < found.0) {
            best.insert(item, (rank, id));
        }
    }
    if !best.keys().any(|item| matches!(item, Item::Field(_))) {
        return Err(DocumentFault::NothingFollowed);
    }
    let items = best.into_iter().map(|(item, (_, id))| (id.to_owned(), item)).collect();
    let in_address = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let device = device.attribute("name").filter(in_address).map(str::to_owned);
    Ok((instance, Binding { items, device }))
}

/// Reads the answer to `/current` or a part of the answer to `/sample` and hands over its head with the observations of
/// followed items, in the order of their sequence.
pub(super) fn read_streams<T>(
    bytes: &[u8],
    binding: &Binding,
    take: impl FnOnce(Head, &[Observation<'_>]) -> T,
) -> Result<T, DocumentFault> {
    let document = tree(bytes)?;
    let instance = expect(&document, "MTConnectStreams")?;
    let node = head(&document)?;
    let head = Head { instance, first: number(node, "firstSequence")?, next: number(node, "nextSequence")? };
    // A sequence begins at 1 and fits 63 bits by the standard.
    if head.first > head.next || head.next > i64::MAX as u64 {
        return Err(DocumentFault::Head);
    }
    let mut observations: Vec<Observation<'_>> = Vec::new();
    for node in document.root_element().descendants().filter(Node::is_element) {
        let Some(item) = node.attribute("dataItemId").and_then(|id| binding.item(id)) else { continue };
        let sequence = node.attribute("sequence").and_then(|text| text.trim().parse().ok());
        // Without a sequence it cannot be told whether it is news.
        let Some(sequence) = sequence.filter(|sequence| *sequence < head.next) else { continue };
        let stamp = node.attribute("timestamp").and_then(SourceTime::parse);
        observations.push(Observation { sequence, stamp, item, value: node.text().unwrap_or("").trim() });
    }
    // In the document they stand by component.
    observations.sort_by_key(|observation| observation.sequence);
    Ok(take(head, &observations))
}
