//! Who of several has what in hand: leases, claims, orphans and the one that plans (reliability §2.7). The terms are
//! those of the database engine.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use steadfast::ledger::postgres::Terms;
use steadfast::ledger::{Daemon, Fence, Orphan, Post, Term};
use steadfast::post::identity::{AccountName, MessageId, PostId};
use steadfast::post::state::State;

use super::{Row, Rows, Time};

/// How many posts one takes at a time.
const SHARE: u32 = 128;
/// How often a post adrift is looked for before it is taken for settled.
const MISSED: u8 = 24;

/// A process that has, or had, a seat.
#[derive(Debug, Clone)]
pub struct Replica {
    name: String,
    lease_until: Duration,
    ended: Option<Duration>,
    heard: i64,
}

/// The lease of the one that plans.
#[derive(Debug, Default)]
pub struct Planner {
    instance: i64,
    term: i64,
    until: Duration,
}

/// What a renewal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    InTime,
    /// It had run out: nothing is begun for [`Terms::wake`], and then it is renewed once more.
    Late,
    Gone,
}

/// What this process knows of its own seat. It dies with it.
pub struct Seat {
    pub name: String,
    pub instance: i64,
    pub terms: Terms,
    uptime: Time,
    mind: Mutex<Mind>,
}

#[derive(Default)]
struct Mind {
    trusted_until: Duration,
    /// 0 if we don't plan.
    term: i64,
    adrift: BTreeMap<PostId, Adrift>,
}

#[derive(Debug, Clone, Copy)]
struct Adrift {
    foreign: bool,
    missed: u8,
}

fn lives(rows: &Rows, instance: i64, now: Duration) -> bool {
    let replica = rows.replicas.get(&instance);
    replica.is_some_and(|replica| replica.ended.is_none() && replica.lease_until > now)
}

fn end(rows: &mut Rows, instance: i64, now: Duration) {
    if let Some(replica) = rows.replicas.get_mut(&instance).filter(|r| r.ended.is_none()) {
        replica.ended = Some(now);
        replica.lease_until = replica.lease_until.min(now);
    }
    if rows.planner.instance == instance {
        rows.planner.until = Duration::ZERO;
    }
    for row in rows.posts.values_mut() {
        if row.owner == Some(instance) && row.post.standing.state != State::Sending {
            row.owner = None;
            row.post.fence = row.post.fence.next();
        }
    }
}

pub(super) fn daemons(rows: &Rows, now: Duration) -> Vec<Daemon> {
    let living = rows.replicas.iter().filter(|(id, _)| lives(rows, **id, now));
    let mut daemons: Vec<Daemon> = living
        .map(|(_, replica)| Daemon {
            name: replica.name.clone(),
            heard: replica.heard,
        })
        .collect();
    daemons.sort_by(|a, b| a.name.cmp(&b.name));
    daemons
}

impl Seat {
    pub(super) fn take(rows: &mut Rows, name: &str, now: Duration, uptime: Time) -> Self {
        let terms = Terms::default();
        let start = uptime();
        let before: Vec<i64> = rows
            .replicas
            .iter()
            .filter(|(_, replica)| replica.name == name && replica.ended.is_none())
            .map(|(instance, _)| *instance)
            .collect();
        for instance in before {
            end(rows, instance, now);
        }
        let instance = i64::try_from(rows.replicas.len()).unwrap() + 1;
        let replica = Replica {
            name: name.to_owned(),
            lease_until: now + terms.lease,
            ended: None,
            heard: 0,
        };
        rows.replicas.insert(instance, replica);
        let seat = Self {
            name: name.to_owned(),
            instance,
            terms,
            uptime,
            mind: Mutex::default(),
        };
        seat.trust_from(start);
        seat
    }

    fn trust_from(&self, start: Duration) {
        let terms = &self.terms;
        self.mind.lock().unwrap().trusted_until =
            start + terms.lease.saturating_sub(terms.spare + terms.request);
    }

    pub fn trusted(&self) -> bool {
        (self.uptime)() < self.mind.lock().unwrap().trusted_until
    }

    /// Whether we plan, as far as we know.
    pub fn has_term(&self) -> bool {
        self.mind.lock().unwrap().term > 0
    }

    pub fn renew(&self, rows: &mut Rows, now: Duration) -> Renewed {
        let start = (self.uptime)();
        let replica = rows.replicas.get_mut(&self.instance);
        let renewed = match replica.filter(|replica| replica.ended.is_none()) {
            None => Renewed::Gone,
            Some(replica) => {
                let before = std::mem::replace(&mut replica.lease_until, now + self.terms.lease);
                if before < now {
                    Renewed::Late
                } else {
                    Renewed::InTime
                }
            }
        };
        {
            let mut mind = self.mind.lock().unwrap();
            if mind.term > 0 {
                let planner = &mut rows.planner;
                if (planner.instance, planner.term) == (self.instance, mind.term) {
                    planner.until = now + self.terms.planner;
                } else {
                    mind.term = 0;
                }
            }
            match renewed {
                Renewed::InTime => {}
                Renewed::Late => mind.trusted_until = Duration::ZERO,
                Renewed::Gone => (mind.trusted_until, mind.term) = (Duration::ZERO, 0),
            }
        }
        if renewed == Renewed::InTime {
            self.trust_from(start);
        }
        renewed
    }

