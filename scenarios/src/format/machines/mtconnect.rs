//! An MTConnect probe document: the axes of one device, what their Specifications and Constraints bound, the spindle.
//!
//! The standard gives positions in millimetres and speeds in millimetres per second, whatever the machine's own
//! (`nativeUnits`) are; a bound with `units` of its own is converted from them. A probe says what a device can
//! report. What bounds its motion is optional in it and mostly missing, and accelerations have no place in it
//! except in a Specification.

use roxmltree::{Document, Node, ParsingOptions};
use shared::machine::LengthUnit;
use shared::program::{Diagnostic, Severity, Span};

use super::draft::{ACCELERATION_MM_S2, AXES, Draft, SPEED_MM_MIN, SPINDLE_RPM, rounded};

/// Most nodes of a document.
const NODES_MAX: u32 = 1_000_000;
/// Most devices that are named where none was.
const NAMED_MAX: usize = 40;

type Fault = Box<Diagnostic>;

/// Lower and upper bound, and where they stand.
type Bounds = (Option<f64>, Option<f64>, Span);

/// Reads one device.
pub(super) fn read(draft: &mut Draft<'_>, wanted: Option<&str>) -> Result<(), Fault> {
    draft.kind = "MTConnect";
    let file = draft.file;
    // A document type can only define entities, which no probe needs.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(file.text, options).map_err(|error| {
        let place = error.pos();
        let message = format!("this is not XML that is read here: {error}");
        let advice = "save the agent's answer to /probe again; it may be cut short".to_owned();
        Box::new(file.on_line(Severity::Error, place.row, "file::syntax", message, advice))
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "MTConnectDevices" {
        let message = format!("the document is `{}`, expected `MTConnectDevices`", root.tag_name().name());
        return Err(fault(draft, root, message, "save the agent's answer to /probe"));
    }
    let device = choose(draft, root, wanted)?;
    let name = device.attribute("name").unwrap_or("").to_owned();
    draft.imports(span(device), format!("device {name}"));
    let model = own(device, "Description")
        .next()
        .and_then(|node| Some(format!("{} {}", node.attribute("manufacturer")?, node.attribute("model")?)));
    draft.name = Some(model.map_or(name.clone(), |model| format!("{name} ({model})")));
    for component in device.descendants().filter(|node| matches!(node.tag_name().name(), "Linear" | "Rotary")) {
        let letter = component.attribute("name").unwrap_or("").trim().to_ascii_lowercase();
        let bare = letter.trim_end_matches(|c: char| c.is_ascii_digit());
        let place = AXES.iter().position(|axis| *axis == bare && letter.len() <= 2);
        match (component.tag_name().name(), place) {
            ("Linear", Some(axis)) => linear(draft, component, axis)?,
            ("Rotary", _) if is_spindle(component) => spindle(draft, component)?,
            _ => {
                let shown: String = letter.chars().take(40).collect();
                draft.skips(span(component), format!("axis {shown} is not among X, Y and Z, it has no place here"));
            }
        }
    }
    path(draft, device)
}

fn choose<'a, 'b>(draft: &Draft<'_>, root: Node<'a, 'b>, wanted: Option<&str>) -> Result<Node<'a, 'b>, Fault> {
    let devices: Vec<_> = root.descendants().filter(|node| node.tag_name().name() == "Device").collect();
    let names: Vec<&str> = devices.iter().filter_map(|device| device.attribute("name")).take(NAMED_MAX).collect();
    let listed = names.join(", ");
    match (wanted, devices.as_slice()) {
        (_, []) => Err(fault(draft, root, "the document describes no device".to_owned(), "ask another agent")),
        (None, [only]) => Ok(*only),
        (None, several) => {
            let message = format!("the document describes {} devices: {listed}", several.len());
            Err(fault(draft, root, message, "name one with --device"))
        }
        (Some(name), several) => {
            let found = several.iter().find(|device| device.attribute("name") == Some(name));
            let message = || format!("there is no device `{name}`, expected one of {listed}");
            found.copied().ok_or_else(|| fault(draft, root, message(), "correct --device"))
        }
    }
}

