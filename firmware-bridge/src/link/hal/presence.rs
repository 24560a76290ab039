//! Whether LinuxCNC runs, and as whom: read from the kernel's table, before the library is touched.
//!
//! `hal_init` makes HAL's shared memory where there is none. A gateway that starts before the machine would so become
//! the owner of a memory LinuxCNC then finds and trusts. Whoever looks first sees the memory's key, its owner and
//! how many processes hold it, without holding it.

use std::fs;

use super::HalError;

/// Key of HAL's shared memory.
const HAL_KEY: i64 = 0x4841_4C32;
/// Key of the sampler's first queue; the others follow.
const SAMPLER_KEY: i64 = 0x4853_4130;
/// System V shared memory of this namespace, one line a segment.
const TABLE: &str = "/proc/sysvipc/shm";

/// One segment of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    key: i64,
    attached: u64,
    owner: u32,
}

/// Says why HAL cannot be entered, if so.
pub(super) fn check(channel: u32) -> Result<(), HalError> {
    let read = |path: &'static str| {
        fs::read_to_string(path).map_err(|source| HalError::System { doing: format!("reading {path}"), source })
    };
    let us = effective_user(&read("/proc/self/status")?);
    judge(&segments(&read(TABLE)?), us, channel)
}

/// True while somebody beside us holds HAL's memory.
pub(super) fn is_running() -> bool {
    let table = fs::read_to_string(TABLE).unwrap_or_default();
    segments(&table).iter().any(|segment| segment.key == HAL_KEY && segment.attached > 1)
}

/// Key of a sampler's queue as C wants it.
pub(super) fn sampler_key(channel: u32) -> i32 {
    i32::try_from(SAMPLER_KEY + i64::from(channel)).unwrap_or(i32::MAX)
}

/// True if a process lives and was born at the stated tick of the kernel's clock.
pub(super) fn is_alive(pid: i32, born: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| birth(&stat) == Some(born))
}

/// The tick at which this process was born.
pub(super) fn own_birth() -> i32 {
    fs::read_to_string("/proc/self/stat").ok().and_then(|stat| birth(&stat)).unwrap_or(0)
}

fn judge(segments: &[Segment], us: Option<u32>, channel: u32) -> Result<(), HalError> {
    let find = |key: i64| segments.iter().find(|segment| segment.key == key && segment.attached > 0);
    let Some(hal) = find(HAL_KEY) else { return Err(HalError::NotRunning) };
    // Root too: it may enter, but what it makes there LinuxCNC's user cannot open.
    if let Some(us) = us.filter(|us| *us != hal.owner) {
        return Err(HalError::OtherUser { owner: hal.owner, us });
    }
    match find(SAMPLER_KEY + i64::from(channel)) {
        Some(_) => Ok(()),
        None => Err(HalError::NoSampler { channel }),
    }
}

fn segments(table: &str) -> Vec<Segment> {
    // key shmid perms size cpid lpid nattch uid …
    let segment = |line: &str| {
        let field = |index: usize| line.split_whitespace().nth(index);
        // Keys are printed as signed 32-bit integers.
        let key = field(0)?.parse::<i64>().ok()? & 0xFFFF_FFFF;
        Some(Segment { key, attached: field(6)?.parse().ok()?, owner: field(7)?.parse().ok()? })
    };
    table.lines().skip(1).filter_map(segment).collect()
}

fn effective_user(status: &str) -> Option<u32> {
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_whitespace().nth(1)?.parse().ok()
}

/// Start time of a process that is not a zombie, cut to what a pin holds.
fn birth(stat: &str) -> Option<i32> {
    // The name in brackets may hold anything, brackets too.
    let rest = stat.rsplit_once(')')?.1;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let born: u64 = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X" | "x")).then_some((born & 0x7FFF_FFFF) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a real table looks, shortened.
    const RUNNING: &str = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid\n\
      1001          0   700                  8192 15806 15814      2 65534 65534\n\
1212238898          8   600               1048576 15811 15844      4 65534 65534\n\
1213415728         10   600                384128 15817 15817      1 65534 65534\n";

    #[test]
    fn says_why_hal_cannot_be_entered() {
        let judged = |table: &str, us, channel| judge(&segments(table), us, channel);
        assert!(judged(RUNNING, Some(65534), 0).is_ok());
        assert!(matches!(judged("key\n", Some(65534), 0), Err(HalError::NotRunning)));
        assert!(matches!(judged(RUNNING, Some(1000), 0), Err(HalError::OtherUser { owner: 65534, us: 1000 })));
        assert!(matches!(judged(RUNNING, Some(0), 0), Err(HalError::OtherUser { owner: 65534, us: 0 })));
        assert!(matches!(judged(RUNNING, Some(65534), 1), Err(HalError::NoSampler { channel: 1 })));
        let left_behind = RUNNING.replace("15844      4", "15844      0");
        assert!(matches!(judged(&left_behind, Some(65534), 0), Err(HalError::NotRunning)));
    }

    #[test]
    fn a_process_is_told_from_one_that_has_its_number() {
        let stat = |state: &str| {
            let before_start = "1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0";
            format!("42 (a ) (b) {state} {before_start} 987654 0 0")
        };
        assert_eq!(birth(&stat("S")), Some(987_654));
        assert_eq!(birth(&stat("Z")), None);
        assert_eq!(birth("42 (x"), None);
        let me = i32::try_from(std::process::id()).expect("process ids are small");
        assert!(is_alive(me, own_birth()) && !is_alive(me, own_birth() - 1));
    }
}
