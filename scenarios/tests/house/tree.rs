use std::fs;
use std::path::{Path, PathBuf};

/// The crates, by folder.
pub(crate) const CRATES: [&str; 6] = ["shared", "firmware-bridge", "edge-agent", "cloud-sim", "scenarios", "benches"];

/// One source file: path relative to the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The text without its unit tests (everything from `#[cfg(test)]` on) and without comments.
    pub(crate) fn code(&self) -> String {
        let own = self.text.split("#[cfg(test)]").next().unwrap_or("");
        own.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files below a folder of the project, in order.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), folder, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let entry = entry.expect("a readable folder");
        let file = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{file}");
        if entry.path().is_dir() {
            if file != "target" {
                collect(&entry.path(), &path, found);
            }
        } else if file.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("Rust sources are UTF-8");
            found.push(Source { path, text });
        }
    }
}

#[test]
fn there_is_something_to_check() {
    for name in CRATES {
        assert!(!sources(&format!("{name}/src")).is_empty(), "{name} has no sources");
    }
}
