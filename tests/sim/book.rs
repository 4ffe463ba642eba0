//! What must hold, whatever happens. Each rule is looked at when something happens that could break it; what the
//! rules need to know is noted here, beside the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use jiff::Timestamp;
use steadfast::campaign::Campaign;
use steadfast::campaign::message::Message;
use steadfast::ledger::{Conclusion, Intent, Renamed, Scope};
use steadfast::platform::Sealed;
use steadfast::post::identity::{DeliveryId, MessageId, PostId};
use steadfast::post::state::{Standing, State};
use tokio::time::Instant;

use crate::model::Row;
use crate::platform::{Kind, url};
use crate::world::{Hand, Sim};

/// How soon a daemon that nothing holds up has taken up what the files say.
const TAKEN_UP: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Book {
    pub deliveries: BTreeMap<DeliveryId, Delivery>,
    /// Requests that may still reach a platform.
    pub flying: BTreeMap<DeliveryId, usize>,
    pub known: BTreeMap<MessageId, Timestamp>,
    /// What a broken ledger would lose with the power.
    pub unsynced: BTreeMap<PostId, Row>,
    holds: Vec<Said>,
    /// When somebody released everything last.
    released: Option<Instant>,
}

/// One part, for one account, of one occurrence.
pub struct Delivery {
    pub post: PostId,
    pub account: usize,
    pub part: u16,
    /// How many intents were written for it.
    pub intents: u32,
    /// The platform's ids for it: more than one is a double.
    pub accepted: Vec<String>,
}

/// A hold, as whoever set it knows of it.
struct Said {
    scope: Scope,
    by: String,
    /// Every daemon that has heard this is to have stopped.
    bell: Option<i64>,
    /// Nobody has begun to release it.
    in_force: bool,
}

/// A request that may still reach the platform.
pub struct Flight(Arc<Sim>, DeliveryId);

impl Flight {
    pub fn begin(sim: &Arc<Sim>, delivery: DeliveryId) -> Self {
        *sim.book.lock().unwrap().flying.entry(delivery).or_default() += 1;
        Self(Arc::clone(sim), delivery)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut book = self.0.book.lock().unwrap();
        *book.flying.get_mut(&self.1).unwrap() -= 1;
    }
}

/// A post, in words.
pub fn shown(sim: &Sim, id: PostId) -> String {
    let rows = sim.store.rows();
    let Some(row) = rows.posts.get(&id) else {
        return format!("{id}, which is not there");
    };
    let post = &row.post;
    format!("{} on {} ({})", post.message, post.account, post.occurrence)
}

pub fn standing(sim: &Sim, id: PostId) -> Option<Standing> {
    let rows = sim.store.rows();
    rows.posts.get(&id).map(|row| row.post.standing.clone())
}

pub fn known(sim: &Sim, messages: &[MessageId], now: Timestamp) {
    let mut book = sim.book.lock().unwrap();
    for message in messages {
        book.known.entry(message.clone()).or_insert(now);
    }
}

/// What was known and said of one message is another's.
pub fn renamed(sim: &Sim, renamed: &Renamed) {
    let mut book = sim.book.lock().unwrap();
    if let Some(since) = book.known.remove(&renamed.from) {
        let known = book.known.entry(renamed.to.clone()).or_insert(since);
        *known = since.min(*known);
    }
    let from = Scope::Message(renamed.from.clone());
    for said in book.holds.iter_mut().filter(|said| said.scope == from) {
        said.scope = Scope::Message(renamed.to.clone());
    }
}

// --- holds ------------------------------------------------------------------------------------------

/// A hold is written.
pub fn held(sim: &Sim, scope: &Scope, by: &str, bell: Option<i64>) {
    let mut book = sim.book.lock().unwrap();
    let mut same = book.holds.iter_mut();
    if let Some(said) = same.find(|said| said.in_force && said.scope == *scope && said.by == by) {
        said.bell = said.bell.max(bell);
        return;
    }
    book.holds.push(Said {
        scope: scope.clone(),
        by: by.to_owned(),
        bell,
        in_force: true,
    });
}

/// Somebody is about to release it.
pub fn releases(sim: &Sim, scope: &Scope, only_by: Option<&str>) {
    let mut book = sim.book.lock().unwrap();
    if *scope == Scope::All && only_by.is_none() {
        book.released = Some(Instant::now());
    }
    for said in &mut book.holds {
        if said.scope == *scope && only_by.is_none_or(|by| said.by == by) {
            said.in_force = false;
        }
    }
}

// --- what happens to a post -------------------------------------------------------------------------

