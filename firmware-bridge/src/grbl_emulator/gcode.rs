//! As much of the language as is needed to be a peer: modal words, lines and arcs in the plane, dwell, stop and end.
//! Everything else is refused with the number grbl would give. Lengths in mm, feeds in mm/s inside.

use shared::det::math;

/// Geometry of one motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Line,
    /// About a centre in XY from a start angle over a signed sweep, rad; Z goes along.
    Arc {
        centre: [f64; 2],
        radius: f64,
        start: f64,
        sweep: f64,
    },
}

/// One motion in the planner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) from: [f64; 3],
    pub(super) to: [f64; 3],
    pub(super) shape: Shape,
    pub(super) length: f64,
    /// `None` for a rapid.
    pub(super) feed_mm_s: Option<f64>,
    pub(super) line: u32,
}

impl Block {
    pub(super) fn point(&self, at: f64) -> [f64; 3] {
        let share = if self.length > 0.0 { (at / self.length).clamp(0.0, 1.0) } else { 1.0 };
        if share >= 1.0 {
            return self.to;
        }
        let z = self.from[2] + (self.to[2] - self.from[2]) * share;
        match self.shape {
            Shape::Line => {
                let along = |axis: usize| self.from[axis] + (self.to[axis] - self.from[axis]) * share;
                [along(0), along(1), z]
            }
            Shape::Arc { centre, radius, start, sweep } => {
                let (sin, cos) = math::sin_cos(start + sweep * share);
                [centre[0] + radius * cos, centre[1] + radius * sin, z]
            }
        }
    }

    /// Direction at the start or the end, of unit length.
    pub(super) fn direction(&self, at_end: bool) -> [f64; 3] {
        let step = self.length * 1e-3;
        let (from, to) = if at_end { (self.length - step, self.length) } else { (0.0, step) };
        let (from, to) = (self.point(from), self.point(to));
        let length = distance(from, to).max(1e-12);
        [0, 1, 2].map(|axis| (to[axis] - from[axis]) / length)
    }
}

pub(super) fn distance(from: [f64; 3], to: [f64; 3]) -> f64 {
    [0, 1, 2].map(|axis| (to[axis] - from[axis]) * (to[axis] - from[axis])).iter().sum::<f64>().sqrt()
}

/// What a line asks for, beyond modal state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Request {
    Nothing,
    Move(Block),
    /// s
    Dwell(f64),
    Pause,
    End,
}

/// Modal state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Modal {
    motion: u8,
    absolute: bool,
    inches: bool,
    feed_mm_s: f64,
    pub(super) spindle_rpm: f64,
    pub(super) spindle: Option<bool>,
    pub(super) coolant: bool,
    /// Where the last planned motion ends, machine frame.
    pub(super) position: [f64; 3],
}

impl Modal {
    pub(super) fn new(position: [f64; 3]) -> Self {
        Self {
            motion: 0,
            absolute: true,
            inches: false,
            feed_mm_s: 0.0,
            spindle_rpm: 0.0,
            spindle: None,
            coolant: false,
            position,
        }
    }

    /// As `$G` says it.
    pub(super) fn describe(&self) -> String {
        let spindle = match self.spindle {
            None => 5,
            Some(clockwise) => 4 - u8::from(clockwise),
        };
        format!(
            "[GC:G{} G54 G17 G{} G{} G94 M{spindle} M{} T0 F{:.0} S{:.0}]",
            self.motion,
            if self.inches { 20 } else { 21 },
            if self.absolute { 90 } else { 91 },
            if self.coolant { 8 } else { 9 },
            self.feed_mm_s * 60.0,
            self.spindle_rpm
        )
    }

    /// Reads a line without blanks and comments, in capitals.
    ///
    /// # Errors
    /// The number of the error.
    pub(super) fn read(&mut self, line: &[u8], offset: [f64; 3]) -> Result<Request, u8> {
        let mut words = Words::default();
        words.read(line)?;
        let mut next = *self;
        let request = next.apply(&words, offset)?;
        *self = next;
        Ok(request)
    }

    fn apply(&mut self, words: &Words, offset: [f64; 3]) -> Result<Request, u8> {
        let (mut request, mut dwell) = (Request::Nothing, false);
        for code in words.g.iter().flatten() {
            match code {
                0..=30 if code % 10 == 0 => self.motion = (code / 10) as u8,
                40 => dwell = true,
                170 | 540 | 940 | 400 | 490 | 800 => {}
                200 => self.inches = true,
                210 => self.inches = false,
                900 => self.absolute = true,
                910 => self.absolute = false,
                _ => return Err(20),
            }
        }
        let unit = if self.inches { 25.4 } else { 1.0 };
        if let Some(feed) = words.get(b'F') {
            self.feed_mm_s = feed * unit / 60.0;
        }
        if let Some(speed) = words.get(b'S') {
            self.spindle_rpm = speed;
        }
        for code in words.m.iter().flatten() {
            match code {
                0 => request = Request::Pause,
                20 | 300 => request = Request::End,
                30 | 40 => self.spindle = Some(*code == 30),
                50 => self.spindle = None,
                70 | 80 | 90 => self.coolant = *code != 90,
                _ => return Err(20),
            }
        }
        if dwell {
            return words.get(b'P').map(Request::Dwell).ok_or(28);
        }
        let moves = [b'X', b'Y', b'Z'].iter().any(|letter| words.get(*letter).is_some());
        if moves { self.movement(words, unit, offset).map(Request::Move) } else { Ok(request) }
    }

