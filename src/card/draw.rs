//! From a card laid out to pixels: the template filled in, read and drawn.

use askama::Template;
use bytes::Bytes;
use image::ImageEncoder as _;
use image::codecs::png::PngEncoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::Tree;

use super::layout::{self, Layout, Line};
use super::{SIZE, Undrawable, fonts};
use crate::post::card::{Card, Style};

/// The card as a PNG. The same card gives the same bytes.
pub fn png(card: &Card) -> Result<Bytes, Undrawable> {
    let svg = match card.style {
        Style::Quote => Quote::new(card, layout::lay_out(card)?).render(),
    };
    let svg = svg.map_err(|_| impossible())?;
    let tree = fonts::read(&svg)?;
    rasterize(&tree).ok_or_else(impossible)
}

/// `templates/card-quote.svg`. Whatever is put into it is text, never markup.
#[derive(Template)]
#[template(path = "card-quote.svg")]
struct Quote {
    background: String,
    text: String,
    accent: String,
    /// Where lines begin: the left edge, or the right one for what runs from right to left.
    edge: f32,
    anchor: &'static str,
    mark_x: f32,
    rule_x: f32,
    size: f32,
    lines: Vec<Line>,
    name: Footer,
    tags: Footer,
}

struct Footer {
    words: String,
    size: f32,
}

impl Quote {
    fn new(card: &Card, layout: Layout) -> Self {
        let colours = card.colours;
        let (edge, mark_x, rule_x) = if layout.from_right {
            let right = layout::RIGHT;
            (right, right + 10.0, right - 72.0)
        } else {
            (layout::LEFT, layout::LEFT - 10.0, layout::LEFT)
        };
        Self {
            background: colours.background.to_string(),
            text: colours.text.to_string(),
            accent: colours.accent.to_string(),
            edge,
            anchor: if layout.from_right { "end" } else { "start" },
            mark_x,
            rule_x,
            size: layout.size,
            lines: layout.lines,
            name: Footer {
                words: card.name.clone(),
                size: layout.name_size,
            },
            tags: Footer {
                words: card.tags.clone(),
                size: layout.tags_size,
            },
        }
    }
}

fn rasterize(tree: &Tree) -> Option<Bytes> {
    let (width, height) = SIZE;
    let mut pixels = Pixmap::new(width, height)?;
    resvg::render(tree, Transform::identity(), &mut pixels.as_mut());
    // The background covers all, so nothing is seen through.
    let opaque: Vec<u8> = pixels
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let mut out = Vec::new();
    PngEncoder::new(&mut out)
        .write_image(&opaque, width, height, image::ExtendedColorType::Rgb8)
        .ok()?;
    Some(out.into())
}

pub(super) fn impossible() -> Undrawable {
    Undrawable {
        message: "this card cannot be drawn".into(),
        help: "use an image instead",
    }
}
