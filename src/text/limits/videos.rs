//! The videos that each platform takes, by the same sources as all else in the table.

use std::time::Duration;

use crate::text::videos::VideoLimits;

/// What videos have in common.
const CLIPS: VideoLimits = VideoLimits {
    types: &["video/mp4", "video/quicktime"],
    foreign: &[],
    codecs: &[],
    max_bytes: 0,
    min_length: Duration::ZERO,
    max_length: None,
    max_pixels: None,
    max_sides: None,
    shapes: None,
    max_rate: None,
};

/// <https://docs.joinmastodon.org/entities/Instance/#media_attachments>: what servers say of themselves if nobody has
/// changed it. How long it may last is not limited.
pub const MASTODON: VideoLimits = VideoLimits {
    max_bytes: 103_809_024,
    max_pixels: Some(8_294_400),
    max_rate: Some(120),
    ..CLIPS
};

/// Lexicon `app.bsky.embed.video` takes 300 MB and type MP4; the hosts of Bluesky take blobs of 50 MiB. The length is
/// what the apps take. Whatever it is called, a server looks at the file: what it takes for M4V, 3GP or sound is no MP4.
pub const BLUESKY: VideoLimits = VideoLimits {
    types: &["video/mp4"],
    foreign: &["M4V", "3g", "M4A", "M4B", "F4A", "F4B"],
    max_bytes: 50 << 20,
    max_length: Some(Duration::from_mins(3)),
    ..CLIPS
};

/// <https://docs.x.com/x-api/media/quickstart/media-upload-chunked>, without a subscription.
pub const X: VideoLimits = VideoLimits {
    types: &["video/mp4"],
    codecs: &["H.264"],
    max_bytes: 512 << 20,
    min_length: Duration::from_millis(500),
    max_length: Some(Duration::from_secs(140)),
    max_sides: Some((1280, 1024)),
    shapes: Some([(1, 3), (3, 1)]),
    max_rate: Some(60),
    ..CLIPS
};

/// <https://developers.facebook.com/docs/threads/posts#media-specifications>. It takes 1920 pixels in width; of the
/// height nothing is said.
pub const THREADS: VideoLimits = VideoLimits {
    codecs: &["H.264", "HEVC"],
    max_bytes: 1_000_000_000,
    max_length: Some(Duration::from_mins(5)),
    max_sides: Some((1920, 1920)),
    shapes: Some([(1, 100), (10, 1)]),
    max_rate: Some(60),
    ..CLIPS
};

/// A reel.
pub const INSTAGRAM: VideoLimits = VideoLimits {
    codecs: &["H.264", "HEVC"],
    max_bytes: 300_000_000,
    min_length: Duration::from_secs(3),
    max_length: Some(Duration::from_mins(15)),
    max_rate: Some(60),
    ..CLIPS
};

/// <https://developers.facebook.com/docs/video-api/guides/publishing>
pub const FACEBOOK: VideoLimits = VideoLimits {
    max_bytes: 10_000_000_000,
    max_length: Some(Duration::from_hours(4)),
    ..CLIPS
};

/// <https://learn.microsoft.com/linkedin/marketing/community-management/shares/videos-api>
pub const LINKEDIN: VideoLimits = VideoLimits {
    types: &["video/mp4"],
    max_bytes: 500_000_000,
    min_length: Duration::from_secs(3),
    max_length: Some(Duration::from_mins(30)),
    ..CLIPS
};

/// <https://help.pinterest.com/en/business/article/pinterest-product-specs>
pub const PINTEREST: VideoLimits = VideoLimits {
    codecs: &["H.264", "HEVC"],
    max_bytes: 2_000_000_000,
    min_length: Duration::from_secs(4),
    max_length: Some(Duration::from_mins(15)),
    shapes: Some([(1, 2), (191, 100)]),
    ..CLIPS
};

/// The manual of its API says nothing of them: what its help says of videos in advertisements.
pub const REDDIT: VideoLimits = VideoLimits {
    max_bytes: 1_000_000_000,
    min_length: Duration::from_secs(2),
    max_length: Some(Duration::from_mins(15)),
    ..CLIPS
};

/// As any file.
pub const SLACK: VideoLimits = VideoLimits {
    max_bytes: 1_000_000_000,
    ..CLIPS
};

/// It takes 500 MB, as it says in its help; the manual has no number. Ours travel in the one visible request, which has
/// 30 seconds.
pub const TUMBLR: VideoLimits = VideoLimits {
    types: &["video/mp4"],
    max_bytes: 50_000_000,
    ..CLIPS
};

/// <https://core.telegram.org/bots/api#sendvideo>
pub const TELEGRAM: VideoLimits = VideoLimits {
    types: &["video/mp4"],
    max_bytes: 50_000_000,
    ..CLIPS
};

/// As any file: <https://docs.discord.com/developers/reference#uploading-files>
pub const DISCORD: VideoLimits = VideoLimits {
    max_bytes: 10 << 20,
    ..CLIPS
};
