//! Right programs of random statements.
//!
//! Between statements the state is always the same: G21 G90 G17 G94 G40 G49 G54 G80 G91.1 G99, a feed, a turning
//! spindle, no shift and no rotation. Where the axes stand is not known; a statement that needs to know reads
//! `#5420` to `#5422`.

use shared::det::{Rng, math};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a program must not be without, over all of them.
pub(crate) const CONSTRUCTS: [&str; 91] = [
    "G0",
    "G1",
    "rotary",
    "G2 IJ",
    "G3 IJ",
    "G18 IK",
    "G19 JK",
    "helix",
    "turns",
    "G2 R",
    "G3 R",
    "R long",
    "G18 R",
    "G19 R",
    "G90.1",
    "full circle",
    "G5",
    "G5.1",
    "G73",
    "G81",
    "G82",
    "G83",
    "G84",
    "G85",
    "G86",
    "G89",
    "cycle L",
    "cycle G91",
    "cycle G18",
    "G98",
    "G10 L1",
    "G10 L2",
    "G10 L2 R",
    "G10 L20",
    "G52",
    "G92",
    "G92.1",
    "G92.2",
    "G92.3",
    "G55",
    "G59.3",
    "G28",
    "G30",
    "G28.1",
    "G30.1",
    "G53",
    "G20",
    "G93",
    "G95",
    "G4",
    "G43",
    "G43.1",
    "G43.2",
    "G41",
    "G42",
    "G41.1",
    "G61",
    "G64",
    "T M6",
    "S M4",
    "coolant",
    "M48",
    "M50",
    "M70",
    "M73",
    "while",
    "do",
    "repeat",
    "break",
    "continue",
    "if",
    "elseif",
    "call",
    "return",
    "nested call",
    "local name",
    "global name",
    "number",
    "polar",
    "comment",
    "lower case",
    "N word",
    "trig",
    "inverse trig",
    "ATAN",
    "rounding",
    "roots",
    "comparison",
    "logic",
    "power",
    "EXISTS",
];

/// A program being written.
pub(crate) struct Generator {
    pub(crate) rng: Rng,
    pub(crate) text: String,
    uses: BTreeMap<&'static str, u32>,
    label: u32,
    /// Depth of loops and branches.
    pub(crate) depth: u32,
}

impl Generator {
    /// A program and what it used.
    pub(crate) fn program(rng: Rng) -> (String, BTreeMap<&'static str, u32>) {
        Self::of_length(rng, 14)
    }

    /// A program to be spoilt: short, so that the mistake is met.
    pub(crate) fn short_program(rng: Rng) -> (String, BTreeMap<&'static str, u32>) {
        Self::of_length(rng, 3)
    }

    fn of_length(rng: Rng, statements: u64) -> (String, BTreeMap<&'static str, u32>) {
        let mut generator = Self { rng, text: String::new(), uses: BTreeMap::new(), label: 100, depth: 0 };
        generator.text.push_str("G21 G90 G17 G94 G91.1 G40 G49 G54 G80 G99 F300 S1000 M3\nG0 X1 Y2 Z30\n");
        let count = generator.rng.below(6) + statements;
        for _ in 0..count {
            generator.statement();
        }
        generator.text.push_str("M2\n");
        (generator.text, generator.uses)
    }

    /// Counts a construct.
    pub(crate) fn uses(&mut self, name: &'static str) {
        *self.uses.entry(name).or_default() += 1;
    }

    /// Appends a line, now and then as some posts write it.
    pub(crate) fn line(&mut self, text: &str) {
        match self.rng.below(24) {
            0 => {
                self.uses("comment");
                writeln!(self.text, "{text} (a comment) ; and another").expect("a string");
            }
            1 if !text.starts_with('o') => {
                self.uses("lower case");
                writeln!(self.text, "  {}", text.to_lowercase()).expect("a string");
            }
            2 if !text.starts_with('o') => {
                self.uses("N word");
                writeln!(self.text, "N{} {text}", self.label).expect("a string");
            }
            _ => writeln!(self.text, "{text}").expect("a string"),
        }
    }

    /// A coordinate.
    pub(crate) fn mm(&mut self) -> String {
        format!("{:.3}", self.rng.between(-20.0, 20.0))
    }

