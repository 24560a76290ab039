//! The tools of a job: entries of one or several tool files, joined by number and filled in.
//!
//! A shop keeps lengths in the controller's table and geometry in the CAM library, so that two files may speak of
//! one tool: what only one states is taken from it, what both state must agree. What a mill's kernel does not use
//! (offsets along other axes, angles of lathe tools) is kept in [`TableFigures`].

use std::collections::BTreeMap;

use super::text::{Assumed, FileText};
use super::tool_entry::{HolderEntry, MaterialWord, ShapeWord, ToolEntry, ToolFile, entry_error};
use super::tool_fill::{DOVETAIL_DEG, bare, fill_undercut, usual_flutes};
use crate::ident::ToolNumber;
use crate::program::{Diagnostic, Severity};
use crate::tool::{CutterMaterial, CutterShape, HolderSection, SpecialCutter, Tool, UndercutForm};
use crate::units::{Angle, Length};

/// Two files agree on a length or an angle that differs by no more than this, in mm or degrees.
const AGREEMENT: f64 = 1e-3;
/// Diameter of an imported tool whose table gives none; its force is unavailable.
const DIAMETER_ASSUMED_MM: f64 = 6.0;
/// Most tools named in a message.
const NAMED_MAX: usize = 12;

/// What a controller's table holds beside the cutter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableFigures {
    /// P, the pocket.
    pub pocket: Option<u32>,
    /// Offsets by axis: X, Y, U, V, W; that along Z is [`Tool::length_offset`].
    pub offsets: BTreeMap<char, Length>,
    /// Offsets about A, B, C.
    pub turns: BTreeMap<char, Angle>,
    /// I: front angle of a lathe tool.
    pub front_angle: Option<Angle>,
    /// J: back angle of a lathe tool.
    pub back_angle: Option<Angle>,
    /// Q: orientation of a lathe tool.
    pub orientation: Option<u32>,
    /// OAL.
    pub overall_length: Option<Length>,
}

/// A tool of a library.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryTool {
    /// The cutter. T0 for a tool that has only a name.
    pub tool: Tool,
    /// What its table holds beside it.
    pub table: TableFigures,
    /// What was not given and was filled in.
    pub assumed: Vec<Assumed>,
    /// What its file says that has no effect here.
    pub skipped: Vec<String>,
}

/// The tools of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolLibrary {
    /// Names of the files, as the user knows them.
    pub files: Vec<String>,
    /// Tools by number.
    pub tools: BTreeMap<ToolNumber, LibraryTool>,
    /// Tools that have a name and no number.
    pub named: BTreeMap<String, LibraryTool>,
    /// What was assumed about the files as a whole.
    pub assumed: Vec<Assumed>,
    /// What the files hold that was not taken over.
    pub skipped: Vec<String>,
}

/// An entry with where it stands.
struct Placed<'a> {
    entry: ToolEntry,
    file: FileText<'a>,
    index: usize,
}

impl Placed<'_> {
    /// `shop.json:12`, or the file alone.
    fn place(&self) -> String {
        match self.entry.line {
            Some(line) => format!("{}:{line}", self.file.name),
            None => self.file.name.to_owned(),
        }
    }

    fn error(&self, code: &'static str, message: String, advice: &str) -> Diagnostic {
        match self.entry.line {
            None => entry_error(self.file, self.index, code, message, advice),
            Some(line) => Diagnostic {
                severity: Severity::Error,
                code,
                source: self.file.name.to_owned(),
                line,
                column: 0,
                span: None,
                message,
                advice: advice.to_owned(),
            },
        }
    }
}

