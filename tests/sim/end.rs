//! How a seed ends: all is well again, everything comes to rest, and then each post is accounted for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use steadfast::ledger::Post;
use steadfast::post::identity::{Identity, MessageId, Occurrence};
use steadfast::post::state::State;

use crate::book;
use crate::people;
use crate::platform::Kind;
use crate::world::Sim;

/// How long things may take to come to rest: a back-off of two hours and what follows from it, as long as a clock may
/// have been ahead when it noted until when to wait, and quiet hours: where the clocks go back, nearly a whole day can
/// be quiet, for a doubt first and then for what it comes to.
const LONGEST: Duration = Duration::from_hours(5 + 6 + 24 + 24);
/// What fell due just now need not be out.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(3);

/// Waits until everything has come to rest, with people who settle every doubt.
pub async fn come_to_rest(sim: &Arc<Sim>) {
    sim.say(format_args!("all is well from now on"));
    sim.calm_down();
    for server in &sim.servers {
        let mut server = server.lock().unwrap();
        server.down = server.down.min(sim.now());
        server.refuses = server.refuses.min(sim.now());
    }
    sim.files.lock().unwrap().mend();
    for machine in 0..sim.machines.len() {
        sim.synchronise(machine);
    }
    let began = sim.elapsed();
    // What was under way when things went wrong is over by then.
    let mut pause = Duration::from_secs(65);
    while sim.elapsed() < began + LONGEST {
        for machine in 0..sim.machines.len() {
            people::bring(sim, machine);
        }
        people::release_all(sim).await;
        people::desk(Arc::clone(sim), true).await;
        tokio::time::sleep(pause).await;
        pause = Duration::from_mins(1);
        if sim.broken().is_some() || restless(sim).is_none() {
            break;
        }
    }
}

/// One that has not come to rest, though it had the time.
fn restless(sim: &Sim) -> Option<Post> {
    let now = sim.now();
    let fresh = |post: &Post| post.due > now - JUST_NOW;
    let rests = |post: &Post| match post.standing.state {
        State::Sent | State::Rejected | State::Skipped => true,
        State::Held => !post.standing.doubted(),
        _ => fresh(post) || waits_for_its_turn(sim, post),
    };
    // What the files keep back is for whoever writes them.
    let campaign = sim.files.lock().unwrap().campaign(&sim.roster, now);
    let blocked = |post: &Post| campaign.blocked.contains_key(&post.message);
    let rows = sim.store.rows();
    let mut posts = rows.posts.values().map(|row| &row.post);
    posts.find(|post| !rests(post) && !blocked(post)).cloned()
}

/// Its account's posts are spaced, and others are ahead of it.
fn waits_for_its_turn(sim: &Sim, post: &Post) -> bool {
    let account = sim
        .roster
        .accounts
        .iter()
        .find(|known| known.name == post.account);
    let spaced = !account.unwrap().min_gap.is_zero();
    let waits = matches!(post.standing.state, State::Due | State::Retrying);
    spaced && waits && post.standing.not_before > sim.now()
}

/// Looks at everything once more.
pub fn account_for_all(sim: &Sim) {
    let stuck = restless(sim);
    if let Some(post) = stuck {
        let what = book::shown(sim, post.id);
        sim.breaks(format!("{what} never came to rest: {:?}", post.standing));
    }
    each_post(sim);
    each_acceptance(sim);
    each_date(sim);
    each_once(sim);
}