    /// One of several texts.
    pub(crate) fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.rng.below(of.len() as u64) as usize]
    }

    pub(crate) fn new_label(&mut self) -> u32 {
        self.label += 1;
        self.label
    }

    pub(crate) fn statement(&mut self) {
        match self.rng.below(30) {
            0 | 1 => self.moves(),
            2..=6 => self.curve(),
            7..=10 => self.cycle(),
            11 | 12 => self.offset(),
            13 | 14 => self.shift(),
            15 => self.home(),
            16 | 17 => self.feed_mode(),
            18 => self.length(),
            19 | 20 => self.compensated(),
            21 | 22 => self.switch(),
            23 | 24 => self.saved(),
            25 => self.expression(),
            26 | 27 if self.depth < 2 => self.flow(),
            28 | 29 if self.depth == 0 => self.call(),
            _ => self.expression(),
        }
    }

    fn moves(&mut self) {
        let (x, y, z) = (self.mm(), self.mm(), self.mm());
        match self.rng.below(6) {
            0 => {
                self.uses("G0");
                self.line(&format!("G0 X{x} Y{y}"));
            }
            1 => {
                self.uses("rotary");
                self.line(&format!("G1 X{x} A{y} B{z}"));
            }
            2 => {
                self.uses("polar");
                let code = self.one(&["G0", "G1"]);
                self.line(&format!("{code} @[ABS[{x}]+1] ^{y}"));
                self.line("G91 G1 @1 ^30");
                self.line("G90");
            }
            3 => {
                self.uses("G53");
                let code = self.one(&["G0", "G1"]);
                self.line(&format!("G53 {code} X{x} Z{z}"));
            }
            _ => {
                self.uses("G1");
                self.line(&format!("G1X{x}Y{y}Z{z}"));
                self.line(&format!("X{y}"));
            }
        }
    }

    fn cycle(&mut self) {
        let codes: [(&'static str, &str); 8] = [
            ("G73", "Q1.5"),
            ("G81", ""),
            ("G82", "P.25"),
            ("G83", "Q2"),
            ("G84", ""),
            ("G85", ""),
            ("G86", "P.1"),
            ("G89", "P.2"),
        ];
        let (name, more) = codes[self.rng.below(8) as usize];
        self.uses(name);
        // Outside XY the oracle's G84 moves other axes than its other cycles do: an error of this version.
        let in_xz = name != "G84";
        let (x, y) = (self.mm(), self.mm());
        self.line("G0 Z30");
        let back = if self.rng.chance(0.5) {
            self.uses("G98");
            "G98"
        } else {
            "G99"
        };
        match self.rng.below(4) {
            0 => {
                self.uses("cycle G91");
                self.uses("cycle L");
                let count = self.rng.below(3) + 1;
                self.line(&format!("{back} G91 {name} X1.5 Y-1 Z-6 R-20 {more} L{count}"));
                self.line("G90");
            }
            1 if in_xz => {
                self.uses("cycle G18");
                self.line("G0 Y30");
                self.line(&format!("G18 {back} {name} X{x} Z{y} Y-3 R2 {more}"));
                self.line(&format!("X{y}"));
                self.line("G17");
            }
            2 => {
                self.uses("cycle L");
                self.line(&format!("{back} {name} X{x} Y{y} Z-3.5 R2 {more} L2"));
            }
            _ => {
                self.line(&format!("{back} {name} X{x} Y{y} Z-3 R2 {more}"));
                self.line(&format!("X{y}"));
                self.line(&format!("Y{x} Z-4"));
            }
        }
        self.line("G80 G99");
    }

    fn offset(&mut self) {
        let (x, y, z, r) = (self.mm(), self.mm(), self.mm(), self.mm());
        match self.rng.below(4) {
            0 => {
                self.uses("G10 L2");
                self.uses("G55");
                self.line(&format!("G10 L2 P2 X{x} Y{y} Z{z} R0"));
                self.line("G55 G0 X1 Y1");
            }
            1 => {
                self.uses("G10 L2 R");
                self.uses("G55");
                self.line(&format!("G10 L2 P2 X{x} Y{y} R{r}"));
                self.line("G55");
                self.line(&format!("G1 X{y} Y{x}"));
                self.line("G91 G2 X4 Y0 I2 J0");
                self.line("G90");
            }
            2 => {
                self.uses("G10 L20");
                self.uses("G59.3");
                self.line(&format!("G10 L20 P9 X{x} Y{y} Z{z}"));
                self.line("G59.3 G1 X0 Y0");
            }
            _ => {
                self.uses("G10 L2 R");
                self.uses("G59.3");
                self.line(&format!("G10 L2 P9 X{x} Y{y} Z{z} R{r}"));
                self.line(&format!("G59.3 G0 X{x}"));
                self.moves();
            }
        }
        self.line("G54");
    }

    fn shift(&mut self) {
        let (x, y, z) = (self.mm(), self.mm(), self.mm());
        if self.rng.chance(0.4) {
            self.uses("G52");
            self.line(&format!("G52 X{x} Y{y}"));
            self.moves();
            self.line("G52 X0 Y0");
            return;
        }
        self.uses("G92");
        self.line(&format!("G92 X{x} Z{z}"));
        self.line(&format!("G1 X0 Y{y}"));
        if self.rng.chance(0.5) {
            self.uses("G92.2");
            self.line("G92.2");
            self.line("G1 X0");
            self.uses("G92.3");
            self.line("G92.3");
            self.line("G1 X1");
        }
        self.uses("G92.1");
        self.line("G92.1");
    }

    fn home(&mut self) {
        let (x, z) = (self.mm(), self.mm());
        let (go, set) = if self.rng.chance(0.5) { ("G28", "G28.1") } else { ("G30", "G30.1") };
        if self.rng.chance(0.6) {
            self.uses(set);
            self.line(set);
            self.moves();
        }
        self.uses(go);
        match self.rng.below(3) {
            0 => self.line(go),
            1 => self.line(&format!("{go} X{x} Z{z}")),
            _ => {
                self.line(&format!("G91 {go} Z0"));
                self.line("G90");
            }
        }
    }

    fn feed_mode(&mut self) {
        let (x, y) = (self.mm(), self.mm());
        match self.rng.below(3) {
            0 => {
                self.uses("G93");
                let f = self.rng.below(9) + 1;
                self.line(&format!("G93 G1 X{x} Y{y} F{f}"));
                self.line(&format!("G1 X[#5420+1] F[{f}*2]"));
                self.line("G94 F300");
            }
            1 => {
                self.uses("G95");
                self.line(&format!("G95 G1 X{x} F.2"));
                self.line(&format!("Y{y}"));
                self.line("G94 F300");
            }
            _ => {
                self.uses("G20");
                self.line("G20");
                self.line("G1 X.5 Y-.25 F10");
                self.line("G2 X1 Y.25 R.5");
                self.line("G21");
                self.line("F300");
            }
        }
    }

    fn length(&mut self) {
        let z = self.mm();
        match self.rng.below(4) {
            0 => {
                self.uses("G43");
                self.uses("G10 L1");
                self.line(&format!("G10 L1 P7 Z{z}"));
                self.line("G43 H7");
            }
            1 => {
                self.uses("G43.1");
                self.line(&format!("G43.1 Z{z} X.5"));
            }
            2 => {
                self.uses("G43.2");
                self.uses("G10 L1");
                self.line(&format!("G10 L1 P8 Z{z}"));
                self.line("G43 H8");
                self.line("G43.2 H8");
            }
            _ => {
                self.uses("T M6");
                // Not the tools whose lengths G10 L1 changes: of the tool in the spindle the oracle's script knows the
                // length in the file alone, where the machine reads its changed table.
                let (tool, x, y) = (self.rng.below(6) + 1, self.mm(), self.mm());
                // After a tool change the oracle takes the place of the last straight move it drew for the present one.
                self.line(&format!("G1 X{x} Y{y} Z{z}"));
                self.line(&format!("T{tool} M6"));
                // A tool change stops the spindle.
                self.line("M3");
                self.line("G43");
            }
        }
        self.moves();
        self.line("G49");
    }

    /// Round a rectangle from outside, by lines or with rounded corners: no corner is too narrow for the tool.
    fn compensated(&mut self) {
        let radius = self.rng.between(0.2, 2.0);
        let (width, height) = (self.rng.between(12.0, 30.0), self.rng.between(12.0, 30.0));
        let (name, code): (&'static str, String) = match self.rng.below(4) {
            0 => ("G42", format!("G42 D{}", self.rng.below(4) + 1)),
            1 => ("G41.1", format!("G41.1 D{:.3}", 2.0 * radius)),
            _ => ("G41", format!("G41 D{}", self.rng.below(4) + 1)),
        };
        self.uses(name);
        let is_left = name != "G42";
        let rounded = self.rng.chance(0.5);
        let lead = self.mm();
        self.line(&format!("G0 X-20 Y{lead}"));
        self.line("G0 X-20 Y-20");
        // Left of a clockwise path, right of a counter-clockwise one: outside in both.
        let corner = |first: f64, second: f64| {
            if is_left { format!("X{first:.3} Y{second:.3}") } else { format!("X{second:.3} Y{first:.3}") }
        };
        let first = corner(0.0, -10.0);
        self.line(&format!("G1 {code} {first}"));
        let arc = if is_left { "G2" } else { "G3" };
        if rounded {
            self.line(&format!("G1 {}", corner(0.0, height - 4.0)));
            self.line(&format!("{arc} {} R4", corner(4.0, height)));
            self.line(&format!("G1 {}", corner(width, height)));
        } else {
            self.line(&format!("G1 {}", corner(0.0, height)));
            self.line(&corner(width, height));
        }
        self.line(&corner(width, 0.0));
        self.line(&format!("G1 {}", corner(-12.0, 0.0)));
        self.line("G40");
        self.line("G0 X-30 Y-30");
    }

    fn switch(&mut self) {
        let p = self.rng.below(2);
        match self.rng.below(7) {
            0 => {
                self.uses("G4");
                self.line("G4 P.25");
            }
            1 => {
                self.uses("G64");
                self.line("G64 P0.01 Q.02");
            }
            2 => {
                self.uses("G61");
                let code = self.one(&["G61", "G61.1"]);
                self.line(code);
                self.line("G64");
            }
            3 => {
                self.uses("S M4");
                let speed = self.rng.below(3000) + 1;
                self.line(&format!("S{speed} M4"));
                self.line("M5");
                self.line("M3 S1000");
            }
            4 => {
                self.uses("coolant");
                self.line("M7");
                self.line("M8");
                self.line("M9");
            }
            5 => {
                self.uses("M48");
                self.line("M49");
                self.line("M48");
            }
            _ => {
                self.uses("M50");
                self.line(&format!("M50 P{p}"));
                let code = self.one(&["M51 P0", "M53 P0", "M53 P1"]);
                self.line(code);
                self.line("M48");
            }
        }
    }

    fn saved(&mut self) {
        self.uses("M70");
        self.line("M70");
        let (x, y) = (self.mm(), self.mm());
        let change = self.one(&["G91", "G20", "F77", "G18", "G55", "S500 M4", "M8", "G90.1", "G98"]);
        self.line(change);
        self.line(&format!("G1 X[{x}/25] Y[{y}/25]"));
        self.line("M72");
        self.line(&format!("G1 X{x} Y{y}"));
    }

    fn expression(&mut self) {
        let (a, b) = (self.mm(), self.mm());
        let share = format!("{:.4}", self.rng.between(-0.99, 0.99));
        let positive = format!("{:.3}", self.rng.between(0.1, 30.0));
        let (name, text): (&'static str, String) = match self.rng.below(11) {
            0 => {
                ("trig", format!("[10*{}[{a}]+{}[{b}*9]]", self.one(&["SIN", "COS"]), self.one(&["SIN", "COS", "TAN"])))
            }
            1 => ("inverse trig", format!("[{}[{share}]/10]", self.one(&["ASIN", "ACOS"]))),
            2 => ("ATAN", format!("[ATAN[{a}]/[{b}]/10]")),
            3 => (
                "rounding",
                format!("[{}[{a}] + {}[{b}]]", self.one(&["FIX", "FUP", "ROUND"]), self.one(&["FIX", "ABS"])),
            ),
            4 => ("roots", format!("[SQRT[{positive}] + LN[{positive}] - EXP[{share}]]")),
            5 => ("comparison", format!("[[{a} {} {b}] + {share}]", self.one(&["GT", "GE", "LT", "LE", "EQ", "NE"]))),
            6 => ("logic", format!("[[{a} {} [{b} GT 0]] * 3]", self.one(&["AND", "OR", "XOR"]))),
            7 => ("power", format!("[{positive}**{share} - {a} MOD 7 + 2*{b}/{positive}]")),
            8 => {
                self.line(&format!("#<_seen> = {a}"));
                self.uses("global name");
                ("EXISTS", "[EXISTS[#<_seen>] * 5 + EXISTS[#<_unseen>] + #<_seen>]".to_owned())
            }
            9 => {
                let number = self.rng.below(50) + 100;
                self.line(&format!("#{number} = [{a} + 1] #{} = {b}", number + 1));
                ("number", format!("[#{number} - #[{number} + 1]]"))
            }
            _ => {
                self.line(&format!("#<my depth> = [{a} * 2]"));
                ("local name", "[#<mydepth> / 3 - #<My Depth>]".to_owned())
            }
        };
        self.uses(name);
        let axis = self.one(&["X", "Y", "Z"]);
        self.line(&format!("G1 {axis}{text}"));
    }

    /// Half the distance of two offsets.
    pub(crate) fn half(dx: f64, dy: f64) -> f64 {
        0.5 * math::hypot(dx, dy)
    }
}
