use crate::support::{Bench, Done};

const PROGRAM: &str = "G21 G90\nT1 M6\nS5000 M3\nG0 X-15 Y0 Z5\nG1 Z-2 F300\nG1 X20 F500\nM30\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM);
    bench
}

/// The exit code and every text that must be said on standard error.
fn says(done: &Done, code: i32, texts: &[&str]) {
    assert_eq!(done.code, code, "stderr:\n{}", done.err);
    for text in texts {
        assert!(done.err.contains(text), "`{text}` is not said in:\n{}", done.err);
    }
}

#[test]
fn programs_that_cannot_be_read_say_where_why_and_what_to_do() {
    let bench = Bench::new();
    let check = |contents: &[u8], texts: &[&str]| {
        bench.write("bad.nc", contents);
        says(&bench.cosim(&["simulate", "bad.nc"]), 2, texts);
    };
    check(b"", &["bad.nc: error[program::empty]", "check that it is the right file"]);
    check(b"%\n%\n", &["bad.nc: error[motion::empty]", "check that"]);
    // The unknown code is drawn with a caret below it.
    check(
        b"G21\nG0 X0\n  G77 X3\nG1 Z-1 F1\n",
        &["bad.nc:3:3: error[program::unknown-code]", "G77", "─┬─", "help: correct the code"],
    );
    check(b"G21 G90\nG0 X0\nG1 X3\nM30\n", &["bad.nc:3:1: error[program::no-feed]", "write F", "─┬"]);
    check(b"G21 G90\nG1 X1\0 F100\n", &["bad.nc:2:6: error[program::encoding]", "0x00"]);
    let utf16: Vec<u8> = "\u{feff}G21 G90\nG1 X1 F100\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, &["bad.nc: error[program::encoding]", "UTF-16", "UTF-8"]);
    let long = format!("G21 G90\nG1 X1 F100 ({})\nM30\n", "a".repeat(70_000));
    check(long.as_bytes(), &["bad.nc:2", "error[", "65536"]);
    check(b"G21 G90\nG1 X[1+ F100\n", &["bad.nc:2:", "error["]);
    check(b"G21 G90 G17\nG1 X0 Y0 F100\nG2 X10 Y0 R1\n", &["bad.nc:3:", "error["]);
}

#[test]
fn a_broken_program_is_reported_once() {
    let bench = Bench::new();
    bench.write("bad.nc", "");
    let done = bench.cosim(&["simulate", "bad.nc"]);
    assert_eq!(done.err.matches("error[").count(), 1, "{}", done.err);
}

#[test]
fn files_beyond_the_stated_size_are_refused_before_they_are_read() {
    let bench = Bench::new();
    // Files of zeros that take no room on the disk.
    let sparse = |name: &str, bytes: u64| {
        std::fs::File::create(bench.path(name)).and_then(|file| file.set_len(bytes)).expect("a sparse file");
    };
    sparse("program.nc", 129 << 20);
    says(&bench.cosim(&["simulate", "program.nc"]), 2, &["program.nc", "error[program::", "134217728"]);
    sparse("file.nc", 257 << 20);
    says(&bench.cosim(&["simulate", "file.nc"]), 2, &["file.nc: error[file::too-large]", "268435456"]);
}

#[test]
fn what_is_not_there_is_named_with_what_there_is() {
    let bench = bench();
    let check = |args: &[&str], texts: &[&str]| says(&bench.cosim(args), 2, texts);
    std::fs::create_dir(bench.path("folder")).expect("a folder");
    check(&["simulate", "no.nc"], &["no.nc: error[file::not-found]", "name an existing file"]);
    check(&["simulate", "folder"], &["folder: error[file::unreadable]", "is a folder"]);
    check(&["simulate", "part.nc", "--machine", "no"], &["no: error[file::not-found]", "generic-vmc"]);
    check(&["simulate", "part.nc", "--machine", "folder"], &["is a folder"]);
    check(&["simulate", "part.nc", "--material", "no"], &["no: error[file::not-found]", "7050-T7451"]);
    check(&["simulate", "part.nc", "--tools", "no.toml"], &["no.toml: error[file::not-found]"]);
    check(&["simulate", "part.nc", "--stock", "no.stl:mm"], &["no.stl: error[file::not-found]"]);
    check(&["run", "no", "--virtual"], &["no: error[scenario::not-found]", "demo, slot"]);
    check(&["run", "folder", "--virtual"], &["is a folder"]);
    check(&["replay", "no.bin"], &["no.bin", "name a recording"]);
    check(&["replay", "part.nc"], &["part.nc"]);
    check(&["simulate"], &["<PROGRAM>", "--help"]);
    check(&["simulate", "part.nc", "--scenario", "slot"], &["cannot be used with"]);
}

