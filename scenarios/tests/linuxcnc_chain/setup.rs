//! The folder LinuxCNC runs in, before and after.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use scenarios::format::{MachineImportRequest, import_machine};

use super::cases;

/// Figures of `mill.hal` that are not in the INI file.
const STATED: [(&str, f64); 3] = [("tool_change_s", 0.0), ("m_code_s", 0.0), ("spindle.speed_slew_rpm_s", 1e7)];
/// The program the tests are of.
const COSIM: &str = env!("CARGO_BIN_EXE_cosim");

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linuxcnc")
}

fn of_the_link() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-bridge/tests/linuxcnc")
}

/// Starts LinuxCNC in namespaces of its own.
pub(crate) fn start_script() -> PathBuf {
    of_the_link().join("start.sh")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fills the folder and installs. Gives the bytes of the INI file before.
pub(crate) fn set_up(folder: &Path, names: &[&str]) -> String {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a writable folder");
    let ini = read(&tests().join("mill.ini"));
    let stated = STATED.map(|(key, value)| (key.to_owned(), value)).into();
    let request = MachineImportRequest { device: None, stated };
    let machine = import_machine("mill.ini", ini.as_bytes(), &request).expect("mill.ini can be imported");
    write("machine.toml", &machine.toml);
    let ini = ini.replace("./drive.py", "./drive.sh").replace("MAX_FEED_OVERRIDE = 1.0", "MAX_FEED_OVERRIDE = 2.0");
    write("mill.ini", &ini);
    write("mill.hal", &machine_hal(&read(&tests().join("mill.hal"))));
    write("tool.tbl", "T1 P1 D10 Z0\nT2 P2 D10 Z0\nT4 P4 D3.175 Z0\n");
    write("mill.var", "");
    write("drive.sh", "#!/bin/sh\nexec ./driver drive\n");
    write("console.py", &read(&of_the_link().join("console.py")));
    write("scenarios", &names.join("\n"));
    write("seconds", &std::env::var("COSIM_CHAIN_S").unwrap_or_else(|_| "60".to_owned()));
    for case in cases::ALL {
        let bytes = case.scenario(folder).sources.to_bytes();
        fs::write(folder.join(format!("{}.job", case.name)), bytes).expect("a writable folder");
    }
    let said = edge(&["install", "linuxcnc", "--ini", &folder.join("mill.ini").display().to_string()]);
    println!("{said}");
    let hal = read(&folder.join("cosim.hal"));
    write("cosim.hal", &with_second_sampler(&hal));
    fs::copy(std::env::current_exe().expect("this binary is a file"), folder.join("driver")).expect("room for it");
    fs::copy(COSIM, folder.join("cosim")).expect("room for it");
    for name in ["drive.sh", "driver", "cosim"] {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o755)).expect("our own file");
    }
    ini
}

/// Uninstalls; one line of result: the INI file has its bytes of before, and nothing of ours is left.
pub(crate) fn taken_out(folder: &Path, before: &str) -> String {
    edge(&["uninstall", "linuxcnc", "--ini", &folder.join("mill.ini").display().to_string()]);
    let same = read(&folder.join("mill.ini")) == before;
    let left = ["cosim.hal", "cosim-off.hal"].iter().any(|name| folder.join(name).exists());
    let verdict = if same && !left { "ok" } else { "FAILED: the configuration is not as it was" };
    format!("test uninstalling_gives_the_bytes_of_before ... {verdict}\n")
}

fn edge(words: &[&str]) -> String {
    let output = Command::new(COSIM).arg("__edge").args(words).output().expect("cosim starts");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

/// The mill's wiring without its own sampler, and with a spindle that turns, for threads.
fn machine_hal(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.contains("sampler depth") && !line.contains("f sampler"));
    let kept = kept.filter(|line| !line.starts_with("setp sampler"));
    let mut hal: String = kept
        .map(|line| {
            let words = line.split(' ').filter(|word| !word.starts_with("sampler.0.pin"));
            words.collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect();
    hal.push_str("loadrt integ names=turns\naddf turns servo-thread\n");
    hal.push_str("net turning spindle.0.speed-out-rps => turns.in\nnet turned turns.out => spindle.0.revs\n");
    hal
}

/// The agent empties its sampler; what the tests believe comes from another one of the same module.
fn with_second_sampler(hal: &str) -> String {
    let second = super::sampler::PINS;
    let types: String = second.iter().map(|(_, kind)| *kind).collect();
    let mut text = String::new();
    for line in hal.lines() {
        match line.strip_prefix("loadrt sampler depth=").and_then(|rest| rest.split_once(" cfg=")) {
            Some((depth, fields)) => {
                text.push_str(&format!("loadrt sampler depth={depth},60000 cfg={fields},{types}\n"));
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text.push_str("addf sampler.1 servo-thread -1\nsetp sampler.1.enable 0\n");
    for (number, (signal, _)) in second.iter().enumerate() {
        text.push_str(&format!("net {signal} => sampler.1.pin.{number}\n"));
    }
    text
}
