//! Made-up platforms, one for each way to end a doubt, and the network on the way to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use serde::{Deserialize, Serialize};
use steadfast::clock::sample;
use steadfast::platform::{Among, Outgoing, Platform, Prepared, Sealed};
use steadfast::post::identity::DeliveryId;
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::text::limits::{Abilities, Doubt, LengthRule, Limits};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Mutant;
use crate::book::{self, Flight};
use crate::world::{Clocks, Hand, Sim};

/// The total deadline of a request.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a platform really remembers a key; ours are given up before (reliability §2.5).
const MEMORY: SignedDuration = SignedDuration::from_hours(1);
/// How much longer than ours are used.
const KEY_OUTLASTS: Duration = Duration::from_mins(10);
/// How long a container lives.
const CONTAINER: SignedDuration = SignedDuration::from_hours(24);
/// How long the same words are refused by those that do so.
const SAME_WORDS: SignedDuration = SignedDuration::from_hours(6);

/// How a platform ends doubts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Key,
    OwnId,
    TwoSteps,
    ReadBack,
    Ask,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Key, Kind::OwnId, Kind::TwoSteps, Kind::ReadBack, Kind::Ask];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Key => "key",
            Kind::OwnId => "own-id",
            Kind::TwoSteps => "two-steps",
            Kind::ReadBack => "read-back",
            Kind::Ask => "ask",
        }
    }

    pub fn limits(self) -> Limits {
        let (platform, doubt) = match self {
            Kind::Key => {
                let (window, then) = (Some(Duration::from_mins(50)), Some(Duration::from_mins(10)));
                ("mastodon", Doubt::Key { window, then })
            }
            Kind::OwnId => ("bluesky", Doubt::OwnId),
            Kind::TwoSteps => {
                let settle = Duration::from_mins(5);
                ("threads", Doubt::TwoSteps { settle })
            }
            Kind::ReadBack => {
                let settle = Duration::from_mins(10);
                ("x", Doubt::ReadBack { settle })
            }
            Kind::Ask => ("discord", Doubt::Ask),
        };
        Limits {
            platform,
            length: LengthRule::Unlimited,
            max_parts: 5,
            max_images: 0,
            max_image_bytes: 0,
            max_alt: None,
            image_types: &[],
            abilities: Abilities {
                warn: false,
                share: false,
                reply: true,
                card: false,
            },
            doubt,
            ..steadfast::text::limits::MASTODON
        }
    }
}

/// What the public sees of one accepted part, and what only we know of it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: String,
    pub delivery: DeliveryId,
    body: String,
    at: Timestamp,
    /// When the platform's own list has it.
    listed: Timestamp,
}

struct Container {
    made: Timestamp,
    published: Option<usize>,
}

/// A platform's side, with one account on it.
pub struct Server {
    pub kind: Kind,
    pub posts: Vec<Seen>,
    /// By the key, or the id of our own, that came with the request.
    keys: BTreeMap<(DeliveryId, u32), usize>,
    containers: Vec<Container>,
    /// Not reachable until then.
    pub down: Timestamp,
    /// Credentials are refused until then.
    pub refuses: Timestamp,
}

/// The whole visible request.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    text: String,
    parent: Option<String>,
    container: Option<usize>,
}

pub fn url(kind: Kind, id: &str) -> String {
    format!("https://{}.example/{id}", kind.name())
}

impl Server {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            posts: Vec::new(),
            keys: BTreeMap::new(),
            containers: Vec::new(),
            down: Timestamp::MIN,
            refuses: Timestamp::MIN,
        }
    }

    fn receipt(&self, number: usize) -> Receipt {
        let id = self.posts[number].id.clone();
        Receipt {
            url: Some(url(self.kind, &id)),
            id,
            pin: None,
            altered: None,
        }
    }

    /// Whether this request is the repeat of one that was accepted, as far as the platform can tell.
    fn known(&self, key: (DeliveryId, u32), body: &Body, now: Timestamp) -> Option<usize> {
        match self.kind {
            Kind::Key => {
                let number = *self.keys.get(&key)?;
                (now.duration_since(self.posts[number].at) < MEMORY).then_some(number)
            }
            Kind::OwnId => self.keys.get(&key).copied(),
            Kind::TwoSteps => self.containers.get(body.container?)?.published,
            Kind::ReadBack | Kind::Ask => None,
        }
    }
}