fn linear(draft: &mut Draft<'_>, component: Node<'_, '_>, axis: usize) -> Result<(), Fault> {
    let name = AXES[axis];
    draft.imports(span(component), format!("axis {name}"));
    let position = own(component, "DataItem").find(|item| item.attribute("type") == Some("POSITION"));
    if let Some(native) = position.and_then(|item| item.attribute("nativeUnits")) {
        let inch = native.starts_with("INCH");
        if draft.unit.is_none() {
            draft.unit = Some(if inch { LengthUnit::Inch } else { LengthUnit::Millimetre });
            draft.assumes(format!("the unit at power-on is that of the native units, {native}"));
        }
    }
    if let Some((Some(low), Some(high), at)) = bounds(draft, component, &["POSITION"], "MILLIMETER")? {
        draft.travel(axis, at, [rounded(low), rounded(high)]);
    }
    let kinds = ["AXIS_FEEDRATE", "VELOCITY", "FEEDRATE"];
    if let Some((_, Some(most), at)) = bounds(draft, component, &kinds, "MILLIMETER/SECOND")? {
        let speed = draft.checked(at, &format!("axis.{name}.feed_max_mm_min"), most * 60.0, SPEED_MM_MIN);
        draft.axes[axis].speed_mm_min = speed;
        if let Some(speed) = speed {
            draft.imports(at, format!("speed of {name}: {} mm/min", rounded(speed)));
        }
    }
    if let Some((_, Some(most), at)) = bounds(draft, component, &["ACCELERATION"], "MILLIMETER/SECOND^2")? {
        let key = format!("axis.{name}.acceleration_mm_s2");
        draft.axes[axis].acceleration_mm_s2 = draft.checked(at, &key, most, ACCELERATION_MM_S2);
        draft.imports(at, format!("acceleration of {name}: {} mm/s²", rounded(most)));
    }
    Ok(())
}

fn is_spindle(component: Node<'_, '_>) -> bool {
    let turns = |node: Node<'_, '_>| matches!(node.attribute("type"), Some("ROTARY_VELOCITY" | "SPINDLE_SPEED"));
    own(component, "DataItem").chain(own(component, "Specification")).any(turns)
}

fn spindle(draft: &mut Draft<'_>, component: Node<'_, '_>) -> Result<(), Fault> {
    let shown: String = component.attribute("name").unwrap_or("").chars().take(40).collect();
    if draft.spindle_rpm.is_some() {
        draft.skips(span(component), format!("a further spindle, {shown}, has no place here"));
        return Ok(());
    }
    draft.imports(span(component), format!("spindle {shown}"));
    let kinds = ["ROTARY_VELOCITY", "SPINDLE_SPEED"];
    if let Some((_, Some(most), at)) = bounds(draft, component, &kinds, "REVOLUTION/MINUTE")? {
        draft.spindle_rpm = draft.checked(at, "spindle.speed_max_rpm", most, SPINDLE_RPM);
        draft.imports(at, format!("greatest spindle speed: {} rpm", rounded(most)));
    }
    Ok(())
}

/// What bounds the feed along the path.
fn path(draft: &mut Draft<'_>, device: Node<'_, '_>) -> Result<(), Fault> {
    let paths: Vec<_> = device.descendants().filter(|node| node.tag_name().name() == "Path").collect();
    let Some(first) = paths.first() else { return Ok(()) };
    for further in &paths[1..] {
        draft.skips(span(*further), "a further path has no place here".to_owned());
    }
    if let Some((_, Some(most), at)) = bounds(draft, *first, &["PATH_FEEDRATE"], "MILLIMETER/SECOND")? {
        draft.path_speed_mm_min = draft.checked(at, "path_speed_max_mm_min", most * 60.0, SPEED_MM_MIN);
        draft.imports(at, format!("speed along the path: {} mm/min", rounded(most * 60.0)));
    }
    Ok(())
}