impl ToolLibrary {
    /// Reads the files of a job, in our own format, and joins them. `map` gives a number to an entry by its
    /// name; an entry that has another number keeps it too.
    ///
    /// # Errors
    /// What a file has wrong; a number that two entries define differently; a name in `map` that no file has.
    pub fn read(files: &[FileText<'_>], map: &BTreeMap<ToolNumber, String>) -> Result<Self, Vec<Diagnostic>> {
        let mut library = Self { files: files.iter().map(|file| file.name.to_owned()).collect(), ..Self::default() };
        let (mut placed, mut errors) = (Vec::new(), Vec::new());
        for file in files {
            match ToolFile::read(*file) {
                Err(problems) => errors.extend(problems),
                Ok(read) => {
                    library.assumed.extend(read.assumed);
                    library.skipped.extend(read.skipped);
                    let entries = read.tool.into_iter().enumerate();
                    placed.extend(entries.map(|(index, entry)| Placed { entry, file: *file, index }));
                }
            }
        }
        if errors.is_empty() {
            library.join(placed, map, &mut errors);
        }
        if errors.is_empty() { Ok(library) } else { Err(errors) }
    }

    /// Length offsets along Z by number, mm: what the interpreter needs for G43.
    pub fn lengths_mm(&self) -> BTreeMap<ToolNumber, f64> {
        self.tools.iter().map(|(number, found)| (*number, found.tool.length_offset.as_mm())).collect()
    }

    /// Cutting diameters by number, mm: what the interpreter needs for G41 and G42.
    pub fn diameters_mm(&self) -> BTreeMap<ToolNumber, f64> {
        self.tools.iter().map(|(number, found)| (*number, found.tool.diameter.as_mm())).collect()
    }

    /// Gives the tools that have only a name, and that a program calls by it, the free numbers in the order of
    /// `names`, so that everything that goes by number finds them.
    pub fn number_names(&mut self, names: &[String]) {
        let mut free = (1..).map(ToolNumber);
        for name in names {
            if self.tools.values().any(|found| found.tool.name.trim() == name) {
                continue;
            }
            let Some(mut found) = self.named.remove(name) else { continue };
            let Some(number) = free.find(|number| !self.tools.contains_key(number)) else { return };
            found.tool.number = number;
            self.tools.insert(number, found);
        }
    }

    /// The numbers of the tools of these names; names that no tool has get numbers that no tool has.
    pub fn numbers_of_names(&self, names: &[String]) -> BTreeMap<ToolNumber, String> {
        let mut free = (1..).map(ToolNumber).filter(|number| !self.tools.contains_key(number));
        let number = |name: &String| {
            let known = self.tools.iter().find(|(_, found)| found.tool.name.trim() == name);
            known.map(|(number, _)| *number).or_else(|| free.next())
        };
        let mut number = number;
        names.iter().filter_map(|name| Some((number(name)?, name.clone()))).collect()
    }

    /// Q of lathe tools by number: the corner of the cutter that touches, 1 to 9.
    pub fn orientations(&self) -> BTreeMap<ToolNumber, u8> {
        let given = |found: &LibraryTool| found.table.orientation.and_then(|corner| u8::try_from(corner).ok());
        self.tools.iter().filter_map(|(number, found)| Some((*number, given(found)?))).collect()
    }

    /// What the library has, for messages: `shop.json, which has T1, T3 and, without a number, “probe”`.
    pub fn contents(&self) -> String {
        let list = |words: Vec<String>| {
            let more = words.len().saturating_sub(NAMED_MAX);
            let shown = words.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        };
        let numbers = list(self.tools.keys().map(ToString::to_string).collect());
        let names = list(self.named.keys().map(|name| format!("`{name}`")).collect());
        let has = match (numbers.as_str(), names.as_str()) {
            ("", "") => "nothing".to_owned(),
            (numbers, "") => numbers.to_owned(),
            ("", names) => format!("without a number {names}"),
            (numbers, names) => format!("{numbers} and, without a number, {names}"),
        };
        format!("{}, which has {has}", self.files.join(" and "))
    }

    fn join(&mut self, placed: Vec<Placed<'_>>, map: &BTreeMap<ToolNumber, String>, errors: &mut Vec<Diagnostic>) {
        let mut by_number: BTreeMap<u32, Placed<'_>> = BTreeMap::new();
        let mut by_name: BTreeMap<String, Placed<'_>> = BTreeMap::new();
        let first_file = placed.first().map_or("", |entry| entry.file.name).to_owned();
        for (number, name) in map {
            let mut found = placed.iter().filter(|placed| placed.entry.name.trim() == name.trim()).peekable();
            if found.peek().is_none() {
                let known: Vec<_> = placed.iter().take(NAMED_MAX).map(|placed| placed.entry.label()).collect();
                let message =
                    format!("no tool is called `{name}`, which {number} is mapped to; there are {}", known.join(", "));
                errors.push(Diagnostic {
                    severity: Severity::Error,
                    code: "tool::map",
                    source: first_file.clone(),
                    line: 0,
                    column: 0,
                    span: None,
                    message,
                    advice: "correct the name in `tools.map`".to_owned(),
                });
            }
            for same in found {
                let entry = ToolEntry { number: Some(number.0), ..same.entry.clone() };
                let copy = Placed { entry, file: same.file, index: same.index };
                place(&mut by_number, number.0, copy, errors);
            }
        }
        for mut entry in placed {
            match entry.entry.number {
                Some(number) if map.contains_key(&ToolNumber(number)) => {
                    if map[&ToolNumber(number)].trim() != entry.entry.name.trim() {
                        let (at, label) = (entry.place(), entry.entry.label());
                        self.skipped.push(format!("{at}: {label}: its number is given to another entry by name"));
                    }
                }
                Some(number) => place(&mut by_number, number, entry, errors),
                None => {
                    entry.entry.name = entry.entry.name.trim().to_owned();
                    place(&mut by_name, entry.entry.name.clone(), entry, errors);
                }
            }
        }
        for (number, entry) in by_number {
            match filled(&entry) {
                Ok(tool) => drop(self.tools.insert(ToolNumber(number), tool)),
                Err(error) => errors.push(*error),
            }
        }
        for (name, entry) in by_name {
            match filled(&entry) {
                Ok(tool) => drop(self.named.insert(name, tool)),
                Err(error) => errors.push(*error),
            }
        }
    }
}

/// Puts an entry in its place, or joins it with the one that is there.
fn place<'a, K: Ord>(map: &mut BTreeMap<K, Placed<'a>>, key: K, next: Placed<'a>, errors: &mut Vec<Diagnostic>) {
    let Some(first) = map.get_mut(&key) else {
        map.insert(key, next);
        return;
    };
    let advice = "correct or remove one of the two, or give the number to one of them by name with `tools.map`";
    // In a file that is written for us, a tool stands once; in one that was exported, equal copies do no harm.
    if first.file.name == next.file.name && next.entry.line.is_none() {
        let message = format!("{} stands in the library twice", next.entry.label());
        errors.push(next.error("tool::twice", message, advice));
        return;
    }
    match join_entries(&first.entry, &next.entry) {
        Ok(joined) => first.entry = joined,
        Err((key, one, other)) => {
            let (label, at) = (next.entry.label(), first.place());
            let message = format!("{label}: `{key}` is {other} here and {one} in {at}");
            errors.push(next.error("tool::conflict", message, advice));
        }
    }
}