/// Draws what the platform says to a request that arrived. `Ok` alone means that it has it now.
fn arrives(sim: &Sim, account: usize, sealed: &Sealed, attempt: u32) -> Result<Receipt, Failure> {
    let now = sim.now();
    let profile = &sim.profile;
    let no = |class, words: &str| Err(Failure::new(class, words));
    let strict_on_words = profile.refuses_duplicates && !sim.is_calm();
    let limited = sim.goes_wrong(profile.rate_limited);
    let rejected = sim.goes_wrong(profile.rejected / 4.0);
    let lag = SignedDuration::try_from({
        let most = match sim.servers[account].lock().unwrap().kind {
            Kind::TwoSteps => profile.lag.min(Duration::from_mins(4)),
            _ => profile.lag,
        };
        sim.dice().between(Duration::ZERO, most)
    })
    .unwrap();
    let mut server = sim.servers[account].lock().unwrap();
    if server.down > now {
        return no(Class::InDoubt, "502");
    }
    if server.refuses > now {
        return no(Class::Auth, "who are you?");
    }
    if limited {
        let until = match sim.dice().below(3) {
            0 => None,
            n => Some(now + SignedDuration::from_secs(i64::try_from(n * 200).unwrap())),
        };
        return no(Class::RateLimited { until }, "too many");
    }
    let body: Body = serde_json::from_str(&sealed.prepared.body).unwrap();
    let key = (sealed.key.delivery, attempt);
    if let Some(number) = server.known(key, &body, now) {
        let receipt = server.receipt(number);
        sim.say(format_args!(
            "{} has it already: {}",
            server.kind.name(),
            receipt.id
        ));
        if server.kind == Kind::TwoSteps {
            return no(Class::Rejected, "this container was published");
        }
        return Ok(receipt);
    }
    if rejected {
        return no(Class::Rejected, "we don't like it");
    }
    let same = |seen: &Seen| seen.body == sealed.prepared.body && now.duration_since(seen.at) < SAME_WORDS;
    if server.kind == Kind::ReadBack && strict_on_words && server.posts.iter().any(same) {
        return no(Class::Duplicate, "you said that");
    }
    if server.kind == Kind::TwoSteps {
        let container = server.containers.get(body.container.unwrap()).unwrap();
        if now.duration_since(container.made) >= CONTAINER {
            return no(Class::Rejected, "this container ran out");
        }
    }
    let number = server.posts.len();
    let id = format!("{}{}", server.kind.name(), number + 1);
    server.posts.push(Seen {
        id: id.clone(),
        delivery: sealed.key.delivery,
        body: sealed.prepared.body.clone(),
        at: now,
        listed: now + lag,
    });
    server.keys.insert(key, number);
    if let Some(container) = body.container {
        server.containers[container].published = Some(number);
    }
    let receipt = server.receipt(number);
    drop(server);
    book::accepted(sim, account, sealed.key.delivery, &id);
    Ok(receipt)
}

/// One process's way to an account.
pub struct Door {
    pub hand: Hand,
    pub account: usize,
    pub limits: Limits,
}

impl Door {
    fn sim(&self) -> &Arc<Sim> {
        &self.hand.sim
    }

    fn kind(&self) -> Kind {
        self.sim().servers[self.account].lock().unwrap().kind
    }

