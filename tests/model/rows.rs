//! What is kept, and each verb on it: the same conditions as the engines' statements, in the same order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use steadfast::calendar::past::{Past, Turns, Variants};
use steadfast::campaign::AfterHold;
use steadfast::campaign::approval::Approval;
use steadfast::ledger::rename::SHARE;
use steadfast::ledger::session::Session;
use steadfast::ledger::token::KeptToken;
use steadfast::ledger::{
    Change, Conclusion, Fence, Filter, Hold, Intended, Intent, NewPost, Post, Published, Rename, Renamed,
    Rivals, Scope, SentPart, Spoken, Voice,
};
use steadfast::post::digest::Digest;
use steadfast::post::engagement::Counts;
use steadfast::post::identity::{AccountName, CampaignId, Identity, MessageId, PostId};
use steadfast::post::outcome::{Class, Receipt};
use steadfast::post::state::{Standing, State};

use super::seats::{Planner, Replica};

/// How far back an account's traffic matters.
const TRAFFIC: SignedDuration = SignedDuration::from_hours(72);
/// What went out since then was due at most so long before.
const BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many of the last entries are looked through for the newest instant.
const LAST: usize = 1000;

/// A post, and what of it only the ledger knows.
#[derive(Debug, Clone)]
pub struct Row {
    pub post: Post,
    pub parts: BTreeMap<u16, SentPart>,
    pub attempts: Vec<Attempt>,
    /// Its place among all that were recorded.
    pub order: u64,
    pub recorded: Timestamp,
    pub changed: Timestamp,
    /// When it took its place in its account's pace.
    pub paced: Option<Timestamp>,
    /// The process that has it in hand.
    pub owner: Option<i64>,
    /// Another replica was sending it.
    pub foreign: bool,
    /// Its id under the name that its message has now.
    pub alias: PostId,
}

/// One request as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub part: u16,
    pub no: u32,
    pub intended: Timestamp,
    pub answered: bool,
    pub class: Option<&'static str>,
    pub status: Option<u16>,
    pub words: Option<String>,
}

/// A hold, settled ones too.
#[derive(Debug, Clone)]
struct Said {
    hold: Hold,
    settled: bool,
}

/// All tables.
#[derive(Debug, Default)]
pub struct Rows {
    pub posts: BTreeMap<PostId, Row>,
    /// Those that wait, of each account: few of many.
    waiting: BTreeMap<AccountName, BTreeSet<PostId>>,
    pub waits: BTreeMap<AccountName, Timestamp>,
    pub notes: BTreeMap<String, String>,
    pub bell: i64,
    /// Of a ledger that only one can have.
    pub heard: i64,
    pub(super) replicas: BTreeMap<i64, Replica>,
    pub(super) planner: Planner,
    known: BTreeMap<MessageId, Timestamp>,
    holds: Vec<Said>,
    /// Each with what it is about.
    pub approvals: Vec<(Approval, String)>,
    pub tokens: BTreeMap<AccountName, KeptToken>,
    pub counts: BTreeMap<PostId, BTreeMap<Timestamp, Counts>>,
    pub spoken: Vec<Spoken>,
    pub sessions: BTreeMap<Digest, Session>,
    /// When each thing happened, as whoever wrote it said.
    events: Vec<Timestamp>,
    recorded: u64,
    /// Whether any post has another name now.
    renamed: bool,
}

fn is_waiting(state: State) -> bool {
    matches!(state, State::Due | State::Retrying | State::InDoubt)
}

/// The engines keep microseconds.
fn micro(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap()
}

fn kept(standing: &Standing) -> Standing {
    let mut kept = standing.clone();
    kept.not_before = micro(kept.not_before);
    kept.late_from = kept.late_from.map(micro);
    kept.first_intent = kept.first_intent.map(micro);
    if let Some(unsure) = &mut kept.unsure {
        unsure.since = micro(unsure.since);
    }
    kept
}

