//! One page to look at: distribution, time line with misses, stages against the budget. It refers to nothing outside.

use std::fmt::Write;

use super::series::{Series, quantile};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 6] = ["#0b6e99", "#d9730d", "#6940a5", "#448361", "#c14c8a", "#787774"];
/// Most points of a time line; what is denser shows the greatest of each stretch.
const POINTS_MAX: usize = 1800;

/// One curve.
pub struct Curve<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its messages.
    pub series: &'a Series,
}

/// One row of bars: a name and (stage, ns) in order.
pub struct Bars {
    /// Whose stages, and which quantile.
    pub name: String,
    /// Stages in order.
    pub stages: Vec<(String, u64)>,
}

/// Text as it may stand in a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole page.
pub fn page(title: &str, summary: &str, curves: &[Curve<'_>], bars: &[Bars], budget_ns: u64) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>\
         body{{font:14px/1.5 system-ui,sans-serif;max-width:960px;margin:24px auto;padding:0 12px;color:#222}}\
         pre{{background:#f6f6f4;padding:12px;overflow:auto;font-size:12px}}svg{{width:100%;height:auto}}\
         text{{font-size:11px;fill:#444}}.grid{{stroke:#e4e4e0}}.budget{{stroke:#c4302b;stroke-dasharray:5 4}}\
         </style></head><body><h1>{0}</h1>",
        escaped(title)
    );
    let _ = write!(html, "<h2>Distribution</h2>{}", distribution(curves, budget_ns));
    for (index, curve) in curves.iter().enumerate() {
        let _ = write!(html, "<h2>Time line: {}</h2>{}", escaped(curve.name), time_line(curve, index, budget_ns));
    }
    if !bars.is_empty() {
        let _ = write!(html, "<h2>Stages against the budget</h2>{}", stage_bars(bars, budget_ns));
    }
    let _ = writeln!(html, "<h2>Figures</h2><pre>{}</pre></body></html>", escaped(summary));
    html
}

/// A logarithmic axis in ns from the least to the greatest decade that is needed.
struct LogAxis {
    low: f64,
    high: f64,
}

impl LogAxis {
    fn over(values: impl Iterator<Item = u64>) -> Self {
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for value in values {
            let decade = (value.max(1) as f64).log10();
            (low, high) = (low.min(decade), high.max(decade));
        }
        if low > high {
            Self { low: 3.0, high: 9.0 }
        } else {
            Self { low: low.floor(), high: high.ceil().max(low.floor() + 1.0) }
        }
    }

    fn y(&self, ns: u64) -> f64 {
        let share = ((ns.max(1) as f64).log10() - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - 10.0)
    }

    fn grid(&self) -> String {
        let mut svg = String::new();
        for decade in self.low as i32..=self.high as i32 {
            let ns = 10_f64.powi(decade);
            let y = self.y(ns as u64);
            let label = if ns >= 1e9 {
                format!("{} s", ns / 1e9)
            } else if ns >= 1e6 {
                format!("{} ms", ns / 1e6)
            } else {
                format!("{} µs", ns / 1e3)
            };
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"4\" y=\"{:.1}\">{label}</text>",
                y + 4.0
            );
        }
        svg
    }

    fn budget(&self, ns: u64) -> String {
        let y = self.y(ns);
        format!(
            "<line class=\"budget\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.0}\" y=\"{:.1}\">budget</text>",
            WIDTH - 45.0,
            y - 4.0
        )
    }
}

fn svg(body: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">{body}</svg>")
}

/// Latency over 1 / (1 − quantile), both logarithmic.
fn distribution(curves: &[Curve<'_>], budget_ns: u64) -> String {
    let sorted: Vec<Vec<u64>> = curves.iter().map(|curve| curve.series.sorted_ns()).collect();
    let ends = sorted.iter().flat_map(|row| [row.first(), row.last()]).flatten().copied();
    let axis = LogAxis::over(ends.chain([budget_ns]));
    let nines = sorted.iter().map(|row| (row.len().max(10) as f64).log10()).fold(1.0, f64::max);
    let x = |share: f64| LEFT + (-(1.0 - share).log10() / nines).clamp(0.0, 1.0) * (WIDTH - LEFT - 10.0);
    let mut body = axis.grid() + &axis.budget(budget_ns);
    for share in [0.5_f64, 0.9, 0.99, 0.999, 0.9999, 0.99999] {
        if -(1.0 - share).log10() <= nines {
            let _ = write!(
                body,
                "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"10\" y2=\"{1}\"/><text x=\"{0:.1}\" y=\"{2}\">p{3}</text>",
                x(share),
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 16.0,
                (share * 1e5).round() / 1e3
            );
        }
    }
    for (index, (curve, row)) in curves.iter().zip(&sorted).enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let steps = 200;
        let points: Vec<String> = (0..=steps)
            .filter_map(|step| {
                let share = 1.0 - 10_f64.powf(-nines * f64::from(step) / f64::from(steps));
                quantile(row, share).map(|ns| format!("{:.1},{:.1}", x(share), axis.y(ns)))
            })
            .collect();
        let _ = write!(
            body,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" points=\"{}\"/>",
            points.join(" ")
        );
        let _ = write!(
            body,
            "<text x=\"{}\" y=\"{}\" style=\"fill:{colour}\">{}</text>",
            LEFT + 8.0,
            20 + 14 * index,
            escaped(curve.name)
        );
    }
    svg(&body)
}