#[test]
fn a_tool_without_data_is_named_with_the_line_that_moves_it() {
    let bench = bench();
    bench.write("tools.toml", "schema = 1\n");
    let done = bench.cosim(&["simulate", "part.nc", "--tools", "tools.toml"]);
    says(&done, 2, &["part.nc:4:1: error[tool::missing]", "T1", "tools.toml", "add T1", "╰── here"]);
    bench.write("tools.toml", "schema = 1\n[[tool]]\nnumber = 1\nname = \"x\"\nshape = \"flat\"\ndiametre_mm = 3.0\n");
    let done = bench.cosim(&["simulate", "part.nc", "--tools", "tools.toml"]);
    says(&done, 2, &["tools.toml:6:1: error[file::unknown-key]", "diametre_mm", "diameter_mm", "╰── here"]);
}

#[test]
fn stock_arguments_that_cannot_be_meant() {
    let bench = bench();
    let check = |stock: &str, texts: &[&str]| {
        says(&bench.cosim(&["simulate", "part.nc", "--stock", stock]), 2, &[texts, &["error: "]].concat());
    };
    for wrong in [
        "box:1x2@0,0,0",
        "box:1x2x3",
        "box:axbxc@0,0,0",
        "box:-1x1x1@0,0,0",
        "box:nanx1x1@0,0,0",
        "cyl:0x1@0,0,0",
        "part.stl",
        "part.stl:cm",
        "",
    ] {
        check(wrong, &[&format!("`{wrong}`"), "write box:XxYxZ@x,y,z"]);
    }
    check("box:1e308x1e308x1e308@0,0,0", &["1e308", "is not a coordinate"]);
    check("box:10x10x10@5000000,0,-10", &["5000000", "is not a coordinate"]);
    check("box:100000x100000x10@0,0,-10", &["10000 mm", "correct the stock"]);
    let header = |count: u32| [[0u8; 80].as_slice(), &count.to_le_bytes()].concat();
    let not_finite: Vec<u8> = [header(1), f32::NAN.to_le_bytes().repeat(12), vec![0; 2]].concat();
    let meshes: [(&str, Vec<u8>, &str); 5] = [
        ("text.stl", b"this is not a mesh".to_vec(), "not an STL file"),
        ("hostile.stl", [header(u32::MAX), vec![0; 50]].concat(), "4294967295 triangles"),
        ("short.stl", [header(7), vec![0; 50]].concat(), "promises 7 triangles"),
        ("empty.stl", header(0), "no triangles"),
        ("nan.stl", not_finite, "not a number"),
    ];
    for (name, bytes, said) in meshes {
        bench.write(name, bytes);
        check(&format!("{name}:mm"), &[name, said, "correct the stock"]);
    }
}

#[test]
fn numbers_on_the_command_line_have_their_range() {
    let bench = bench();
    let check = |args: &[&str], texts: &[&str]| says(&bench.cosim(args), 2, texts);
    for wrong in ["-1", "0", "nan", "inf", "1e-9", "1000"] {
        check(&["simulate", "part.nc", "--resolution", wrong], &["--resolution must be", "0.001 to 10"]);
    }
    check(&["simulate", "part.nc", "--resolution", "fine"], &["'fine'", "--resolution"]);
    for wrong in ["0", "-2", "100000", "two"] {
        check(&["simulate", "part.nc", "--threads", wrong], &["--threads", wrong]);
        check(&["run", "slot", "--virtual", "--threads", wrong], &["--threads", wrong]);
    }
    for wrong in ["0", "-1", "100000"] {
        check(&["run", "slot", "--virtual", "--truth-seeds", wrong], &["--truth-seeds", wrong]);
    }
    for wrong in ["0", "-4", "nan", "1e9"] {
        check(&["run", "slot", "--speed", wrong], &["--speed must be", "0.01 to 1000"]);
    }
    check(&["run", "slot", "--virtual", "--speed", "2"], &["--virtual", "--speed"]);
}

