//! HOW LARGE. What becomes of an image on its way to a platform: as it is, drawn anew so that it fits, or never.

use super::limits::Limits;

/// An image that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Media {
    pub mime: &'static str,
    /// Its size without metadata, in bytes.
    pub size: u64,
    /// As it is seen, upright.
    pub width: u32,
    pub height: u32,
    /// It has more than one picture.
    pub moving: bool,
    /// How it is stored, as EXIF counts it: 1 is upright, 6 lies on its right side.
    pub turn: u8,
}

/// The dimensions that a platform takes. What it scales down by itself is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Width times height.
    pub max_pixels: Option<u64>,
    /// Width and height together.
    pub max_sides: Option<u32>,
    /// The tallest and the broadest shape, each as width to height.
    pub shapes: Option<[(u32, u32); 2]>,
}

impl Frame {
    /// Whatever there is.
    pub const ANY: Self = Self {
        max_pixels: None,
        max_sides: None,
        shapes: None,
    };

    fn holds(&self, media: &Media) -> bool {
        let (width, height) = (u64::from(media.width), u64::from(media.height));
        self.max_pixels.is_none_or(|max| width * height <= max)
            && self.max_sides.is_none_or(|max| width + height <= u64::from(max))
    }
}

/// How an image is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    AsItIs,
    /// Decoded, turned upright, scaled down as far as it must be, and encoded as a type that is taken.
    Anew,
}

/// Why an image can't be made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// A moving one of a type that is not taken, or where nothing may move.
    Moving,
    /// A moving one that is too large; it would have to be drawn anew picture by picture.
    MovingTooLarge,
    /// Its height is too great for its width.
    TooTall,
    /// Its width is too great for its height.
    TooBroad,
}

/// What becomes of `media` on a platform with these limits.
pub fn way(media: &Media, limits: &Limits) -> Result<Way, Misfit> {
    let taken = limits.image_types.contains(&media.mime);
    if let Some([tallest, broadest]) = limits.frame.shapes {
        let (width, height) = (u64::from(media.width), u64::from(media.height));
        if width * u64::from(tallest.1) < height * u64::from(tallest.0) {
            return Err(Misfit::TooTall);
        }
        if width * u64::from(broadest.1) > height * u64::from(broadest.0) {
            return Err(Misfit::TooBroad);
        }
    }
    let within = limits.frame.holds(media);
    if media.moving {
        return match limits.max_moving_bytes {
            Some(max) if taken && within && media.size <= max => Ok(Way::AsItIs),
            Some(_) if taken => Err(Misfit::MovingTooLarge),
            _ => Err(Misfit::Moving),
        };
    }
    if taken && within && media.turn == 1 && media.size <= limits.max_image_bytes {
        Ok(Way::AsItIs)
    } else {
        Ok(Way::Anew)
    }
}

/// The largest size of at most `max_pixels` pixels, and within the frame, that has the shape of `width` to
/// `height`. Nothing is ever made larger.
pub fn scaled(width: u32, height: u32, max_pixels: u64, frame: &Frame) -> (u32, u32) {
    let (wide, high) = (f64::from(width), f64::from(height));
    let pixels = frame.max_pixels.map_or(max_pixels, |max| max.min(max_pixels));
    // Far below 2^53, so nothing is lost.
    #[expect(clippy::cast_precision_loss, reason = "numbers of pixels are small")]
    let by_pixels = (pixels as f64 / (wide * high)).sqrt();
    let by_sides = frame.max_sides.map_or(1.0, |max| f64::from(max) / (wide + high));
    let scale = by_pixels.min(by_sides).min(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a u32 is one too"
    )]
    let side = |side: f64| ((side * scale).floor() as u32).max(1);
    (side(wide), side(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::limits::{BLUESKY, FACEBOOK, INSTAGRAM, LINKEDIN, MASTODON, PLATFORMS, TELEGRAM, X};

    fn still(mime: &'static str, size: u64, width: u32, height: u32) -> Media {
        Media {
            mime,
            size,
            width,
            height,
            moving: false,
            turn: 1,
        }
    }

    #[test]
    fn what_fits_is_left_alone_and_all_other_stills_are_drawn_anew() {
        let photo = still("image/jpeg", 900_000, 1200, 900);
        for limits in PLATFORMS {
            assert_eq!(way(&photo, limits), Ok(Way::AsItIs), "{}", limits.platform);
        }
        let heavy = still("image/jpeg", 1_000_001, 1200, 900);
        assert_eq!(way(&heavy, &BLUESKY), Ok(Way::Anew));
        assert_eq!(way(&heavy, &MASTODON), Ok(Way::AsItIs));
        let drawing = still("image/png", 9_000, 1200, 900);
        assert_eq!(way(&drawing, &INSTAGRAM), Ok(Way::Anew));
        let vast = still("image/jpeg", 900_000, 7000, 5000);
        assert_eq!(way(&vast, &MASTODON), Ok(Way::Anew));
        assert_eq!(way(&vast, &LINKEDIN), Ok(Way::AsItIs));
        assert_eq!(way(&vast, &TELEGRAM), Ok(Way::Anew));
        let turned = Media { turn: 6, ..photo };
        assert_eq!(way(&turned, &MASTODON), Ok(Way::Anew));
    }

    #[test]
    fn shapes_are_for_people_to_crop() {
        assert_eq!(
            way(&still("image/jpeg", 9, 400, 500), &INSTAGRAM),
            Ok(Way::AsItIs)
        );
        assert_eq!(
            way(&still("image/jpeg", 9, 399, 500), &INSTAGRAM),
            Err(Misfit::TooTall)
        );
        assert_eq!(
            way(&still("image/jpeg", 9, 191, 100), &INSTAGRAM),
            Ok(Way::AsItIs)
        );
        assert_eq!(
            way(&still("image/jpeg", 9, 192, 100), &INSTAGRAM),
            Err(Misfit::TooBroad)
        );
        assert_eq!(
            way(&still("image/png", 9, 2001, 100), &TELEGRAM),
            Err(Misfit::TooBroad)
        );
    }

    #[test]
    fn what_moves_passes_as_it_is_or_not_at_all() {
        let gif = Media {
            moving: true,
            ..still("image/gif", 900_000, 400, 300)
        };
        assert_eq!(way(&gif, &MASTODON), Ok(Way::AsItIs));
        assert_eq!(way(&gif, &INSTAGRAM), Err(Misfit::Moving));
        assert_eq!(way(&gif, &FACEBOOK), Err(Misfit::Moving));
        let large = Media {
            size: 14_000_000,
            ..gif
        };
        assert_eq!(way(&large, &X), Ok(Way::AsItIs));
        assert_eq!(way(&large, &BLUESKY), Err(Misfit::MovingTooLarge));
    }

    #[test]
    fn scaling_keeps_the_shape_and_never_enlarges() {
        assert_eq!(scaled(400, 300, 1_000_000, &Frame::ANY), (400, 300));
        assert_eq!(scaled(4000, 3000, 3_000_000, &Frame::ANY), (2000, 1500));
        assert_eq!(scaled(40_000, 1, 10_000, &Frame::ANY), (20_000, 1));
        let (width, height) = scaled(9000, 6000, u64::MAX, &TELEGRAM.frame);
        assert!(
            width + height <= 10_000 && width + height > 9_990,
            "{width} {height}"
        );
    }
}