/// Latency over time; misses are red ticks at the foot.
fn time_line(curve: &Curve<'_>, index: usize, budget_ns: u64) -> String {
    let series = curve.series;
    let axis = LogAxis::over(series.latencies().chain([budget_ns]));
    let count = series.shots.len().max(1);
    let x = |place: usize| LEFT + place as f64 / count as f64 * (WIDTH - LEFT - 10.0);
    let stride = count.div_ceil(POINTS_MAX);
    let latencies: Vec<u64> = series.latencies().collect();
    let mut body = axis.grid() + &axis.budget(budget_ns);
    let colour = COLOURS[index % COLOURS.len()];
    for (step, chunk) in latencies.chunks(stride).enumerate() {
        let (least, greatest) = (chunk.iter().min().copied().unwrap_or(0), chunk.iter().max().copied().unwrap_or(0));
        let at = x(step * stride);
        let (top, foot) = (axis.y(greatest), axis.y(least) + 0.8);
        let _ =
            write!(body, "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top:.1}\" y2=\"{foot:.1}\" stroke=\"{colour}\"/>");
        if greatest > budget_ns {
            let y = HEIGHT - BOTTOM;
            let _ =
                write!(body, "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{y}\" y2=\"{}\" stroke=\"#c4302b\"/>", y + 8.0);
        }
    }
    let _ = write!(
        body,
        "<text x=\"{LEFT}\" y=\"{}\">{count} in the order of sending; red: later than the budget, or lost</text>",
        HEIGHT - 8.0
    );
    svg(&body)
}

fn stage_bars(bars: &[Bars], budget_ns: u64) -> String {
    let row = 34.0;
    let sum = |bars: &Bars| bars.stages.iter().map(|(_, ns)| ns).sum::<u64>();
    let greatest = bars.iter().map(sum).chain([budget_ns]).max().unwrap_or(1).max(1) as f64;
    let wide = WIDTH - 200.0;
    let mut body = String::new();
    let mut legend: Vec<&str> = Vec::new();
    for (number, bar) in bars.iter().enumerate() {
        let (mut x, y) = (190.0, 10.0 + row * number as f64);
        let _ = write!(body, "<text x=\"4\" y=\"{:.1}\">{}</text>", y + 15.0, escaped(&bar.name));
        for (name, ns) in &bar.stages {
            let place = legend.iter().position(|known| known == name).unwrap_or_else(|| {
                legend.push(name);
                legend.len() - 1
            });
            let width = *ns as f64 / greatest * wide;
            let colour = COLOURS[place % COLOURS.len()];
            let opacity = if place < COLOURS.len() { 1.0 } else { 0.55 };
            let _ = write!(
                body,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"22\" fill=\"{colour}\" opacity=\"{opacity}\"><title>{} {:.3} ms</title></rect>",
                escaped(name),
                *ns as f64 / 1e6
            );
            x += width;
        }
    }
    let foot = 10.0 + row * bars.len() as f64;
    let x = 190.0 + budget_ns as f64 / greatest * wide;
    let _ = write!(body, "<line class=\"budget\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{foot:.1}\"/>");
    for (place, name) in legend.iter().enumerate() {
        let (x, y) = (10.0 + 145.0 * (place % 6) as f64, foot + 16.0 + 16.0 * (place / 6) as f64);
        let colour = COLOURS[place % COLOURS.len()];
        let opacity = if place < COLOURS.len() { 1.0 } else { 0.55 };
        let _ = write!(
            body,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\" opacity=\"{opacity}\"/><text x=\"{}\" y=\"{y:.1}\">{}</text>",
            y - 9.0,
            x + 14.0,
            escaped(name)
        );
    }
    let height = foot + 40.0 + 16.0 * (legend.len() / 6) as f64;
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">{body}</svg>")
}

#[cfg(test)]
mod tests {
    use super::super::series::Shot;
    use super::*;

    #[test]
    fn the_page_stands_alone_and_escapes_what_it_is_given() {
        let shots = (0..5000_u64)
            .map(|number| Shot {
                number,
                scheduled_ns: number,
                sent_ns: number,
                received_ns: Some(number + 1_000_000 + 100 * number),
            })
            .collect();
        let series = Series { shots, timeout_ns: 1_000_000_000, budget_ns: 1_200_000 };
        let bars = [Bars { name: "ours p50".to_owned(), stages: vec![("up".to_owned(), 20), ("down".to_owned(), 20)] }];
        let html = page("<x>", "a < b", &[Curve { name: "ours", series: &series }], &bars, 1_200_000);
        assert!(html.contains("&lt;x&gt;") && html.contains("a &lt; b") && !html.contains("<x>"));
        assert!(html.matches("<svg").count() == 3 && html.contains("polyline") && html.contains("#c4302b"));
        assert!(!html.contains("http") && !html.contains("src="), "nothing from outside");
    }
}
