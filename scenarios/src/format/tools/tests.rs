#![allow(clippy::print_stderr, reason = "a skipped test must be seen")]

use std::io::{Cursor, Write};

use shared::det::Rng;
use shared::files::{FileText, ToolLibrary};
use shared::ident::ToolNumber;
use shared::machine::LengthUnit;
use shared::program::Diagnostic;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{ImportError, ToolImport, UNPACKED_BYTES_MAX, UnitOfFile, import_tools};

const MM: UnitOfFile = UnitOfFile::Stated(LengthUnit::Millimetre);
const INCH: UnitOfFile = UnitOfFile::Stated(LengthUnit::Inch);

fn import(name: &str, bytes: &[u8], unit: UnitOfFile) -> Result<ToolImport, ImportError> {
    import_tools(name, bytes, unit).map(|import| import.expect("a foreign format"))
}

fn library(import: &ToolImport, name: &str) -> ToolLibrary {
    let text = import.file.to_toml();
    ToolLibrary::read(&[FileText { name, text: &text }], &Default::default()).expect("an import is a sound library")
}

/// Everything an import says, in one listing: imported (+), assumed (~) and skipped (-), with what the library fills in.
fn listing(name: &str, text: &str, unit: UnitOfFile) -> Vec<String> {
    let import = import(name, text.as_bytes(), unit).unwrap_or_else(|error| panic!("{:?}", error.diagnostics));
    let library = library(&import, name);
    let tools = || library.tools.values().chain(library.named.values());
    let assumed = library.assumed.iter().chain(tools().flat_map(|tool| &tool.assumed));
    let skipped = library.skipped.iter().chain(tools().flat_map(|tool| &tool.skipped));
    let mut lines: Vec<String> = import.imported.iter().map(|line| format!("+ {line}")).collect();
    lines.extend(assumed.map(|line| format!("~ {line}")));
    lines.extend(skipped.map(|line| format!("- {line}")));
    lines
}

fn check_listing(name: &str, text: &str, unit: UnitOfFile, expected: &[&str]) {
    let lines = listing(name, text, unit);
    assert_eq!(lines, expected, "\n{}", lines.join("\n"));
}

fn check_error(name: &str, bytes: &[u8], expected: (u32, u32, &str), words: &str) {
    let error = import(name, bytes, MM).expect_err(words);
    let first = &error.diagnostics[0];
    assert_eq!((first.line, first.column, first.code), expected, "{first}");
    assert!(first.message.contains(words) && !first.advice.is_empty(), "`{words}` is not said: {first}");
}

const TABLE: &str = "; shop table\nT1 P1 Z+51.000 D6 ;6mm 4 flute end mill\nT2 P7 D0.000000 Z-1.5 X0.5 I95 J155 Q1 ;\n\
                     T-1 P3 ;empty\nt5 p5 d5 z12.7 ;5mm tap drill\nT6 P6 D8 ; M8 tap\n";

#[test]
fn linuxcnc_tables() {
    check_listing(
        "tool.tbl",
        TABLE,
        UnitOfFile::OfMachine(LengthUnit::Millimetre),
        &[
            "+ tool.tbl:2: T1 (6mm 4 flute end mill): Flat, diameter 6.000 mm, length offset 51.000 mm, 4 flutes",
            "+ tool.tbl:3: T2 (tool 2): form not given, length offset -1.500 mm",
            "+ tool.tbl:5: T5 (5mm tap drill): Drill, diameter 5.000 mm, length offset 12.700 mm, point angle 118.0°",
            "+ tool.tbl:6: T6 (M8 tap): Tap, diameter 8.000 mm",
            "~ tool.tbl: lengths without a unit are in mm, the machine's unit",
            "~ tool.tbl:2: T1 (6mm 4 flute end mill): flat end mill, read from its words",
            "~ tool.tbl:2: T1 (6mm 4 flute end mill): stick-out 24.0 mm, cutting edge 15.0 mm",
            "~ tool.tbl:3: T2 (tool 2): its form is not given; it is taken as a cylinder",
            "~ tool.tbl:3: T2 (tool 2): no diameter is given, 6 mm is taken; its force is unavailable",
            "~ tool.tbl:3: T2 (tool 2): stick-out 24.0 mm, cutting edge 15.0 mm",
            "~ tool.tbl:5: T5 (5mm tap drill): drill, read from its words",
            "~ tool.tbl:5: T5 (5mm tap drill): a point angle of 118° is assumed for the drill",
            "~ tool.tbl:5: T5 (5mm tap drill): 2 flutes",
            "~ tool.tbl:5: T5 (5mm tap drill): stick-out 20.0 mm, cutting edge 12.5 mm",
            "~ tool.tbl:6: T6 (M8 tap): tap, read from its words",
            "~ tool.tbl:6: T6 (M8 tap): there is no force model for a tap; its force is unavailable",
            "~ tool.tbl:6: T6 (M8 tap): stick-out 32.0 mm, cutting edge 20.0 mm",
            "- tool.tbl:4: T0 or T-1 stands for no tool",
            "- tool.tbl:3: T2 (tool 2): of its offsets only that along Z is applied",
        ],
    );
    let import = import("tool.tbl", TABLE.as_bytes(), MM).expect("valid");
    let library = library(&import, "tool.tbl");
    let lathe = &library.tools[&ToolNumber(2)].table;
    assert_eq!((lathe.pocket, lathe.orientation, lathe.offsets[&'X'].as_mm()), (Some(7), Some(1), 0.5));
    assert!((lathe.front_angle.expect("I").as_rad().to_degrees() - 95.0).abs() < 1e-9);
    assert_eq!(library.lengths_mm()[&ToolNumber(5)], 12.7);
}