impl Rows {
    /// Takes up where a post stands now, or that it is gone.
    pub fn moved(&mut self, id: PostId) {
        let Some(row) = self.posts.get(&id) else {
            for waiting in self.waiting.values_mut() {
                waiting.remove(&id);
            }
            return;
        };
        let waiting = self.waiting.entry(row.post.account.clone()).or_default();
        if is_waiting(row.post.standing.state) {
            waiting.insert(id);
        } else {
            waiting.remove(&id);
        }
    }

    fn happened(&mut self, at: Timestamp) {
        self.events.push(micro(at));
    }

    pub fn approve(&mut self, said: Vec<(Approval, String)>) {
        for (approval, content) in said {
            self.happened(approval.at);
            let at = micro(approval.at);
            self.approvals.push((Approval { at, ..approval }, content));
        }
    }

    pub fn newest(&self) -> Option<Timestamp> {
        self.events.iter().rev().take(LAST).max().copied()
    }

    // --- planning ---------------------------------------------------------------------------------

    pub fn record(&mut self, posts: Vec<NewPost>, now: Timestamp) -> Vec<PostId> {
        let mut new = Vec::new();
        for post in posts {
            let id = post.identity.post_id();
            let filled = |row: &Row| {
                row.post.account == post.identity.account
                    && row.post.slot == post.slot
                    && row.post.standing.state != State::Skipped
            };
            let slot = post.slot.is_some() && post.state != State::Skipped;
            let alias = self.renamed && self.posts.values().any(|row| row.alias == id);
            let known = alias || self.posts.contains_key(&id);
            if known || slot && self.posts.values().any(filled) {
                continue;
            }
            self.recorded += 1;
            self.speak(id, post.voice.as_ref(), now);
            let row = Row {
                post: as_recorded(id, post),
                parts: BTreeMap::new(),
                attempts: Vec::new(),
                order: self.recorded,
                recorded: micro(now),
                changed: micro(now),
                paced: None,
                owner: None,
                foreign: false,
                alias: id,
            };
            self.posts.insert(id, row);
            self.moved(id);
            self.happened(now);
            new.push(id);
        }
        new
    }

    fn speak(&mut self, post: PostId, voice: Option<&Voice>, at: Timestamp) {
        self.spoken.extend(voice.map(|voice| Spoken {
            post,
            act: voice.act.to_owned(),
            by: voice.by.clone(),
            at: micro(at),
        }));
    }

    pub fn reword(&mut self, changes: &[Change], now: Timestamp) {
        for change in changes {
            let Some(row) = self.posts.get_mut(&change.post) else {
                continue;
            };
            let post = &mut row.post;
            let standing = &mut post.standing;
            let open = !matches!(standing.state, State::Sending | State::InDoubt | State::Sent);
            if !open || standing.part > 0 || standing.unsure.is_some() {
                continue;
            }
            post.parts = change.content.parts.len().try_into().unwrap();
            post.content = change.content.clone();
            post.late = change.late;
            post.expires = change.expires.map(micro);
            if let Some(moved) = change.moved.map(micro) {
                post.due = moved;
                standing.not_before = moved;
                standing.tries = 0;
                standing.late_from = None;
            }
            post.fence = post.fence.next();
            row.changed = micro(now);
            self.events.push(micro(now));
        }
    }

    pub fn unplan(&mut self, posts: &[PostId], now: Timestamp) {
        for id in posts {
            let gone = self.posts.get(id).is_some_and(|row| {
                matches!(row.post.standing.state, State::Due | State::Retrying) && row.post.attempts == 0
            });
            if gone {
                self.posts.remove(id);
                self.moved(*id);
                self.happened(now);
            }
        }
    }

    pub fn know(&mut self, messages: Vec<MessageId>, now: Timestamp) {
        for message in messages {
            self.known.entry(message).or_insert(micro(now));
        }
    }

    pub fn rename(&mut self, campaign: &CampaignId, names: Vec<Rename>, now: Timestamp) -> Vec<Renamed> {
        let mut done = Vec::new();
        for Rename { from, to } in names {
            let renamed = Renamed {
                posts: self.rename_posts(campaign, &from, &to),
                holds: self.rename_holds(&from, &to, now),
                notes: self.rename_notes(&from, &to),
                from,
                to,
            };
            if !renamed.is_nothing() {
                self.happened(now);
                done.push(renamed);
            }
        }
        done
    }

