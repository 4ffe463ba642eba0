//! HOW LONG IT LASTS. Whether a platform takes a video: as it is, or not at all. None is ever encoded anew.

use std::time::Duration;

/// A video that can be used, as its own header tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Footage {
    pub mime: &'static str,
    /// The four letters by which its file says what it is.
    pub brand: [u8; 4],
    /// In bytes.
    pub size: u64,
    /// As it is seen, upright.
    pub width: u32,
    pub height: u32,
    pub length: Duration,
    /// Pictures in a second; 0: it is not said.
    pub rate: u32,
    /// How its pictures are encoded, as people call it: `H.264`.
    pub codec: &'static str,
    /// The same of its sound; `None`: it is silent.
    pub sound: Option<&'static str>,
}

/// The videos that a platform takes: one in a part, and no images beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoLimits {
    /// The MIME types.
    pub types: &'static [&'static str],
    /// What the platform takes for another type by the file's brand: how such brands begin.
    pub foreign: &'static [&'static str],
    /// How pictures may be encoded; empty: however they are.
    pub codecs: &'static [&'static str],
    pub max_bytes: u64,
    pub min_length: Duration,
    /// `None`: no limit.
    pub max_length: Option<Duration>,
    /// Width times height; `None`: no limit.
    pub max_pixels: Option<u64>,
    /// The longer and the shorter side; `None`: no limit.
    pub max_sides: Option<(u32, u32)>,
    /// The tallest and the broadest shape, each as width to height.
    pub shapes: Option<[(u32, u32); 2]>,
    /// Pictures in a second; `None`: no limit.
    pub max_rate: Option<u32>,
}

/// Why a platform does not take a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// It takes none at all.
    NoVideo,
    Type,
    /// The type would do, but the platform takes it for another.
    Brand,
    Codec,
    TooLarge,
    TooShort,
    TooLong,
    /// Too many pixels, or a side that is too long.
    TooFine,
    TooTall,
    TooBroad,
    /// Too many pictures in a second.
    TooFast,
}

/// Every reason why a platform with these limits does not take `footage`; none: it takes it.
pub fn misfits(footage: &Footage, limits: Option<&VideoLimits>) -> Vec<Misfit> {
    let Some(limits) = limits else {
        return vec![Misfit::NoVideo];
    };
    let (width, height) = (u64::from(footage.width), u64::from(footage.height));
    let (longer, shorter) = (width.max(height), width.min(height));
    let sides = |(long, short): (u32, u32)| longer > u64::from(long) || shorter > u64::from(short);
    let [tallest, broadest] = limits.shapes.unwrap_or([(0, 1), (1, 0)]);
    let reasons = [
        (!limits.types.contains(&footage.mime), Misfit::Type),
        (
            limits
                .foreign
                .iter()
                .any(|brand| footage.brand.starts_with(brand.as_bytes())),
            Misfit::Brand,
        ),
        (
            !limits.codecs.is_empty() && !limits.codecs.contains(&footage.codec),
            Misfit::Codec,
        ),
        (footage.size > limits.max_bytes, Misfit::TooLarge),
        (footage.length < limits.min_length, Misfit::TooShort),
        (
            limits.max_length.is_some_and(|max| footage.length > max),
            Misfit::TooLong,
        ),
        (
            limits.max_pixels.is_some_and(|max| width * height > max) || limits.max_sides.is_some_and(sides),
            Misfit::TooFine,
        ),
        (
            width * u64::from(tallest.1) < height * u64::from(tallest.0),
            Misfit::TooTall,
        ),
        (
            width * u64::from(broadest.1) > height * u64::from(broadest.0),
            Misfit::TooBroad,
        ),
        (
            limits.max_rate.is_some_and(|max| footage.rate > max),
            Misfit::TooFast,
        ),
    ];
    let held = reasons
        .into_iter()
        .filter_map(|(holds, misfit)| holds.then_some(misfit));
    held.collect()
}