/// An intent is durable. No hold that was written before may be in force.
pub fn intended(hand: &Hand, intent: &Intent) {
    let sim = &hand.sim;
    let (message, account) = {
        let rows = sim.store.rows();
        let post = &rows.posts[&intent.post].post;
        (post.message.clone(), post.account.clone())
    };
    hand.say(format_args!(
        "intends part {} of {}",
        intent.to.part,
        shown(sim, intent.post)
    ));
    let number = sim.roster.accounts.iter().position(|known| known.name == account);
    let mut book = sim.book.lock().unwrap();
    let mut holds = book.holds.iter().filter(|said| said.in_force);
    let against = holds.any(|said| said.scope.covers(&message, &account));
    let delivery = book
        .deliveries
        .entry(intent.key.delivery)
        .or_insert_with(|| Delivery {
            post: intent.post,
            account: number.unwrap(),
            part: intent.to.part,
            intents: 0,
            accepted: Vec::new(),
        });
    delivery.intents += 1;
    let same = (delivery.post, delivery.part) == (intent.post, intent.to.part);
    drop(book);
    if against {
        sim.breaks(format!("an intent for {message} on {account} got past a hold"));
    }
    if !same {
        sim.breaks(format!("two parts have the key {}", intent.key.delivery));
    }
}

/// A request is about to leave. Returns how many intents were written for it.
pub fn leaves(hand: &Hand, account: usize, sealed: &Sealed) -> u32 {
    let sim = &hand.sim;
    let key = sealed.key.delivery;
    let Some((post, part, intents)) = ({
        let book = sim.book.lock().unwrap();
        let delivery = book.deliveries.get(&key);
        delivery.map(|delivery| (delivery.post, delivery.part, delivery.intents))
    }) else {
        sim.breaks(format!("a request leaves without an intent: {key}"));
        return 0;
    };
    let row = sim.store.rows().posts.get(&post).cloned();
    let Some(row) = row else {
        sim.breaks(format!("a request leaves for a post that is forgotten: {post}"));
        return intents;
    };
    let what = format!("part {part} of {}", shown(sim, post));
    for broken in [
        is_written(&row, part, sealed),
        is_held(hand, &row),
        is_closed(hand, &row),
        is_not_what_the_files_say(hand, account, &row, sealed),
    ]
    .into_iter()
    .flatten()
    {
        sim.breaks(format!("{what} leaves {broken}"));
    }
    intents
}

/// What leaves is in the ledger, byte for byte.
fn is_written(row: &Row, part: u16, sealed: &Sealed) -> Option<String> {
    let standing = &row.post.standing;
    let frozen = row.parts.get(&part);
    let same = frozen.is_some_and(|frozen| frozen.key == sealed.key && frozen.prepared == sealed.prepared);
    let sending = standing.state == State::Sending && standing.part == part;
    (!same || !sending).then(|| {
        format!(
            "though the ledger has it {} at part {}",
            standing.state, standing.part
        )
    })
}

/// No daemon sends what is held once it has heard that.
fn is_held(hand: &Hand, row: &Row) -> Option<String> {
    let (message, account) = (&row.post.message, &row.post.account);
    let heard = hand.on().heard.load(Relaxed);
    let book = hand.sim.book.lock().unwrap();
    let mut holds = book.holds.iter().filter(|said| said.in_force);
    let said = holds
        .find(|said| said.bell.is_some_and(|bell| bell <= heard) && said.scope.covers(message, account))?;
    Some(format!("during a hold of {} by {}", said.scope, said.by))
}

/// Never early, never in closed hours, never after it expired, by the machine's own clock.
fn is_closed(hand: &Hand, row: &Row) -> Option<String> {
    let wall = hand.sim.wall(hand.machine);
    let campaign = hand.on().files.lock().unwrap().as_ref()?.borrow().clone();
    let settings = &campaign.settings;
    if let Some(closed) = settings.windows.closed(&settings.zone, wall) {
        return Some(format!("at {wall}, in {}", closed.why));
    }
    let post = &row.post;
    if let Some(expires) = post.expires.filter(|expires| wall >= *expires) {
        return Some(format!("at {wall}, though it expired at {expires}"));
    }
    let latest = *hand.on().latest.lock().unwrap();
    // Nor early: but by a person's word, or by a clock that was further then, as what was tried before shows.
    let first = post.attempts <= 1 && post.standing.tries == 0 && post.standing.late_from.is_none();
    (first && latest < post.due).then(|| format!("at {wall}, though it is due at {}", post.due))
}