#[test]
fn wrong_tables_say_where() {
    let check = |text: &str, line: u32, column: u32, code: &str, words: &str| {
        check_error("tool.tbl", text.as_bytes(), (line, column, code), words);
    };
    check("T1 D6\nT2 D4\n  T1 D8\n", 3, 3, "tool::twice", "T1 stands in the table twice, first in line 1");
    check("T1 P1 Dsix\n", 1, 7, "tool::word", "`Dsix`");
    check("T1 D6 end mill\n", 1, 7, "tool::word", "`end`");
    check("T1 D-6\n", 1, 4, "tool::range", "`diameter_mm` is -6");
    check("T1 D1e308\n", 1, 4, "tool::range", "expected 0.01 to 500");
    check("T1 D1e999\n", 1, 4, "tool::word", "D1e999");
    check("T1 Dnan\n", 1, 4, "tool::word", "Dnan");
    check("T1.5 D6\n", 1, 1, "tool::word", "T is 1.5");
    check("T99999999999 D6\n", 1, 1, "tool::word", "whole number");
    check("T1 D6 D7\n", 1, 7, "tool::word", "twice");
    check("P1 D6\n", 1, 1, "tool::word", "no T");
    check("T1 Q12 D6\n", 1, 4, "tool::range", "orientation");
    check("T1 \0D6\n", 1, 4, "tool::word", "zero byte");
    check("; nothing\n", 0, 0, "tool::none", "no tool");
    check_error("tool.tbl", b"T1 D6\nT2 \xff\n", (2, 0, "file::not-utf8"), "UTF-8");
}

const FUSION: &str = r#"{"data": [
  {"type": "flat end mill", "unit": "inches", "description": "1/4 rougher", "BMC": "carbide",
   "geometry": {"DC": 0.25, "LCF": 0.75, "SFDM": 0.25, "LB": 1.5, "OAL": 2.5, "NOF": 3, "RE": 0},
   "post-process": {"number": 1, "length-offset": 1, "diameter-offset": 21},
   "holder": {"description": "ER16", "segments": [{"height": 0.5, "lower-diameter": 1.0, "upper-diameter": 1.25}]},
   "start-values": {"presets": []}},
  {"type": "bull nose end mill", "unit": "millimeters", "description": "bull", "BMC": "hss",
   "geometry": {"DC": 10, "RE": 1.5, "LCF": 22, "LB": 40, "NOF": 4}, "post-process": {"number": 2}},
  {"type": "chamfer mill", "unit": "millimeters", "description": "chamfer",
   "geometry": {"DC": 8, "TA": 45, "tip-diameter": 0.5, "LCF": 4, "LB": 30, "NOF": 2}, "post-process": {"number": 3}},
  {"type": "tap right hand", "unit": "millimeters", "description": "M6",
   "geometry": {"DC": 6, "TP": 1, "NOF": 3, "LCF": 15, "LB": 40}, "post-process": {"number": 4}},
  {"type": "drill", "description": "spare", "geometry": {"DC": 5, "SIG": 140}, "post-process": {"number": 0}},
  {"type": "probe", "unit": "millimeters", "description": "touch", "geometry": {"DC": 4}}
], "version": 8}"#;

