//! Curves and bars with their axes, as SVG images. They have no styles and no scripts, so they need no exception from
//! the policy of the pages: for the dark, and for a phone, there are other images.

use std::iter::once;

use chrono::NaiveDate;
use jiff::ToSpan;
use jiff::civil::Date;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::*;

use crate::desk::insights::Days;

use super::show::{decimal, grouped};
use super::words::Words;

/// How an image is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// In a window that is wider than a phone's.
    pub wide: bool,
    pub dark: bool,
}

/// One line of a plot.
pub(super) struct Line<'a> {
    pub name: &'a str,
    pub colour: RGBColor,
    /// At the end of each step.
    pub values: Vec<i64>,
}

/// An image that can't be drawn: there is nothing to be seen in it.
#[derive(Debug)]
pub(super) struct Undrawn;

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Undrawn {
    fn from(_: DrawingAreaErrorKind<E>) -> Self {
        Self
    }
}

/// Coordinates are whole numbers, so all is drawn so much larger than it is shown.
const FINE: u32 = 4;
const FONT: &str = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif";
/// How wide a bar and the gap beside it are.
pub(super) const BAR: i32 = 100;

/// Colours of what is not data, as the stylesheet has them.
struct Ink {
    soft: RGBColor,
    line: RGBColor,
    card: RGBColor,
    link: RGBColor,
}

const LIGHT: Ink = Ink {
    soft: RGBColor(0x5d, 0x5a, 0x53),
    line: RGBColor(0xdc, 0xd8, 0xce),
    card: RGBColor(0xff, 0xfe, 0xfb),
    link: RGBColor(0x0a, 0x4f, 0x8f),
};
const DARK: Ink = Ink {
    soft: RGBColor(0xae, 0xac, 0xa4),
    line: RGBColor(0x35, 0x38, 0x32),
    card: RGBColor(0x1d, 0x1f, 0x1c),
    link: RGBColor(0x93, 0xc0, 0xf0),
};

/// Those of the platforms that count how the public answers.
const COLOURS: [(&str, RGBColor); 7] = [
    ("mastodon", RGBColor(0x63, 0x64, 0xff)),
    ("bluesky", RGBColor(0x0a, 0x7a, 0xff)),
    ("x", RGBColor(0x77, 0x75, 0x6f)),
    ("threads", RGBColor(0xa8, 0x5f, 0xb8)),
    ("instagram", RGBColor(0xd6, 0x33, 0x7c)),
    ("facebook", RGBColor(0x18, 0x77, 0xf2)),
    ("reddit", RGBColor(0xf0, 0x50, 0x0f)),
];

impl Look {
    /// On paper.
    pub const PAPER: Self = Self {
        wide: true,
        dark: false,
    };

    /// How large it is shown, in pixels.
    pub fn size(self) -> (u32, u32) {
        if self.wide { (640, 300) } else { (320, 240) }
    }

    fn fine(self) -> (u32, u32) {
        let (width, height) = self.size();
        (width * FINE, height * FINE)
    }

    fn ink(self) -> &'static Ink {
        if self.dark { &DARK } else { &LIGHT }
    }

    /// The colour of a platform; lighter in the dark, so that it is seen there.
    pub fn colour(self, platform: &str) -> RGBColor {
        let found = COLOURS.iter().find(|(name, _)| *name == platform);
        match found {
            None => self.ink().link,
            Some((_, colour)) if !self.dark => *colour,
            Some((_, RGBColor(red, green, blue))) => {
                let lighter = |part: u8| part + (u8::MAX - part) / 3;
                RGBColor(lighter(*red), lighter(*green), lighter(*blue))
            }
        }
    }

    /// The colour of a line that is alone.
    pub fn only(self) -> RGBColor {
        self.ink().link
    }

    /// How high letters are. A phone shows its image smaller than it is drawn.
    fn letter(self) -> u32 {
        if self.wide { 12 } else { 14 }
    }

    /// How much room the longest number beside an axis takes.
    fn room(self, longest: &str) -> u32 {
        let digits = u32::try_from(longest.chars().count()).unwrap_or(8);
        (digits * self.letter() * 2 / 3 + 8) * FINE
    }

    fn letters(self) -> TextStyle<'static> {
        (FONT, self.letter() * FINE).into_font().color(&self.ink().soft)
    }
}

