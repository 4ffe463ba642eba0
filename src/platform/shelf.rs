//! A folder that the operators' own web server shows to the world, for platforms that take no files and fetch images
//! and videos themselves. A file lies there while the platform fetches it, under a name that nobody can guess.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::fs;
use tokio::io::{AsyncRead, AsyncWriteExt};

use super::http::BaseUrl;
use super::video::VideoFile;
use super::{ImageBytes, Key, Outgoing, file_name};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};

/// The keys of `[account.NAME]` that say where it is: both, or none. An adapter's `Config` has them by
/// `#[serde(flatten)]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(super) struct Keys {
    /// A folder that a web server shows to the world.
    media_folder: Option<PathBuf>,
    /// The https address at which it does.
    #[serde(default, deserialize_with = "address")]
    #[schemars(with = "Option<String>")]
    media_url: Option<BaseUrl>,
}

fn address<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<BaseUrl>, D::Error> {
    super::endpoint(from).map(Some)
}

/// Whether an account has one, by its keys.
pub(super) fn is_named(table: &toml::Table) -> bool {
    table.contains_key("media_folder") && table.contains_key("media_url")
}

/// How all names begin, so that nothing else is ever taken away.
const OURS: &str = "steadfast-";
/// What is older was left by a process that was killed.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// The folder.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    url: String,
}

/// A file on it, which is taken away when this is dropped.
#[derive(Debug)]
pub(super) struct Item {
    /// Where the platform fetches it.
    pub url: String,
    path: PathBuf,
}

impl Drop for Item {
    fn drop(&mut self) {
        // What stays is taken away when it is a day old.
        drop(std::fs::remove_file(&self.path));
    }
}

impl Keys {
    /// # Errors
    /// What is missing, or wrong with the address.
    pub(super) fn open(self) -> Result<Option<Shelf>, String> {
        match (self.media_folder, self.media_url) {
            (None, None) => Ok(None),
            (Some(folder), Some(url)) => {
                let url = url.whole();
                if url.contains(['?', '#']) {
                    return Err("`media_url` is the address of a folder, without `?`".into());
                }
                Ok(Some(Shelf {
                    folder,
                    url: url.trim_end_matches('/').to_owned(),
                }))
            }
            _ => Err(
                "`media_folder` and `media_url` go together: a folder, and where your web server shows it"
                    .into(),
            ),
        }
    }
}

/// Puts a part's images there, or its video. Where the account has no such folder, it can have none.
pub(super) async fn hold(
    place: Option<&Shelf>,
    out: &Outgoing<'_>,
    now: Timestamp,
) -> Result<Vec<Item>, Failure> {
    match place {
        _ if out.images.is_empty() && out.video.is_none() => Ok(Vec::new()),
        Some(place) => place.all(out, now).await,
        None => Err(Failure::new(
            Class::Rejected,
            "the account has no `media_folder` and `media_url`, from where it could be fetched",
        )),
    }
}

impl Shelf {
    async fn all(&self, out: &Outgoing<'_>, now: Timestamp) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        for (nth, image) in out.images.iter().enumerate() {
            items.push(self.image(out.key, nth, image, now).await?);
        }
        if let Some(video) = &out.video {
            items.push(self.video(out.key, video, now).await?);
        }
        Ok(items)
    }

    async fn image(&self, key: Key, nth: usize, image: &ImageBytes, now: Timestamp) -> Result<Item, Failure> {
        let name = name(key, nth, Digest::of(&image.bytes), file_name(image.mime));
        self.put(&name, &*image.bytes, now).await
    }

    /// Piece by piece.
    async fn video(&self, key: Key, video: &VideoFile, now: Timestamp) -> Result<Item, Failure> {
        let name = name(key, 0, video.source, video.file_name());
        self.put(&name, video.stream()?, now).await
    }

    /// Whole or not at all, and readable by whoever the web server is.
    async fn put(
        &self,
        name: &str,
        mut bytes: impl AsyncRead + Unpin,
        now: Timestamp,
    ) -> Result<Item, Failure> {
        let item = Item {
            url: format!("{}/{name}", self.url),
            path: self.folder.join(name),
        };
        let growing = self.folder.join(format!("{name}.new"));
        let written = async {
            sweep(&self.folder, now).await?;
            let mut file = fs::File::create(&growing).await?;
            tokio::io::copy(&mut bytes, &mut file).await?;
            file.flush().await?;
            show(&growing).await?;
            fs::rename(&growing, &item.path).await
        };
        match written.await {
            Ok(()) => Ok(item),
            Err(e) => {
                drop(fs::remove_file(&growing).await);
                let words = format!(
                    "nothing can be put into `media_folder` {}: {e}",
                    self.folder.display()
                );
                Err(Failure::new(Class::Transient, words))
            }
        }
    }
}

