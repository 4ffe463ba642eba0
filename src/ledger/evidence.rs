//! The evidence record: what was planned, sent, answered, held and decided, in order, each entry chained to the
//! one before by its hash. Nothing in it is ever changed, so a later hand shows.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::campaign::approval::Approval;
use crate::post::digest::Digest;
use crate::post::identity::PostId;

use super::{Change, Conclusion, Hold, Intent, NewPost, Renamed, Scope};

/// Something that happened, not yet in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    /// `recorded`, `reworded`, `unplanned`, `intended`, `concluded`, `held`, `released`, `settled`, `let_through`,
    /// `renamed`, `approved` or `withdrawn`.
    pub kind: &'static str,
    pub post: Option<PostId>,
    /// One JSON object.
    pub data: String,
}

/// An entry of the chain, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Who wrote it: each writer has a chain of its own.
    pub chain: String,
    /// Counts from 1 in its chain.
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<PostId>,
    /// One JSON object, kept to the letter, because the hash is of its letters.
    pub data: String,
    /// SHA-256 in hexadecimal, over the hash before and all that stands above.
    pub hash: String,
}

/// The hash before the first entry of a chain.
pub const GENESIS: &str = "";

/// The last entry of a chain: what the next is tied to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub chain: String,
    pub seq: i64,
    pub hash: String,
}

impl Head {
    /// Of a chain that has no entry yet.
    pub fn new(chain: &str) -> Self {
        Self {
            chain: chain.to_owned(),
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }

    /// Ties an entry to the chain, and is its last one now.
    pub fn append(&mut self, entry: Entry) -> Event {
        let seq = self.seq.saturating_add(1);
        let mut event = Event {
            chain: self.chain.clone(),
            seq,
            at: entry.at,
            kind: entry.kind.to_owned(),
            post: entry.post,
            data: entry.data,
            hash: String::new(),
        };
        event.hash = hash(&self.hash, &event);
        self.seq = seq;
        self.hash.clone_from(&event.hash);
        event
    }

    /// Whether `event` is the next of this chain; if so, it is its last one now.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn follow(&mut self, event: &Event) -> Result<(), String> {
        let seq = self.seq.saturating_add(1);
        if event.seq != seq {
            return Err(format!(
                "entry {} of chain `{}` stands where {seq} should: entries are missing or were put in",
                event.seq, event.chain
            ));
        }
        if event.hash != hash(&self.hash, event) {
            return Err(format!(
                "entry {} of chain `{}` ({}, {}) is not what was written: its hash does not fit",
                event.seq, event.chain, event.kind, event.at
            ));
        }
        self.seq = seq;
        self.hash.clone_from(&event.hash);
        Ok(())
    }
}

/// Over length-prefixed fields, so that no two entries are written the same.
fn hash(before: &str, event: &Event) -> String {
    let post = event.post.map(|post| post.to_string()).unwrap_or_default();
    let (seq, at) = (event.seq.to_string(), event.at.as_microsecond().to_string());
    let fields = [
        "steadfast/evidence/1",
        before,
        &event.chain,
        &seq,
        &at,
        &event.kind,
        &post,
        &event.data,
    ];
    Digest::of_fields(fields).to_string()
}

/// SHA-256 of a text, in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

// --- what each verb leaves behind ----------------------------------------------------------------------

/// `content`: the JSON of what it says.
pub(super) fn recorded(post: &NewPost, content: &str, at: Timestamp) -> Entry {
    let identity = &post.identity;
    let mut head = json!({
        "message": identity.message, "account": identity.account, "platform": post.platform,
        "occurrence": identity.occurrence.as_str(), "due": post.due, "state": post.state.as_str(),
        "why": post.why, "file": &*post.file,
    });
    if let (Some(map), Some(voice)) = (head.as_object_mut(), &post.voice) {
        map.insert("act".to_owned(), json!(voice.act));
        map.insert("by".to_owned(), json!(voice.by));
    }
    Entry {
        at,
        kind: "recorded",
        post: Some(identity.post_id()),
        data: with_content(&head, content),
    }
}

