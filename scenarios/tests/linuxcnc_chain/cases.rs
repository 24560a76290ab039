//! What is cut: programs, stock, tools and limits.

use std::path::{Path, PathBuf};

use scenarios::format::Scenario;

/// Where the package keeps its programs.
pub(crate) const PROGRAMS: &str = "/usr/share/linuxcnc/ncfiles";
/// Work zero of all cases, in machine coordinates.
pub(crate) const ORIGIN: [f64; 3] = [10.0, 20.0, -30.0];

/// A case by its name; its program lies beside as `NAME.ngc`, its bundle as `NAME.job`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    stock: &'static str,
    /// Spindle speed where the program says none.
    speed_rpm: Option<f64>,
    tool: &'static str,
    limits: &'static str,
}

pub(crate) const CHIPS: Case = Case {
    name: "chips",
    // The program's header tells of a block of 100 x 100; its relief lies between these heights.
    stock: "min = [-50.0, -50.0, -50.0]\nmax = [50.0, 50.0, -25.0]",
    speed_rpm: None,
    tool: "number = 1\nname = \"10 mm ball\"\nshape = \"ball\"\ndiameter_mm = 10.0\nflutes = 2\nhelix_deg = 30.0\n\
           flute_length_mm = 40.0\nshank_diameter_mm = 10.0\nstickout_mm = 60.0",
    limits: "force_peak_share = 0.8\nfirst_contact = 0.8",
};

pub(crate) const CORPUS: Case = Case {
    name: "corpus",
    stock: "min = [-3.0, -61.0, -4.0]\nmax = [106.0, 3.0, 0.0]",
    speed_rpm: Some(10_000.0),
    tool: "number = 4\nname = \"1/8 inch end mill\"\nshape = \"flat\"\ndiameter_mm = 3.175\nflutes = 2\nhelix_deg = 30.0\n\
           flute_length_mm = 12.0\nshank_diameter_mm = 3.175\nstickout_mm = 18.0",
    limits: "force_peak_share = 0.8",
};

pub(crate) const SLOTS: Case = Case {
    name: "slots",
    stock: "min = [0.0, 0.0, -20.0]\nmax = [300.0, 100.0, 0.0]",
    speed_rpm: None,
    tool: "number = 2\nname = \"10 mm end mill\"\nshape = \"flat\"\ndiameter_mm = 10.0\nflutes = 2\nhelix_deg = 30.0\n\
           flute_length_mm = 25.0\nshank_diameter_mm = 10.0\nstickout_mm = 40.0",
    limits: "force_peak_share = 0.8",
};

/// The same cuts, where the program itself forbids overrides on some of them.
pub(crate) const FORBIDDING: Case = Case { name: "forbidding", ..SLOTS };

pub(crate) const ALL: [&Case; 4] = [&CHIPS, &CORPUS, &SLOTS, &FORBIDDING];

/// Half of a plate under a slotting cutter: each pass is ten seconds at programmed speed, and slower under its plan.
const SLOT_PASSES: &str = "G1 X310 F1200\nY32\nX-10\nY54\nX310\nY76\nX-10\n";

fn corpus_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/cncjs/cncjs_jsdc.gcode")
}

/// False, and said, where the corpus is absent.
pub(crate) fn are_there() -> bool {
    let there = corpus_file().exists();
    assert!(there || !super::must_run(), "the corpus is missing beside the project");
    if !there {
        eprintln!("SKIPPED: there is no corpus beside the project");
    }
    there
}

impl Case {
    /// The program's bytes.
    pub(crate) fn program(&self) -> Vec<u8> {
        let begin = "G21 G90 G17 G94 G64 P0.02 G54\nT2 M6\nS6000 M3\nG0 Z5\nG0 X-10 Y10\nG1 Z-4 F600\n";
        match self.name {
            "chips" => {
                let text = std::fs::read_to_string(Path::new(PROGRAMS).join("3D_Chips.ngc")).expect("in the package");
                // As it comes its feeds are ten thousand times what its header says, which only an axis limits; spindle
                // and feed are raised together here, four times.
                let text = text.replace("#<fscale> = 10000.0", "#<fscale> = 4.0");
                let changed = text.replace("#<rpm>    = 1600", "#<rpm>    = 6400");
                assert!(changed.contains("= 4.0") && changed.contains("= 6400"), "the package has another version");
                changed.into_bytes()
            }
            "corpus" => std::fs::read(corpus_file()).expect("looked for before"),
            "slots" => format!("{begin}{SLOT_PASSES}G0 Z20\nM2\n").into_bytes(),
            _ => format!(
                "{begin}G1 X100 F1200\nM50 P0\nX200\nM50 P1\nX310\nY32\nX200\nM52 P0\nX100\nM52 P1\nX-10\nG0 Z5\n\
                 S600 G33 Z-1 K1\nG0 Z20\nM2\n"
            )
            .into_bytes(),
        }
    }

    /// The scenario, written below `folder` and loaded.
    pub(crate) fn scenario(&self, folder: &Path) -> Scenario {
        let write = |name: String, text: &[u8]| std::fs::write(folder.join(name), text).expect("a writable folder");
        let name = self.name;
        write(format!("{name}.ngc"), &self.program());
        let source = "stated for the test";
        write(
            format!("{name}-tools.toml"),
            format!("schema = 1\n[[tool]]\nsource = \"{source}\"\n{}\n", self.tool).as_bytes(),
        );
        let speed = self.speed_rpm.map_or(String::new(), |rpm| format!("in_spindle = 4\nspeed_rpm = {rpm:.1}\n"));
        let (stock, limits, [x, y, z]) = (self.stock, self.limits, ORIGIN);
        let text = format!(
            "schema = 1\nname = \"{name}\"\ntitle = {{ en = \"{name}\" }}\nseed = 5\n[program]\nfile = \"{name}.ngc\"\n\
             dialect = \"rs274ngc\"\n[machine]\nfile = \"machine.toml\"\n[wcs.G54]\norigin = [{x:.1}, {y:.1}, {z:.1}]\n\
             units = \"mm\"\n[stock]\nshape = \"box\"\n{stock}\nunits = \"mm\"\n[tools]\nlibrary = \"{name}-tools.toml\"\n\
             {speed}[material]\nname = \"6061-T6\"\n[limits]\nfeed_override = {{ min = 0.10, max = 1.00, step = 0.01, \
             slew_per_s = 2.0 }}\n{limits}\n[budget]\nend_to_end_ms = 100.0\nhorizon_s = {{ min = 0.5, target = 1.5 }}\n\
             time_to_live_ms = 250.0\n"
        );
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("a writable folder");
        let told = path.display().to_string();
        match Scenario::load(&told, 1.0) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{told}: {:?}", error.diagnostics),
        }
    }
}
