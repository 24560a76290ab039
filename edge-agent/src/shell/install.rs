//! `install` and `uninstall`: the co-simulation in a LinuxCNC's INI file and beside it, and out again.
//!
//! Everything is worked out first and checked: what is written, taken out again, must give the bytes that are there now.
//! Then the files beside the INI are written, and the INI last, in one step. A machine is so never left with an INI that
//! names a file that is not there.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use firmware_bridge::dialect::linuxcnc::{HalOptions, Wiring, install as installed_into, uninstall as taken_out};
use shared::plan::Override;
use shared::time::Duration;

use super::arguments::{InstallArgs, UninstallArgs};
use super::stop::announce;

/// Files beside the INI.
const HAL_FILE: &str = "cosim.hal";
const OFF_FILE: &str = "cosim-off.hal";
/// Ticks the sampler keeps: four seconds of a gateway that hangs.
const QUEUE_LEN: u32 = 4000;
/// Largest file of a configuration.
const BYTES_MAX: u64 = 4 << 20;
/// Shortest and longest silence of a watchdog, ms.
const WATCHDOG_MS: std::ops::RangeInclusive<f64> = 10.0..=1000.0;

/// `install linuxcnc`.
pub(super) fn install(args: &InstallArgs) -> anyhow::Result<()> {
    let ini_path = &args.machine.ini;
    let ini = read(ini_path)?;
    let folder = folder_of(ini_path);
    let options = options(args)?;
    let files = hal_files(&ini, &folder)?;
    let wiring = Wiring::read(files.iter().map(|(_, text)| text.as_str()));
    let installed = installed_into(&ini, &options, &wiring).with_context(|| ini_path.display().to_string())?;
    let back = taken_out(&installed.ini).context("what would be written cannot be taken out again")?;
    ensure!(back == ini, "what would be written does not come out again as it was: nothing is written");
    for (name, _) in &files {
        announce(&format!("read {name}"));
    }
    for (name, text) in [(HAL_FILE, &installed.hal), (OFF_FILE, &installed.hal_off)] {
        if !args.dry_run {
            write_like(&folder.join(name), text, ini_path)?;
        }
        announce(&format!("wrote {}", folder.join(name).display()));
    }
    if !args.dry_run {
        write_like(ini_path, &installed.ini, ini_path)?;
        ensure!(read(ini_path)? == installed.ini, "{} did not keep what was written", ini_path.display());
    }
    announce(&format!("{}: HALFILE = {HAL_FILE} added, M52 in the startup code", ini_path.display()));
    announce(&format!(
        "without an agent the factor is {}; the controller lets go {} ms after an agent's last sign, by {} a second",
        options.without_us.ratio(),
        options.watchdog.as_ms(),
        options.slew_per_s
    ));
    if !installed.feed_hold {
        announce("the machine drives its feed hold itself: the agent cannot hold");
    }
    announce(&format!("if all else fails: halcmd sets cosim-off 1, or halcmd -f {}", folder.join(OFF_FILE).display()));
    announce(if args.dry_run { "nothing was written (--dry-run)" } else { "start LinuxCNC again" });
    Ok(())
}

/// `uninstall linuxcnc`.
pub(super) fn uninstall(args: &UninstallArgs) -> anyhow::Result<()> {
    let ini = read(&args.ini)?;
    let before = taken_out(&ini).with_context(|| args.ini.display().to_string())?;
    if before == ini {
        announce(&format!("{}: the co-simulation is not in it", args.ini.display()));
    } else {
        write_like(&args.ini, &before, &args.ini)?;
        announce(&format!("{}: as before", args.ini.display()));
    }
    for name in [HAL_FILE, OFF_FILE] {
        let path = folder_of(&args.ini).join(name);
        match fs::remove_file(&path) {
            Ok(()) => announce(&format!("removed {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("removing {}", path.display())),
        }
    }
    announce("start LinuxCNC again");
    Ok(())
}

/// What keeps an installed machine from being steered, in sentences; empty where all is as `install` leaves it.
pub(super) fn missing(ini_path: &Path) -> anyhow::Result<Vec<String>> {
    let ini = read(ini_path)?;
    let mut missing = Vec::new();
    if taken_out(&ini)? == ini {
        missing.push("the co-simulation is not in the INI file: edge-agent install linuxcnc --ini FILE".to_owned());
    }
    if !folder_of(ini_path).join(HAL_FILE).is_file() {
        missing.push(format!("{HAL_FILE} is not beside the INI file: uninstall and install again"));
    }
    let startup = ini.lines().any(|line| line.trim().starts_with("RS274NGC_STARTUP_CODE") && line.contains("M52"));
    if !startup {
        missing
            .push("the startup code has no M52: the controller obeys no factor until a program says M52 P1".to_owned());
    }
    Ok(missing)
}

fn options(args: &InstallArgs) -> anyhow::Result<HalOptions> {
    let without_us = Override::floor_of_ratio(args.without_us).filter(|value| *value > Override::STOP);
    let without_us = without_us.context("--without-us is a ratio above 0, up to 1")?;
    ensure!(args.without_us <= 1.0, "--without-us is a ratio above 0, up to 1");
    ensure!(WATCHDOG_MS.contains(&args.watchdog_ms), "--watchdog-ms is outside 10 to 1000");
    ensure!(args.slew_per_s.is_finite() && args.slew_per_s > 0.0, "--slew-per-s is above zero");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ensure!(!args.thread.is_empty() && args.thread.chars().all(plain), "--thread is not a name in HAL");
    Ok(HalOptions {
        without_us,
        watchdog: Duration::from_s(args.watchdog_ms * 1e-3),
        slew_per_s: args.slew_per_s,
        queue_len: QUEUE_LEN,
        thread: args.thread.clone(),
    })
}

/// The machine's own HAL files that can be read, in the order of the INI file.
fn hal_files(ini: &str, folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut in_hal = false;
    let mut files = Vec::new();
    for line in ini.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            in_hal = name.0 == "HAL";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| in_hal && !line.starts_with(['#', ';'])) else {
            continue;
        };
        let Some(name) = value.split_whitespace().next().filter(|_| key.trim() == "HALFILE") else { continue };
        // LIB: is LinuxCNC's own library of HAL files, of which none drives the factor.
        if name.starts_with("LIB:") {
            announce(&format!("not read: {name} of LinuxCNC's library"));
            continue;
        }
        files.push((name.to_owned(), read(&folder.join(name))?));
    }
    Ok(files)
}

