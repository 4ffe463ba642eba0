//! The brake: a file or a signal that stops everything, though the ledger may be out of reach
//! (reliability §2.10).
//!
//! It is looked at right before each request. Its word becomes a hold in the ledger as soon as that can be
//! written; so it survives a restart, and what fell due meanwhile is dealt with like that of any other hold.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Hold, Post, Scope};
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::one_line;

use super::{Shared, World, report};

/// The name of the file that stops everything by being there.
pub const FILE: &str = "HOLD";
/// Who speaks in the hold that SIGUSR1 sets.
pub const BY_SIGNAL: &str = "a signal";

/// How soon it is said that a file is there or gone; it is obeyed at once.
const LOOK: Duration = Duration::from_millis(200);
/// How much of the file is read, in bytes: it is a reason, not a letter.
const LONGEST: u64 = 2000;

/// What can stop everything by itself. The default has no files.
#[derive(Debug, Default)]
pub struct Brake {
    files: Vec<PathBuf>,
    /// Whose files they are: of several replicas each has its own, and lets go of its own alone.
    of: Option<String>,
    // A plain mutex: held for a look, never across an await.
    words: Mutex<Vec<Word>>,
    /// Rung when a signal came.
    pulled: Notify,
    /// Rung when the ledger has something to learn.
    news: Notify,
}

/// What somebody said, and how far the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    why: String,
    by: String,
    since: Timestamp,
    /// The file is still there. A signal's word is there until it is recorded.
    there: bool,
    /// In the log.
    said: bool,
    /// In the ledger.
    recorded: bool,
}

impl Word {
    fn new(why: String, by: String, since: Timestamp) -> Self {
        Self {
            why,
            by,
            since,
            there: true,
            said: false,
            recorded: false,
        }
    }

    fn hold(&self) -> Hold {
        Hold {
            id: 0,
            scope: Scope::All,
            why: self.why.clone(),
            by: self.by.clone(),
            since: self.since,
            // Nobody knew of it when they asked for anything.
            said: i64::MAX,
            released: None,
        }
    }
}

impl Brake {
    /// With a file `HOLD` in any of these folders; `of`: the replica's name, where there are several.
    pub fn new<'f>(folders: impl IntoIterator<Item = &'f Path>, of: Option<&str>) -> Self {
        let files = folders.into_iter().map(|folder| folder.join(FILE));
        Self {
            files: files.collect(),
            of: of.map(str::to_owned),
            ..Self::default()
        }
    }

    fn words(&self) -> MutexGuard<'_, Vec<Word>> {
        // A word is whole at every moment, so a panic elsewhere leaves nothing half-done.
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signal: in force when this returns.
    pub fn pull(&self, now: Timestamp) {
        let why = "SIGUSR1 was sent to the daemon".to_owned();
        let mut words = self.words();
        if !words.iter().any(|known| known.by == BY_SIGNAL) {
            words.push(Word::new(why, BY_SIGNAL.to_owned(), now));
        }
        drop(words);
        self.pulled.notify_one();
    }

    /// Whether nothing may leave. What the ledger knows already is the holds' to say.
    pub fn is_on(&self) -> bool {
        self.files.iter().any(|file| is_there(file)) || self.words().iter().any(|word| !word.recorded)
    }

    /// Who speaks in the hold of a file.
    fn hand(&self, file: &Path) -> String {
        let of = self.of.as_ref().map(|name| format!(" of {name}"));
        format!("the file {}{}", file.display(), of.unwrap_or_default())
    }

    /// Takes up which files are there. Returns the holds that were not said yet, or have another reason now.
    pub fn look(&self, now: Timestamp) -> Vec<Hold> {
        let mut words = self.words();
        for file in &self.files {
            let by = self.hand(file);
            let known = words.iter_mut().find(|word| word.by == by);
            if !is_there(file) {
                if let Some(word) = known {
                    word.there = false;
                }
                continue;
            }
            let why = reason(file);
            match known {
                Some(word) if word.there && word.why == why => {}
                Some(word) => *word = Word::new(why, by, word.since),
                None => words.push(Word::new(why, by, now)),
            }
        }
        let new = words.iter_mut().filter(|word| !word.said);
        new.map(|word| {
            word.said = true;
            word.hold()
        })
        .collect()
    }

    /// What the ledger does not know yet.
    pub(crate) fn unrecorded(&self) -> Vec<Hold> {
        let words = self.words();
        words
            .iter()
            .filter(|word| !word.recorded)
            .map(Word::hold)
            .collect()
    }

    /// The ledger has these, and they are in force by it.
    pub(crate) fn recorded(&self, holds: &[Hold]) {
        let mut words = self.words();
        for word in words.iter_mut() {
            word.recorded |= holds
                .iter()
                .any(|hold| hold.by == word.by && hold.why == word.why);
        }
        words.retain(|word| !(word.recorded && word.by == BY_SIGNAL));
    }

    /// Whether `hold` is a file's that is gone: then it is over.
    pub(crate) fn has_let_go(&self, hold: &Hold) -> bool {
        self.files.iter().any(|file| self.hand(file) == hold.by)
            && !self.words().iter().any(|w| w.by == hold.by && w.there)
    }

    /// The ledger knows that this hand has let go.
    pub(crate) fn forget(&self, by: &str) {
        self.words().retain(|word| word.by != by || word.there);
    }

    /// Whether it was said in the log when the brake was pulled.
    pub(crate) fn has_said(&self, hold: &Hold) -> bool {
        let same = |word: &Word| word.said && word.by == hold.by && word.why == hold.why;
        self.words().iter().any(same)
    }

    /// Comes back when the ledger has something to learn.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    fn has_news(&self) -> bool {
        self.words().iter().any(|word| !word.recorded || !word.there)
    }
}