/// The hash makes it unguessable as long as the file is not public, and another for each post, so that none is taken
/// away while another needs it.
fn name(key: Key, nth: usize, content: Digest, like: &str) -> String {
    let fields = [key.delivery.to_string(), nth.to_string(), content.to_string()];
    let digest = Digest::of_fields(fields.iter().map(String::as_str));
    let ending = like.rsplit('.').next().unwrap_or_default();
    format!("{OURS}{digest}.{ending}")
}

/// Files are private by default where the daemon runs (`UMask=0077`).
async fn show(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).await
}

/// Takes away what a killed process left.
async fn sweep(folder: &Path, now: Timestamp) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        if !entry.file_name().to_string_lossy().starts_with(OURS) {
            continue;
        }
        let written = entry.metadata().await.and_then(|meta| meta.modified());
        if written.is_ok_and(|written| is_old(written, now)) {
            drop(fs::remove_file(entry.path()).await);
        }
    }
    Ok(())
}

fn is_old(written: SystemTime, now: Timestamp) -> bool {
    Timestamp::try_from(written).is_ok_and(|written| now.duration_since(written) > A_DAY)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(text: &str) -> Result<Option<Shelf>, String> {
        toml::from_str::<Keys>(text)
            .map_err(|e| e.message().to_owned())?
            .open()
    }

    fn shelf(folder: &Path) -> Shelf {
        let text = format!(
            "media_folder = '{}'\nmedia_url = 'https://a.example/m/'",
            folder.display()
        );
        keys(&text).unwrap().unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn key(part: u16) -> Key {
        Key {
            delivery: format!("{part:032x}").parse().unwrap(),
            due: Timestamp::UNIX_EPOCH,
        }
    }

    fn image(bytes: &'static [u8]) -> ImageBytes {
        ImageBytes {
            bytes: bytes.into(),
            mime: "image/png",
            width: 1,
            height: 1,
            alt: String::new(),
            source: Digest::of(b""),
        }
    }

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test]
    async fn a_file_lies_there_for_all_to_read_under_a_name_of_its_own_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let now = now();
        let one = shelf.image(key(1), 0, &image(b"court"), now).await.unwrap();
        let name = one.url.strip_prefix("https://a.example/m/").unwrap().to_owned();
        let path = folder.path().join(&name);
        assert!(name.starts_with("steadfast-") && name.len() > 70, "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), b"court");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o644
        );
        for (key, nth, bytes) in [
            (key(2), 0, b"court"),
            (key(1), 1, b"court"),
            (key(1), 0, b"jury!"),
        ] {
            let other = shelf.image(key, nth, &image(bytes), now).await.unwrap();
            assert_ne!(other.url, one.url);
        }
        assert_eq!(files(folder.path()), 1, "the others are gone");
        drop(one);
        assert_eq!(files(folder.path()), 0);
    }

    #[tokio::test]
    async fn what_was_left_is_taken_away_after_a_day_and_what_is_not_ours_never() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        for (hours, stay) in [(23, 2), (25, 1)] {
            for name in ["steadfast-left.png", "index.html"] {
                let file = std::fs::File::create(folder.path().join(name)).unwrap();
                let then = now().saturating_sub(SignedDuration::from_hours(hours)).unwrap();
                file.set_modified(then.into()).unwrap();
            }
            drop(shelf.image(key(1), 0, &image(b"court"), now()).await.unwrap());
            assert_eq!(files(folder.path()), stay, "{hours}");
            assert!(folder.path().join("index.html").exists());
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_said_and_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let failure = shelf(&gone)
            .image(key(1), 0, &image(b"court"), now())
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Transient);
        assert!(failure.words.contains("gone"), "{failure}");
    }

    #[test]
    fn its_two_keys_go_together() {
        assert!(keys("").unwrap().is_none());
        for (text, words) in [
            ("media_folder = '/srv/m'", "go together"),
            ("media_url = 'https://a.example/m'", "go together"),
            (
                "media_folder = '/srv/m'\nmedia_url = 'http://a.example/m'",
                "https://",
            ),
            (
                "media_folder = '/srv/m'\nmedia_url = 'https://a.example/m?a=b'",
                "without `?`",
            ),
        ] {
            let error = keys(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
