//! Agreement with coal, pose by pose: a library that shares no line with ours.
//!
//! The poses and the mesh are written to files, the script beside this file asks coal for the distance of every part of the
//! tool, and both verdicts are compared. The Python package is installed into an environment of the target folder the first
//! time; where that does not work the test says so and passes, in CI it must work.

use std::path::{Path, PathBuf};
use std::process::Command;

use cloud_sim::collision::{Clearance, FixtureSolid};
use shared::det::Rng;
use shared::geom::{Point, Vector};
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::oracle::{Form, forms};
use crate::setup::{CLEARANCE_MM, bumpy, check_apart, fixtures, in_ci, line, stl, tool};

const SCRIPT: &str = include_str!("coal_distances.py");
const PACKAGE: &str = "coal==3.0.3";

/// Both sides' own error: ours calls a hundredth of a millimetre contact; both iterate to about a micrometre.
const CONTACT_MM: f64 = 0.01;
const ERROR_MM: f64 = 1e-3;

const POSES: usize = 2000;

/// A Python that has coal; `None` where it cannot be had.
fn python(folder: &Path) -> Result<PathBuf, String> {
    let python = folder.join("coal-environment/bin/python");
    let works = || Command::new(&python).args(["-c", "import coal"]).output().is_ok_and(|done| done.status.success());
    if works() {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("coal-environment")))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    if works() { Ok(python) } else { Err("the package was installed and does not load".to_owned()) }
}

/// A pose with some part of the tool beside the rim of the mesh, or its tip over it; a third of them very near.
fn pose(rng: &mut Rng, corners: &[Point], forms: &[Form]) -> Point {
    let off = if rng.chance(0.33) { rng.between(-0.05, 0.05) } else { rng.between(-2.0, 4.0) };
    if rng.chance(0.3) {
        return corners[rng.below(corners.len() as u64) as usize] + Vector::new(0.0, 0.0, 2.0 + off);
    }
    let rim: Vec<&Point> = corners.iter().filter(|corner| corner.x.hypot(corner.y) > 18.0).collect();
    let target = rim[rng.below(rim.len() as u64) as usize];
    let (reach, low, high) = forms[rng.below(forms.len() as u64) as usize].extent();
    let turn = target.y.atan2(target.x) + rng.between(-0.3, 0.3);
    let aside = reach + off;
    target + Vector::new(aside * turn.cos(), aside * turn.sin(), -rng.between(low, high))
}

#[test]
fn verdicts_agree_with_coal_pose_by_pose() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let python = match python(&folder) {
        Ok(python) => python,
        Err(reason) => {
            assert!(!in_ci(), "coal is needed in CI: {reason}");
            eprintln!("SKIPPED: no Python with {PACKAGE}: {reason}");
            return;
        }
    };
    let mesh = bumpy(70, 72, 0.3);
    let triangles: Vec<[[f32; 3]; 3]> =
        mesh.corners().map(|t| t.map(|p| [p.x as f32, p.y as f32, p.z as f32])).collect();
    for shape in [CutterShape::Flat, CutterShape::Ball] {
        let forms = forms(&tool(shape));
        let mut rng = Rng::new(21);
        let poses: Vec<Point> = (0..POSES).map(|_| pose(&mut rng, &mesh.points, &forms)).collect();
        let distances = distances(&python, &folder, (&triangles, &forms, &poses));
        let moves: Vec<Geometry> = poses.iter().map(|pose| line(*pose, *pose)).collect();
        let found = check_apart(&fixtures(FixtureSolid::Mesh(mesh.clone())), shape, &moves);
        let mut counts = [0usize; 3];
        for ((pose, distance), found) in poses.iter().zip(&distances).zip(&found) {
            // Coal's mesh is a surface too: a part that is wholly inside is ours alone to see.
            let inside =
                found.class == Clearance::Touch && found.findings.iter().any(|finding| finding.depth_mm >= 3.9);
            let permitted = |class: Clearance| match class {
                Clearance::Touch => *distance <= CONTACT_MM + ERROR_MM || inside,
                Clearance::Near => {
                    (0.0..=CLEARANCE_MM + ERROR_MM).contains(distance) && *distance > CONTACT_MM - ERROR_MM
                }
                _ => *distance >= CLEARANCE_MM - ERROR_MM,
            };
            assert!(permitted(found.class), "{shape:?} at {pose}: coal says {distance} mm, we say {found:?}");
            counts[found.class as usize - Clearance::Clear as usize] += 1;
        }
        eprintln!("{shape:?}: {POSES} poses agree: {} clear, {} near, {} touch", counts[0], counts[1], counts[2]);
        assert!(counts.iter().all(|count| *count > POSES / 40), "{counts:?} shows too little");
    }
}

type Asked<'a> = (&'a [[[f32; 3]; 3]], &'a [Form], &'a [Point]);

/// The least distance of all parts of the tool at each pose, by coal.
fn distances(python: &Path, folder: &Path, (triangles, forms, poses): Asked<'_>) -> Vec<f64> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the target folder is writable");
        path
    };
    std::fs::write(folder.join("coal-mesh.stl"), stl(triangles)).expect("the target folder is writable");
    let form = |form: &Form| match form {
        Form::Cylinder { radius, low, high } => format!("cylinder {radius} {low} {high}\n"),
        Form::Ball { radius, middle } => format!("ball {radius} {middle} 0\n"),
    };
    let forms = write("coal-forms.txt", forms.iter().map(form).collect());
    let poses_file = write("coal-poses.txt", poses.iter().map(|p| format!("{} {} {}\n", p.x, p.y, p.z)).collect());
    let script = write("coal_distances.py", SCRIPT.to_owned());
    let done = Command::new(python)
        .arg(script)
        .args([&folder.join("coal-mesh.stl"), &forms, &poses_file])
        .output()
        .expect("python starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).expect("numbers");
    let distances: Vec<f64> = text.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(distances.len(), poses.len());
    distances
}