/// What two entries say together; the key they disagree on, with both values.
fn join_entries(one: &ToolEntry, other: &ToolEntry) -> Result<ToolEntry, (&'static str, String, String)> {
    let mut joined = one.clone();
    let figures = [
        ("diameter_mm", &mut joined.diameter_mm, other.diameter_mm),
        ("corner_radius_mm", &mut joined.corner_radius_mm, other.corner_radius_mm),
        ("point_angle_deg", &mut joined.point_angle_deg, other.point_angle_deg),
        ("helix_deg", &mut joined.helix_deg, other.helix_deg),
        ("bottom_deg", &mut joined.bottom_deg, other.bottom_deg),
        ("corner_offset_mm", &mut joined.corner_offset_mm, other.corner_offset_mm),
        ("general_corner_mm", &mut joined.general_corner_mm, other.general_corner_mm),
        ("taper_deg", &mut joined.taper_deg, other.taper_deg),
        ("flute_length_mm", &mut joined.flute_length_mm, other.flute_length_mm),
        ("shank_diameter_mm", &mut joined.shank_diameter_mm, other.shank_diameter_mm),
        ("stickout_mm", &mut joined.stickout_mm, other.stickout_mm),
        ("overall_length_mm", &mut joined.overall_length_mm, other.overall_length_mm),
        ("length_offset_mm", &mut joined.length_offset_mm, other.length_offset_mm),
        ("front_angle_deg", &mut joined.front_angle_deg, other.front_angle_deg),
        ("back_angle_deg", &mut joined.back_angle_deg, other.back_angle_deg),
    ];
    for (key, mine, theirs) in figures {
        match (*mine, theirs) {
            (Some(a), Some(b)) if (a - b).abs() > AGREEMENT => return Err((key, a.to_string(), b.to_string())),
            _ => *mine = mine.or(theirs),
        }
    }
    agree("shape", &mut joined.shape, other.shape)?;
    agree("flutes", &mut joined.flutes, other.flutes)?;
    agree("centre_cutting", &mut joined.centre_cutting, other.centre_cutting)?;
    agree("material", &mut joined.material, other.material)?;
    agree("pocket", &mut joined.pocket, other.pocket)?;
    agree("orientation", &mut joined.orientation, other.orientation)?;
    for (mine, theirs) in [(&mut joined.offset_mm, &other.offset_mm), (&mut joined.offset_deg, &other.offset_deg)] {
        for (axis, value) in theirs {
            let kept = mine.entry(axis.clone()).or_insert(*value);
            if (*kept - value).abs() > AGREEMENT {
                return Err(("offset", format!("{axis} {kept}"), format!("{axis} {value}")));
            }
        }
    }
    if joined.holder.is_empty() {
        joined.holder.clone_from(&other.holder);
    } else if !other.holder.is_empty() && joined.holder != other.holder {
        return Err(("holder", "another".to_owned(), "one".to_owned()));
    }
    joined.assumed.extend(other.assumed.iter().cloned());
    joined.skipped.extend(other.skipped.iter().cloned());
    Ok(joined)
}