    /// Most answers say what time it is.
    fn hear(&self, again: bool) {
        if !self.sim().profile.dates {
            return;
        }
        let date = self.sim().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        let now = sample(&Clocks(Arc::clone(self.sim()), self.hand.machine));
        if again {
            self.hand.dates.hear_again(self.kind().name(), &headers, now);
        } else {
            self.hand.dates.hear(self.kind().name(), &headers, now);
        }
    }

    /// A harmless question: on its way, and what may stand in it.
    async fn asks(&self, what: &str) -> Result<(), Failure> {
        self.hand.point(what).await;
        let takes = self
            .sim()
            .dice()
            .between(Duration::from_millis(1), Duration::from_millis(200));
        tokio::time::sleep(takes).await;
        self.hand.thawed().await;
        let now = self.sim().now();
        let (down, refuses) = {
            let server = self.sim().servers[self.account].lock().unwrap();
            (server.down > now, server.refuses > now)
        };
        if down || self.sim().goes_wrong(self.sim().profile.refused / 2.0) {
            return Err(Failure::new(Class::Transient, "no connection"));
        }
        self.hear(false);
        if refuses || self.sim().goes_wrong(self.sim().profile.credentials / 4.0) {
            return Err(Failure::new(Class::Auth, "who are you?"));
        }
        if self.sim().goes_wrong(self.sim().profile.rate_limited / 4.0) {
            return Err(Failure::new(Class::RateLimited { until: None }, "too many"));
        }
        self.hand.point(what).await;
        Ok(())
    }

    /// Sends it through the network, which goes on when we are gone.
    fn send(
        &self,
        sealed: &Sealed,
        flight: Flight,
        attempt: u32,
    ) -> oneshot::Receiver<Result<Receipt, Failure>> {
        let (answer, answered) = oneshot::channel();
        let (sim, account, sealed) = (Arc::clone(self.sim()), self.account, sealed.clone());
        let profile = &sim.profile;
        let lost_request = sim.goes_wrong(profile.lost_request);
        let late = sim.goes_wrong(profile.late_request);
        let error = sim.goes_wrong(profile.server_error);
        let lost_answer = late || sim.goes_wrong(profile.lost_answer);
        let (mut there, back, gives_up) = {
            let mut dice = sim.dice();
            let most = Duration::from_millis(*dice.pick(&[20, 300, 5_000, 29_000]));
            let there = dice.between(Duration::from_millis(1), most);
            let back = dice.between(Duration::from_millis(1), most);
            (there, back, dice.between(Duration::from_millis(1), DEADLINE))
        };
        if late {
            there = gives_up + sim.dice().between(Duration::ZERO, DEADLINE);
        }
        tokio::spawn(async move {
            let mut answer = Some(answer);
            if late {
                tokio::time::sleep(gives_up).await;
                answer = None;
            }
            let rest = there.saturating_sub(if late { gives_up } else { Duration::ZERO });
            tokio::time::sleep(rest).await;
            if lost_request {
                sim.say(format_args!("a request is lost"));
                drop(flight);
                // Silence, until its sender gives up.
                tokio::time::sleep(DEADLINE).await;
                return;
            }
            let unseen = error && sim.dice().chance(0.5);
            let said = if unseen {
                Err(Failure::new(Class::InDoubt, "500"))
            } else {
                arrives(&sim, account, &sealed, attempt)
            };
            drop(flight);
            let said = match said {
                Ok(_) if error => Err(Failure::new(Class::InDoubt, "502")),
                said => said,
            };
            if lost_answer {
                sim.say(format_args!("an answer is lost"));
                if sim.dice().chance(0.5) {
                    tokio::time::sleep(DEADLINE).await;
                }
                return;
            }
            tokio::time::sleep(back).await;
            if let Some(answer) = answer {
                drop(answer.send(said));
            }
        });
        answered
    }
}