    fn rename_posts(&mut self, campaign: &CampaignId, from: &MessageId, to: &MessageId) -> u64 {
        let twin = |post: &Post| {
            let same = |row: &Row| {
                let other = &row.post;
                other.message == *to && other.account == post.account && other.occurrence == post.occurrence
            };
            !matches!(
                post.standing.state,
                State::Sent | State::Rejected | State::Skipped
            ) && self.posts.values().any(same)
        };
        let posts = self.posts.values().map(|row| &row.post);
        let moves = posts.filter(|post| post.message == *from && !twin(post));
        let moves: Vec<PostId> = moves.map(|post| post.id).collect();
        self.renamed |= !moves.is_empty();
        for id in &moves {
            let row = self.posts.get_mut(id).unwrap();
            row.post.message = to.clone();
            row.alias = Identity {
                campaign: campaign.clone(),
                message: to.clone(),
                account: row.post.account.clone(),
                occurrence: row.post.occurrence.clone(),
            }
            .post_id();
        }
        moves.len().try_into().unwrap()
    }

    fn rename_holds(&mut self, from: &MessageId, to: &MessageId, now: Timestamp) -> u64 {
        let (from, to) = (Scope::Message(from.clone()), Scope::Message(to.clone()));
        let mut count = 0;
        for at in 0..self.holds.len() {
            if self.holds[at].settled || self.holds[at].hold.scope != from {
                continue;
            }
            count += 1;
            let old = self.holds[at].hold.clone();
            let twin = |said: &&mut Said| {
                let hold = &said.hold;
                hold.scope == to && hold.by == old.by && hold.released.is_none() && old.released.is_none()
            };
            if let Some(Said { hold, .. }) = self.holds.iter_mut().find(twin) {
                hold.since = hold.since.min(old.since);
                hold.said = hold.said.max(old.said);
                if hold.why != old.why {
                    hold.why = format!("{}; {}", hold.why, old.why);
                }
                self.holds[at].hold.released = Some(micro(now));
                self.holds[at].settled = true;
            } else {
                self.holds[at].hold.scope = to.clone();
            }
        }
        count
    }

    fn rename_notes(&mut self, from: &MessageId, to: &MessageId) -> u64 {
        let mut count = 0;
        if let Some(since) = self.known.remove(from) {
            let known = self.known.entry(to.clone()).or_insert(since);
            *known = since.min(*known);
            count += 1;
        }
        let (old, new) = (format!("{SHARE} {from} "), format!("{SHARE} {to} "));
        let keys: Vec<String> = self
            .notes
            .keys()
            .filter(|key| key.starts_with(&old))
            .cloned()
            .collect();
        for key in keys {
            let value = self.notes.remove(&key).unwrap();
            self.notes.insert(key.replacen(&old, &new, 1), value);
            count += 1;
        }
        count
    }

    pub fn sent_since(&self, since: Timestamp) -> BTreeSet<MessageId> {
        let due = since.saturating_sub(BEFORE).unwrap();
        let posts = self.posts.values().map(|row| &row.post);
        let sent = posts.filter(|post| {
            let late = post.sent.is_some_and(|sent| sent >= micro(since)) && post.due >= due;
            late && post.standing.state == State::Sent && !post.is_recall()
        });
        sent.map(|post| post.message.clone()).collect()
    }

    pub fn waiting(&self, after: Option<PostId>, limit: u32) -> Vec<Post> {
        let posts = self.posts.iter();
        posts
            .filter(|(id, _)| after.is_none_or(|after| **id > after))
            .filter(|(_, row)| matches!(row.post.standing.state, State::Due | State::Retrying))
            .map(|(_, row)| row.post.clone())
            .take(limit.try_into().unwrap())
            .collect()
    }