fn agree<T: Copy + PartialEq + std::fmt::Debug>(
    key: &'static str,
    mine: &mut Option<T>,
    theirs: Option<T>,
) -> Result<(), (&'static str, String, String)> {
    match (*mine, theirs) {
        (Some(a), Some(b)) if a != b => Err((key, format!("{a:?}"), format!("{b:?}"))),
        _ => {
            *mine = mine.or(theirs);
            Ok(())
        }
    }
}

/// The tool of an entry, with everything that was not given filled in and said.
fn filled(placed: &Placed<'_>) -> Result<LibraryTool, Box<Diagnostic>> {
    let entry = &placed.entry;
    let label = entry.label();
    let mut assumed = entry.assumed.clone();
    let place = placed.place();
    let mut say = |what: String| assumed.push(format!("{place}: {label}: {what}"));
    let range =
        |message: String| Box::new(placed.error("tool::range", format!("{label}: {message}"), "correct the figure"));
    if entry.line.is_none() && (entry.diameter_mm.is_none() || entry.shape.is_none()) {
        let key = if entry.shape.is_none() { "shape" } else { "diameter_mm" };
        let message = format!("{label} has no `{key}`");
        return Err(Box::new(placed.error("file::missing-key", message, "add the key")));
    }
    // Two files may each be sound, and not fit.
    if let Some((_, message)) = entry.problem() {
        return Err(range(message));
    }
    let shape = shape(entry, &mut say);
    let diameter_mm = entry.diameter_mm.unwrap_or(DIAMETER_ASSUMED_MM);
    let mut tool = bare(ToolNumber(entry.number.unwrap_or(0)), entry.name.trim(), shape, diameter_mm);
    tool.flutes = entry.flutes;
    if entry.diameter_mm.is_none() {
        tool.flutes = None;
        say(format!("no diameter is given, {DIAMETER_ASSUMED_MM} mm is taken; its force is unavailable"));
    } else if !shape.has_force_model() {
        say(format!("there is no force model for a {}; its force is unavailable", shape.name()));
    } else if entry.flutes.is_none() {
        tool.flutes = usual_flutes(shape);
        say(format!("{} flutes", tool.flutes.unwrap_or_default()));
    }
    let lengths = [
        (entry.flute_length_mm, &mut tool.flute_length),
        (entry.shank_diameter_mm, &mut tool.shank_diameter),
        (entry.stickout_mm, &mut tool.stickout),
    ];
    for (given, length) in lengths {
        *length = given.map_or(*length, Length::mm);
    }
    fill_undercut(&mut tool, entry, &mut say);
    if entry.line.is_some() && (entry.flute_length_mm.is_none() || entry.stickout_mm.is_none()) {
        let (stickout, flute) = (tool.stickout.as_mm(), tool.flute_length.as_mm());
        say(format!("stick-out {stickout:.1} mm, cutting edge {flute:.1} mm"));
    }
    tool.helix = entry.helix_deg.map_or(tool.helix, |deg| Angle::rad(deg.to_radians()));
    tool.length_offset = Length::mm(entry.length_offset_mm.unwrap_or(0.0));
    tool.centre_cutting = entry.centre_cutting.unwrap_or(true);
    tool.material = match entry.material {
        Some(MaterialWord::Hss) => CutterMaterial::HighSpeedSteel,
        Some(MaterialWord::Carbide) | None => CutterMaterial::Carbide,
    };
    tool.holder = entry.holder.iter().map(section).collect();
    let table = table(entry);
    let mut skipped = entry.skipped.clone();
    if table.offsets.values().any(|offset| *offset != Length::ZERO)
        || table.turns.values().any(|turn| *turn != Angle::ZERO)
    {
        skipped.push(format!("{place}: {label}: of its offsets only that along Z is applied"));
    }
    Ok(LibraryTool { tool, table, assumed, skipped })
}

