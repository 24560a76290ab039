use super::tree::{Source, read, sources};

/// Cores: what they must not name, and why.
const BANNED: [(&str, &str); 12] = [
    ("std::time", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("std::thread", "a core has no threads"),
    ("std::env::", "a core has no environment"),
    ("std::fs", "a core opens no files"),
    ("std::net", "a core has no sockets"),
    ("HashMap", "its order is random"),
    ("HashSet", "its order is random"),
    ("println!", "a core prints nothing"),
    ("static mut", "a core has no globals"),
    ("thread_local!", "a core has no globals"),
];

/// Rooms that are shells or links: they may do I/O, and nothing else may.
const SHELLS: [&str; 4] =
    ["edge-agent/src/shell", "cloud-sim/src/shell", "cloud-sim/src/workers.rs", "firmware-bridge/src/link"];

fn cores() -> Vec<Source> {
    ["shared/src", "firmware-bridge/src", "edge-agent/src", "cloud-sim/src"]
        .iter()
        .flat_map(|folder| sources(folder))
        .filter(|source| !SHELLS.iter().any(|shell| source.path.starts_with(shell)))
        .filter(|source| !source.path.ends_with("src/main.rs") && !is_test(&source.path))
        .collect()
}

/// Files that are compiled for tests only.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs") || path.ends_with("/testing.rs")
}

#[test]
fn invariant_4_cores_have_no_clock_thread_file_socket_or_global() {
    for source in cores() {
        let code = source.code();
        for (name, why) in BANNED {
            assert!(!code.contains(name), "{} names {name}: {why}", source.path);
        }
    }
}

#[test]
fn invariant_4_unsafe_is_forbidden() {
    let check = |path: &str, attribute: &str| {
        assert!(read(path).contains(attribute), "{path} lacks {attribute}");
    };
    check("shared/src/lib.rs", "#![forbid(unsafe_code)]");
    check("edge-agent/src/lib.rs", "#![forbid(unsafe_code)]");
    check("scenarios/src/lib.rs", "#![forbid(unsafe_code)]");
    check("benches/src/lib.rs", "#![forbid(unsafe_code)]");
    check("firmware-bridge/src/lib.rs", "#![deny(unsafe_code)]");
    check("cloud-sim/src/lib.rs", "#![deny(unsafe_code)]");
}

#[test]
fn invariant_9_only_wire_and_file_rooms_derive_serialisation() {
    let homes = [
        "shared/src/wire",
        "shared/src/files",
        "edge-agent/src/shell",
        "edge-agent/src/recording",
        "cloud-sim/src/shell",
        "scenarios/src/format",
        "scenarios/src/report",
    ];
    for name in ["shared", "firmware-bridge", "edge-agent", "cloud-sim", "scenarios"] {
        for source in sources(&format!("{name}/src")) {
            let at_home = homes.iter().any(|home| source.path.starts_with(home));
            let derives = source.code().contains("Serialize") || source.code().contains("Deserialize");
            assert!(at_home || !derives, "{} derives serialisation outside {homes:?}", source.path);
        }
    }
}

#[test]
fn pure_crates_ban_by_name_in_clippy_toml() {
    for name in ["shared", "firmware-bridge", "edge-agent", "cloud-sim"] {
        let text = read(&format!("{name}/clippy.toml"));
        for banned in ["Instant::now", "HashMap", "thread::spawn", "f64::sin"] {
            assert!(text.contains(banned), "{name}/clippy.toml does not ban {banned}");
        }
    }
}