/// How something grew day by day; a line that is alone is an area.
pub(super) fn curves(
    days: &Days,
    lines: &[Line<'_>],
    look: Look,
    t: &'static Words,
) -> Result<String, Undrawn> {
    let edges = edges(days);
    let (Some(first), Some(last)) = (edges.first().copied(), edges.last().copied()) else {
        return Err(Undrawn);
    };
    let most = lines.iter().flat_map(|line| &line.values).max();
    let most = most.copied().unwrap_or(0).max(4);
    let top = most.saturating_add(most / 16);
    let ink = look.ink();
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, look.fine()).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin_top(8 * FINE)
            .margin_right(22 * FINE)
            .x_label_area_size(26 * FINE)
            .y_label_area_size(look.room(&number(top)))
            .build_cartesian_2d(first..last, 0..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(ink.line.stroke_width(FINE))
            .light_line_style(TRANSPARENT)
            .axis_style(ink.line.stroke_width(FINE))
            .x_labels(if look.wide { 8 } else { 4 })
            .y_labels(5)
            .label_style(look.letters())
            .x_label_formatter(&|day| short(t, *day))
            .y_label_formatter(&|value| number(*value))
            .draw()?;
        for line in lines {
            let points =
                once((first, 0)).chain(edges.iter().skip(1).copied().zip(line.values.iter().copied()));
            let colour = line.colour;
            let stroke = colour.stroke_width(2 * FINE);
            let drawn = if lines.len() == 1 {
                chart.draw_series(AreaSeries::new(points, 0, colour.mix(0.16)).border_style(stroke))?
            } else {
                chart.draw_series(LineSeries::new(points, stroke))?
            };
            drawn.label(line.name).legend(move |(x, y)| {
                let (across, down) = (14 * FINE, FINE + FINE / 2);
                let down = i32::try_from(down).unwrap_or(0);
                Rectangle::new(
                    [(x, y - down), (x + i32::try_from(across).unwrap_or(0), y + down)],
                    colour.filled(),
                )
            });
        }
        if lines.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .margin(4 * FINE)
                .legend_area_size(20 * FINE)
                .border_style(TRANSPARENT)
                .background_style(ink.card.mix(0.85))
                .label_font(look.letters())
                .draw()?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// What each of some compares to the usual, which is 1. `named`: where along them, in hundredths of a bar, which names
/// stand.
pub(super) fn bars(
    values: &[Option<f64>],
    named: &[(i32, String)],
    look: Look,
    t: &'static Words,
) -> Result<String, Undrawn> {
    let most = values.iter().flatten().copied().fold(1.0, f64::max);
    let ink = look.ink();
    let whole = i32::try_from(values.len())
        .map_err(|_| Undrawn)?
        .saturating_mul(BAR);
    let times = |value: f64| {
        if value > 0.0 {
            format!("{}×", decimal(t, value))
        } else {
            String::new()
        }
    };
    let name = |at: &i32| {
        let found = named.iter().find(|(of, _)| of == at);
        found.map_or_else(String::new, |(_, name)| name.clone())
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, look.fine()).into_drawing_area();
        let across = (0..whole).with_key_points(named.iter().map(|(at, _)| *at).collect::<Vec<i32>>());
        let mut chart = ChartBuilder::on(&root)
            .margin_top(8 * FINE)
            .margin_right(22 * FINE)
            .x_label_area_size(26 * FINE)
            .y_label_area_size(look.room(&times(most)))
            .build_cartesian_2d(across, 0.0..most * 1.06)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(ink.line.stroke_width(FINE))
            .light_line_style(TRANSPARENT)
            .axis_style(ink.line.stroke_width(FINE))
            .y_labels(4)
            .label_style(look.letters())
            .x_label_formatter(&name)
            .y_label_formatter(&|value| times(*value))
            .draw()?;
        let bars = (0..whole)
            .step_by(BAR.unsigned_abs() as usize)
            .zip(values)
            .filter_map(|(at, value)| {
                let (from, to) = (at + BAR / 7, at + BAR - BAR / 7);
                Some(Rectangle::new([(from, 0.0), (to, (*value)?)], ink.link.filled()))
            });
        chart.draw_series(bars)?;
        let usual = [(0, 1.0), (whole, 1.0)];
        chart.draw_series(LineSeries::new(usual, ink.soft.stroke_width(FINE)))?;
        root.present()?;
    }
    Ok(svg)
}

/// Nought is where the axis stands; there its name would be in the way of the first day's.
fn number(value: i64) -> String {
    u64::try_from(value)
        .ok()
        .filter(|value| *value > 0)
        .map(grouped)
        .unwrap_or_default()
}

/// When each step begins, and the day after the last.
fn edges(days: &Days) -> Vec<NaiveDate> {
    let end = days.last.checked_add(1.day()).ok();
    let all = days.steps().into_iter().chain(end);
    all.filter_map(|day| {
        let (month, of_month) = (u32::try_from(day.month()), u32::try_from(day.day()));
        NaiveDate::from_ymd_opt(i32::from(day.year()), month.ok()?, of_month.ok()?)
    })
    .collect()
}

/// `2 Nov`
fn short(t: &'static Words, day: NaiveDate) -> String {
    use chrono::Datelike;
    let date = i8::try_from(day.month()).ok().zip(i8::try_from(day.day()).ok());
    date.map(|(month, day)| format!("{day} {}", t.month_short(month)))
        .unwrap_or_default()
}

/// A day as the axes name it.
pub(super) fn short_day(t: &'static Words, day: Date) -> String {
    format!("{} {}", day.day(), t.month_short(day.month()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::web::words::{ENGLISH, SPANISH};

    fn days() -> Days {
        Days::new(date(2026, 11, 2), date(2026, 11, 8), TimeZone::UTC)
    }

    fn line(name: &str, values: [i64; 7]) -> Line<'_> {
        Line {
            name,
            colour: Look::PAPER.colour(name),
            values: values.to_vec(),
        }
    }

    #[test]
    fn an_image_has_nothing_that_the_policy_would_not_let_through() {
        let lines = [
            line("mastodon", [1, 2, 3, 4, 5, 6, 7]),
            line("<script>&\"", [0, 0, 10, 20, 1200, 1300, 1400]),
        ];
        let svg = curves(&days(), &lines, Look::PAPER, &ENGLISH).unwrap();
        for bad in ["style", "<script", "href", "http://cdn", "onload", "url("] {
            assert!(!svg.contains(bad), "{bad} in {svg}");
        }
        assert!(svg.contains("&lt;script&gt;&amp;"), "{svg}");
        assert_eq!(svg.matches("http").count(), 1, "its own namespace: {svg}");
    }

    #[test]
    fn axes_speak_the_language_of_the_page() {
        let lines = [line("x", [0, 0, 0, 500, 1200, 1300, 1400])];
        let svg = |t| curves(&days(), &lines, Look::PAPER, t).unwrap();
        assert!(svg(&ENGLISH).contains("2 Nov") && svg(&SPANISH).contains("2 nov"));
        let values = [Some(0.5), None, Some(2.0)];
        let named = [(50, "lun".to_owned())];
        let bars = bars(&values, &named, Look::PAPER, &SPANISH).unwrap();
        assert!(bars.contains("lun") && bars.contains("1,0×"), "{bars}");
    }

    #[test]
    fn nothing_is_drawn_too() {
        let lines = [line("x", [0; 7])];
        assert!(curves(&days(), &lines, Look::PAPER, &ENGLISH).is_ok());
        assert!(curves(&days(), &[], Look::PAPER, &ENGLISH).is_ok());
        assert!(bars(&[None; 24], &[], Look::PAPER, &ENGLISH).is_ok());
    }

    #[test]
    fn colours_are_those_of_the_stylesheet() {
        let sheet = include_str!("../../templates/web/style.css");
        let written = |RGBColor(red, green, blue): RGBColor| format!("#{red:02x}{green:02x}{blue:02x}");
        for (platform, colour) in COLOURS {
            let rule = format!(".p-{platform} {{ --p: {}; }}", written(colour));
            assert!(sheet.contains(&rule), "{rule}");
        }
        for ink in [&LIGHT, &DARK] {
            let all = [
                ("soft", ink.soft),
                ("line", ink.line),
                ("card", ink.card),
                ("link", ink.link),
            ];
            for (name, colour) in all {
                let rule = format!("--{name}: {};", written(colour));
                assert!(sheet.contains(&rule), "{rule}");
            }
        }
    }
}
