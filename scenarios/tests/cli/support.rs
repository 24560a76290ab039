use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `cosim` in a folder. A panic fails the test, whatever the test is about.
pub(crate) fn cosim_in(folder: &Path, args: &[&str]) -> Done {
    let output =
        Command::new(env!("CARGO_BIN_EXE_cosim")).args(args).current_dir(folder).output().expect("cosim starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let done = Done {
        code: output.status.code().expect("cosim ends by itself"),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert!(!done.err.contains("panicked"), "cosim {args:?} panicked:\n{}", done.err);
    done
}

/// A folder of its own for a test, with files in it.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), contents).expect("a writable folder");
        self
    }

    pub(crate) fn cosim(&self, args: &[&str]) -> Done {
        cosim_in(self.folder.path(), args)
    }

    /// Simulates with the given arguments, which must succeed; the report and the segments.
    pub(crate) fn simulate(&self, args: &[&str]) -> (Value, Vec<Value>) {
        let mut all = vec!["simulate", "--json", "report.json", "--segments", "segments.jsonl"];
        all.extend(args);
        let done = self.cosim(&all);
        assert_eq!(done.code, 0, "cosim {all:?}:\n{}", done.err);
        let read = |name: &str| std::fs::read_to_string(self.path(name)).expect("cosim wrote it");
        let report = serde_json::from_str(&read("report.json")).expect("the report is JSON");
        let segment = |line: &str| serde_json::from_str(line).expect("each line is JSON");
        (report, read("segments.jsonl").lines().map(segment).collect())
    }
}

/// A number of a report, by key.
pub(crate) fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("`{key}` is {}, expected a number", value[key]))
}

/// The segments of one physical line that cut.
pub(crate) fn cutting(segments: &[Value], line: u64) -> Vec<&Value> {
    segments.iter().filter(|segment| segment["line"] == line && !segment["ap_mm"].is_null()).collect()
}

/// Fails unless two numbers agree within a share of the expected one.
pub(crate) fn near(found: f64, expected: f64, share: f64, what: &str) {
    let off = (found / expected - 1.0).abs();
    assert!(
        off <= share,
        "{what}: found {found}, expected {expected}, {:.3} % off, {:.3} % permitted",
        off * 1e2,
        share * 1e2
    );
}
