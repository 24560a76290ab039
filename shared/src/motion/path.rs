use super::{CornerRule, Segment, Station};
use crate::det::DigestChain;
use crate::geom::{Point, Vector};
use crate::ident::Digest;
use crate::units::Length;

/// The whole program as segments over station: contiguous, each at least one nanometre long.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    segments: Vec<Segment>,
    digest: Digest,
}

/// Why segments are not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is none: the program moves nothing.
    #[error("the program has no motion")]
    Empty,
    /// There are too many.
    #[error("{count} segments are more than the {max} supported", max = Path::SEGMENTS_MAX)]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A segment does not begin where the one before it ended, or does not advance.
    #[error("segment {index} does not continue the path")]
    Gap {
        /// Which.
        index: usize,
    },
}

impl Path {
    /// Most segments of one path.
    pub const SEGMENTS_MAX: usize = 16_000_000;

    /// From segments in order.
    ///
    /// # Errors
    /// [`PathError`] unless the stations of the segments are contiguous from the start and advance.
    pub fn new(segments: Vec<Segment>) -> Result<Self, PathError> {
        if segments.is_empty() {
            return Err(PathError::Empty);
        }
        if segments.len() > Self::SEGMENTS_MAX {
            return Err(PathError::TooMany { count: segments.len() });
        }
        let mut at = Station::START;
        for (index, segment) in segments.iter().enumerate() {
            if segment.start != at || segment.end <= at {
                return Err(PathError::Gap { index });
            }
            at = segment.end;
        }
        let digest = digest(&segments);
        Ok(Self { segments, digest })
    }

    /// The segments, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Station of the end of the program.
    pub fn end(&self) -> Station {
        self.segments[self.segments.len() - 1].end
    }

    /// Digest of every figure of every segment: equal on both sides, or no plan is admitted.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Index of the segment that holds a station; the last one from the end of the program on. O(log n).
    pub fn index_at(&self, station: Station) -> usize {
        self.segments.partition_point(|segment| segment.end <= station).min(self.segments.len() - 1)
    }

    /// Where the tip is at a station. O(log n).
    pub fn point_at(&self, station: Station) -> Point {
        let segment = &self.segments[self.index_at(station)];
        segment.geometry.point(segment.fraction(station))
    }

    /// Length of all moves, without the equivalents of what does not move.
    pub fn length(&self) -> Length {
        let sum: crate::det::ExactSum = self.segments.iter().map(|segment| segment.length.as_mm()).collect();
        Length::mm(sum.total())
    }
}

impl Segment {
    /// Fraction of this segment at a station, limited to [0, 1].
    pub fn fraction(&self, station: Station) -> f64 {
        let whole = self.end.as_nm() - self.start.as_nm();
        let done = station.as_nm().saturating_sub(self.start.as_nm()).min(whole);
        done as f64 / whole as f64
    }

    /// How far it reaches over station, mm.
    pub(super) fn span_mm(&self) -> f64 {
        (self.end.as_nm() - self.start.as_nm()) as f64 * 1e-6
    }

    /// How far A, B and C turn for each mm of station.
    pub(super) fn rates(&self) -> Vector {
        Vector::from(self.turn_rad) / self.span_mm()
    }

    /// The station at a fraction of this segment, limited to [0, 1].
    pub fn station(&self, fraction: f64) -> Station {
        let whole = (self.end.as_nm() - self.start.as_nm()) as f64;
        Station::from_nm(self.start.as_nm() + (whole * fraction.clamp(0.0, 1.0)).round() as u64)
    }
}

fn digest(segments: &[Segment]) -> Digest {
    let mut chain = DigestChain::new("cosim path 1");
    for segment in segments {
        let (start, end) = (segment.geometry.start(), segment.geometry.end());
        let middle = segment.geometry.point(0.5);
        chain.u64(segment.end.as_nm()).u64(u64::from(segment.at.line)).u64(u64::from(segment.at.source.0));
        for point in [start, middle, end] {
            chain.f64(point.x).f64(point.y).f64(point.z);
        }
        chain.f64(segment.feed.as_mm_s()).f64(segment.still.as_s());
        chain.f64(segment.spindle.map_or(f64::INFINITY, |speed| speed.as_rev_s()));
        chain.u64(segment.tool.map_or(u64::MAX, |tool| u64::from(tool.0)));
        chain.bytes(&kind_bytes(segment));
        if let CornerRule::Within(tolerance) = segment.corner {
            chain.f64(tolerance.as_mm());
        }
        if segment.turn_rad != [0.0; 3] {
            segment.turn_rad.iter().for_each(|turn_rad| {
                chain.f64(*turn_rad);
            });
        }
    }
    chain.digest()
}

fn kind_bytes(segment: &Segment) -> [u8; 4] {
    use super::{SegmentKind, StillKind};
    let kind = match segment.kind {
        SegmentKind::Rapid => 0,
        SegmentKind::Feed => 1,
        SegmentKind::Still(StillKind::Dwell) => 2,
        SegmentKind::Still(StillKind::ToolChange) => 3,
        SegmentKind::Still(StillKind::Spindle) => 4,
        SegmentKind::Still(StillKind::MCode) => 5,
        SegmentKind::Still(StillKind::Stop) => 6,
    };
    let forced = segment.forced.map_or(0, |reason| 1 + reason as u8);
    let turns = if segment.turn_rad == [0.0; 3] { 0 } else { 4 };
    let corner = match segment.corner {
        CornerRule::Machine => 0,
        CornerRule::Exact => 1,
        CornerRule::Within(_) => 2,
    };
    [kind, forced, u8::from(segment.stop_at_end), corner | turns]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{Geometry, SegmentKind};
    use crate::program::Provenance;
    use crate::units::{Feedrate, Seconds};

    fn line(from_mm: f64, to_mm: f64) -> Segment {
        Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: Point::new(from_mm, 0.0, 0.0), end: Point::new(to_mm, 0.0, 0.0) },
            start: Station::from_mm(from_mm),
            end: Station::from_mm(to_mm),
            length: Length::mm(to_mm - from_mm),
            feed: Feedrate::mm_s(10.0),
            spindle: None,
            tool: None,
            at: Provenance::default(),
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    }

    #[test]
    fn stations_find_their_segment_and_point() {
        let path = Path::new(vec![line(0.0, 4.0), line(4.0, 10.0)]).expect("contiguous");
        assert_eq!(path.index_at(Station::from_mm(4.0)), 1);
        assert_eq!(path.index_at(Station::MAX), 1);
        assert_eq!(path.point_at(Station::from_mm(7.0)).x, 7.0);
        assert_eq!(path.length().as_mm(), 10.0);
        assert_eq!(path.segments()[1].station(0.5), Station::from_mm(7.0));
    }

    #[test]
    fn a_gap_is_refused_and_any_change_shows_in_the_digest() {
        assert_eq!(Path::new(vec![line(0.0, 4.0), line(5.0, 6.0)]), Err(PathError::Gap { index: 1 }));
        let path = Path::new(vec![line(0.0, 4.0)]).expect("valid");
        let mut faster = line(0.0, 4.0);
        faster.feed = Feedrate::mm_s(11.0);
        assert_ne!(path.digest(), Path::new(vec![faster]).expect("valid").digest());
    }
}
