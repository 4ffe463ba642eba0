//! Staff and operators: they edit files, say stop, and have a word on what is held. They do it as the commands do,
//! and they look before they speak.

use std::sync::Arc;
use std::time::Duration;

use steadfast::campaign::render::render;
use steadfast::ledger::{Change, Conclusion, Ledger, Post, Scope};
use steadfast::post::identity::DeliveryId;
use steadfast::post::state::{State, Terms};
use steadfast::post::step::{Action, Event, THREAD_GAP, Word, step};
use steadfast::text::limits::Doubt;

use crate::book;
use crate::model::Model;
use crate::plan::Target;
use crate::platform::url;
use crate::world::Sim;

const ANN: &str = "ann";

fn scope(sim: &Sim, target: Target) -> Scope {
    match target {
        Target::All => Scope::All,
        Target::Account(account) => Scope::Account(sim.roster.accounts[account].name.clone()),
        Target::Message(number) => Scope::Message(sim.files.lock().unwrap().id(number).parse().unwrap()),
    }
}

/// Comes back when the ledger can be used from the first machine.
async fn ledger(sim: &Arc<Sim>) -> Model {
    let hand = crate::world::Hand::new(sim, 0);
    while hand.ledger_works(true).await.is_err() {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    sim.store.open()
}

pub async fn hold(sim: Arc<Sim>, target: Target) {
    let scope = scope(&sim, target);
    let ledger = ledger(&sim).await;
    ledger.hold(&scope, "stop", ANN, sim.now()).await.unwrap();
    // When `hold` has returned no new intent can be written; who has heard the bell stops what was intended before.
    book::held(&sim, &scope, ANN, None);
    let bell = ledger.ring().await.unwrap();
    book::held(&sim, &scope, ANN, Some(bell));
    sim.say(format_args!("ann holds {scope}, bell {bell}"));
}

pub async fn release(sim: Arc<Sim>, target: Target) {
    let scope = scope(&sim, target);
    let ledger = ledger(&sim).await;
    book::releases(&sim, &scope, None);
    let released = ledger.release(&scope, ANN, None, None, sim.now()).await.unwrap();
    ledger.ring().await.unwrap();
    sim.say(format_args!("ann releases {scope}: {released}"));
}

/// Everything that is held, whoever holds it.
pub async fn release_all(sim: &Arc<Sim>) {
    let ledger = ledger(sim).await;
    for hold in ledger.holds().await.unwrap() {
        if hold.released.is_none() {
            book::releases(sim, &hold.scope, None);
            ledger
                .release(&hold.scope, ANN, None, None, sim.now())
                .await
                .unwrap();
            ledger.ring().await.unwrap();
            sim.say(format_args!("ann releases {}: {}", hold.scope, hold.why));
        }
    }
}

/// The files as they stand now reach a machine's folder.
pub fn bring(sim: &Sim, machine: usize) {
    let campaign = sim.files.lock().unwrap().campaign(&sim.roster, sim.now());
    if let Some(files) = &*sim.machines[machine].files.lock().unwrap() {
        files.send_replace(campaign);
    }
}

pub async fn edit(sim: Arc<Sim>) {
    let what = {
        let now = sim.now();
        let (mut files, mut dice) = (sim.files.lock().unwrap(), sim.dice());
        files.edit(&mut dice, &sim.profile, now)
    };
    sim.say(format_args!("an edit: {what}"));
    for machine in 0..sim.machines.len() {
        let after = sim
            .dice()
            .between(Duration::from_millis(250), Duration::from_secs(3));
        tokio::time::sleep(after).await;
        bring(&sim, machine);
    }
}

/// A person goes through what is held, rejected or in doubt. `all`: every doubt is settled, and nothing else is said.
pub async fn desk(sim: Arc<Sim>, all: bool) {
    let ledger = ledger(&sim).await;
    let mut posts = Vec::new();
    for state in [State::Held, State::Rejected, State::Skipped, State::InDoubt] {
        posts.extend(ledger.in_state(state, 1000).await.unwrap());
    }
    for post in posts {
        if let Some(word) = word(&sim, &post, all) {
            tell(&sim, &ledger, post, word).await;
        }
    }
}

/// What a person says of it, if anything.
fn word(sim: &Sim, post: &Post, all: bool) -> Option<Word> {
    let state = post.standing.state;
    let skip = || Word::Skip {
        why: "ann says so".to_owned(),
    };
    if post.standing.doubted() {
        let settles = match state {
            State::Held => all || sim.dice().chance(0.7),
            State::InDoubt => !all && sim.dice().chance(0.15),
            _ => all,
        };
        return match look(sim, post) {
            _ if !settles && state == State::InDoubt && !all && sim.dice().chance(0.05) => Some(skip()),
            Some(word) if settles => Some(word),
            _ => None,
        };
    }
    if all {
        return None;
    }
    match (state, sim.dice().below(10)) {
        (State::Held, 5) => Some(skip()),
        (State::Held, 0..=4) | (State::Rejected | State::Skipped, 0 | 1) => Some(Word::Retry),
        _ => None,
    }
}

/// Looks at the platform, as the reason asks them to, and waits for what may still be on its way.
fn look(sim: &Sim, post: &Post) -> Option<Word> {
    let delivery: DeliveryId = {
        let rows = sim.store.rows();
        rows.posts
            .get(&post.id)?
            .parts
            .get(&post.standing.part)?
            .key
            .delivery
    };
    let book = sim.book.lock().unwrap();
    let known = book.deliveries.get(&delivery)?;
    if let Some(id) = known.accepted.first() {
        let kind = sim.servers[known.account].lock().unwrap().kind;
        return Some(Word::WasSent {
            url: Some(url(kind, id)),
        });
    }
    let flying = book.flying.get(&delivery).copied().unwrap_or_default();
    (flying == 0).then_some(Word::WasNotSent)
}

/// As `retry`, `skip` and `resolve` do.
async fn tell(sim: &Arc<Sim>, ledger: &Model, mut post: Post, word: Word) {
    let now = sim.now();
    let terms = Terms {
        parts: post.parts,
        due: post.due,
        late: post.late,
        gap: THREAD_GAP,
        expires: post.expires,
        recurring: post.recurring,
        doubt: Doubt::Ask,
    };
    let said = format!("{word:?}");
    let dice = sim.dice().fraction();
    let Ok(next) = step(&post.standing, &terms, Event::Told(word), now, dice) else {
        return;
    };
    let Action::Rest(rest) = next.action else { return };
    let to = next.standing;
    if to.state == State::Due && to.part == 0 {
        let campaign = sim.files.lock().unwrap().campaign(&sim.roster, sim.now());
        let stands = book::find(&campaign, &post.message)
            .filter(|m| !m.draft && !campaign.blocked.contains_key(&m.id));
        let Some(message) = stands else {
            // It can't be sent as it stands; the way out is to drop it.
            let why = "it is not in the files".to_owned();
            return Box::pin(tell(sim, ledger, post, Word::Skip { why })).await;
        };
        let accounts = &sim.roster.accounts;
        let index = accounts.iter().position(|account| account.name == post.account);
        let index = index.unwrap();
        if !sim.roster.target_indexes(&message.to).contains(&index) {
            let why = "it no longer goes there".to_owned();
            return Box::pin(tell(sim, ledger, post, Word::Skip { why })).await;
        }
        let Ok(content) = render(&campaign, message, &accounts[index], now, 0) else {
            return;
        };
        let change = Change {
            post: post.id,
            content,
            late: post.late,
            expires: post.expires,
            moved: None,
        };
        ledger.reword(vec![change], now).await.unwrap();
        // A person takes a moment.
        let moment = sim.dice().between(Duration::ZERO, Duration::from_millis(50));
        tokio::time::sleep(moment).await;
        match ledger.post(post.id).await.unwrap() {
            Some(now) if now.standing == post.standing => post.fence = now.fence,
            _ => return,
        }
    }
    let what = book::shown(sim, post.id);
    let conclusion = Conclusion::of(&post, to, rest, now).said("retry", "ann");
    if ledger.conclude(conclusion).await.unwrap() {
        sim.say(format_args!("ann says of {what}: {said}"));
        if let Some(wrong) = book::wrong_receipt(sim, post.id, post.standing.part) {
            sim.breaks(wrong);
        }
    }
    ledger.ring().await.unwrap();
}