/// The very first request of a post says what the files have said for a while.
fn is_not_what_the_files_say(hand: &Hand, account: usize, row: &Row, sealed: &Sealed) -> Option<String> {
    let sim = &hand.sim;
    let standing = &row.post.standing;
    let changed = sim.files.lock().unwrap().changed;
    let since = changed.max(*sim.troubled.lock().unwrap());
    // One that was in doubt keeps its words until the planner next looks at it.
    let fresh = standing.part == 0 && standing.unsure.is_none() && row.post.attempts <= 1;
    if !fresh || since + TAKEN_UP > Instant::now() {
        return None;
    }
    let campaign = hand.on().files.lock().unwrap().as_ref()?.borrow().clone();
    // Who releases everything releases what the file holds, too, until it is read anew.
    let released = sim.book.lock().unwrap().released.is_some_and(|at| at >= changed);
    if campaign.settings.hold.is_some() && !released {
        return Some("though the campaign file says stop".to_owned());
    }
    let Some(message) = find(&campaign, &row.post.message) else {
        return Some("though the files have it no more".to_owned());
    };
    if campaign.blocked.contains_key(&message.id) || message.draft {
        return Some("though it must not go out as it stands".to_owned());
    }
    if !sim.roster.target_indexes(&message.to).contains(&account) {
        return Some("though it goes there no more".to_owned());
    }
    let text = message.words.texts.first().map_or("", |text| text);
    let first = text.split("\n---\n").next().unwrap().trim();
    let said: serde_json::Value = serde_json::from_str(&sealed.prepared.body).unwrap();
    let said = said["text"].as_str().unwrap().trim().to_owned();
    (said != first).then(|| format!("saying {said:?}, and the files say {first:?}"))
}

pub fn find<'c>(campaign: &'c Campaign, id: &MessageId) -> Option<&'c Arc<Message>> {
    campaign.messages.iter().find(|message| message.id == *id)
}

/// A platform took it in.
pub fn accepted(sim: &Sim, account: usize, delivery: DeliveryId, id: &str) {
    let kind = sim.servers[account].lock().unwrap().kind;
    let mut book = sim.book.lock().unwrap();
    let known = book.deliveries.get_mut(&delivery).unwrap();
    known.accepted.push(id.to_owned());
    let (post, part, times) = (known.post, known.part, known.accepted.len());
    let before = book
        .deliveries
        .values()
        .filter(|d| d.post == post && d.part < part);
    let ready = before.filter(|d| d.accepted.is_empty()).count() == 0;
    let all = part == 0 || ready;
    drop(book);
    let what = format!("part {part} of {}", shown(sim, post));
    sim.say(format_args!("{} accepts {what} as {id}", kind.name()));
    if times > 1 {
        sim.breaks(format!("{} accepted {what} {times} times", kind.name()));
    }
    if !all {
        sim.breaks(format!("{} accepted {what} before the part before", kind.name()));
    }
}

/// A conclusion was handed to the ledger.
pub fn concluded(hand: &Hand, conclusion: &Conclusion, before: Option<&Standing>, moved: bool) {
    let sim = &hand.sim;
    let what = shown(sim, conclusion.post);
    if !moved {
        hand.say(format_args!("is too late to conclude {what}"));
        return;
    }
    let words = conclusion.failure.as_ref().map_or("", |failure| &failure.words);
    hand.say(format_args!(
        "concludes {what}: {} -> {} {words}",
        conclusion.from, conclusion.to.state
    ));
    if before.is_some_and(|before| before.state == State::Sent && before.state != conclusion.to.state) {
        sim.breaks(format!("{what} was sent, and is {} now", conclusion.to.state));
    }
    if conclusion.receipt.is_some()
        && let Some(wrong) = wrong_receipt(sim, conclusion.post, conclusion.part)
    {
        sim.breaks(wrong);
    }
}

/// What a receipt says that the platform does not hold.
pub fn wrong_receipt(sim: &Sim, post: PostId, part: u16) -> Option<String> {
    let row = sim.store.rows().posts.get(&post).cloned()?;
    let kept = row.parts.get(&part)?;
    let receipt = kept.receipt.as_ref()?;
    let account = sim
        .roster
        .accounts
        .iter()
        .position(|known| known.name == row.post.account);
    let server = sim.servers[account.unwrap()].lock().unwrap();
    let seen = server
        .posts
        .iter()
        .find(|seen| seen.id == receipt.id || url(server.kind, &seen.id) == receipt.id);
    let right = seen.is_some_and(|seen| seen.delivery == kept.key.delivery);
    let kind: Kind = server.kind;
    drop(server);
    let what = shown(sim, post);
    (!right).then(|| {
        format!(
            "the receipt {} of part {part} of {what} is not its own on {}",
            receipt.id,
            kind.name()
        )
    })
}