fn shape(entry: &ToolEntry, say: &mut dyn FnMut(String)) -> CutterShape {
    let mut angle = |usual_deg: f64| {
        let deg = entry.point_angle_deg.unwrap_or_else(|| {
            say(format!("point angle {usual_deg}°"));
            usual_deg
        });
        Angle::rad(deg.to_radians())
    };
    match entry.shape {
        Some(ShapeWord::Flat) => CutterShape::Flat,
        Some(ShapeWord::Ball) => CutterShape::Ball,
        Some(ShapeWord::BullNose) => match entry.corner_radius_mm {
            Some(mm) => CutterShape::BullNose { corner_radius: Length::mm(mm) },
            None => CutterShape::Flat,
        },
        Some(ShapeWord::Cone) => CutterShape::Cone { point_angle: angle(90.0) },
        Some(ShapeWord::Drill) => CutterShape::Drill { point_angle: angle(118.0) },
        Some(ShapeWord::General) => CutterShape::General(entry.general()),
        Some(ShapeWord::TSlot) => CutterShape::Undercut(UndercutForm::TSlot),
        Some(ShapeWord::Lollipop) => CutterShape::Undercut(UndercutForm::Lollipop),
        Some(ShapeWord::Dovetail) => {
            let deg = entry.taper_deg.filter(|deg| *deg > 0.0).unwrap_or_else(|| {
                say(format!("a side of {DOVETAIL_DEG}° against the axis"));
                DOVETAIL_DEG
            });
            CutterShape::Undercut(UndercutForm::Dovetail { taper: Angle::rad(deg.to_radians()) })
        }
        Some(ShapeWord::Tap) => CutterShape::Special(SpecialCutter::Tap),
        Some(ShapeWord::Reamer) => CutterShape::Special(SpecialCutter::Reamer),
        Some(ShapeWord::ThreadMill) => CutterShape::Special(SpecialCutter::ThreadMill),
        Some(ShapeWord::Other) | None => CutterShape::Special(SpecialCutter::Other),
    }
}

fn section(entry: &HolderEntry) -> HolderSection {
    HolderSection {
        diameter_low: Length::mm(entry.diameter_low_mm),
        diameter_high: Length::mm(entry.diameter_high_mm),
        length: Length::mm(entry.length_mm),
    }
}

