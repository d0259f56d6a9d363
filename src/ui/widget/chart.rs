//! A chart of one or two series over a window of time, in braille: 2 × 4 dots a cell. Missing minutes
//! stay gaps; changes are vertical marks with their name under them; both axes carry units.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::metric::Series;
use crate::model::time::Timestamp;
use crate::ui::widget::figure::Unit;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::Ink;

/// Datapoints further apart than this are not joined: a minute is missing between them.
const JOIN_MS: i64 = 90_000;
/// Under this height the time axis is left out, then the names of the marks.
const ROWS_WITH_TIMES: u16 = 6;
const ROWS_WITH_NAMES: u16 = 4;
const LEFT_DOTS: [u8; 4] = [0x01, 0x02, 0x04, 0x40];
const RIGHT_DOTS: [u8; 4] = [0x08, 0x10, 0x20, 0x80];

#[derive(Debug)]
pub struct Line<'a> {
    pub series: &'a Series,
    pub style: Style,
    /// Foretold and not seen: every other column is left out.
    pub dotted: bool,
}

/// Something that happened at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub at: Timestamp,
    pub name: String,
}

#[derive(Debug)]
pub struct Chart<'a> {
    pub window: (Timestamp, Timestamp),
    pub unit: Unit,
    /// Later lines lie under earlier ones where they meet.
    pub lines: Vec<Line<'a>>,
    pub marks: &'a [Mark],
    /// Said in place of the lines when no datapoint is in the window.
    pub empty: &'a str,
}

impl Chart<'_> {
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect) {
        if area.width < 12 || area.height == 0 || self.window.1 <= self.window.0 {
            return;
        }
        let Some(top) = self.highest() else {
            for (n, line) in hostile::wrap(self.empty, area.width, usize::from(area.height)).iter().enumerate() {
                ink.text(area.x, area.y + n as u16, area.width, line, ink.theme.dim());
            }
            return;
        };
        let top = self.unit.ceiling(top);
        let axis = self.axis_width(top).min(area.width / 3);
        let times = u16::from(area.height >= ROWS_WITH_TIMES);
        let names = u16::from(area.height >= ROWS_WITH_NAMES && self.marks_inside().next().is_some());
        let plot = Rect::new(area.x + axis, area.y, area.width - axis, area.height - times - names);
        self.draw_axis(ink, area.x, axis, plot, top);
        self.draw_marks(ink, plot, names > 0);
        for line in self.lines.iter().rev() {
            self.draw_line(ink, plot, line, top);
        }
        if times > 0 {
            self.draw_times(ink, plot, area.bottom() - 1);
        }
    }

    fn points<'s>(&self, series: &'s Series) -> impl Iterator<Item = (Timestamp, f64)> + 's {
        series.between(self.window.0, self.window.1.plus_ms(1)).filter(|(_, value)| value.is_finite())
    }

    fn highest(&self) -> Option<f64> {
        let values = self.lines.iter().flat_map(|line| self.points(line.series)).map(|(_, value)| value);
        values.reduce(f64::max)
    }

    /// Heights that carry a label: the top, the middle where there is room, the bottom.
    fn ticks(height: u16) -> Vec<(u16, f64)> {
        match height {
            0 => Vec::new(),
            1 => vec![(0, 1.0)],
            2..=4 => vec![(0, 1.0), (height - 1, 0.0)],
            _ => vec![(0, 1.0), ((height - 1) / 2, 0.5), (height - 1, 0.0)],
        }
    }

    fn axis_width(&self, top: f64) -> u16 {
        let wide = [1.0, 0.5].map(|share| hostile::width(&self.unit.say_short(top * share)));
        wide.into_iter().max().unwrap_or(0).max(3) + 1
    }

    fn draw_axis(&self, ink: &mut Ink<'_>, x: u16, width: u16, plot: Rect, top: f64) {
        let dim = ink.theme.dim();
        for y in plot.y..plot.bottom() {
            ink.set(plot.x - 1, y, '│', dim);
        }
        for (row, share) in Self::ticks(plot.height) {
            if self.unit == Unit::Count && (top * share).fract() != 0.0 {
                continue;
            }
            ink.text_right(x, plot.y + row, width - 1, &self.unit.say_short(top * share), dim);
            ink.set(plot.x - 1, plot.y + row, '┤', dim);
        }
    }

    fn column(&self, at: Timestamp, columns: u32) -> Option<u32> {
        let span = self.window.1.ms_since(self.window.0);
        let into = at.ms_since(self.window.0);
        let column = u32::try_from(into.max(0) * i64::from(columns) / span).ok()?;
        (into >= 0 && column <= columns).then(|| column.min(columns - 1))
    }

    fn marks_inside(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|mark| mark.at >= self.window.0 && mark.at <= self.window.1)
    }

    fn draw_marks(&self, ink: &mut Ink<'_>, plot: Rect, names: bool) {
        let dim = ink.theme.dim();
        let mut free = plot.x;
        let mut last: Option<u16> = None;
        for mark in self.marks_inside() {
            let Some(column) = self.column(mark.at, u32::from(plot.width)) else { continue };
            let x = plot.x + column as u16;
            for y in plot.y..plot.bottom() {
                ink.set(x, y, '╎', dim);
            }
            if names && last != Some(x) {
                let name = format!("↑{}", mark.name);
                let width = hostile::width(&name);
                // A name too long for the right edge stands left of its mark.
                let from = if x + width <= plot.right() { x } else { plot.right().saturating_sub(width).max(plot.x) };
                if from >= free {
                    ink.text(from, plot.bottom(), plot.right() - from, &name, dim);
                    free = from + width + 1;
                } else if x >= free {
                    ink.text(x, plot.bottom(), plot.right() - x, &name, dim);
                    free = plot.right();
                }
            }
            last = Some(x);
        }
    }

    fn draw_line(&self, ink: &mut Ink<'_>, plot: Rect, line: &Line<'_>, top: f64) {
        let mut grid = Grid::new(plot.width, plot.height);
        let columns = u32::from(plot.width) * 2;
        let rows = u32::from(plot.height) * 4;
        let mut before: Option<(Timestamp, u32, u32)> = None;
        for (at, value) in self.points(line.series) {
            let Some(x) = self.column(at, columns) else { continue };
            let share = (value.max(0.0) / top).clamp(0.0, 1.0);
            let y = rows - 1 - (share * f64::from(rows - 1)).round() as u32;
            match before {
                Some((earlier, x0, y0)) if at.ms_since(earlier) <= JOIN_MS => grid.join((x0, y0), (x, y), line.dotted),
                _ => grid.dot(x, y),
            }
            before = Some((at, x, y));
        }
        grid.draw(ink, plot, line.style);
    }

    fn draw_times(&self, ink: &mut Ink<'_>, plot: Rect, y: u16) {
        let dim = ink.theme.dim();
        let (from, to) = self.window;
        ink.text(plot.x, y, plot.width, &from.clock(), dim);
        ink.text_right(plot.x, y, plot.width, &to.clock(), dim);
        let between = i64::from((plot.width / 28).saturating_sub(1));
        for n in 1..=between {
            let at = from.plus_ms(to.ms_since(from) * n / (between + 1)).floor_to(60);
            if let Some(column) = self.column(at, u32::from(plot.width)) {
                ink.text(plot.x + column as u16, y, 6, &at.clock(), dim);
            }
        }
    }
}

