//! Every servo tick, by LinuxCNC's own tool, beside the agent.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::hands::{ensure, halcmd, pass};

/// What is recorded: signals and their types.
pub(crate) const PINS: [(&str, char); 10] = [
    ("cosim-x", 'f'),
    ("cosim-y", 'f'),
    ("cosim-z", 'f'),
    ("speed", 'f'),
    ("cosim-factor", 'f'),
    ("cosim-power", 'f'),
    ("line", 's'),
    ("cosim-motion-type", 's'),
    ("cosim-granted", 'b'),
    ("cosim-hold", 'b'),
];

/// Time to empty the queue.
const DRAIN: Duration = Duration::from_millis(300);

/// One tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    /// Machine coordinates, mm.
    pub(crate) at: [f64; 3],
    /// mm/s.
    pub(crate) velocity: f64,
    pub(crate) factor: f64,
    /// The test's mark: a signal of ours that nothing is wired to.
    pub(crate) marked: bool,
    pub(crate) line: i64,
    /// 1 rapid, 2 feed, 3 arc, 0 none.
    pub(crate) kind: i64,
    pub(crate) granted: bool,
    pub(crate) held: bool,
}

impl Row {
    /// A feed move that is under way.
    pub(crate) fn feeds(&self) -> bool {
        matches!(self.kind, 2 | 3) && self.velocity > 0.0
    }
}

/// The recorder, until it is stopped.
pub(crate) struct Sampler {
    child: Child,
    file: String,
}

impl Sampler {
    pub(crate) fn start(name: &str) -> Result<Self, String> {
        let file = format!("{name}.ticks");
        let to = |out: Stdio| {
            let mut command = Command::new("halsampler");
            command.args(["-c", "1", "-t"]).stdout(out).stderr(Stdio::null());
            command.spawn().map_err(|error| format!("halsampler: {error}"))
        };
        // What is left of a record before is nobody's: it would begin with another scenario's marks.
        sampling(false)?;
        let before = Self { child: to(Stdio::null())?, file: String::new() };
        pass(DRAIN);
        drop(before);
        let out = File::create(&file).map_err(|error| error.to_string())?;
        let started = Self { child: to(out.into())?, file };
        sampling(true)?;
        Ok(started)
    }

    /// Ends it; all rows, none missing.
    pub(crate) fn stop(mut self) -> Result<Vec<Row>, String> {
        sampling(false)?;
        pass(DRAIN);
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        ensure(sent.is_ok_and(|status| status.success()), || "halsampler is gone".to_owned())?;
        self.child.wait().map_err(|error| error.to_string())?;
        rows(Path::new(&self.file))
    }
}

/// The queue fills only while somebody empties it.
fn sampling(on: bool) -> Result<(), String> {
    halcmd(&["setp", "sampler.1.enable", if on { "1" } else { "0" }]).map(drop)
}

impl Drop for Sampler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a record: every tick, in order, none missing. What the queue had kept before the reader came is left out.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // It says so once at its begin too, because it expects to begin at the first tick of all.
    let text = text.strip_prefix("overrun\n").unwrap_or(&text);
    ensure(!text.contains("overrun"), || "the second sampler's queue ran over".to_owned())?;
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut rows: Vec<Row> = Vec::new();
    for line in whole.lines() {
        let row = row(line).ok_or_else(|| format!("halsampler wrote {line:?}"))?;
        let follows = rows.last().is_none_or(|last| last.number + 1 == row.number);
        ensure(follows, || format!("a gap before tick {}", row.number))?;
        rows.push(row);
    }
    ensure(!rows.is_empty(), || "halsampler wrote nothing".to_owned())?;
    Ok(rows)
}

fn row(line: &str) -> Option<Row> {
    let words: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [number, x, y, z, velocity, factor, mark, line, kind, granted, held] = words[..] else { return None };
    Some(Row {
        number: number as u64,
        at: [x, y, z],
        velocity,
        factor,
        marked: mark != 0.0,
        line: line as i64,
        kind: kind as i64,
        granted: granted != 0.0,
        held: held != 0.0,
    })
}