fn table(entry: &ToolEntry) -> TableFigures {
    let axis = |name: &String| name.chars().next().unwrap_or('?').to_ascii_uppercase();
    let turn = |deg: f64| Angle::rad(deg.to_radians());
    TableFigures {
        pocket: entry.pocket,
        offsets: entry.offset_mm.iter().map(|(name, mm)| (axis(name), Length::mm(*mm))).collect(),
        turns: entry.offset_deg.iter().map(|(name, deg)| (axis(name), turn(*deg))).collect(),
        front_angle: entry.front_angle_deg.map(turn),
        back_angle: entry.back_angle_deg.map(turn),
        orientation: entry.orientation,
        overall_length: entry.overall_length_mm.map(Length::mm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], map: &[(u32, &str)]) -> Result<ToolLibrary, Vec<Diagnostic>> {
        let names = ["a.toml", "b.toml"];
        let files: Vec<_> = texts.iter().zip(names).map(|(text, name)| FileText { name, text }).collect();
        let map = map.iter().map(|(number, name)| (ToolNumber(*number), (*name).to_owned())).collect();
        ToolLibrary::read(&files, &map)
    }

    const SIX: &str = "schema = 1\n[[tool]]\nnumber = 3\nname = \"6 mm\"\nshape = \"flat\"\ndiameter_mm = 6.0\n";

    #[test]
    fn what_a_table_leaves_open_is_filled_in_and_said() {
        let library = read(&[SIX], &[]).expect("valid");
        let found = &library.tools[&ToolNumber(3)];
        assert_eq!((found.tool.flutes, found.tool.stickout.as_mm()), (Some(3), 24.0));
        assert_eq!(found.assumed, ["a.toml: T3 (6 mm): 3 flutes"]);
        assert_eq!(library.diameters_mm(), BTreeMap::from([(ToolNumber(3), 6.0)]));
    }

    #[test]
    fn impossible_figures_are_refused_by_tool_and_line() {
        let check = |text: &str, code: &str, line: u32, words: &str| {
            let error = &read(&[text], &[]).expect_err(text)[0];
            assert_eq!((error.code, error.line), (code, line), "{error}");
            assert!(error.message.contains(words), "{error}");
        };
        check(&SIX.replace("flat", "bull_nose"), "tool::range", 2, "corner_radius_mm");
        check(&SIX.replace("6.0", "-1.0"), "tool::range", 2, "T3 (6 mm): `diameter_mm` is -1");
        check(&SIX.replace("6.0", "nan"), "tool::range", 2, "NaN");
        check(&SIX.replace("shape = \"flat\"\n", ""), "file::missing-key", 2, "`shape`");
        check(&SIX.replace("diameter_mm = 6.0\n", ""), "file::missing-key", 2, "`diameter_mm`");
        check(&format!("{SIX}{}", &SIX[11..]), "tool::twice", 7, "T3 (6 mm) stands in the library twice");
    }

    #[test]
    fn two_files_complete_each_other_and_may_not_contradict() {
        let imported = |more: &str| format!("schema = 1\n[[tool]]\nnumber = 3\nname = \"x\"\nline = 9\n{more}");
        let library = read(&[SIX, &imported("length_offset_mm = 51.0\nflutes = 4\n")], &[]).expect("they agree");
        let tool = &library.tools[&ToolNumber(3)].tool;
        assert_eq!((tool.length_offset.as_mm(), tool.flutes, tool.name.as_str()), (51.0, Some(4), "6 mm"));
        let error = &read(&[SIX, &imported("diameter_mm = 6.35\n")], &[]).expect_err("two diameters")[0];
        assert_eq!((error.code, error.source.as_str(), error.line), ("tool::conflict", "b.toml", 9));
        assert!(error.message.contains("6.35 here and 6 in a.toml"), "{error}");
    }

    #[test]
    fn a_number_goes_to_an_entry_by_name() {
        let two = format!("{SIX}[[tool]]\nname = \"ball\"\nshape = \"ball\"\ndiameter_mm = 4.0\n");
        let plain = read(&[&two], &[]).expect("valid");
        assert_eq!(plain.contents(), "a.toml, which has T3 and, without a number, `ball`");
        let mapped = read(&[&two], &[(3, "ball"), (8, "ball")]).expect("valid");
        assert_eq!(mapped.diameters_mm(), BTreeMap::from([(ToolNumber(3), 4.0), (ToolNumber(8), 4.0)]));
        assert_eq!(mapped.skipped, ["a.toml: T3 (6 mm): its number is given to another entry by name"]);
        assert_eq!(read(&[&two], &[(3, "bell")]).expect_err("no such name")[0].code, "tool::map");
    }

    #[test]
    fn what_an_importer_writes_is_read_back() {
        let entry = ToolEntry {
            name: "bull \"R1\"".to_owned(),
            number: Some(7),
            line: Some(3),
            shape: Some(ShapeWord::BullNose),
            diameter_mm: Some(0.1 + 0.2),
            corner_radius_mm: Some(0.05),
            offset_mm: [("x".to_owned(), -1.5)].into(),
            holder: vec![HolderEntry { diameter_low_mm: 20.0, diameter_high_mm: 30.0, length_mm: 12.5 }],
            assumed: vec!["something".to_owned()],
            ..ToolEntry::default()
        };
        let file = ToolFile { schema: 1, tool: vec![entry], ..ToolFile::default() };
        let text = file.to_toml();
        assert_eq!(ToolFile::read(FileText { name: "x", text: &text }), Ok(file));
    }
}