#[async_trait]
impl Platform for Door {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, part: &Outgoing<'_>) -> Result<Prepared, Failure> {
        self.asks("while it prepares").await?;
        if self.sim().goes_wrong(self.sim().profile.rejected / 4.0) {
            return Err(Failure::new(Class::Rejected, "we won't like it"));
        }
        let container = (self.kind() == Kind::TwoSteps).then(|| {
            let mut server = self.sim().servers[self.account].lock().unwrap();
            server.containers.push(Container {
                made: self.sim().now(),
                published: None,
            });
            server.containers.len() - 1
        });
        let body = Body {
            text: part.part.text.clone(),
            parent: part.parent.map(|parent| parent.id.clone()),
            container,
        };
        Ok(Prepared {
            path: "/post".to_owned(),
            body: serde_json::to_string(&body).unwrap(),
        })
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let sim = self.sim();
        let attempt = book::leaves(&self.hand, self.account, sealed);
        let flight = Flight::begin(sim, sealed.key.delivery);
        if sim.goes_wrong(sim.profile.stall) {
            let lasts = sim
                .dice()
                .between(Duration::from_secs(1), sim.profile.longest_stall);
            self.hand
                .say(format_args!("stops right before a request for {lasts:?}"));
            sim.freeze(self.hand.machine, lasts);
        }
        let begun = Instant::now();
        self.hand.point("before a request").await;
        // Its deadline ran meanwhile and is looked at before anything is written, but for the last instant. Here it counts
        // only where nothing else can help: a key outlasts its window by ten minutes.
        if self.kind() == Kind::Key && begun.elapsed() >= KEY_OUTLASTS {
            return Err(Failure::new(Class::InDoubt, "timed out"));
        }
        let down = sim.servers[self.account].lock().unwrap().down > sim.now();
        if down || sim.goes_wrong(sim.profile.refused) {
            return Err(Failure::new(Class::Transient, "connection refused"));
        }
        let attempt = if sim.profile.mutant == Some(Mutant::KeyWithAttempt) {
            attempt
        } else {
            0
        };
        self.hand.say(format_args!(
            "sends {} to {}",
            sealed.key.delivery,
            self.kind().name()
        ));
        let answered = self.send(sealed, flight, attempt);
        self.hand.point("after a request").await;
        let answer = tokio::time::timeout(DEADLINE, answered).await;
        self.hand.point("after the answer").await;
        match answer {
            Ok(Ok(answer)) => {
                self.hear(true);
                answer
            }
            Ok(Err(_)) => Err(Failure::new(Class::InDoubt, "connection reset")),
            Err(_) => Err(Failure::new(Class::InDoubt, "no answer")),
        }
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.asks("while it looks").await?;
        let now = self.sim().now();
        let server = self.sim().servers[self.account].lock().unwrap();
        let found = if server.kind == Kind::TwoSteps {
            let body: Body = serde_json::from_str(&sealed.prepared.body).unwrap();
            let container = &server.containers[body.container.unwrap()];
            match container
                .published
                .filter(|number| server.posts[*number].listed <= now)
            {
                Some(number) => Found::Here(server.receipt(number)),
                None if now.duration_since(container.made) >= CONTAINER => Found::Lapsed,
                None => Found::Absent,
            }
        } else {
            // By the words alone, as real ones must.
            let is = |seen: &Seen| {
                seen.listed <= now
                    && seen.at >= among.since
                    && seen.body == sealed.prepared.body
                    && !among.has(&seen.id, Some(&url(server.kind, &seen.id)))
            };
            let all = server.posts.iter().enumerate();
            let found: Vec<usize> = all.filter(|(_, seen)| is(seen)).map(|(n, _)| n).collect();
            match found[..] {
                [] => Found::Absent,
                [one] => Found::Here(server.receipt(one)),
                _ => Found::Unclear("it is there more than once".to_owned()),
            }
        };
        drop(server);
        self.hand
            .say(format_args!("looks for {}: {found:?}", sealed.key.delivery));
        Ok(found)
    }

    async fn probe(&self) -> Option<Result<(), Failure>> {
        if self.kind() == Kind::Ask {
            return None;
        }
        Some(self.asks("while it probes").await)
    }
}