/// The built-in slot as files, with one line of the scenario replaced.
fn changed_slot(bench: &Bench, from: &str, to: &str) -> Done {
    let text = include_str!("../../cases/slot/scenario.toml");
    assert!(text.contains(from), "`{from}` is not in the scenario");
    bench.write("part.nc", include_str!("../../cases/slot/part.nc"));
    bench.write("tools.toml", include_str!("../../cases/slot/tools.toml"));
    bench.write("case.toml", text.replace(from, to));
    bench.cosim(&["run", "case.toml", "--virtual"])
}

#[test]
fn a_scenario_that_is_wrong_says_which_key_in_which_line() {
    let bench = Bench::new();
    let check = |from: &str, to: &str, texts: &[&str]| says(&changed_slot(&bench, from, to), 2, texts);
    check("seed = 1", "sede = 1", &["case.toml:6:1: error[file::unknown-key]", "`sede`", "`seed`", "──┬─"]);
    check("force_peak_share", "force_peak_shar", &["case.toml:32:1: error[file::unknown-key]", "`force_peak_share`"]);
    check("seed = 1", "seed = \"one\"", &["case.toml:6:8: error[file::wrong-type]", "string \"one\""]);
    check("name = \"slot\"", "name = \"slot", &["case.toml:3:", "error[file::syntax]"]);
    check("schema = 1", "schema = 9", &["case.toml:2:1: error[scenario::value]", "schema 1"]);
    check("name = \"slot\"", "name = \"My Slot\"", &["case.toml:3:1: error[scenario::value]", "a-z"]);
    check("max = [100.0", "max = [-1.0", &["case.toml:21:1: error[scenario::value]", "no volume", "correct [stock]"]);
    check("shape = \"box\"", "shape = \"ball\"", &["case.toml:19:9: error[file::unknown-key]", "`box`"]);
    check("= 0.7", "= -0.7", &["case.toml:32:1: error[scenario::value]", "-0.7"]);
    check("max = 1.00", "max = 1.20", &["case.toml:31:1: error[scenario::value]", "limits.feed_override.max", "1.2"]);
    check("[wcs.G54]", "[wcs.G60]", &["case.toml:14:1: error[scenario::value]", "`G60`", "G54 to G59"]);
    check(
        "420.0]\nunits = \"mm\"",
        "420.0]\nunits = \"cm\"",
        &["case.toml:16:1: error[scenario::value]", "`cm`", "\"inch\""],
    );
    check(
        "file = \"part.nc\"",
        "file = \"part.nc\"\ndialect = \"x\"",
        &["case.toml:10:1: error[scenario::value]", "fanuc"],
    );
    check(
        "[material]",
        "[run]\nresolution_mm = 50.0\n[material]",
        &["case.toml:28:1: error[scenario::value]", "0.001 to 10"],
    );
    check("collisions = \"== 0\"", "collisions = \"none\"", &["case.toml:35:1: error[scenario::value]", "<= 0.05"]);
    check("7050-T7451", "unobtainium", &["unobtainium: error[file::not-found]", "7050-T7451"]);
    check("file = \"part.nc\"", "file = \"no.nc\"", &["no.nc: error[file::not-found]"]);
    check("library = \"tools.toml\"", "library = \"no.toml\"", &["no.toml: error[file::not-found]"]);
}

#[test]
fn a_mesh_that_is_none_is_bad_input_of_a_run_too() {
    let bench = Bench::new();
    bench.write("bad.stl", "not a mesh");
    let stock = "shape = \"box\"\nmin = [0.0, -30.0, -20.0]\nmax = [100.0, 30.0, 0.0]";
    let done = changed_slot(&bench, stock, "shape = \"mesh\"\nfile = \"bad.stl\"");
    says(&done, 2, &["bad.stl", "not an STL file", "correct the stock"]);
}

#[test]
fn an_expectation_that_fails_is_99_and_a_file_that_cannot_be_written_is_3() {
    let bench = bench();
    let done = changed_slot(&bench, "true_peak_ratio = \"<= 1.15\"", "true_peak_ratio = \"<= 0.01\"");
    assert_eq!(done.code, 99, "{}", done.err);
    assert!(done.out.contains("FAILED true_peak_ratio <= 0.01"), "{}", done.out);
    bench.write("part.nc", PROGRAM);
    for option in ["--json", "--segments", "--stl"] {
        says(
            &bench.cosim(&["simulate", "part.nc", option, "no/such/folder"]),
            3,
            &["no/such/folder cannot be written"],
        );
    }
    for option in ["--json", "--record"] {
        says(
            &bench.cosim(&["run", "slot", "--virtual", option, "no/such/folder"]),
            3,
            &["no/such/folder cannot be written"],
        );
    }
}
