//! Many programs through one process of the oracle.
//!
//! Starting Python and loading LinuxCNC's libraries costs far more than reading a short program. The driver
//! loads them once and forks for each program, so that each still meets a fresh interpreter. A child that does
//! not end within its processor time is killed: the reference has no limit for an endless loop.

use super::{ORACLE, PYTHON, Step, read_oracle};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Reads names of programs, one a line; writes beside each what the oracle said and how it ended.
const DRIVER: &str = r#"
import ctypes, json, os, resource, shutil, sys, tempfile
ctypes.CDLL("libtooldata.so.0", ctypes.RTLD_GLOBAL)
import gcode
script, table = sys.argv[1], sys.argv[2]
code = compile(open(script).read(), script, "exec")
for line in sys.stdin:
    path = line.rstrip("\n")
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 25, 1 << 25))
        os.chdir(os.path.dirname(path))
        for number, ending in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(path + ending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        sys.argv = [script, path, table]
        try:
            exec(code, {"__name__": "__main__"})
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    open(path + ".end", "w").write(str(os.waitstatus_to_exitcode(status)))
"#;

/// What the oracle said of one program; `None` where it did not end by itself.
pub(crate) type Said = Option<(Vec<Step>, Option<u32>)>;

/// Runs the oracle over programs, on two processes.
pub(crate) fn oracle_of_all(folder: &Path, texts: &[String]) -> Vec<Said> {
    let path = |index: usize| folder.join(format!("p{index}.ngc"));
    for (index, text) in texts.iter().enumerate() {
        std::fs::write(path(index), text).expect("the program can be written");
    }
    let half = texts.len() / 2;
    let mut children = Vec::new();
    for range in [0..half, half..texts.len()] {
        let mut child = Command::new(PYTHON)
            .args(["-c", DRIVER, ORACLE])
            .arg(folder.join("tool.tbl"))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let names: String = range.map(|index| format!("{}\n", path(index).display())).collect();
        child.stdin.take().expect("it is a pipe").write_all(names.as_bytes()).expect("the driver reads");
        children.push(child);
    }
    for mut child in children {
        assert!(child.wait().expect("it was started").success(), "the driver of the oracle failed");
    }
    (0..texts.len()).map(|index| said(&path(index))).collect()
}

fn said(path: &Path) -> Said {
    let read = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::read(PathBuf::from(name)).expect("the driver wrote it")
    };
    let end = String::from_utf8_lossy(&read(".end")).parse::<i32>().expect("an exit code");
    match end {
        0 | 1 => Some(read_oracle(&read(".out"), &read(".err"), end == 0)),
        _ => None,
    }
}