/// Each says why it is not out, and what is out has the platform's own receipts.
fn each_post(sim: &Sim) {
    let posts: Vec<_> = sim.store.rows().posts.values().cloned().collect();
    for row in posts {
        let (id, standing) = (row.post.id, &row.post.standing);
        let what = book::shown(sim, id);
        let why = standing.why.as_deref().unwrap_or_default();
        match standing.state {
            State::Held | State::Skipped | State::Rejected if why.is_empty() => {
                sim.breaks(format!("{what} is {}, and nobody says why", standing.state));
            }
            State::Sent => {
                let receipts = row.parts.values().filter(|part| part.receipt.is_some());
                if receipts.count() != usize::from(row.post.parts) {
                    sim.breaks(format!("{what} is sent, and has not all of its receipts"));
                }
            }
            _ => {}
        }
        for part in row.parts.keys() {
            if let Some(wrong) = book::wrong_receipt(sim, id, *part) {
                sim.breaks(wrong);
            }
        }
        let fresh = row.post.due > sim.now() - JUST_NOW || waits_for_its_turn(sim, &row.post);
        let settled = match kind_of(sim, &row.post) {
            Kind::Key | Kind::OwnId => false,
            _ => why.starts_with("in doubt") || row.attempts.len() > 1,
        };
        let ruled = sim
            .files
            .lock()
            .unwrap()
            .ruled
            .get(row.post.message.as_str())
            .copied();
        let never_planned = row.attempts.is_empty() && ruled.is_some_and(|at| row.post.due <= at);
        let excused = never_planned || why.contains("the daemon stopped") || why.contains("ann says so");
        if sim.profile.strict && standing.state != State::Sent && !settled && !excused && !fresh {
            sim.breaks(format!(
                "{what} is {} and nothing was in its way: {why}",
                standing.state
            ));
        }
    }
}

fn kind_of(sim: &Sim, post: &Post) -> Kind {
    let number = sim
        .roster
        .accounts
        .iter()
        .position(|known| known.name == post.account);
    sim.servers[number.unwrap()].lock().unwrap().kind
}

/// Whatever a platform has, the ledger has the receipt of, or it is in doubt.
fn each_acceptance(sim: &Sim) {
    let book = sim.book.lock().unwrap();
    let accepted: Vec<_> = book
        .deliveries
        .values()
        .filter(|delivery| !delivery.accepted.is_empty())
        .map(|delivery| (delivery.post, delivery.part))
        .collect();
    drop(book);
    for (post, part) in accepted {
        let row = sim.store.rows().posts.get(&post).cloned();
        let what = book::shown(sim, post);
        let Some(row) = row else {
            sim.breaks(format!("{what} is on its platform, and the ledger forgot it"));
            continue;
        };
        let receipt = row.parts.get(&part).is_some_and(|part| part.receipt.is_some());
        let standing = &row.post.standing;
        let doubted = standing.part == part && (standing.doubted() || standing.state == State::Sending);
        if !receipt && !doubted {
            let state = standing.state;
            sim.breaks(format!(
                "part {part} of {what} is on its platform, and the ledger says {state}"
            ));
        }
    }
}

/// No message went out twice for one account and occurrence, under two ids.
fn each_once(sim: &Sim) {
    let mut out = BTreeSet::new();
    for row in sim
        .store
        .rows()
        .posts
        .values()
        .filter(|row| row.post.began.is_some())
    {
        let post = &row.post;
        let number = post.message.as_str().split('-').next().unwrap().to_owned();
        if !out.insert((number, post.account.clone(), post.occurrence.clone())) {
            sim.breaks(format!("{} went out under two ids", book::shown(sim, post.id)));
        }
    }
}

/// Of each message with one date that is past, there is a post for each of its accounts.
fn each_date(sim: &Sim) {
    let campaign = sim.files.lock().unwrap().campaign(&sim.roster, sim.now());
    let settings = &campaign.settings;
    // By the clock that shows least, and not what is only just due.
    let walls = (0..sim.machines.len()).map(|machine| sim.wall(machine));
    let over = walls.min().unwrap() - JUST_NOW;
    let known = sim.book.lock().unwrap().known.clone();
    let files = sim.files.lock().unwrap();
    let mut lost = Vec::new();
    for (ids, at, to) in files.dated() {
        let ids: Vec<MessageId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let message = &ids[0];
        let ready = settings.windows.open_from(&settings.zone, at).unwrap_or(at);
        let first_seen = ids.iter().filter_map(|id| known.get(id)).min().copied();
        if ready > over || first_seen.is_none_or(|seen| at < seen) {
            continue;
        }
        for account in to {
            let name = &sim.roster.accounts[*account].name;
            let under = |id: &MessageId| Identity {
                campaign: settings.id.clone(),
                message: id.clone(),
                account: name.clone(),
                occurrence: Occurrence::once(),
            };
            let rows = sim.store.rows();
            if !ids.iter().any(|id| rows.posts.contains_key(&under(id).post_id())) {
                lost.push(format!("{message} on {name} was due at {at}, and is lost"));
            }
        }
    }
    drop(files);
    for what in lost {
        sim.breaks(what);
    }
}