/// Where that can't be told, it counts as there: to stop is the lesser harm.
fn is_there(file: &Path) -> bool {
    match file.symlink_metadata() {
        Ok(_) => true,
        Err(e) => !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn reason(file: &Path) -> String {
    let read = || {
        // Anything else than a file might keep us waiting.
        if !file.metadata()?.is_file() {
            return Ok(String::new());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(one_line(&String::from_utf8_lossy(&bytes), 300))
    };
    match read() {
        Ok(why) if why.is_empty() => "the file is there, and gives no reason".to_owned(),
        Ok(why) => why,
        Err(e) => format!("the file can't be read: {e}"),
    }
}

/// Says what the brake comes to, until `stop`.
pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    // Without files there is nothing to look for, but what was pulled.
    let files = !world.brake.files.is_empty();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = world.brake.pulled.notified() => {}
            () = tokio::time::sleep(LOOK), if files || world.brake.has_news() => {}
        }
        say(&world, &shared);
        if world.brake.has_news() {
            world.brake.news.notify_one();
        }
    }
}

/// Says in the log what is new, and what had left before.
pub(crate) fn say(world: &World, shared: &Shared) {
    for hold in world.brake.look(world.clock.now()) {
        report::held(&hold, &shared.under_way.of(&hold.scope));
    }
}

/// The requests that have left, or are about to, and have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    posts: Mutex<BTreeMap<PostId, (MessageId, AccountName)>>,
}

/// As long as it lives, the post counts as under way.
pub(crate) struct OnItsWay<'u> {
    all: &'u UnderWay,
    post: PostId,
}

