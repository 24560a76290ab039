//! The record of one run: the place of the axes in every servo tick.

use std::path::Path;

use shared::geom::Point;

/// Time of a servo tick.
const TICK_S: f64 = 1e-3;

/// Places by tick.
pub(crate) struct Record {
    places: Vec<Point>,
    /// Last tick at rest before the first move, and first tick at rest behind the last one.
    first: usize,
    last: usize,
}

/// Times of a run.
pub(crate) struct Times {
    /// From the first movement to the last.
    pub(crate) moving_s: f64,
}

impl Record {
    /// Reads the lines of LinuxCNC's sampler: number, X, Y, Z, speed, source line.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // The reader begins with a complaint about what was sampled before it came.
        let text = text.strip_prefix("overrun\n").unwrap_or(&text);
        assert!(!text.contains("overrun"), "{}: the sampler lost ticks", path.display());
        let mut places = Vec::new();
        let mut before: Option<u64> = None;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            assert!(before.is_none_or(|before| number == before + 1), "ticks are missing before {number}");
            before = Some(number);
            let mut axis = || words.next().and_then(|word| word.parse::<f64>().ok());
            // The last line may be torn.
            if let (Some(x), Some(y), Some(z)) = (axis(), axis(), axis()) {
                places.push(Point::new(x, y, z));
            }
        }
        let moves = |index: &usize| places[*index] != places[*index - 1];
        let first = (1..places.len()).find(moves).expect("the axes move") - 1;
        let last = (1..places.len()).rfind(moves).unwrap_or(first);
        Self { places, first, last }
    }

    pub(crate) fn times(&self) -> Times {
        Times { moving_s: (self.last - self.first) as f64 * TICK_S }
    }

    /// Places with their times since the first movement began.
    pub(crate) fn places(&self) -> impl Iterator<Item = (f64, Point)> {
        (self.first..=self.last).map(|tick| ((tick - self.first) as f64 * TICK_S, self.places[tick]))
    }
}