pub(super) fn reworded(change: &Change, content: &str, at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "reworded",
        post: Some(change.post),
        data: with_content(&json!({"due": change.moved}), content),
    }
}

/// The content is JSON already, and large: it is put in, not parsed again.
fn with_content(head: &Value, content: &str) -> String {
    let head = head.to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    let comma = if open.ends_with('{') { "" } else { "," };
    format!("{open}{comma}\"content\":{content}}}")
}

pub(super) fn unplanned(post: PostId, at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "unplanned",
        post: Some(post),
        data: "{}".to_owned(),
    }
}

/// `body`: the SHA-256 of the frozen request.
pub(super) fn intended(intent: &Intent, body: Option<&str>) -> Entry {
    Entry {
        at: intent.at,
        kind: "intended",
        post: Some(intent.post),
        data: json!({"part": intent.to.part, "key": intent.key.delivery, "sha256": body}).to_string(),
    }
}

pub(super) fn concluded(conclusion: &Conclusion) -> Entry {
    let failure = conclusion.failure.as_ref();
    let mut data = json!({
        "part": conclusion.part, "from": conclusion.from.as_str(), "to": conclusion.to.state.as_str(),
    });
    if let Some(map) = data.as_object_mut() {
        let voice = conclusion.voice.as_ref();
        let more = [
            ("act", voice.map(|voice| json!(voice.act))),
            ("by", voice.map(|voice| json!(voice.by))),
            ("why", conclusion.to.why.as_ref().map(|why| json!(why))),
            (
                "receipt",
                conclusion.receipt.as_ref().map(|receipt| json!(receipt)),
            ),
            ("error", failure.map(|failure| json!(failure.words))),
            (
                "status",
                failure
                    .and_then(|failure| failure.status)
                    .map(|status| json!(status)),
            ),
        ];
        for (key, value) in more {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        }
    }
    Entry {
        at: conclusion.at,
        kind: "concluded",
        post: Some(conclusion.post),
        data: data.to_string(),
    }
}

/// `said`: up to which hold it goes on in spite of them.
pub(super) fn let_through(post: PostId, said: i64, at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "let_through",
        post: Some(post),
        data: json!({"holds": said}).to_string(),
    }
}

pub(super) fn held(scope: &Scope, why: &str, by: &str, at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "held",
        post: None,
        data: json!({"scope": scope.kind(), "target": scope.target(), "why": why, "by": by}).to_string(),
    }
}

pub(super) fn released(
    scope: &Scope,
    by: &str,
    only_by: Option<&str>,
    why: Option<&str>,
    at: Timestamp,
) -> Entry {
    Entry {
        at,
        kind: "released",
        post: None,
        data:
            json!({"scope": scope.kind(), "target": scope.target(), "by": by, "only_by": only_by, "why": why})
                .to_string(),
    }
}

pub(super) fn settled(hold: &Hold, moved: &[PostId], at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "settled",
        post: None,
        data: json!({"scope": hold.scope.kind(), "target": hold.scope.target(), "why": hold.why, "moved": moved})
            .to_string(),
    }
}

/// From here on entries name the message by its new name; those before, by the old one.
pub(super) fn renamed(renamed: &Renamed, at: Timestamp) -> Entry {
    Entry {
        at,
        kind: "renamed",
        post: None,
        data: json!({"from": renamed.from, "to": renamed.to, "posts": renamed.posts, "holds": renamed.holds})
            .to_string(),
    }
}

/// `content`: what was approved, as people read it.
pub(super) fn approved(approval: &Approval, content: &str) -> Entry {
    let (message, by) = (&approval.message, &approval.by);
    let (kind, data) = match approval.digest {
        Some(digest) => (
            "approved",
            json!({"message": message, "by": by, "digest": digest, "content": content}),
        ),
        None => ("withdrawn", json!({"message": message, "by": by})),
    };
    Entry {
        at: approval.at,
        kind,
        post: None,
        data: data.to_string(),
    }
}