    pub(super) fn leads(&self, rows: &mut Rows, now: Duration) -> Option<Term> {
        let seated = rows
            .replicas
            .get(&self.instance)
            .is_some_and(|replica| replica.ended.is_none());
        let planner = &mut rows.planner;
        let mut term = 0;
        if seated && (planner.instance == self.instance || planner.until < now) {
            if planner.instance != self.instance {
                planner.term += 1;
                planner.instance = self.instance;
            }
            planner.until = now + self.terms.planner;
            term = planner.term;
        }
        self.mind.lock().unwrap().term = term;
        (term > 0).then_some(Term(term))
    }

    /// Whether a plan of ours may be written.
    pub(super) fn plans(&self, rows: &Rows, now: Duration) -> bool {
        let planner = &rows.planner;
        let term = self.mind.lock().unwrap().term;
        (planner.instance, planner.term) == (self.instance, term) && planner.until > now
    }

    pub(super) fn leave(&self, rows: &mut Rows, now: Duration) {
        self.mind.lock().unwrap().trusted_until = Duration::ZERO;
        end(rows, self.instance, now);
    }

    pub(super) fn heard(&self, rows: &mut Rows, bell: i64) {
        if let Some(replica) = rows.replicas.get_mut(&self.instance) {
            replica.heard = bell;
        }
    }

    pub(super) fn claim(
        &self,
        rows: &mut Rows,
        time: Duration,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Vec<Post> {
        let (limit, us) = (limit.min(SHARE), self.instance);
        let mut posts = rows.ready(account, now, blocked, limit, |row| row.owner == Some(us));
        let seated = rows
            .replicas
            .get(&us)
            .is_some_and(|replica| replica.ended.is_none());
        let free = |row: &Row| {
            seated
                && row
                    .owner
                    .is_none_or(|owner| owner != us && !lives(rows, owner, time))
        };
        for mut post in rows.ready(account, now, blocked, limit, free) {
            let row = rows.posts.get_mut(&post.id).unwrap();
            row.owner = Some(us);
            row.post.fence = row.post.fence.next();
            post.fence = row.post.fence;
            posts.push(post);
        }
        posts.sort_by_key(|post| (!post.breaking, post.standing.not_before));
        posts.truncate(limit.try_into().unwrap());
        posts
    }

    pub(super) fn let_go(&self, rows: &mut Rows, posts: &[(PostId, Fence)]) {
        for (id, fence) in posts {
            if let Some(row) = rows.posts.get_mut(id)
                && row.post.fence == *fence
                && row.owner == Some(self.instance)
                && row.post.standing.state != State::Sending
            {
                row.owner = None;
            }
        }
    }

    pub(super) fn lost_sight(&self, post: PostId) {
        let ours = Adrift {
            foreign: false,
            missed: 0,
        };
        self.mind.lock().unwrap().adrift.insert(post, ours);
    }

    pub(super) fn found(&self, post: PostId) {
        self.mind.lock().unwrap().adrift.remove(&post);
    }

    /// What those who are gone were sending, and whether anything that they had claimed is free now.
    pub(super) fn orphans(&self, rows: &mut Rows, now: Duration, starting: bool) -> (Vec<Orphan>, bool) {
        let after = self.terms.request + self.terms.settle;
        let mut taken = Vec::new();
        for (id, row) in &rows.posts {
            if row.post.standing.state != State::Sending || row.owner == Some(self.instance) {
                continue;
            }
            let owner = row.owner.and_then(|owner| rows.replicas.get(&owner));
            let gone = owner.is_none_or(|owner| {
                owner.name == self.name && owner.ended.is_some()
                    || owner.ended.unwrap_or(owner.lease_until) + after < now
            });
            if gone && (row.owner.is_some() || starting) {
                let foreign = owner.is_some_and(|owner| owner.name != self.name) || row.foreign;
                taken.push((*id, foreign));
            }
        }
        let mut mind = self.mind.lock().unwrap();
        for (id, foreign) in taken {
            let row = rows.posts.get_mut(&id).unwrap();
            row.owner = Some(self.instance);
            row.foreign = foreign;
            row.post.fence = row.post.fence.next();
            mind.adrift.insert(id, Adrift { foreign, missed: 0 });
        }
        let lost: Vec<PostId> = rows
            .posts
            .iter()
            .filter(|(_, row)| row.post.standing.state != State::Sending)
            .filter(|(_, row)| row.owner.is_some_and(|owner| !lives(rows, owner, now)))
            .map(|(id, _)| *id)
            .collect();
        for id in &lost {
            let row = rows.posts.get_mut(id).unwrap();
            row.owner = None;
            row.post.fence = row.post.fence.next();
        }
        let mut orphans = Vec::new();
        mind.adrift.retain(|id, adrift| {
            let row = rows
                .posts
                .get(id)
                .filter(|row| row.post.standing.state == State::Sending && row.owner == Some(self.instance));
            match row {
                Some(row) => orphans.push(Orphan {
                    post: row.post.clone(),
                    foreign: adrift.foreign,
                }),
                None => adrift.missed += 1,
            }
            adrift.missed < MISSED
        });
        (orphans, !lost.is_empty())
    }
}
