//! How the public answered, as far as the account's relays have heard of it: reactions (NIP-25), reposts and quotes
//! (NIP-18), and notes that answer the post itself (NIP-10). <https://github.com/nostr-protocol/nips>
//!
//! Each event counts once, however many relays have it. No relay has them all, and none counts views.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::http::BaseUrl;
use super::event::Event;
use super::{NOTE, Nostr, Pointer, REPOST, REPOST_OF_ANYTHING};
use crate::post::digest::Digest;
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Receipt};

const REACTION: u16 = 7;

/// The most events that a relay is asked for at once. Each gives as many as it likes (`max_limit`, NIP-11) and does
/// not say that there were more; none is known that stops before [`FULL`].
const PAGE: usize = 300;
const FULL: usize = 100;
/// How often what is older is asked for. Of a post with more answers than that, the newest are counted.
const PAGES: usize = 20;

/// By the ids of the events: which posts each of them is about, and what those get for it.
type Heard = HashMap<Digest, Vec<(Digest, Counts)>>;

/// Those that name one of these posts in such a tag, until then.
fn about(tag: &str, kinds: &[u16], posts: &[Digest], until: Option<i64>) -> Value {
    let mut filter = json!({ tag: posts, "kinds": kinds, "limit": PAGE });
    if let (Some(fields), Some(until)) = (filter.as_object_mut(), until) {
        fields.insert("until".into(), json!(until));
    }
    filter
}

/// The tag by which answers name a post, and what they are; and the same of quotes.
const ANSWERS: (&str, &[u16]) = ("#e", &[NOTE, REPOST, REACTION, REPOST_OF_ANYTHING]);
const QUOTES: (&str, &[u16]) = ("#q", &[NOTE]);

fn counted(event: &Event) -> Vec<(Digest, Counts)> {
    let (one, none) = (Some(1), Counts::default());
    let of = |counts: Counts| move |id: Digest| (id, counts);
    match event.kind {
        // A vote against is no like. Any other sign is a reaction.
        REACTION if event.content == "-" => Vec::new(),
        REACTION => {
            let last = named(event, "e").last().map(|(id, _)| id);
            last.map(of(Counts { likes: one, ..none })).into_iter().collect()
        }
        REPOST | REPOST_OF_ANYTHING => {
            let first = named(event, "e").next().map(|(id, _)| id);
            first
                .map(of(Counts { shares: one, ..none }))
                .into_iter()
                .collect()
        }
        NOTE => {
            let mut quoted: Vec<Digest> = named(event, "q").map(|(id, _)| id).collect();
            quoted.sort_unstable();
            quoted.dedup();
            let quoted = quoted.into_iter().map(of(Counts { quotes: one, ..none }));
            let answered = answered(event).map(of(Counts { replies: one, ..none }));
            quoted.chain(answered).collect()
        }
        _ => Vec::new(),
    }
}

/// The events that it names in such tags, and how each is marked.
fn named<'e>(event: &'e Event, name: &'e str) -> impl Iterator<Item = (Digest, &'e str)> {
    event.tags.iter().filter_map(move |tag| match tag.as_slice() {
        [is, id, rest @ ..] if is == name => {
            let mark = rest.get(1).map(String::as_str).unwrap_or_default();
            Some((id.parse().ok()?, mark))
        }
        _ => None,
    })
}

/// The one event that a note answers: by its marks, or as the last that it names (the older way).
fn answered(note: &Event) -> Option<Digest> {
    let ends: Vec<(Digest, &str)> = named(note, "e").filter(|(_, mark)| *mark != "mention").collect();
    let marked = |mark: &str| ends.iter().find(|(_, marked)| *marked == mark);
    let end = marked("reply").or_else(|| marked("root")).or_else(|| ends.last());
    end.map(|(id, _)| *id)
}

impl Nostr {
    /// From all relays that answer; a failure only if none does. A post that none of those has (any more) counts
    /// nothing.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let posts: Vec<Option<Digest>> = of
            .iter()
            .map(|receipt| Pointer::of(receipt).map(|at| at.id))
            .collect();
        let ids: Vec<Digest> = posts.iter().flatten().copied().collect();
        if ids.is_empty() {
            return Ok(vec![Counts::default(); of.len()]);
        }
        let told = join_all(self.relays.iter().map(|relay| self.heard_by(relay, &ids))).await;
        let (told, silent): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
        if told.is_empty() {
            let words: Vec<String> = silent.into_iter().filter_map(Result::err).collect();
            return Err(Failure::new(Class::Transient, words.join("; ")));
        }
        let heard: Heard = told.into_iter().flatten().flatten().collect();
        let mut all: HashMap<Digest, Counts> = HashMap::new();
        for (post, counts) in heard.values().flatten() {
            let sum = all.entry(*post).or_default();
            *sum = sum.plus(counts);
        }
        let nought = Counts {
            likes: Some(0),
            shares: Some(0),
            replies: Some(0),
            quotes: Some(0),
            views: None,
        };
        let of_one = |post: Option<Digest>| match post.filter(|post| heard.contains_key(post)) {
            Some(post) => nought.plus(&all.get(&post).copied().unwrap_or_default()),
            None => Counts::default(),
        };
        Ok(posts.into_iter().map(of_one).collect())
    }

    /// All that one relay has of the posts: one question, and more only where the answer may have been cut.
    async fn heard_by(&self, relay: &BaseUrl, posts: &[Digest]) -> Result<Heard, String> {
        let words = |failure: Failure| format!("{}: {}", relay.host(), failure.words);
        let [answers, quotes] = [ANSWERS, QUOTES].map(|(tag, kinds)| about(tag, kinds, posts, None));
        let themselves = json!({ "ids": posts, "limit": posts.len() });
        let (mut heard, _) = self
            .page(relay, &[themselves, answers, quotes])
            .await
            .map_err(words)?;
        if heard.len() < FULL {
            return Ok(heard);
        }
        for (tag, kinds) in [ANSWERS, QUOTES] {
            let mut until = None;
            for _ in 0..PAGES {
                let question = about(tag, kinds, posts, until);
                let (page, oldest) = self.page(relay, &[question]).await.map_err(words)?;
                let last = page.len() < FULL || oldest == until;
                heard.extend(page);
                if last {
                    break;
                }
                until = oldest;
            }
        }
        Ok(heard)
    }

    /// One question to one relay, and the time of the oldest event that it answers with.
    async fn page(&self, relay: &BaseUrl, filters: &[Value]) -> Result<(Heard, Option<i64>), Failure> {
        let (mut heard, mut oldest) = (Heard::new(), None);
        let keep = |event: Event| {
            oldest = Some(oldest.map_or(event.created_at, |time: i64| time.min(event.created_at)));
            heard.insert(event.id, counted(&event));
            false
        };
        self.caller(relay).ask(filters, keep).await?;
        Ok((heard, oldest))
    }
}
