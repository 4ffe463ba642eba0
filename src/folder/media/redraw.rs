//! An image that a platform would not take as it is, drawn anew: decoded within limits, turned upright, scaled
//! down, encoded. The same image gives the same bytes.

use std::borrow::Cow;
use std::io::Cursor;

use bytes::Bytes;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::error::{LimitError, LimitErrorKind};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageEncoder, ImageError, RgbImage};

use super::{broken, problem};
use crate::campaign::outside::{Media, MediaProblem};
use crate::text::images::{Frame, Way, scaled, way};
use crate::text::limits::Limits;

/// The most memory that decoding may take, in bytes.
const MEMORY_MAX: u64 = 256 << 20;

/// What is tried, one after the other, until it is small enough: so many pixels, and which quality of JPEG. A
/// platform shows no more than the second anyway.
const TRIES: [(u64, u8); 9] = [
    (u64::MAX, 90),
    (6_000_000, 90),
    (6_000_000, 80),
    (4_000_000, 80),
    (2_500_000, 80),
    (1_500_000, 80),
    (800_000, 80),
    (300_000, 80),
    (100_000, 70),
];

/// The image as a platform with these limits takes it; without any, upright.
pub fn fitted(bytes: Bytes, media: Media, limits: Option<&Limits>) -> Result<(Bytes, Media), MediaProblem> {
    let anew = match limits {
        None => media.turn != 1,
        Some(limits) => {
            way(&media, limits).map_err(|_| {
                problem(
                    &format!("this image can't be made to fit {}", limits.platform),
                    "`steadfast check` says why",
                )
            })? == Way::Anew
        }
    };
    if !anew {
        return Ok((bytes, media));
    }
    redraw(&bytes, &media, limits)
}

fn redraw(bytes: &Bytes, media: &Media, limits: Option<&Limits>) -> Result<(Bytes, Media), MediaProblem> {
    let (mut whole, colours) = decode(bytes, media.mime).map_err(|why| undecoded(&why))?;
    whole.apply_orientation(Orientation::from_exif(media.turn).unwrap_or(Orientation::NoTransforms));
    let clear = is_clear(&whole);
    let takes = |mime: &str| limits.is_none_or(|limits| limits.image_types.contains(&mime));
    let max = limits.map_or(u64::MAX, |limits| limits.max_image_bytes);
    let frame = limits.map_or(Frame::ANY, |limits| limits.frame);
    // Drawings and what one can see through stay sharp and clear, where they may.
    let png = takes("image/png") && (clear || media.mime != "image/jpeg");
    let jpeg = takes("image/jpeg") && !(clear && png);
    for (index, (pixels, quality)) in TRIES.into_iter().enumerate() {
        let (width, height) = scaled(whole.width(), whole.height(), pixels, &frame);
        // What would be as large as before.
        if index > 0 && (width, height) == (whole.width(), whole.height()) && quality == TRIES[0].1 {
            continue;
        }
        let image = resized(&whole, width, height);
        let mut made = Vec::new();
        if png && (clear || index == 0) {
            made.push(("image/png", to_png(&image, clear, &colours)));
        }
        if jpeg {
            made.push(("image/jpeg", to_jpeg(&image, quality, &colours)));
        }
        for (mime, encoded) in made {
            let encoded = encoded.map_err(|_| broken())?;
            let size = encoded.len() as u64;
            if size <= max {
                let media = Media {
                    mime,
                    size,
                    width,
                    height,
                    moving: false,
                    turn: 1,
                };
                return Ok((encoded.into(), media));
            }
        }
    }
    Err(problem(
        "this image can't be made small enough",
        "save it smaller, or with more compression",
    ))
}

/// What its numbers mean, if it says so (an ICC profile).
type Colours = Option<Vec<u8>>;

fn decode(bytes: &Bytes, mime: &str) -> image::ImageResult<(DynamicImage, Colours)> {
    let from = Cursor::new(bytes.as_ref());
    match mime {
        "image/jpeg" => finish(JpegDecoder::new(from)?),
        "image/png" => finish(PngDecoder::with_limits(from, memory())?),
        "image/webp" => finish(WebPDecoder::new(from)?),
        _ => finish(GifDecoder::new(from)?),
    }
}

fn memory() -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MEMORY_MAX);
    limits
}

fn finish(mut decoder: impl ImageDecoder) -> image::ImageResult<(DynamicImage, Colours)> {
    decoder.set_limits(memory())?;
    if decoder.total_bytes() > MEMORY_MAX {
        let kind = LimitErrorKind::InsufficientMemory;
        return Err(ImageError::Limits(LimitError::from_kind(kind)));
    }
    let colours = decoder.icc_profile()?.filter(|profile| is_rgb(profile));
    Ok((DynamicImage::from_decoder(decoder)?, colours))
}

/// Whether a profile is for red, green and blue: all that is drawn anew is.
fn is_rgb(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ")
}

fn undecoded(why: &ImageError) -> MediaProblem {
    if matches!(why, ImageError::Limits(_)) {
        return problem(
            "this image must be made smaller, and takes too much memory for that",
            "save it smaller, or with 8 bits for a colour",
        );
    }
    broken()
}

/// Whether one can see through it somewhere.
fn is_clear(image: &DynamicImage) -> bool {
    image.color().has_alpha() && image.pixels().any(|(_, _, pixel)| pixel.0[3] < u8::MAX)
}

fn resized(image: &DynamicImage, width: u32, height: u32) -> Cow<'_, DynamicImage> {
    if (width, height) == (image.width(), image.height()) {
        return Cow::Borrowed(image);
    }
    Cow::Owned(smaller(image, width, height))
}

fn smaller(image: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    // The fine filter needs much memory for a large image, which the coarse one halves first.
    let (twice_wide, twice_high) = (width.saturating_mul(2), height.saturating_mul(2));
    if twice_wide < image.width() && twice_high < image.height() {
        return image.thumbnail_exact(twice_wide, twice_high).resize_exact(
            width,
            height,
            FilterType::Lanczos3,
        );
    }
    image.resize_exact(width, height, FilterType::Lanczos3)
}

fn to_png(image: &DynamicImage, clear: bool, colours: &Colours) -> image::ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = PngEncoder::new(&mut out);
    if let Some(colours) = colours {
        let _ = encoder.set_icc_profile(colours.clone());
    }
    if clear {
        image.to_rgba8().write_with_encoder(encoder)?;
    } else {
        image.to_rgb8().write_with_encoder(encoder)?;
    }
    Ok(out)
}

fn to_jpeg(image: &DynamicImage, quality: u8, colours: &Colours) -> image::ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut out, quality);
    if let Some(colours) = colours {
        let _ = encoder.set_icc_profile(colours.clone());
    }
    on_white(image).write_with_encoder(encoder)?;
    Ok(out)
}

/// What one can see through stands on white.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let clear = image.to_rgba8();
    RgbImage::from_fn(clear.width(), clear.height(), |x, y| {
        let [red, green, blue, alpha] = clear.get_pixel(x, y).0;
        let over = |part: u8| {
            let (part, alpha) = (u32::from(part), u32::from(alpha));
            u8::try_from((part * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([over(red), over(green), over(blue)])
    })
}