impl Misfit {
    /// What the platform says to the video, in words that follow its name, and what to do about it.
    pub fn said(self, footage: &Footage, limits: Option<&VideoLimits>) -> (String, &'static str) {
        let Footage {
            width, height, size, ..
        } = footage;
        let seconds = |length: Duration| format!("{} s", length.as_secs_f64());
        let shape = |nth: usize| {
            let shapes = limits.and_then(|limits| limits.shapes).unwrap_or_default();
            let (width, height) = shapes.get(nth).copied().unwrap_or_default();
            format!("{width}:{height}")
        };
        let most = |say: &dyn Fn(&VideoLimits) -> Option<String>| limits.and_then(say).unwrap_or_default();
        match self {
            Self::NoVideo => (
                "takes no video".into(),
                "use a picture of it as `image`, or its address as `link`",
            ),
            Self::Type => (
                format!("takes no video of the type {}", footage.mime),
                "save it as MP4",
            ),
            Self::Brand => (
                format!(
                    "takes a video whose file calls itself `{}` for something else than MP4",
                    footage.brand.escape_ascii().to_string().trim_end()
                ),
                "save it as plain MP4, not as M4V or 3GP",
            ),
            Self::Codec => (
                format!(
                    "takes no video that is encoded as {}: it takes {}",
                    footage.codec,
                    most(&|limits| Some(limits.codecs.join(" or ")))
                ),
                "save it as MP4 with H.264",
            ),
            Self::TooLarge => (
                format!(
                    "takes no video as large as this one: {} kB, the limit is {} kB",
                    size / 1000,
                    most(&|limits| Some((limits.max_bytes / 1000).to_string()))
                ),
                "save it smaller, or cut it shorter",
            ),
            Self::TooShort => (
                format!(
                    "takes no video as short as this one: {}, the least is {}",
                    seconds(footage.length),
                    most(&|limits| Some(seconds(limits.min_length)))
                ),
                "use a longer one",
            ),
            Self::TooLong => (
                format!(
                    "takes no video as long as this one: {}, the limit is {}",
                    seconds(footage.length),
                    most(&|limits| limits.max_length.map(seconds))
                ),
                "cut it shorter",
            ),
            Self::TooFine => (
                format!(
                    "takes no video with as many pixels as this one: {width} × {height}, the limit is {}",
                    most(&|limits| Some(match (limits.max_sides, limits.max_pixels) {
                        (Some((long, short)), _) => format!("{long} × {short}"),
                        (None, max) => format!("{} pixels", max.unwrap_or_default()),
                    }))
                ),
                "save it with fewer: 1280 × 720 is enough",
            ),
            Self::TooTall => (
                format!(
                    "takes no video as tall as this one: {width} × {height}, the tallest is {}",
                    shape(0)
                ),
                "crop it",
            ),
            Self::TooBroad => (
                format!(
                    "takes no video as broad as this one: {width} × {height}, the broadest is {}",
                    shape(1)
                ),
                "crop it",
            ),
            Self::TooFast => (
                format!(
                    "takes no video with as many pictures in a second as this one: {}, the limit is {}",
                    footage.rate,
                    most(&|limits| limits.max_rate.map(|max| max.to_string()))
                ),
                "save it with 30 pictures in a second",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::limits::{BLUESKY, MASTODON, THREADS, WEBHOOK, X};

    const CLIP: Footage = Footage {
        mime: "video/mp4",
        brand: *b"isom",
        size: 4_000_000,
        width: 1280,
        height: 720,
        length: Duration::from_secs(30),
        rate: 30,
        codec: "H.264",
        sound: Some("AAC"),
    };

    fn misfit(footage: &Footage, limits: Option<&VideoLimits>) -> Option<Misfit> {
        let all = misfits(footage, limits);
        assert!(all.len() < 2, "{all:?}");
        all.first().copied()
    }

    #[test]
    fn an_ordinary_clip_fits_wherever_videos_are_taken() {
        for limits in crate::text::limits::PLATFORMS {
            let expected = limits.video.is_none().then_some(Misfit::NoVideo);
            assert_eq!(
                misfit(&CLIP, limits.video.as_ref()),
                expected,
                "{}",
                limits.platform
            );
        }
        assert_eq!(WEBHOOK.video, None);
    }

    #[test]
    fn each_limit_is_kept_to_the_last_unit() {
        let x = X.video.unwrap();
        let with = |change: fn(&mut Footage)| {
            let mut clip = CLIP;
            change(&mut clip);
            misfit(&clip, Some(&x))
        };
        assert_eq!(with(|clip| clip.mime = "video/quicktime"), Some(Misfit::Type));
        assert_eq!(with(|clip| clip.codec = "HEVC"), Some(Misfit::Codec));
        assert_eq!(with(|clip| clip.size = 512 << 20), None);
        assert_eq!(with(|clip| clip.size = (512 << 20) + 1), Some(Misfit::TooLarge));
        assert_eq!(with(|clip| clip.length = Duration::from_secs(140)), None);
        assert_eq!(
            with(|clip| clip.length = Duration::from_millis(140_001)),
            Some(Misfit::TooLong)
        );
        assert_eq!(
            with(|clip| clip.length = Duration::from_millis(499)),
            Some(Misfit::TooShort)
        );
        assert_eq!(with(|clip| (clip.width, clip.height) = (720, 1280)), None);
        assert_eq!(
            with(|clip| (clip.width, clip.height) = (1026, 1280)),
            Some(Misfit::TooFine)
        );
        assert_eq!(with(|clip| (clip.width, clip.height) = (300, 900)), None);
        assert_eq!(
            with(|clip| (clip.width, clip.height) = (299, 900)),
            Some(Misfit::TooTall)
        );
        assert_eq!(
            with(|clip| (clip.width, clip.height) = (901, 300)),
            Some(Misfit::TooBroad)
        );
        assert_eq!(with(|clip| clip.rate = 61), Some(Misfit::TooFast));
        let vast = Footage {
            width: 3840,
            height: 2161,
            ..CLIP
        };
        assert_eq!(misfit(&vast, MASTODON.video.as_ref()), Some(Misfit::TooFine));
        assert_eq!(misfit(&vast, BLUESKY.video.as_ref()), None);
        let phone = Footage {
            codec: "HEVC",
            mime: "video/quicktime",
            ..CLIP
        };
        assert_eq!(misfit(&phone, THREADS.video.as_ref()), None);
        for brand in [*b"M4V ", *b"M4VH", *b"3gp4", *b"3g2a"] {
            let clip = Footage { brand, ..CLIP };
            assert_eq!(misfit(&clip, BLUESKY.video.as_ref()), Some(Misfit::Brand));
            assert_eq!(misfit(&clip, MASTODON.video.as_ref()), None);
        }
    }

    #[test]
    fn what_is_said_names_the_limit() {
        let said = |clip: Footage, limits: Option<VideoLimits>| {
            let misfit = misfit(&clip, limits.as_ref()).unwrap();
            misfit.said(&clip, limits.as_ref()).0
        };
        let long = Footage {
            length: Duration::from_millis(150_500),
            ..CLIP
        };
        assert_eq!(
            said(long, X.video),
            "takes no video as long as this one: 150.5 s, the limit is 140 s"
        );
        assert_eq!(said(long, None), "takes no video");
        let tunes = Footage {
            brand: *b"M4V ",
            ..CLIP
        };
        assert_eq!(
            said(tunes, BLUESKY.video),
            "takes a video whose file calls itself `M4V` for something else than MP4"
        );
    }
}