/// Dots, eight to a cell.
struct Grid {
    width: u16,
    cells: Vec<u8>,
}

impl Grid {
    fn new(width: u16, height: u16) -> Self {
        Grid { width, cells: vec![0; usize::from(width) * usize::from(height)] }
    }

    fn dot(&mut self, x: u32, y: u32) {
        let at = (y / 4) as usize * usize::from(self.width) + (x / 2) as usize;
        let dots = if x.is_multiple_of(2) { LEFT_DOTS } else { RIGHT_DOTS };
        if let Some(cell) = self.cells.get_mut(at) {
            *cell |= dots[(y % 4) as usize];
        }
    }

    /// A line from one dot to another, with no dot left out between.
    fn join(&mut self, from: (u32, u32), to: (u32, u32), dotted: bool) {
        let (dx, dy) = (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1));
        let steps = dx.abs().max(dy.abs()).max(1);
        for n in 0..=steps {
            let x = i64::from(from.0) + (dx * n + steps / 2).div_euclid(steps);
            let y = i64::from(from.1) + (dy * n + steps / 2).div_euclid(steps);
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && (!dotted || x % 4 < 2)
            {
                self.dot(x, y);
            }
        }
    }

    fn draw(&self, ink: &mut Ink<'_>, plot: Rect, style: Style) {
        for (at, dots) in self.cells.iter().enumerate().filter(|(_, dots)| **dots > 0) {
            let (x, y) = (at % usize::from(self.width), at / usize::from(self.width));
            let under = ink.dots(plot.x + x as u16, plot.y + y as u16);
            let c = char::from_u32(0x2800 + u32::from(dots | under)).unwrap_or(' ');
            ink.set(plot.x + x as u16, plot.y + y as u16, c, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::ui::theme::Theme;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_s(1_767_225_600 + n * 60)
    }

    fn drawn(points: &[(i64, f64)], marks: &[Mark], width: u16, height: u16) -> Vec<String> {
        let mut series = Series::default();
        series.merge(points.iter().map(|(at, value)| (minute(*at), *value)));
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let lines = vec![Line { series: &series, style: Style::new(), dotted: false }];
        let chart = Chart { window: (minute(0), minute(60)), unit: Unit::Age, lines, marks, empty: "no datapoint" };
        chart.draw(&mut Ink::new(&mut buf, Theme::new(false)), area);
        let row = |y| (0..width).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }

    #[test]
    fn a_rise_is_drawn_under_axes_with_units() {
        let rise: Vec<(i64, f64)> = (0..=60).map(|n| (n, n as f64 * 5_000.0)).collect();
        assert_eq!(
            drawn(&rise, &[], 24, 6),
            [
                "  5 m┤              ⢀⣠⠴⠊",
                "     │           ⣀⠴⠚⠁",
                "2.5 m┤       ⣀⠤⠒⠉",
                "     │   ⢀⡠⠖⠋",
                "  0 s┤⡠⠔⠋⠁",
                "      00:00Z      01:00Z",
            ]
        );
    }

    #[test]
    fn a_missing_minute_stays_a_gap() {
        let points: Vec<(i64, f64)> = (0..=60).filter(|n| !(20..40).contains(n)).map(|n| (n, 60_000.0)).collect();
        assert_eq!(drawn(&points, &[], 24, 2), ["60 s┤⠉⠉⠉⠉⠉⠉⠁     ⠈⠉⠉⠉⠉⠉⠉", " 0 s┤"]);
        assert_eq!(drawn(&[], &[], 24, 2)[0], "no datapoint");
    }

    #[test]
    fn a_change_is_marked_and_named() {
        let points: Vec<(i64, f64)> = (0..=60).map(|n| (n, 60_000.0)).collect();
        let marks = [Mark { at: minute(30), name: "parallel 1→5".into() }];
        assert_eq!(
            drawn(&points, &marks, 40, 4)[1..],
            ["    │                 ╎", " 0 s┤                 ╎", "                      ↑parallel 1→5"]
        );
    }
}