impl UnderWay {
    /// Whoever asks `stopped` after this either is stopped, or is among those that the one who says stop finds.
    pub fn begin(&self, post: &Post) -> OnItsWay<'_> {
        let what = (post.message.clone(), post.account.clone());
        self.posts().insert(post.id, what);
        OnItsWay {
            all: self,
            post: post.id,
        }
    }

    fn posts(&self) -> MutexGuard<'_, BTreeMap<PostId, (MessageId, AccountName)>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that a hold of this scope would have stopped.
    pub fn of(&self, scope: &Scope) -> Vec<(PostId, MessageId, AccountName)> {
        self.posts()
            .iter()
            .filter(|(_, (message, account))| scope.covers(message, account))
            .map(|(id, (message, account))| (*id, message.clone(), account.clone()))
            .collect()
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.all.posts().remove(&self.post);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brake() -> (tempfile::TempDir, PathBuf, Brake) {
        let folder = tempfile::tempdir().unwrap();
        let (file, brake) = (folder.path().join(FILE), Brake::new([folder.path()], None));
        (folder, file, brake)
    }

    #[test]
    fn a_file_is_in_force_by_being_there_and_its_text_is_the_reason() {
        let (_folder, file, brake) = brake();
        assert!(!brake.is_on() && brake.look(Timestamp::UNIX_EPOCH).is_empty());
        std::fs::write(&file, "the court\nhas ruled\n").unwrap();
        assert!(brake.is_on(), "before anybody looked");
        let said = brake.look(Timestamp::UNIX_EPOCH);
        assert_eq!(
            (said[0].why.as_str(), &said[0].by),
            ("the court has ruled", &brake.hand(&file))
        );
        assert!(brake.look(Timestamp::UNIX_EPOCH).is_empty(), "said once");
        std::fs::write(&file, "another reason").unwrap();
        assert_eq!(brake.look(Timestamp::UNIX_EPOCH)[0].why, "another reason");
    }

    #[test]
    fn what_the_ledger_never_learned_stays_in_force_though_the_file_is_gone() {
        let (_folder, file, brake) = brake();
        std::fs::write(&file, "").unwrap();
        let said = brake.look(Timestamp::UNIX_EPOCH);
        std::fs::remove_file(&file).unwrap();
        assert!(brake.look(Timestamp::UNIX_EPOCH).is_empty() && brake.is_on());
        brake.recorded(&said);
        assert!(!brake.is_on() && brake.has_let_go(&said[0]));
        brake.forget(&said[0].by);
        assert!(brake.has_let_go(&said[0]), "one of an earlier run, too");
    }

    #[test]
    fn a_signal_is_in_force_until_the_ledger_has_it() {
        let brake = Brake::default();
        brake.pull(Timestamp::UNIX_EPOCH);
        brake.pull(Timestamp::UNIX_EPOCH);
        let said = brake.unrecorded();
        assert_eq!((said.len(), said[0].by.as_str()), (1, BY_SIGNAL));
        assert!(brake.is_on());
        brake.recorded(&said);
        assert!(
            !brake.is_on() && !brake.has_let_go(&said[0]),
            "a person releases it"
        );
    }

    #[test]
    fn what_cannot_be_read_stops_and_nothing_keeps_us_waiting() {
        let (folder, file, brake) = brake();
        std::fs::create_dir(&file).unwrap();
        assert!(brake.is_on() && brake.look(Timestamp::UNIX_EPOCH)[0].why.contains("no reason"));
        let loose = Brake::new(
            [folder.path().join("nowhere").as_path(), Path::new("/dev/null")],
            None,
        );
        assert!(!loose.is_on(), "a folder that is not there has no file in it");
        let (_folder, file, brake) = self::brake();
        std::os::unix::fs::symlink("/nowhere", &file).unwrap();
        assert!(brake.is_on() && brake.look(Timestamp::UNIX_EPOCH)[0].why.contains("can't be read"));
    }

    #[test]
    fn a_replica_lets_go_of_its_own_file_alone() {
        let (folder, file, one) = brake();
        let one = Brake {
            of: Some("one".to_owned()),
            ..one
        };
        let two = Brake::new(
            [folder.path().join("elsewhere").as_path(), folder.path()],
            Some("two"),
        );
        std::fs::write(&file, "").unwrap();
        let said = one.look(Timestamp::UNIX_EPOCH);
        std::fs::remove_file(&file).unwrap();
        assert!(!two.has_let_go(&said[0]));
        assert!(one.look(Timestamp::UNIX_EPOCH).is_empty() && one.has_let_go(&said[0]));
    }
}
