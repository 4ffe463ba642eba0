//! Where each line of a card stands, and how large: the largest size at which its words fit, in lines of about
//! the same length.

use std::fmt::Write as _;

use resvg::usvg::Node;
use unicode_bidi::BidiInfo;

use super::draw::impossible;
use super::{Undrawable, fonts};
use crate::post::card::Card;
use crate::text::{escape, line_pieces};

/// The edges of what is written, in pixels.
pub const LEFT: f32 = 96.0;
pub const RIGHT: f32 = 1104.0;
const TOP: f32 = 150.0;
const BOTTOM: f32 = 530.0;

/// The sizes of the words, in pixels.
const LARGEST: u16 = 92;
const SMALLEST: u16 = 30;
/// From line to line, and what an empty line takes, in sizes.
const LEADING: f32 = 1.28;
const EMPTY: f32 = 0.6;
/// Those of the name and the tags below.
const NAME: f32 = 30.0;
const TAGS: f32 = 24.0;
const FOOTER_MIN: f32 = 14.0;
/// What is measured is this large: lengths grow with the size.
const MEASURED: f32 = 100.0;

/// How often lines that turn out longer are broken anew, and how much less room they get at least: enough for a
/// font that is half as wide again.
const TRIES: usize = 9;
const NARROWER: f32 = 0.95;

/// A card laid out.
pub struct Layout {
    pub size: f32,
    pub lines: Vec<Line>,
    pub name_size: f32,
    pub tags_size: f32,
    /// It is read from right to left.
    pub from_right: bool,
}

pub struct Line {
    /// Its baseline.
    pub y: f32,
    pub words: String,
}

/// A piece that is never broken, with its length; the space after it is not in it.
struct Piece<'t> {
    text: &'t str,
    width: f32,
    space: bool,
}

pub fn lay_out(card: &Card) -> Result<Layout, Undrawable> {
    let paragraphs: Vec<Vec<&str>> = card.words.lines().map(line_pieces).collect();
    let texts = paragraphs.iter().flatten().map(|piece| piece.trim_end());
    let footer = [card.name.as_str(), card.tags.as_str(), "x x", "xx"];
    let widths = measure(&texts.chain(footer).collect::<Vec<_>>())?;
    let (words, rest) = widths.split_at(widths.len().saturating_sub(footer.len()));
    let &[name, tags, spaced, close] = rest else {
        return Err(impossible());
    };
    let space = spaced - close;
    let mut words = words.iter().copied();
    let paragraphs: Vec<Vec<Piece<'_>>> = paragraphs
        .into_iter()
        .map(|pieces| {
            pieces
                .into_iter()
                .zip(words.by_ref())
                .map(|(piece, width)| Piece {
                    text: piece.trim_end(),
                    width,
                    space: piece.ends_with(' '),
                })
                .collect()
        })
        .collect();

    let footer_size = |width: f32, size: f32| size.min(MEASURED * (RIGHT - LEFT) / width.max(1.0));
    let (name_size, tags_size) = (footer_size(name, NAME), footer_size(tags, TAGS));
    if name_size < FOOTER_MIN || tags_size < FOOTER_MIN {
        return Err(Undrawable {
            message: "the campaign's name, or its hashtags, are too long for a card".into(),
            help: "make them shorter, or use an image instead",
        });
    }
    let from_right = BidiInfo::new(&card.words, None)
        .paragraphs
        .first()
        .is_some_and(|paragraph| paragraph.level.is_rtl());
    let (size, lines) = in_lines(&paragraphs, space)?;
    Ok(Layout {
        size,
        lines: placed(lines, size, from_right),
        name_size,
        tags_size,
        from_right,
    })
}

