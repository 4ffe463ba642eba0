//! Cards: a text drawn as an image, from an SVG template and with a font of our own, so that one machine draws what
//! the next does. Only for letters that this font has not are the machine's fonts looked at.
//!
//! Drawing is the feature `cards` of the crate, on by default: it makes the program some megabytes larger. Without
//! it every card is an error that says so.

#[cfg(feature = "cards")]
mod draw;
#[cfg(feature = "cards")]
mod fonts;
#[cfg(feature = "cards")]
mod layout;

use bytes::Bytes;

use crate::post::card::Card;

/// The size of every card, in pixels: 16 to 9, a shape that all platforms take.
pub const SIZE: (u32, u32) = (1200, 675);

/// Why a card cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Undrawable {
    /// In a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

/// Whether it can be drawn: its words fit at a size that can be read, in letters that there are.
#[cfg(feature = "cards")]
pub fn fits(card: &Card) -> Result<(), Undrawable> {
    layout::lay_out(card).map(drop)
}

/// The card as a PNG. The same card gives the same bytes.
#[cfg(feature = "cards")]
pub fn draw(card: &Card) -> Result<Bytes, Undrawable> {
    draw::png(card)
}

/// It can't.
#[cfg(not(feature = "cards"))]
pub fn fits(_: &Card) -> Result<(), Undrawable> {
    Err(left_out())
}

/// It can't be.
#[cfg(not(feature = "cards"))]
pub fn draw(_: &Card) -> Result<Bytes, Undrawable> {
    Err(left_out())
}

#[cfg(not(feature = "cards"))]
fn left_out() -> Undrawable {
    Undrawable {
        message: "this program was built without cards".into(),
        help: "use an image instead, or a program that was built with the feature `cards`",
    }
}
