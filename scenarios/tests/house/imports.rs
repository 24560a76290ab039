use super::tree::{CRATES, read, sources};

/// Who may depend on whom (DESIGN.md section 2).
const ALLOWED: [(&str, &[&str]); 6] = [
    ("shared", &[]),
    ("firmware-bridge", &["shared"]),
    ("edge-agent", &["shared", "firmware-bridge"]),
    ("cloud-sim", &["shared"]),
    ("scenarios", &["shared", "firmware-bridge", "edge-agent", "cloud-sim"]),
    ("benches", &["shared", "firmware-bridge", "edge-agent", "cloud-sim", "scenarios"]),
];

/// Rooms of `shared` in import order.
const ROOMS: [&str; 16] = [
    "units",
    "time",
    "ident",
    "det",
    "geom",
    "kinematics",
    "machine",
    "tool",
    "program",
    "motion",
    "cutting",
    "budget",
    "plan",
    "wire",
    "files",
    "job",
];

/// Where a crate may be named, by path prefix.
const PLACES: [(&str, &[&str]); 11] = [
    ("zenoh", &["edge-agent/src/shell", "cloud-sim/src/shell", "scenarios/src/run", "benches"]),
    ("tokio", &["edge-agent/src/shell", "cloud-sim/src/shell", "scenarios/src/run", "benches"]),
    ("parry3d_f64", &["cloud-sim/src/collision"]),
    ("libloading", &["firmware-bridge/src/link/hal"]),
    ("rayon", &["cloud-sim/src/workers.rs"]),
    ("bincode", &["shared/src/wire"]),
    ("mcap", &["edge-agent/src/recording"]),
    ("blake3", &["shared/src"]),
    ("ed25519_dalek", &["shared/src/wire"]),
    ("tun_rs", &["benches/src/emulator"]),
    ("hdrhistogram", &["benches/src/handoff"]),
];

fn dependencies(name: &str) -> Vec<String> {
    let manifest: toml::Table = read(&format!("{name}/Cargo.toml")).parse().expect("a manifest is TOML");
    manifest["dependencies"].as_table().map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn crates_depend_only_downwards() {
    for (name, allowed) in ALLOWED {
        for dependency in dependencies(name) {
            let sibling = CRATES.contains(&dependency.as_str());
            assert!(!sibling || allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn rooms_of_shared_import_only_rooms_above_them() {
    for source in sources("shared/src") {
        let room = source.path.trim_start_matches("shared/src/").split(['/', '.']).next().unwrap_or("").to_owned();
        let Some(own) = ROOMS.iter().position(|known| *known == room) else { continue };
        let code = source.code();
        for (index, other) in ROOMS.iter().enumerate() {
            let named = code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
            assert!(!named || index <= own, "{}: `{room}` must not import `{other}`", source.path);
        }
    }
}

#[test]
fn a_dependency_stays_in_its_rooms() {
    for source in CRATES.iter().flat_map(|name| sources(name)) {
        let code = source.code();
        for (dependency, places) in PLACES {
            let named = code.contains(&format!("{dependency}::")) || code.contains(&format!("use {dependency}"));
            let at_home = places.iter().any(|place| source.path.starts_with(place));
            assert!(!named || at_home, "{} names {dependency}, which belongs in {places:?}", source.path);
        }
    }
}