/// The largest size that fits, and the lines. A line may be longer than its pieces: one letter that our font
/// has not brings another font for the words around it. So they are measured again, and while one sticks out all
/// are given less room.
fn in_lines(paragraphs: &[Vec<Piece<'_>>], space: f32) -> Result<(f32, Vec<String>), Undrawable> {
    let mut room = RIGHT - LEFT;
    for _ in 0..TRIES {
        let fitting = |size: u16| broken(paragraphs, space, room, f32::from(size)).map(|lines| (size, lines));
        let Some((size, lines)) = largest(fitting) else {
            break;
        };
        let size = f32::from(size);
        let measured = measure(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
        let longest = measured.into_iter().fold(0.0, f32::max) * size / MEASURED;
        // Half a pixel is lost in reckoning.
        if longest <= RIGHT - LEFT + 0.5 {
            return Ok((size, lines));
        }
        room *= ((RIGHT - LEFT) / longest).min(NARROWER);
    }
    Err(Undrawable {
        message: "this text is too long for a card, even in small letters".into(),
        help: "make it shorter, or put a line of just `---` after what belongs on the card",
    })
}

/// What `fitting` says of the largest size for which it says anything.
fn largest<T>(fitting: impl Fn(u16) -> Option<T>) -> Option<T> {
    let mut found = fitting(SMALLEST)?;
    let (mut fits, mut too_large) = (SMALLEST, LARGEST + 1);
    while fits + 1 < too_large {
        let middle = u16::midpoint(fits, too_large);
        match fitting(middle) {
            Some(better) => (found, fits) = (better, middle),
            None => too_large = middle,
        }
    }
    Some(found)
}

/// The lines of at most `room` pixels at this size; an empty one has no words. `None` if they do not fit.
fn broken(paragraphs: &[Vec<Piece<'_>>], space: f32, room: f32, size: f32) -> Option<Vec<String>> {
    let room = room * MEASURED / size;
    let mut lines = Vec::new();
    for pieces in paragraphs {
        let count = wrapped(pieces, space, room)?.len();
        // As narrow as may be with as many lines: so the last is not a word alone.
        let (mut fits, mut narrow) = (room, 0.0);
        for _ in 0..12 {
            let middle = f32::midpoint(fits, narrow);
            match wrapped(pieces, space, middle) {
                Some(lines) if lines.len() == count => fits = middle,
                _ => narrow = middle,
            }
        }
        lines.extend(wrapped(pieces, space, fits)?);
    }
    (height(&lines) * size <= BOTTOM - TOP).then_some(lines)
}

/// One paragraph in lines of at most `room`; `None` if a piece alone is longer.
fn wrapped(pieces: &[Piece<'_>], space: f32, room: f32) -> Option<Vec<String>> {
    let mut lines = vec![String::new()];
    let (mut width, mut gap) = (0.0, 0.0);
    for piece in pieces {
        if piece.width > room {
            return None;
        }
        let line = lines.last_mut()?;
        if width + gap + piece.width > room {
            lines.push(piece.text.to_owned());
            width = piece.width;
        } else {
            if gap > 0.0 {
                line.push(' ');
            }
            line.push_str(piece.text);
            width += gap + piece.width;
        }
        gap = if piece.space { space } else { 0.0 };
    }
    Some(lines)
}

/// In sizes.
fn height(lines: &[String]) -> f32 {
    lines.iter().map(|line| leading(line)).sum()
}

fn leading(line: &str) -> f32 {
    if line.is_empty() { EMPTY } else { LEADING }
}

/// The lines in the middle between top and bottom.
fn placed(lines: Vec<String>, size: f32, from_right: bool) -> Vec<Line> {
    let mut y = f32::midpoint(TOP, BOTTOM) - height(&lines) * size / 2.0;
    let mut placed = Vec::new();
    for words in lines {
        let (leading, top) = (leading(&words) * size, y);
        y += leading;
        if words.is_empty() {
            continue;
        }
        placed.push(Line {
            // Letters stand a third of their size below the middle of their line.
            y: (top + leading / 2.0 + size / 3.0).round(),
            // SVG takes every line for one that begins on the left, if it is not told.
            words: if from_right {
                format!("\u{202b}{words}\u{202c}")
            } else {
                words
            },
        });
    }
    placed
}

/// The lengths of texts, each by itself.
fn measure(texts: &[&str]) -> Result<Vec<f32>, Undrawable> {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\" font-family=\"'Source Serif 4'\" font-weight=\"600\" font-size=\"{MEASURED}\">"
    );
    for (index, text) in texts.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(svg, "<text id=\"t{index}\">{}</text>", escape::attribute(text));
    }
    svg.push_str("</svg>");
    let tree = fonts::read(&svg)?;
    let mut widths = vec![0.0; texts.len()];
    for node in tree.root().children() {
        let index = node
            .id()
            .strip_prefix('t')
            .and_then(|id| id.parse::<usize>().ok());
        if let (Node::Text(text), Some(width)) = (node, index.and_then(|index| widths.get_mut(index))) {
            *width = text.bounding_box().width();
        }
    }
    Ok(widths)
}