#[test]
fn fusion_libraries() {
    let expected = [
        "+ lib.json:2: T1 (1/4 rougher): Flat, diameter 6.350 mm, cutting edge 19.050 mm, shank 6.350 mm, stick-out 38.100 mm, overall length 63.500 mm, 3 flutes, holder of 1 sections",
        "+ lib.json:7: T2 (bull): BullNose, diameter 10.000 mm, corner radius 1.500 mm, cutting edge 22.000 mm, stick-out 40.000 mm, 4 flutes",
        "+ lib.json:9: T3 (chamfer): Cone, diameter 8.000 mm, cutting edge 4.000 mm, stick-out 30.000 mm, point angle 90.0°, 2 flutes",
        "+ lib.json:11: T4 (M6): Tap, diameter 6.000 mm, cutting edge 15.000 mm, stick-out 40.000 mm, 3 flutes",
        "+ lib.json:13: `spare`: Drill, diameter 127.000 mm, point angle 140.0°",
        "~ lib.json: lengths without a unit are in inch, the machine's unit",
        "~ lib.json:11: T4 (M6): there is no force model for a tap; its force is unavailable",
        "~ lib.json:13: `spare`: 2 flutes",
        "~ lib.json:13: `spare`: stick-out 508.0 mm, cutting edge 317.5 mm",
        "- lib.json:14: `data[5]`: `touch` is a probe, no milling tool",
        "- lib.json: the cutting data of its tools (start-values) is not used",
        "- lib.json:2: T1 (1/4 rougher): `data[0].post-process.diameter-offset`: diameter-offset 21 differs from the tool's number and is not used",
        "- lib.json:9: T3 (chamfer): the flat of 0.500 mm at its tip is not modelled: its cone runs to a point",
    ];
    check_listing("lib.json", FUSION, UnitOfFile::OfMachine(LengthUnit::Inch), &expected);
}

#[test]
fn wrong_libraries_say_which_field() {
    let check = |from: &str, to: &str, line: u32, column: u32, code: &str, words: &str| {
        assert!(FUSION.contains(from), "{from}");
        check_error("lib.json", FUSION.replacen(from, to, 1).as_bytes(), (line, column, code), words);
    };
    check("\"DC\": 10", "\"DC\": -10", 8, 23, "tool::range", "T2 (bull): `diameter_mm` is -10");
    check("\"DC\": 10", "\"DC\": 1e999", 8, 23, "tool::json", "`data[1].geometry.DC`");
    check("\"DC\": 10", "\"DC\": \"ten\"", 8, 23, "tool::json", "expected a finite number");
    check("\"DC\": 10", "\"DC\": 10, \"DC\": 9", 8, 33, "tool::json", "twice");
    check("\"RE\": 1.5", "\"RE\": 7", 8, 33, "tool::range", "corner_radius_mm");
    check("\"millimeters\"", "\"furlongs\"", 7, 42, "tool::json", "`furlongs` is no unit");
    check("\"number\": 2", "\"number\": 2.5", 8, 97, "tool::json", "data[1].post-process.number");
    check("\"NOF\": 4}", "\"NOF\": 4", 9, 3, "file::syntax", "not JSON");
    check_error("lib.json", b"{\"tools\"\0: 1}", (1, 9, "file::syntax"), "not JSON");
    check_error("lib.json", b"{}", (1, 1, "tool::json"), "no tool library that is known");
    check_error("lib.json", b"[]", (1, 1, "tool::json"), "an object in braces");
    check_error("lib.fctl", b"{\"tools\": [{\"nr\": 1}]}", (1, 11, "tool::json"), "FreeCAD library");
}