    pub fn files_waiting(&self) -> Vec<(String, MessageId)> {
        let posts = self.posts.values().map(|row| &row.post);
        let waiting = posts.filter(|post| is_waiting(post.standing.state));
        let files: BTreeSet<_> = waiting
            .map(|post| (post.file.clone(), post.message.clone()))
            .collect();
        files.into_iter().collect()
    }

    pub fn variants(&self, of: &[MessageId]) -> Variants {
        let said = |row: &&Row| {
            let state = row.post.standing.state;
            let counts = !matches!(state, State::Rejected | State::Skipped) && !row.post.is_recall();
            counts && of.contains(&row.post.message)
        };
        let mut rows: Vec<&Row> = self.posts.values().filter(said).collect();
        rows.sort_by_key(|row| row.post.due);
        let key = |post: &Post| (post.message.clone(), post.account.clone());
        let last = rows
            .into_iter()
            .filter_map(|row| Some((key(&row.post), row.post.content.variant?)));
        last.collect()
    }

    pub fn past(&self, asked: &[MessageId], now: Timestamp) -> Past {
        let mut past = Past::default();
        for (message, since) in &self.known {
            past.known.insert(message, *since);
        }
        let around = now.saturating_sub(TRAFFIC).unwrap()..=now.saturating_add(TRAFFIC).unwrap();
        for row in self.posts.values() {
            let known = &row.post;
            if known.is_recall() {
                continue;
            }
            let state = known.standing.state;
            let cycle = known.occurrence.as_str().starts_with("cycle ");
            if cycle || asked.contains(&known.message) {
                let key = (known.message.clone(), known.account.clone());
                let turns = past.turns.entry(key).or_insert_with(Turns::default);
                turns.count += 1;
                if cycle || !matches!(state, State::Skipped | State::Rejected) {
                    turns.last = turns.last.max(Some(known.due));
                }
                if state == State::Sent {
                    turns.sent = turns.sent.max(known.sent);
                }
            }
            if let Some(slot) = known.slot {
                let last = past.slots.entry(known.account.clone()).or_insert(slot);
                *last = slot.max(*last);
            }
            let counts = !matches!(state, State::Held | State::Rejected | State::Skipped);
            if counts && around.contains(&known.due) {
                let at = known.began.unwrap_or(known.standing.not_before);
                past.traffic.entry(known.account.clone()).or_default().push(at);
            }
        }
        for traffic in past.traffic.values_mut() {
            traffic.sort();
        }
        past
    }

    // --- delivery ---------------------------------------------------------------------------------

    fn is_held(&self, post: &Post) -> bool {
        let open = self.holds.iter().filter(|said| !said.settled);
        open.into_iter().any(|said| said.hold.stops(post))
    }

    /// Those of an account that wait, and that neither a hold nor the files keep back.
    fn free(&self, account: &AccountName, blocked: &[MessageId]) -> impl Iterator<Item = &Row> {
        let waiting = self.waiting.get(account).into_iter().flatten();
        waiting
            .map(|id| &self.posts[id])
            .filter(|row| row.post.is_recall() || !blocked.contains(&row.post.message))
            .filter(|row| !self.is_held(&row.post))
    }

    /// What may be looked at now, of those that `may` be taken.
    pub fn ready(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
        may: impl Fn(&Row) -> bool,
    ) -> Vec<Post> {
        let free = self.free(account, blocked);
        let mut ready: Vec<&Row> = free
            .filter(|row| row.post.standing.not_before <= now && may(row))
            .collect();
        ready.sort_by_key(|row| (!row.post.breaking, row.post.standing.not_before, row.order));
        ready.truncate(limit.try_into().unwrap());
        ready.into_iter().map(|row| row.post.clone()).collect()
    }

    pub fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Option<Timestamp> {
        let free = self.free(account, blocked);
        free.map(|row| row.post.standing.not_before)
            .filter(|at| *at > after)
            .min()
    }

