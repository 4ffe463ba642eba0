//! Colours, and whether one can be read on another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Red, green and blue, as `#1d3557`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub [u8; 3]);

/// It is not six hexadecimal digits after a `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written as `#` and six digits 0-9 and a-f")]
pub struct NoColour;

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').ok_or(NoColour)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NoColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl TryFrom<String> for Colour {
    type Error = NoColour;

    fn try_from(text: String) -> Result<Self, NoColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// How well one can be read on the other: from 1, not at all, to 21, black on white
    /// (<https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let part = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = self.0.map(part);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_standard() {
        let of = |one: &str, two: &str| {
            let (one, two): (Colour, Colour) = (one.parse().unwrap(), two.parse().unwrap());
            (one.contrast(two) * 100.0).round() / 100.0
        };
        assert!((of("#000000", "#ffffff") - 21.0).abs() < f64::EPSILON);
        assert!((of("#ffffff", "#ffffff") - 1.0).abs() < f64::EPSILON);
        // The greys next to the limit of 4.5 on white, as every checker of contrast gives them.
        assert!((of("#767676", "#ffffff") - 4.54).abs() < f64::EPSILON);
        assert!((of("#ffffff", "#777777") - 4.48).abs() < f64::EPSILON);
    }

    #[test]
    fn a_colour_is_read_as_it_is_written() {
        let colour: Colour = "#1D3557".parse().unwrap();
        assert_eq!(colour, Colour([0x1d, 0x35, 0x57]));
        assert_eq!(colour.to_string(), "#1d3557");
        for wrong in [
            "1d3557",
            "#fff",
            "#1d355g",
            "#1d35577",
            "",
            "red",
            "#+d3557",
            "#éé\u{e9}",
        ] {
            assert_eq!(wrong.parse::<Colour>(), Err(NoColour), "{wrong}");
        }
    }
}