/// The first Specification of one of the types that has bounds, else the Constraints of such a data item. In the
/// canonical unit, millimetres and seconds or revolutions per minute.
fn bounds(
    draft: &Draft<'_>,
    component: Node<'_, '_>,
    kinds: &[&str],
    canonical: &str,
) -> Result<Option<Bounds>, Fault> {
    let of_kind = |node: &Node<'_, '_>| node.attribute("type").is_some_and(|kind| kinds.contains(&kind));
    let specified = own(component, "Specification").filter(of_kind);
    let constrained = own(component, "DataItem").filter(of_kind);
    for node in specified.chain(constrained) {
        let units = node.attribute("units").unwrap_or(canonical);
        let mut found: Bounds = (None, None, span(node));
        for bound in node.descendants() {
            let slot = match bound.tag_name().name() {
                "Minimum" => &mut found.0,
                "Maximum" => &mut found.1,
                _ => continue,
            };
            let text = bound.text().unwrap_or("").trim();
            let number = text.parse::<f64>().ok().filter(|value| value.is_finite());
            let Some(number) = number else {
                let shown: String = text.chars().take(40).collect();
                return Err(fault(draft, bound, format!("`{shown}` is no number"), "correct the bound"));
            };
            let Some(factor) = factor(units, canonical) else {
                let shown: String = units.chars().take(40).collect();
                let message = format!("`{shown}` is no unit of this figure, expected {canonical}");
                return Err(fault(draft, node, message, "correct `units`"));
            };
            found.2 = span(bound);
            *slot = Some(number * factor);
        }
        if found.0.is_some() || found.1.is_some() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What a figure in `units` is multiplied by to be in the canonical unit.
fn factor(units: &str, canonical: &str) -> Option<f64> {
    let parts =
        |unit: &str| unit.split_once('/').map_or((unit.to_owned(), String::new()), |(a, b)| (a.into(), b.into()));
    let ((size, per), (canonical_size, canonical_per)) = (parts(units), parts(canonical));
    let one = |unit: &str| match unit {
        "MILLIMETER" | "REVOLUTION" => Some(1.0),
        "CENTIMETER" => Some(10.0),
        "METER" => Some(1000.0),
        "INCH" => Some(25.4),
        "FOOT" => Some(304.8),
        _ => None,
    };
    let turns = |unit: &str| unit == "REVOLUTION";
    let seconds = |unit: &str| match unit {
        "" => Some(1.0),
        "SECOND" => Some(1.0),
        "MINUTE" => Some(60.0),
        "SECOND^2" => Some(1.0),
        _ => None,
    };
    let same_kind = turns(&size) == turns(&canonical_size) && per.is_empty() == canonical_per.is_empty();
    let squared = |per: &str| per.ends_with("^2");
    let factor = one(&size)? / one(&canonical_size)? * seconds(&canonical_per)? / seconds(&per)?;
    (same_kind && squared(&per) == squared(&canonical_per)).then_some(factor)
}

/// Elements of a component that are its own: not of the components below it.
fn own<'a, 'b>(component: Node<'a, 'b>, name: &'static str) -> impl Iterator<Item = Node<'a, 'b>>
where
    'b: 'a,
{
    let depth_of = move |node: Node<'a, 'b>| {
        let mut at = node.parent();
        while let Some(parent) = at {
            if parent == component {
                return true;
            }
            if parent.tag_name().name() == "Components" {
                return false;
            }
            at = parent.parent();
        }
        false
    };
    component.descendants().filter(move |node| node.tag_name().name() == name && depth_of(*node))
}

fn span(node: Node<'_, '_>) -> Span {
    // The head of the element: its body may be the whole document.
    Span { start: node.range().start, len: 1 + node.tag_name().name().len() }
}

fn fault(draft: &Draft<'_>, node: Node<'_, '_>, message: String, advice: &str) -> Fault {
    let span = Some(span(node));
    Box::new(draft.file.diagnostic(Severity::Error, span, "machine::probe", message, advice.to_owned()))
}