fn folder_of(ini: &Path) -> PathBuf {
    ini.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let size = fs::metadata(path).with_context(|| shown.to_string())?.len();
    if size > BYTES_MAX {
        bail!("{shown} has {size} bytes; at most {BYTES_MAX} are read");
    }
    fs::read_to_string(path).with_context(|| shown.to_string())
}

/// Writes a file in one step, with rights and owner of another.
fn write_like(path: &Path, text: &str, model: &Path) -> anyhow::Result<()> {
    let beside = path.with_extension("cosim-new");
    let doing = || format!("writing {}", path.display());
    let like = fs::metadata(model).with_context(doing)?;
    let mut file = File::create(&beside).with_context(doing)?;
    file.write_all(text.as_bytes()).and_then(|()| file.set_permissions(like.permissions())).with_context(doing)?;
    file.sync_all().with_context(doing)?;
    // Only root may give a file away; for everybody else it is theirs already.
    let _ = chown(&beside, Some(like.uid()), Some(like.gid()));
    fs::rename(&beside, path).with_context(doing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::arguments::Installable;

    const INI: &str = "[RS274NGC]\nRS274NGC_STARTUP_CODE = G21 G90\n[HAL]\nHALFILE = mill.hal\n";

    fn args(ini: PathBuf, dry_run: bool) -> InstallArgs {
        InstallArgs {
            machine: UninstallArgs { controller: Installable::Linuxcnc, ini },
            without_us: 1.0,
            watchdog_ms: 50.0,
            slew_per_s: 2.0,
            thread: "servo-thread".to_owned(),
            dry_run,
        }
    }

    #[test]
    fn what_was_installed_comes_out_again_byte_for_byte() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ini = folder.path().join("mill.ini");
        fs::write(&ini, INI).expect("writable");
        assert!(install(&args(ini.clone(), false)).is_err(), "mill.hal is not there");
        fs::write(folder.path().join("mill.hal"), "net x-pos axis.x.pos-cmd => panel.x\n").expect("writable");
        install(&args(ini.clone(), true)).expect("a dry run");
        assert_eq!(fs::read_to_string(&ini).expect("readable"), INI);
        assert!(!missing(&ini).expect("readable").is_empty());
        install(&args(ini.clone(), false)).expect("installed");
        assert_eq!(missing(&ini).expect("readable"), Vec::<String>::new());
        let hal = fs::read_to_string(folder.path().join(HAL_FILE)).expect("beside the INI file");
        assert!(hal.contains("net x-pos =>") && hal.contains("cosim-watchdog.width 0.05"), "{hal}");
        assert!(install(&args(ini.clone(), false)).is_err(), "twice");
        uninstall(&args(ini.clone(), false).machine).expect("taken out");
        assert_eq!(fs::read_to_string(&ini).expect("readable"), INI);
        let left: Vec<_> =
            fs::read_dir(folder.path()).expect("readable").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn figures_that_make_no_fail_safe_are_refused() {
        let base = || args(PathBuf::from("mill.ini"), true);
        for wrong in [
            InstallArgs { without_us: 0.0, ..base() },
            InstallArgs { without_us: 1.5, ..base() },
            InstallArgs { without_us: f64::NAN, ..base() },
            InstallArgs { without_us: -1.0, ..base() },
            InstallArgs { watchdog_ms: 5000.0, ..base() },
            InstallArgs { slew_per_s: 0.0, ..base() },
            InstallArgs { thread: "servo thread\nloadrt x".to_owned(), ..base() },
        ] {
            assert!(options(&wrong).is_err(), "{wrong:?}");
        }
        assert!(options(&base()).is_ok());
    }
}