    /// Until when the account's pace lets nothing through.
    fn paced_until(&self, intent: &Intent) -> Option<Timestamp> {
        let pace = intent.pace?;
        let others = self.posts.values().filter(|row| row.post.id != intent.post);
        let paced: Vec<Timestamp> = others
            .filter(|row| row.post.account == intent.account)
            .filter_map(|row| row.paced)
            .collect();
        let last = paced.iter().max().filter(|_| !pace.min_gap.is_zero());
        let after_gap = last.map(|last| last.saturating_add(pace.min_gap).unwrap());
        let today = paced.iter().filter(|at| (pace.day.0..pace.day.1).contains(*at));
        let full = pace
            .max_per_day
            .is_some_and(|most| today.count() >= usize::try_from(most).unwrap());
        after_gap
            .max(full.then_some(pace.day.1))
            .filter(|free| *free > micro(intent.at))
    }

    pub fn intend(&mut self, intent: &Intent, by: Option<i64>) -> Intended {
        if let Some(until) = self.paced_until(intent) {
            return Intended::NotYet(until);
        }
        let Some(row) = self.posts.get(&intent.post) else {
            return Intended::Refused;
        };
        let here = row.post.standing.state == intent.from && row.post.fence == intent.fence;
        let waits = self.waits.get(&row.post.account).copied();
        let waits = waits.filter(|until| *until > micro(intent.at));
        let free = row.post.standing.part == intent.to.part
            && (row.owner.is_none() || row.owner == by)
            && !self.is_held(&row.post);
        match waits {
            Some(until) if here => return Intended::NotYet(micro(until)),
            None if here && free => {}
            _ => return Intended::Refused,
        }
        let at = micro(intent.at);
        let row = self.posts.get_mut(&intent.post).unwrap();
        let (post, to) = (&mut row.post, kept(&intent.to));
        post.standing = Standing {
            state: State::Sending,
            first_intent: to.first_intent,
            unsure: to.unsure,
            tries: to.tries,
            resent: to.resent,
            why: None,
            ..post.standing.clone()
        };
        post.attempts += 1;
        post.fence = post.fence.next();
        row.foreign = to.unsure.is_some_and(|unsure| unsure.foreign);
        if to.part == 0 && to.unsure.is_none() && !post.is_recall() {
            row.paced = Some(at);
        }
        row.owner = by;
        row.changed = at;
        row.attempts.push(Attempt {
            part: to.part,
            no: post.attempts,
            intended: at,
            answered: false,
            class: None,
            status: None,
            words: None,
        });
        if let Some(prepared) = &intent.prepared {
            let frozen = row.parts.entry(to.part).or_insert_with(|| SentPart {
                index: to.part,
                key: intent.key,
                prepared: prepared.clone(),
                receipt: None,
                sent: None,
            });
            frozen.prepared = prepared.clone();
        }
        self.moved(intent.post);
        self.happened(at);
        Intended::Durable
    }

    /// `again`: one that was moved by this very conclusion before counts as moved.
    pub fn conclude(&mut self, conclusion: &Conclusion, by: Option<i64>, again: bool) -> bool {
        let Some(row) = self.posts.get_mut(&conclusion.post) else {
            return false;
        };
        let (post, at) = (&mut row.post, micro(conclusion.at));
        let to = kept(&conclusion.to);
        let here = post.standing.state == conclusion.from
            && post.standing.part == conclusion.part
            && post.fence == conclusion.fence;
        if !here {
            let before = post.fence == conclusion.fence.next()
                && row.changed == at
                && (post.standing.state, post.standing.part) == (to.state, to.part);
            return again && before;
        }
        if let Some(voice) = &conclusion.voice {
            self.spoken.push(Spoken {
                post: conclusion.post,
                act: voice.act.to_owned(),
                by: voice.by.clone(),
                at,
            });
        }
        if [post.standing.state, to.state].contains(&State::Skipped) {
            post.slot = None;
        }
        let accepted = conclusion.receipt.is_some();
        if accepted {
            post.error = None;
            post.began = post.began.or(Some(at));
        } else if let Some(failure) = &conclusion.failure {
            post.error = Some(failure.words.clone());
        }
        if to.state == State::Sent {
            post.sent = Some(at);
        }
        if conclusion.part == 0 && !accepted && to.part == 0 && to.unsure.is_none() {
            row.paced = None;
        }
        row.foreign = to.unsure.is_some_and(|unsure| unsure.foreign);
        post.standing = to;
        post.fence = post.fence.next();
        row.owner = by.filter(|_| conclusion.keep);
        row.changed = at;
        if conclusion.from == State::Sending {
            let last = row.attempts.last_mut();
            if let Some(attempt) =
                last.filter(|last| (last.part, last.no) == (conclusion.part, post.attempts))
            {
                attempt.answered = true;
                attempt.class = class(conclusion);
                attempt.status = conclusion.failure.as_ref().and_then(|failure| failure.status);
                attempt.words = conclusion.failure.as_ref().map(|failure| failure.words.clone());
            }
        }
        if let (Some(receipt), Some(part)) = (&conclusion.receipt, row.parts.get_mut(&conclusion.part)) {
            part.receipt = Some(receipt.clone());
            part.sent = Some(at);
        }
        self.moved(conclusion.post);
        self.happened(at);
        true
    }