    fn movement(&mut self, words: &Words, unit: f64, offset: [f64; 3]) -> Result<Block, u8> {
        let from = self.position;
        let mut to = from;
        for (axis, letter) in [b'X', b'Y', b'Z'].into_iter().enumerate() {
            if let Some(value) = words.get(letter) {
                to[axis] = value * unit + if self.absolute { offset[axis] } else { from[axis] };
            }
        }
        if self.motion > 0 && self.feed_mm_s <= 0.0 {
            return Err(22);
        }
        let (shape, length) = if self.motion < 2 {
            (Shape::Line, distance(from, to))
        } else {
            arc(from, to, self.motion == 2, words, unit)?
        };
        self.position = to;
        let line = words.get(b'N').map_or(0, |line| line as u32);
        let feed_mm_s = (self.motion > 0).then_some(self.feed_mm_s);
        Ok(Block { from, to, shape, length, feed_mm_s, line })
    }
}

fn arc(from: [f64; 3], to: [f64; 3], clockwise: bool, words: &Words, unit: f64) -> Result<(Shape, f64), u8> {
    let (i, j) = (words.get(b'I'), words.get(b'J'));
    if i.is_none() && j.is_none() {
        return Err(35);
    }
    let centre = [from[0] + i.unwrap_or(0.0) * unit, from[1] + j.unwrap_or(0.0) * unit];
    let (before, after) = ([from[0] - centre[0], from[1] - centre[1]], [to[0] - centre[0], to[1] - centre[1]]);
    let (radius, radius_end) = (math::hypot(before[0], before[1]), math::hypot(after[0], after[1]));
    if (radius - radius_end).abs() > 0.005f64.max(radius * 1e-3) || radius <= 0.0 {
        return Err(33);
    }
    let (start, end) = (math::atan2(before[1], before[0]), math::atan2(after[1], after[0]));
    let turn = std::f64::consts::TAU;
    let mut sweep = end - start;
    if clockwise {
        while sweep >= -1e-9 {
            sweep -= turn;
        }
    } else {
        while sweep <= 1e-9 {
            sweep += turn;
        }
    }
    let length = math::hypot(radius * sweep, to[2] - from[2]);
    Ok((Shape::Arc { centre, radius, start, sweep }, length))
}

/// The words of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Words {
    g: [Option<u16>; 8],
    m: [Option<u16>; 4],
    values: [Option<f64>; 26],
}

impl Words {
    fn get(&self, letter: u8) -> Option<f64> {
        self.values[usize::from(letter - b'A')]
    }

    fn read(&mut self, line: &[u8]) -> Result<(), u8> {
        let mut rest = line;
        while let Some((letter, after)) = rest.split_first() {
            if !letter.is_ascii_uppercase() {
                return Err(1);
            }
            let numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
            let len = after.iter().take_while(|byte| numeric(byte)).count();
            let text = std::str::from_utf8(&after[..len]).map_err(|_| 2)?;
            let value: f64 = text.parse().map_err(|_| 2)?;
            rest = &after[len..];
            match letter {
                b'G' | b'M' => {
                    let code = (value * 10.0).round();
                    if !(0.0..=1000.0).contains(&code) {
                        return Err(20);
                    }
                    let codes: &mut [_] = if *letter == b'G' { &mut self.g } else { &mut self.m };
                    *codes.iter_mut().find(|code| code.is_none()).ok_or(21)? = Some(code as u16);
                }
                b'F' | b'I' | b'J' | b'N' | b'P' | b'S' | b'T' | b'X' | b'Y' | b'Z' => {
                    let word = &mut self.values[usize::from(letter - b'A')];
                    if word.replace(value).is_some() {
                        return Err(25);
                    }
                }
                _ => return Err(20),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_refusals() {
        let check = |line: &str, expected: Result<f64, u8>| {
            let mut modal = Modal::new([0.0; 3]);
            let found = modal.read(line.as_bytes(), [0.0; 3]).map(|request| match request {
                Request::Move(block) => block.length,
                _ => 0.0,
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert!((found - expected).abs() < 1e-9, "{line}: {found}"),
                (found, expected) => assert_eq!(found, expected, "{line}"),
            }
        };
        check("G1X3Y4F60", Ok(5.0));
        check("G91G20G1X1F1", Ok(25.4));
        check("G3X0Y0I5J0F60", Ok(std::f64::consts::TAU * 5.0));
        check("G2X10Y0I5J0F60", Ok(std::f64::consts::PI * 5.0));
        check("G1X1", Err(22));
        check("G2X10F1", Err(35));
        check("G2X10I1F1", Err(33));
        check("G99", Err(20));
        check("G1G0XX", Err(2));
        check("1", Err(1));
        check("X1X2", Err(25));
        check("G4", Err(28));
    }
}
