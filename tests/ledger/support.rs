//! A world to write about, and what a kind of ledger must be able to do to be tested.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use steadfast::ledger::{Conclusion, Fence, Hold, Intended, Intent, Ledger, NewPost, Post, Scope};
use steadfast::post::content::{Content, Part};
use steadfast::post::identity::{AccountName, Identity, MessageId, Occurrence, PostId};
use steadfast::post::outcome::Receipt;
use steadfast::post::sealed::{Key, Prepared};
use steadfast::post::state::{Standing, State, Unsure};

/// So many minutes after three in the afternoon, when everything here begins.
pub fn at(minutes: i64) -> Timestamp {
    let three: Timestamp = "2026-12-01T15:00:00Z".parse().unwrap();
    three.saturating_add(SignedDuration::from_mins(minutes)).unwrap()
}

pub fn message(id: &str) -> MessageId {
    id.parse().unwrap()
}

pub fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

pub fn mastodon() -> AccountName {
    account("mastodon")
}

pub fn saying(text: &str) -> Content {
    Content {
        parts: vec![Part {
            text: text.to_owned(),
            ..Part::default()
        }],
        ..Content::plain("en")
    }
}

/// A plain post for mastodon, due at once.
pub fn new(id: &str) -> NewPost {
    NewPost {
        identity: Identity {
            campaign: "campaign".parse().unwrap(),
            message: message(id),
            account: mastodon(),
            occurrence: Occurrence::once(),
        },
        platform: "sandbox",
        due: at(0),
        late: Duration::from_hours(2),
        expires: None,
        recurring: false,
        breaking: false,
        slot: None,
        file: "queue.toml".into(),
        content: saying(id),
        state: State::Due,
        why: None,
        voice: None,
    }
}

pub fn new_on(id: &str, name: &str) -> NewPost {
    let mut post = new(id);
    post.identity.account = account(name);
    post
}

pub fn new_at(id: &str, minutes: i64) -> NewPost {
    NewPost {
        due: at(minutes),
        ..new(id)
    }
}

pub fn standing(state: State) -> Standing {
    Standing {
        state,
        part: 0,
        tries: 0,
        not_before: at(0),
        late_from: None,
        first_intent: None,
        unsure: None,
        resent: false,
        crashes: 0,
        why: None,
    }
}

pub fn request(body: &str) -> Prepared {
    Prepared {
        path: "/api/v1/statuses".to_owned(),
        body: body.to_owned(),
    }
}

pub fn key(id: PostId) -> Key {
    Key {
        delivery: id,
        due: at(0),
    }
}

/// Stands for the version that the ledger has at that moment.
pub const AS_IT_IS: Fence = Fence(i64::MIN);

/// A request is unaccounted for.
pub fn unsure() -> Unsure {
    Unsure {
        since: at(1),
        looks: 2,
        foreign: true,
    }
}

/// To send the first part, right from `due`.
pub fn intent(id: PostId) -> Intent {
    Intent {
        post: id,
        account: mastodon(),
        from: State::Due,
        fence: AS_IT_IS,
        pace: None,
        to: Standing {
            first_intent: Some(at(1)),
            ..standing(State::Sending)
        },
        key: key(id),
        prepared: Some(request("{}")),
        at: at(1),
    }
}

pub fn receipt(id: &str) -> Receipt {
    Receipt::named(id, Some(format!("https://m.example/{id}")))
}

/// From one state to another, with nothing to say about it.
pub fn conclusion(id: PostId, from: State, to: State) -> Conclusion {
    Conclusion {
        post: id,
        from,
        fence: AS_IT_IS,
        part: 0,
        to: standing(to),
        receipt: None,
        failure: None,
        keep: false,
        voice: None,
        at: at(2),
    }
}

/// The first part was accepted, and there are no more.
pub fn accepted(id: PostId, receipt_id: &str) -> Conclusion {
    Conclusion {
        receipt: Some(receipt(receipt_id)),
        ..conclusion(id, State::Sending, State::Sent)
    }
}

/// One request as the engine kept it.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    pub part: u16,
    pub no: u32,
    pub answered: bool,
    pub class: Option<String>,
    pub status: Option<u16>,
    pub words: Option<String>,
}

/// What a kind of ledger must be able to do to be tested.
#[async_trait]
pub trait Engine: Sized + Send + Sync + 'static {
    async fn make() -> Self;
    /// The same rows, by a process that starts anew.
    async fn reopened(self) -> Self;
    fn ledger(&self) -> Arc<dyn Ledger>;
    async fn attempts(&self, post: PostId) -> Vec<Attempt>;
    /// What the daemon that has it, once there is one, has heard of the bell.
    async fn heard(&self) -> i64;

    async fn record(&self, posts: impl IntoIterator<Item = NewPost> + Send) -> Vec<PostId> {
        let posts: Vec<NewPost> = posts.into_iter().collect();
        let ids: Vec<PostId> = posts.iter().map(|post| post.identity.post_id()).collect();
        assert_eq!(
            sorted(self.ledger().record(posts, at(0)).await.unwrap()),
            sorted(ids.clone())
        );
        ids
    }

    async fn one(&self, post: NewPost) -> PostId {
        self.record([post]).await[0]
    }

    async fn read(&self, id: PostId) -> Post {
        self.ledger().post(id).await.unwrap().unwrap()
    }

    async fn state(&self, id: PostId) -> State {
        self.read(id).await.standing.state
    }

    /// The fence that was meant.
    async fn fence(&self, id: PostId, meant: Fence) -> Fence {
        match self.ledger().post(id).await.unwrap() {
            Some(post) if meant == AS_IT_IS => post.fence,
            _ => meant,
        }
    }

    async fn intends(&self, mut intent: Intent) -> Intended {
        intent.fence = self.fence(intent.post, intent.fence).await;
        self.ledger().intend(intent).await.unwrap()
    }

    async fn concludes(&self, mut conclusion: Conclusion) -> bool {
        conclusion.fence = self.fence(conclusion.post, conclusion.fence).await;
        self.ledger().conclude(conclusion).await.unwrap()
    }

    /// A post that is out.
    async fn sent(&self, post: NewPost, receipt_id: &str) -> PostId {
        let id = self.one(post).await;
        assert_eq!(self.intends(intent(id)).await, Intended::Durable);
        assert!(self.concludes(accepted(id, receipt_id)).await);
        id
    }

    async fn ready(&self, now: Timestamp, blocked: &[MessageId]) -> Vec<String> {
        let posts = self.ledger().claim(&mastodon(), now, blocked, 100).await.unwrap();
        posts.into_iter().map(|post| post.message.to_string()).collect()
    }

    async fn stop(&self, scope: &Scope, by: &str, minutes: i64) {
        self.ledger().hold(scope, "wait", by, at(minutes)).await.unwrap();
    }

    async fn held(&self) -> Vec<Hold> {
        self.ledger().holds().await.unwrap()
    }
}

/// One whose writes have to reach a disk.
#[async_trait]
pub trait OnDisk: Engine {
    /// A later hand: changes rows past the ledger. `POST(id)` stands for what parts and attempts know a post by.
    async fn meddle(&self, sql: &str);
    /// Counts transactions that were written from now on, until it is asked.
    async fn watch_commits(&self) -> Box<dyn Commits>;
}

pub fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

pub fn scopes() -> [Scope; 3] {
    [
        Scope::All,
        Scope::Account(mastodon()),
        Scope::Message(message("a")),
    ]
}

/// How many transactions were written since it was made.
pub trait Commits: Send {
    fn so_far(&self) -> usize;
}