    // --- holds ------------------------------------------------------------------------------------

    pub fn hold(&mut self, scope: &Scope, why: &str, by: &str, now: Timestamp) {
        let same = |said: &&mut Said| {
            said.hold.scope == *scope && said.hold.by == by && said.hold.released.is_none()
        };
        let number = self
            .holds
            .iter()
            .map(|said| said.hold.said)
            .max()
            .unwrap_or_default()
            + 1;
        if let Some(said) = self.holds.iter_mut().find(same) {
            why.clone_into(&mut said.hold.why);
            said.hold.said = number;
        } else {
            let id = i64::try_from(self.holds.len()).unwrap() + 1;
            let hold = Hold {
                id,
                scope: scope.clone(),
                why: why.to_owned(),
                by: by.to_owned(),
                since: micro(now),
                said: number,
                released: None,
            };
            self.holds.push(Said { hold, settled: false });
        }
        self.happened(now);
    }

    pub fn release(&mut self, scope: &Scope, only_by: Option<&str>, now: Timestamp) -> u64 {
        let mut count = 0;
        for said in &mut self.holds {
            let hold = &mut said.hold;
            let named = hold.scope == *scope && only_by.is_none_or(|by| hold.by == by);
            if named && hold.released.is_none() {
                hold.released = Some(micro(now));
                count += 1;
            }
        }
        if count > 0 {
            self.happened(now);
        }
        count
    }

    pub fn holds(&self) -> Vec<Hold> {
        let open = self.holds.iter().filter(|said| !said.settled);
        let mut open: Vec<Hold> = open.map(|said| said.hold.clone()).collect();
        open.sort_by_key(|hold| (hold.since, hold.id));
        open
    }

    pub fn held_since(&self, since: Timestamp) -> Vec<Hold> {
        let all = self.holds.iter().map(|said| said.hold.clone());
        let then = |hold: &Hold| hold.released.is_none_or(|released| released >= since);
        let mut found: Vec<Hold> = all.filter(then).collect();
        found.sort_by_key(|hold| (hold.since, hold.id));
        found
    }

    pub fn settle(&mut self, hold: &Hold, after: AfterHold, now: Timestamp) -> Vec<Post> {
        let open =
            |said: &&mut Said| said.hold.id == hold.id && said.hold.released.is_some() && !said.settled;
        let Some(said) = self.holds.iter_mut().find(open) else {
            return Vec::new();
        };
        said.settled = true;
        let scope = said.hold.scope.clone();
        self.happened(now);
        let (state, why) = match after {
            AfterHold::Send => return Vec::new(),
            AfterHold::Review => (State::Held, "it fell due during a hold: `retry` or `skip`"),
            AfterHold::Skip => (State::Skipped, "it fell due during a hold"),
        };
        let now = micro(now);
        let mut moved = Vec::new();
        for row in self.posts.values_mut() {
            let post = &mut row.post;
            let standing = &mut post.standing;
            let during = hold.since..=now;
            let fell_due =
                post.due >= hold.since || row.recorded >= hold.since || during.contains(&standing.not_before);
            if matches!(standing.state, State::Due | State::Retrying)
                && standing.part == 0
                && post.content.deletes().is_none()
                && post.due <= now
                && fell_due
                && scope.covers(&post.message, &post.account)
            {
                standing.state = state;
                standing.why = Some(why.to_owned());
                post.fence = post.fence.next();
                if state == State::Skipped {
                    post.slot = None;
                }
                row.owner = None;
                row.changed = now;
                moved.push(post.clone());
            }
        }
        for post in &moved {
            self.moved(post.id);
        }
        moved
    }

