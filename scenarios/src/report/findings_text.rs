use super::json::{CollisionJson, PartJson, SimulateJson};
use super::text::{LISTED_MAX, put};

/// What touched what, in sentences for the person at the machine.
pub(super) fn write_findings(out: &mut String, report: &SimulateJson) {
    let (collisions, rapids, close) = (&report.collisions, &report.rapids_in_stock, &report.close_passes);
    put(out, format_args!("\n  collisions {}, rapids through stock {}", collisions.len(), rapids.len()));
    for found in collisions.iter().take(LISTED_MAX) {
        put(out, format_args!("  line {:>6}: {} at {}", found.line, contact(found), place(found.place_mm)));
    }
    for found in rapids.iter().take(LISTED_MAX) {
        let (removed, at) = (found.removed_mm3, place(found.place_mm));
        put(out, format_args!("  line {:>6}: rapid removes {removed:.2} mm³ at {at}", found.line));
    }
    if !close.is_empty() {
        put(out, format_args!("  fixtures passed too close {}", close.len()));
    }
    for found in close.iter().take(LISTED_MAX) {
        let (with, at) = (&found.with, place(found.place_mm));
        put(
            out,
            format_args!(
                "  line {:>6}: {} passes `{with}` at {:.2} mm, {:.2} mm wanted, at {at}, in a {} move",
                found.line, found.kind, found.distance_mm, found.clearance_mm, found.motion
            ),
        );
    }
    let counts = [
        ("collisions", collisions.len()),
        ("rapids through stock", rapids.len()),
        ("fixtures passed too close", close.len()),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > LISTED_MAX) {
        put(out, format_args!("  … and {} more {name}; all are in the JSON", count - LISTED_MAX));
    }
    if report.fixtures_unchecked > 0 {
        let count = report.fixtures_unchecked;
        put(
            out,
            format_args!(
                "  {count} moves were NOT held against the fixtures: a rotary axis has turned and the machine states no kinematics"
            ),
        );
    }
    if let Some(part) = &report.part {
        write_part(out, part);
    }
}

fn contact(found: &CollisionJson) -> String {
    let (kind, with, depth, motion) = (found.kind, &found.with, found.depth_mm, found.motion);
    match (kind, with.as_str()) {
        ("gouge", _) => format!("cutter goes {depth:.2} mm below the finished part"),
        ("plunge", _) => format!("cutter that does not cut at its centre plunges {depth:.2} mm into the stock"),
        (_, "stock") => format!("{kind} {depth:.2} mm deep in the stock, in a {motion} move,"),
        (_, fixture) => format!("{kind} hits fixture `{fixture}`, {depth:.2} mm deep, in a {motion} move, first"),
    }
}

fn write_part(out: &mut String, part: &PartJson) {
    match part.gouge_place_mm {
        None => put(out, format_args!("  finished part: no gouge beyond the tolerance")),
        Some(at) => put(out, format_args!("  finished part: gouged {:.3} mm deep at {}", part.gouge_mm, place(at))),
    }
    match part.left_place_mm {
        None => put(out, format_args!("  finished part: nothing left on it beyond the tolerance")),
        Some(at) => put(
            out,
            format_args!(
                "  finished part: {:.1} mm³ left on it, {:.3} mm high at {}",
                part.left_mm3,
                part.left_mm,
                place(at)
            ),
        ),
    }
}

fn place([x, y, z]: [f64; 3]) -> String {
    format!("X{x:.2} Y{y:.2} Z{z:.2}")
}