#[test]
fn every_prefix_of_every_format_is_an_error_or_a_sound_library() {
    let samples = [("t.tbl", TABLE), ("l.json", FUSION), ("b.fctb", BIT), ("p.camotics", PROJECT), ("s.csv", CSV)];
    for (name, text) in samples {
        for (end, _) in text.char_indices() {
            if let Ok(import) = import(name, &text.as_bytes()[..end], MM) {
                library(&import, name);
            }
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let samples = [("t.tbl", TABLE), ("l.json", FUSION), ("b.fctb", BIT), ("p.camotics", PROJECT), ("s.csv", CSV)];
    let (mut sound, mut refused) = (0, 0);
    for seed in 0..2000 {
        let mut rng = Rng::new(seed);
        let (name, text) = samples[(rng.next_u64() % samples.len() as u64) as usize];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..1 + rng.next_u64() % 3 {
            let at = (rng.next_u64() % bytes.len() as u64) as usize;
            bytes[at] = b"0-9.eE,;{}[]\"\0\xffTD \n"[(rng.next_u64() % 19) as usize];
        }
        match import(name, &bytes, MM) {
            Ok(import) => {
                // Two entries may have come to share a number, which is the library's to refuse.
                let text = import.file.to_toml();
                let read = ToolLibrary::read(&[FileText { name, text: &text }], &Default::default());
                let conflicts = |errors: &Vec<Diagnostic>| errors.iter().all(|error| error.code == "tool::conflict");
                assert!(read.as_ref().err().is_none_or(conflicts), "seed {seed}: {read:?}");
                sound += 1;
            }
            Err(error) => {
                assert!(
                    !error.diagnostics.is_empty() && error.diagnostics.iter().all(|d| d.source == name),
                    "seed {seed}"
                );
                refused += 1;
            }
        }
    }
    assert!(sound > 100 && refused > 100, "{sound} sound, {refused} refused");
}

fn archive(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file(name, options).expect("an archive in memory");
    writer.write_all(contents).expect("an archive in memory");
    writer.finish().expect("an archive in memory").into_inner()
}

#[test]
fn archives_are_unpacked_within_bounds() {
    let packed = archive("tools.json", FUSION.as_bytes());
    let own = import("lib.json", FUSION.as_bytes(), MM).expect("valid");
    let unpacked = import("lib.json", &packed, MM).expect("known by its first bytes");
    assert_eq!(unpacked, own);
    let bomb = archive("tools.json", &vec![b' '; UNPACKED_BYTES_MAX as usize + 1]);
    assert!(bomb.len() < 1 << 20, "the bomb is small: {} bytes", bomb.len());
    check_error("b.tools", &bomb, (0, 0, "tool::archive"), "more than the");
    check_error("b.tools", &archive("other.json", b"{}"), (0, 0, "tool::archive"), "tools.json cannot be read");
    check_error("b.tools", b"no archive", (0, 0, "tool::archive"), "no zip archive");
    for end in (0..packed.len()).step_by(7) {
        let error = import("b.tools", &packed[..end], MM).expect_err("cut short");
        assert_eq!(error.diagnostics[0].code, "tool::archive");
    }
    let wrong = archive("tools.json", FUSION.replace("\"DC\": 10", "\"DC\": -10").as_bytes());
    check_error("b.tools", &wrong, (8, 23, "tool::range"), "-10");
}

const BIT: &str = r#"{
  "version": 2,
  "name": "1/4 Endmill",
  "shape": "endmill.fcstd",
  "parameter": {
    "CuttingEdgeHeight": "3/4 in",
    "Diameter": "1/4 in",
    "Length": "2 1/2 in",
    "ShankDiameter": "0.25 \""
  },
  "attribute": {"Flutes": "2", "Material": "HSS"}
}"#;

#[test]
fn freecad_bits_old_and_new() {
    check_listing(
        "bit.fctb",
        BIT,
        MM,
        &[
            "+ bit.fctb:1: `1/4 Endmill`: Flat, diameter 6.350 mm, cutting edge 19.050 mm, shank 6.350 mm, overall length 63.500 mm, 2 flutes",
            "~ bit.fctb:1: `1/4 Endmill`: stick-out 25.4 mm, cutting edge 19.0 mm",
        ],
    );
    let bit = |shape: &str, parameters: &str| {
        format!(
            r#"{{"version": 2, "name": "x", "id": "y", "shape": "{shape}.fcstd", "shape-type": "S", "parameter": {{{parameters}}}, "attribute": {{}}}}"#
        )
    };
    let first = |shape: &str, parameters: &str| listing("b.fctb", &bit(shape, parameters), INCH).remove(0);
    let check = |shape: &str, parameters: &str, expected: &str| {
        assert_eq!(first(shape, parameters), format!("+ b.fctb:1: `x`: {expected}"));
    };
    check("ballend", r#""Diameter": "6,00 mm", "Flutes": 2"#, "Ball, diameter 6.000 mm, 2 flutes");
    check(
        "bullnose",
        r#""Diameter": "6.0000 mm", "CornerRadius": "1.5000 mm""#,
        "BullNose, diameter 6.000 mm, corner radius 1.500 mm",
    );
    check(
        "bullnose",
        r#""Diameter": "6.0000 mm", "FlatRadius": "1.0000 mm""#,
        "BullNose, diameter 6.000 mm, corner radius 2.000 mm",
    );
    check(
        "v-bit",
        r#""Diameter": "10 mm", "CuttingEdgeAngle": "90.0000 \u00b0""#,
        "Cone, diameter 10.000 mm, point angle 90.0°",
    );
    check("drill", r#""Diameter": "0.5 cm", "TipAngle": "119.0000 °""#, "Drill, diameter 5.000 mm, point angle 119.0°");
    check("thread-mill", r#""Diameter": "5.00 mm", "Crest": "0.10 mm""#, "ThreadMill, diameter 5.000 mm");
    check("tap", r#""Diameter": 8.0"#, "Tap, diameter 8.000 mm");
    assert!(
        listing("b.fctb", &bit("tap", r#""Diameter": 8.0"#), INCH)[1]
            .ends_with("`parameter.Diameter` has no unit and is in mm, FreeCAD's own")
    );
    let wrong = |parameters: &str, words: &str| {
        let error = import("b.fctb", bit("endmill", parameters).as_bytes(), MM).expect_err(words);
        assert!(error.diagnostics[0].message.contains(words), "{}", error.diagnostics[0]);
        assert!(error.diagnostics[0].column > 70, "{}", error.diagnostics[0]);
    };
    wrong(r#""Diameter": "6 furlong""#, "`furlong` is no unit");
    wrong(r#""Diameter": "six mm""#, "no quantity");
    wrong(r#""Diameter": "1/0 in""#, "no quantity");
    wrong(r#""Diameter": "-6 mm""#, "`diameter_mm` is -6");
    wrong(r#""Diameter": "0 mm""#, "`diameter_mm` is 0");
    wrong(r#""Diameter": "6 mm", "Flutes": "two""#, "no quantity");
}

const PROJECT: &str = r#"{"units": "metric", "tools": {
  "1": {"units": "imperial", "shape": "cylindrical", "length": 1, "diameter": 0.125, "description": "2 flute"},
  "2": {"shape": "conical", "length": 2, "diameter": 4, "description": ""},
  "3": {"shape": "snubnose", "length": 10, "diameter": 4, "snub_diameter": 1}
}, "files": ["a.ngc"]}"#;

#[test]
fn camotics_projects() {
    check_listing(
        "p.camotics",
        PROJECT,
        INCH,
        &[
            "+ p.camotics:2: T1 (2 flute): Flat, diameter 3.175 mm, cutting edge 25.400 mm, 2 flutes",
            "+ p.camotics:3: T2 (tool 2): Cone, diameter 4.000 mm, cutting edge 2.000 mm, point angle 90.0°",
            "+ p.camotics:4: T3 (tool 3): Other, diameter 4.000 mm, cutting edge 10.000 mm",
            "~ p.camotics:2: T1 (2 flute): stick-out 12.7 mm, cutting edge 25.4 mm",
            "~ p.camotics:3: T2 (tool 2): 2 flutes",
            "~ p.camotics:3: T2 (tool 2): stick-out 16.0 mm, cutting edge 2.0 mm",
            "~ p.camotics:4: T3 (tool 3): there is no force model for a cutter of another form; its force is unavailable",
            "~ p.camotics:4: T3 (tool 3): stick-out 16.0 mm, cutting edge 10.0 mm",
            "- p.camotics:4: T3 (tool 3): the shape `snubnose` is not modelled",
        ],
    );
    let table = r#"{"7": {"shape": "ballnose", "length": 1, "diameter": 0.25}}"#;
    assert_eq!(
        listing("t.json", table, INCH)[0],
        "+ t.json:1: T7 (tool 7): Ball, diameter 6.350 mm, cutting edge 25.400 mm"
    );
    check_error(
        "p.camotics",
        PROJECT.replace("conical", "comical").as_bytes(),
        (3, 18, "tool::json"),
        "`comical` is no shape",
    );
    check_error(
        "p.camotics",
        PROJECT.replace("\"3\"", "\"three\"").as_bytes(),
        (4, 12, "tool::json"),
        "no tool number",
    );
}

const CSV: &str = "\u{feff}Werkzeugname;T-Nr;Typ;Durchmesser [mm];Eckenradius;Länge [mm];Zähne;Hersteller\r\n\
                   \"SCHAFT; D8\";1;120;8,0;;61,25;4;Horn\r\n\
                   TORUS_D10_R1;2;121;10;1,0;70;4;Horn\r\n\
                   BOHRER_D3.3_VHM;;Bohrer;;;;;Garant\r\n\
                   ENTFRAESER_D8_90GRAD;;Deburrer;;;;;\r\n";

#[test]
fn siemens_lists() {
    check_listing(
        "s.csv",
        CSV,
        UnitOfFile::OfMachine(LengthUnit::Millimetre),
        &[
            "+ s.csv:2: T1 (SCHAFT; D8): Flat, diameter 8.000 mm, length offset 61.250 mm, 4 flutes",
            "+ s.csv:3: T2 (TORUS_D10_R1): BullNose, diameter 10.000 mm, corner radius 1.000 mm, length offset 70.000 mm, 4 flutes",
            "+ s.csv:4: `BOHRER_D3.3_VHM`: Drill, diameter 3.300 mm, point angle 118.0°",
            "+ s.csv:5: `ENTFRAESER_D8_90GRAD`: Cone, diameter 8.000 mm, point angle 90.0°",
            "~ s.csv: lengths without a unit are in mm, the machine's unit",
            "~ s.csv:2: T1 (SCHAFT; D8): stick-out 32.0 mm, cutting edge 20.0 mm",
            "~ s.csv:3: T2 (TORUS_D10_R1): stick-out 40.0 mm, cutting edge 25.0 mm",
            "~ s.csv:4: `BOHRER_D3.3_VHM`: diameter 3.3 mm, read from its words",
            "~ s.csv:4: `BOHRER_D3.3_VHM`: drill, read from its words",
            "~ s.csv:4: `BOHRER_D3.3_VHM`: a point angle of 118° is assumed for the drill",
            "~ s.csv:4: `BOHRER_D3.3_VHM`: 2 flutes",
            "~ s.csv:4: `BOHRER_D3.3_VHM`: stick-out 13.2 mm, cutting edge 8.2 mm",
            "~ s.csv:5: `ENTFRAESER_D8_90GRAD`: diameter 8 mm, read from its words",
            "~ s.csv:5: `ENTFRAESER_D8_90GRAD`: cone, read from its words",
            "~ s.csv:5: `ENTFRAESER_D8_90GRAD`: 2 flutes",
            "~ s.csv:5: `ENTFRAESER_D8_90GRAD`: stick-out 32.0 mm, cutting edge 20.0 mm",
            "- s.csv:1: the column `Hersteller` is not used",
        ],
    );
    let check = |text: &str, line: u32, column: u32, code: &str, words: &str| {
        check_error("s.csv", text.as_bytes(), (line, column, code), words);
    };
    check("name,diameter\nA,six\n", 2, 3, "tool::csv", "`six` is no number");
    check("name,diameter\nA,-6\n", 2, 3, "tool::range", "-6");
    check("name,number,diameter\nA,1.5,6\n", 2, 3, "tool::csv", "whole number");
    check("brand,diameter\nA,6\n", 1, 1, "tool::csv", "name or number");
    check("name;unit;d\nA;cm;6\n", 2, 3, "tool::csv", "`cm` is no unit");
    check("name,diameter\nA,6\0\n", 2, 4, "tool::csv", "zero byte");
}

/// A millimetre file and its inch twin give the same tools.
#[test]
fn twins_in_inch_and_mm_are_equal() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut thousandth = |below: u64| (20 + rng.next_u64() % below) as f64 / 1000.0;
        let (d, l, z) = (thousandth(900), thousandth(3000), thousandth(5000));
        // A cone that is not sharper than any cutter.
        let l = l.min(3.0 * d);
        let (d_mm, l_mm, z_mm) = (d * 25.4, l * 25.4, z * 25.4);
        let table = |d: f64, z: f64| format!("T4 P4 D{d} Z{z} ;end mill\n");
        let fusion = |unit: &str, d: f64, l: f64| {
            format!(
                r#"{{"data": [{{"type": "ball end mill", "unit": "{unit}", "description": "b", "geometry": {{"DC": {d}, "LCF": {l}}}, "post-process": {{"number": 4}}}}]}}"#
            )
        };
        let bit = |unit: &str, d: f64, l: f64| {
            format!(
                r#"{{"name": "b", "shape": "drill.fcstd", "parameter": {{"Diameter": "{d} {unit}", "Length": "{l} {unit}"}}}}"#
            )
        };
        let camotics = |unit: &str, d: f64, l: f64| {
            format!(
                r#"{{"units": "{unit}", "tools": {{"4": {{"shape": "conical", "diameter": {d}, "length": {l}}}}}}}"#
            )
        };
        let csv = |unit: &str, d: f64, l: f64| {
            format!("name;t;type;diameter [{unit}];length ({unit})\nb;4;120;{d};{l}\n").replace('.', ",")
        };
        let twins = [
            ("t.tbl", table(d, z), INCH, table(d_mm, z_mm), MM),
            ("l.json", fusion("inches", d, l), MM, fusion("millimeters", d_mm, l_mm), INCH),
            ("b.fctb", bit("in", d, l), MM, bit("mm", d_mm, l_mm), INCH),
            ("p.camotics", camotics("imperial", d, l), MM, camotics("metric", d_mm, l_mm), INCH),
            ("s.csv", csv("in", d, l), MM, csv("mm", d_mm, l_mm), INCH),
        ];
        for (name, one, unit_one, other, unit_other) in twins {
            let read = |text: &str, unit| {
                library(
                    &import(name, text.as_bytes(), unit).unwrap_or_else(|e| panic!("{seed} {:?}", e.diagnostics)),
                    name,
                )
            };
            let (one, other) = (read(&one, unit_one), read(&other, unit_other));
            let pairs =
                one.tools.values().chain(one.named.values()).zip(other.tools.values().chain(other.named.values()));
            let mut count = 0;
            for (a, b) in pairs {
                let close = |a: shared::units::Length, b: shared::units::Length| (a - b).abs().as_mm() < 1e-9;
                assert!(
                    close(a.tool.diameter, b.tool.diameter) && close(a.tool.length_offset, b.tool.length_offset),
                    "{name} seed {seed}"
                );
                assert!(
                    close(a.tool.flute_length, b.tool.flute_length) && a.tool.flutes == b.tool.flutes,
                    "{name} seed {seed}"
                );
                assert!((a.tool.tip_height() - b.tool.tip_height()).abs().as_mm() < 1e-9, "{name} seed {seed}");
                count += 1;
            }
            assert_eq!(count, 1, "{name} seed {seed}");
        }
    }
}

#[test]
fn formats_are_known_by_name_and_by_contents() {
    for (name, text) in [("table", TABLE.trim_start_matches("; shop table\n")), ("list.txt", CSV), ("library", FUSION)]
    {
        assert!(import(name, text.as_bytes(), MM).is_ok(), "{name}");
    }
    for (name, text) in [("tools.toml", "schema = 1\n"), ("tools", "# ours\nschema = 1\n")] {
        assert_eq!(import_tools(name, text.as_bytes(), MM), Ok(None));
    }
}

/// The list of the corpus, with names that carry the sizes and a head listed with its inserts.
#[test]
fn the_corpus_list_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/spinner-u5/u5_tools.csv");
    let Ok(bytes) = std::fs::read(path) else {
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{path} is absent in CI");
        eprintln!("SKIPPED: {path} is absent");
        return;
    };
    let import = import("u5_tools.csv", &bytes, MM).expect("a real list");
    let library = library(&import, "u5_tools.csv");
    let sizes: Vec<String> = library
        .named
        .values()
        .map(|found| format!("{} {} {}", found.tool.name, found.tool.shape.name(), found.tool.diameter.as_mm()))
        .collect();
    assert_eq!(
        sizes,
        [
            "BOHRER_D3.3_VHM drill 3.3",
            "ENTFRAESER_D8_90GRAD cone 8",
            "ENTFRAESER_D8_N_90GRAD cone 8",
            "PLAN_D50_N_AP4 flat end mill 50",
            "SCHAFT_D12_N_AP30 flat end mill 12",
            "SCHAFT_D4_N_AP20 flat end mill 4",
            "SCHAFT_D6_N_AP15 flat end mill 6",
            "SCHAFT_D8_N_AP20 flat end mill 8",
        ]
    );
}