    pub fn let_through(&mut self, posts: &[PostId], said: i64, now: Timestamp) {
        for id in posts {
            let Some(row) = self.posts.get_mut(id) else {
                continue;
            };
            let post = &mut row.post;
            if post.is_recall() && post.through < said && is_waiting(post.standing.state) {
                post.through = said;
                post.fence = post.fence.next();
                row.changed = micro(now);
                self.events.push(micro(now));
            }
        }
    }

    // --- looking ----------------------------------------------------------------------------------

    pub fn receipts_of(&self, message: &MessageId, account: &AccountName) -> Vec<Receipt> {
        let sent = self.posts.values().filter(|row| {
            row.post.message == *message
                && row.post.account == *account
                && row.post.standing.state == State::Sent
                && !row.post.is_recall()
        });
        let last = sent.max_by_key(|row| row.post.sent);
        let parts = last.into_iter().flat_map(|row| row.parts.values());
        parts.filter_map(|part| part.receipt.clone()).collect()
    }

    pub fn published(&self, which: &Published, after: Option<PostId>, limit: u32) -> Vec<Post> {
        let posts = self.posts.values().map(|row| &row.post);
        let out = |post: &&Post| {
            let standing = &post.standing;
            post.began.is_some() || standing.state == State::Sending || standing.unsure.is_some()
        };
        // Its own facts, and those that an edit has given it.
        let has = |post: &Post, is_it: &dyn Fn(&str) -> bool| {
            let of = |row: &&Row| {
                row.post
                    .content
                    .recall
                    .as_ref()
                    .is_some_and(|recall| recall.post == post.id)
            };
            let edits = self.posts.values().filter(of).map(|row| &row.post);
            let mut all = std::iter::once(post).chain(edits);
            all.any(|post| post.content.facts.keys().any(|name| is_it(name)))
        };
        let asked = |post: &&Post| match which {
            Published::WithFact(name) => has(post, &|fact| fact == name),
            Published::Of(message) => post.message == *message,
            Published::WithFacts => has(post, &|_| true),
        };
        posts
            .filter(|post| after.is_none_or(|after| post.id > after) && !post.is_recall())
            .filter(out)
            .filter(asked)
            .take(limit.try_into().unwrap())
            .cloned()
            .collect()
    }

    pub fn recalls(&self, of: &[PostId]) -> Vec<Post> {
        let posts = self.posts.values().map(|row| &row.post);
        let of = |post: &&Post| {
            let recall = post.content.recall.as_ref();
            recall.is_some_and(|recall| of.contains(&recall.post))
        };
        let mut posts: Vec<Post> = posts.filter(of).cloned().collect();
        posts.sort_by_key(|post| (post.due, post.id));
        posts
    }

    pub fn rivals(&self, post: &Post, since: Timestamp) -> Rivals {
        let mut rivals = Rivals::default();
        let part = post.standing.part;
        let ours = self.posts.get(&post.id).and_then(|row| row.parts.get(&part));
        let ours = ours.map(|part| &part.prepared);
        for row in self.posts.values().filter(|row| row.post.account == post.account) {
            let other = row.post.id != post.id;
            for theirs in row.parts.values() {
                let after = theirs.sent.is_some_and(|sent| sent >= micro(since));
                if let Some(receipt) = theirs
                    .receipt
                    .as_ref()
                    .filter(|_| after && (other || theirs.index != part))
                {
                    rivals.receipts.insert(receipt.id.clone());
                }
            }
            let standing = &row.post.standing;
            let open = match standing.state {
                State::Sending => true,
                State::InDoubt | State::Held => standing.unsure.is_some(),
                State::Skipped => standing.unsure.is_some() && row.changed >= micro(since),
                _ => false,
            };
            let theirs = row
                .parts
                .get(&standing.part)
                .filter(|part| part.receipt.is_none());
            rivals.twin |= other && open && ours.is_some() && theirs.map(|part| &part.prepared) == ours;
        }
        rivals
    }

    pub fn in_state(&self, state: State, limit: u32) -> Vec<Post> {
        let all = self.posts.values();
        let mut rows: Vec<&Row> = all.filter(|row| row.post.standing.state == state).collect();
        rows.sort_by_key(|row| (row.post.due, row.order));
        rows.truncate(limit.try_into().unwrap());
        rows.into_iter().map(|row| row.post.clone()).collect()
    }

    pub fn history(&self, filter: &Filter) -> Vec<Post> {
        let posts = self.posts.values().map(|row| &row.post);
        let is = |asked: &Option<String>, name: &str| asked.as_deref().is_none_or(|asked| asked == name);
        let mut posts: Vec<Post> = posts
            .filter(|post| filter.since.is_none_or(|since| post.due >= since))
            .filter(|post| filter.until.is_none_or(|until| post.due < until))
            .filter(|post| {
                is(&filter.message, post.message.as_str()) && is(&filter.account, post.account.as_str())
            })
            .filter(|post| filter.state.is_none_or(|state| post.standing.state == state))
            .cloned()
            .collect();
        let order = |a: &Post, b: &Post| {
            let (a, b) = (
                (a.due, &a.message, &a.account, a.id.to_string()),
                (b.due, &b.message, &b.account, b.id.to_string()),
            );
            (b.0, a.1, a.2, &a.3).cmp(&(a.0, b.1, b.2, &b.3))
        };
        posts.retain(|post| filter.after.as_ref().is_none_or(|last| order(last, post).is_lt()));
        posts.sort_by(order);
        posts.truncate(filter.limit.map_or(usize::MAX, |limit| limit.try_into().unwrap()));
        posts
    }

    pub fn counts(&self) -> BTreeMap<State, u64> {
        let mut counts = BTreeMap::new();
        for row in self.posts.values() {
            *counts.entry(row.post.standing.state).or_default() += 1;
        }
        counts
    }
}

fn as_recorded(id: PostId, post: NewPost) -> Post {
    let due = micro(post.due);
    Post {
        id,
        message: post.identity.message,
        account: post.identity.account,
        platform: post.platform.to_owned(),
        occurrence: post.identity.occurrence,
        due,
        late: post.late,
        expires: post.expires.map(micro),
        recurring: post.recurring,
        breaking: post.breaking,
        slot: post.slot.map(micro),
        file: post.file.to_string(),
        parts: post.content.parts.len().try_into().unwrap(),
        content: post.content,
        standing: Standing {
            state: post.state,
            part: 0,
            tries: 0,
            not_before: due,
            late_from: None,
            first_intent: None,
            unsure: None,
            resent: false,
            crashes: 0,
            why: post.why,
        },
        fence: Fence(0),
        attempts: 0,
        error: None,
        began: None,
        sent: None,
        through: 0,
    }
}

fn class(conclusion: &Conclusion) -> Option<&'static str> {
    if conclusion.receipt.is_some() {
        return Some("accepted");
    }
    conclusion.failure.as_ref().map(|failure| match failure.class {
        Class::Transient => "transient",
        Class::RateLimited { .. } => "rate_limited",
        Class::Auth => "auth",
        Class::Rejected => "rejected",
        Class::Duplicate => "duplicate",
        Class::InDoubt => "in_doubt",
        Class::Gone => "gone",
    })
}
