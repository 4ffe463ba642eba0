//! Asks platforms harmless questions: whether one that could not be reached is back, and what time it is
//! while our own clock is not trusted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

use super::pace::Pace;
use super::timekeeper::Timekeeper;
use super::{Outlet, Shared, World};

/// How often it looks for whom to ask.
const EACH: Duration = Duration::from_secs(1);
/// How often a platform is asked for the time while ours is not trusted.
const TIME: Duration = Duration::from_secs(30);

/// Asks until `stop`.
pub(crate) async fn probe(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let prober = Prober {
        outlets: &world.outlets,
        clock: &*world.clock,
        pace: &shared.pace,
        time: &shared.time,
        ring: &shared.look,
    };
    prober.run(stop).await;
}

struct Prober<'a> {
    outlets: &'a Arc<Vec<Outlet>>,
    clock: &'a dyn Clock,
    pace: &'a Pace,
    time: &'a Timekeeper,
    /// Rung when an account's posts may go on.
    ring: &'a Notify,
}

impl Prober<'_> {
    async fn run(&self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let mut asked: HashMap<Id, usize> = HashMap::new();
        let mut asked_time: Option<Duration> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(done) = tasks.join_next_with_id() => {
                    let (id, outcome) = match done {
                        Ok((id, outcome)) => (id, outcome),
                        // A probe that panics is none: a post will show.
                        Err(e) => (e.id(), None),
                    };
                    if let Some(outlet) = asked.remove(&id).and_then(|number| self.outlets.get(number)) {
                        let (account, now) = (&outlet.account.name, self.clock.now());
                        self.pace.probed(account, outcome.as_ref(), now);
                        if self.pace.waits(account, now).is_none() {
                            self.ring.notify_one();
                        }
                    }
                }
                () = tokio::time::sleep(EACH) => {
                    let awake = self.clock.awake();
                    let ask_time = self.time.look().is_some()
                        && asked_time.is_none_or(|before| awake.saturating_sub(before) >= TIME);
                    if ask_time {
                        asked_time = Some(awake);
                    }
                    for number in self.whom(ask_time) {
                        if !asked.values().any(|busy| *busy == number) {
                            let outlets = Arc::clone(self.outlets);
                            let ask = async move { outlets.get(number)?.platform.probe().await };
                            asked.insert(tasks.spawn(ask).id(), number);
                        }
                    }
                }
            }
        }
    }

    fn whom(&self, everybody: bool) -> Vec<usize> {
        let now = self.clock.now();
        let wanted = |outlet: &Outlet| everybody || self.pace.wants_probe(&outlet.account.name, now);
        let outlets = self.outlets.iter().enumerate();
        outlets
            .filter(|(_, outlet)| wanted(outlet))
            .map(|(number, _)| number)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    use async_trait::async_trait;
    use jiff::{SignedDuration, Timestamp};
    use tokio::time::Instant;

    use super::*;
    use crate::calendar::steady::Why;
    use crate::campaign::Account;
    use crate::clock::RELEASED;
    use crate::platform::dates::Dates;
    use crate::platform::{Outgoing, Platform, Prepared, Sealed, sandbox};
    use crate::post::outcome::{Class, Failure, Receipt};
    use crate::settings::InDoubt;
    use crate::text::limits::Limits;

    /// Goes with tokio's time, which stands still while something is done.
    struct Hands {
        began: Instant,
        ahead: AtomicUsize,
    }

    impl Hands {
        fn new() -> Arc<Self> {
            let (began, ahead) = (Instant::now(), AtomicUsize::new(0));
            Arc::new(Self { began, ahead })
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            let ahead = Duration::from_secs(self.ahead.load(Relaxed) as u64);
            RELEASED + SignedDuration::try_from(self.awake() + ahead).unwrap()
        }
        fn uptime(&self) -> Duration {
            self.awake()
        }
        fn awake(&self) -> Duration {
            self.began.elapsed()
        }
        fn dice(&self) -> f64 {
            0.5
        }
    }

    #[derive(Default)]
    struct Server {
        probes: AtomicUsize,
        up: AtomicBool,
        panics: AtomicBool,
    }

    struct Far(Arc<Server>, Limits);

    #[async_trait]
    impl Platform for Far {
        fn limits(&self) -> &Limits {
            &self.1
        }
        async fn prepare(&self, _: &Outgoing<'_>) -> Result<Prepared, Failure> {
            Err(down())
        }
        async fn publish(&self, _: &Sealed) -> Result<Receipt, Failure> {
            Err(down())
        }
        async fn probe(&self) -> Option<Result<(), Failure>> {
            self.0.probes.fetch_add(1, Relaxed);
            assert!(!self.0.panics.load(Relaxed), "a fault in the adapter");
            tokio::time::sleep(Duration::from_secs(5)).await;
            Some(if self.0.up.load(Relaxed) {
                Ok(())
            } else {
                Err(down())
            })
        }
    }

    fn down() -> Failure {
        Failure::new(Class::Transient, "down")
    }

    struct Bench {
        hands: Arc<Hands>,
        server: Arc<Server>,
        outlets: Arc<Vec<Outlet>>,
        pace: Pace,
        time: Timekeeper,
        ring: Notify,
    }

    impl Bench {
        fn new() -> Self {
            let (hands, server) = (Hands::new(), Arc::new(Server::default()));
            let outlets = Arc::new(vec![Outlet {
                account: Account {
                    name: "far".parse().unwrap(),
                    platform: sandbox::NAME,
                    like: sandbox::NAME,
                    limits: Arc::new(sandbox::limits()),
                    language: None,
                    min_gap: Duration::ZERO,
                    untranslated: crate::campaign::Untranslated::default(),
                    max_per_day: None,
                    charge: None,
                },
                platform: Box::new(Far(Arc::clone(&server), sandbox::limits())),
                in_doubt: InDoubt::Auto,
                engagement: false,
            }]);
            Self {
                pace: Pace::new(&outlets),
                time: Timekeeper::new(Arc::clone(&hands) as Arc<dyn Clock>, Dates::default()),
                ring: Notify::new(),
                hands,
                server,
                outlets,
            }
        }

        fn open(&self) {
            for _ in 0..5 {
                let failed: Result<(), Failure> = Err(down());
                self.pace
                    .answered(&self.outlets[0].account.name, &failed, self.hands.now());
            }
        }

        /// Runs the prober while `done` takes its course.
        async fn during<T>(&self, done: impl Future<Output = T>) -> T {
            let prober = Prober {
                outlets: &self.outlets,
                clock: &*self.hands,
                pace: &self.pace,
                time: &self.time,
                ring: &self.ring,
            };
            let stop = CancellationToken::new();
            let done = async {
                let value = done.await;
                stop.cancel();
                value
            };
            tokio::join!(done, prober.run(stop.clone())).0
        }

        fn waits(&self) -> bool {
            let account = &self.outlets[0].account.name;
            self.pace.waits(account, self.hands.now()).is_some()
        }
    }

    async fn seconds(n: u64) {
        tokio::time::sleep(Duration::from_secs(n)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn p23_a_platform_that_is_down_is_asked_less_and_less_until_it_is_back() {
        let bench = Bench::new();
        bench.open();
        let probes = || bench.server.probes.load(Relaxed);
        bench
            .during(async {
                seconds(58).await;
                assert_eq!(probes(), 0);
                seconds(4).await;
                assert_eq!(probes(), 1);
                seconds(120).await;
                assert_eq!(
                    probes(),
                    1,
                    "one at a time, and the next two minutes after the answer"
                );
                seconds(8).await;
                assert_eq!(probes(), 2);
                bench.server.up.store(true, Relaxed);
                assert!(bench.waits());
                bench.ring.notified().await;
                assert!(!bench.waits());
                seconds(3600).await;
                assert_eq!(probes(), 2, "nobody is asked for nothing");
            })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_panics_leaves_it_to_a_post_to_show() {
        let bench = Bench::new();
        bench.server.panics.store(true, Relaxed);
        bench.open();
        bench
            .during(async {
                bench.ring.notified().await;
                assert!(!bench.waits());
            })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn p36_platforms_are_asked_for_the_time_while_ours_is_not_trusted() {
        let bench = Bench::new();
        bench
            .during(async {
                seconds(100).await;
                assert_eq!(bench.server.probes.load(Relaxed), 0);
                bench.hands.ahead.store(600, Relaxed);
                seconds(2).await;
                assert!(matches!(bench.time.look(), Some(Why::Forward(_))));
                assert_eq!(bench.server.probes.load(Relaxed), 1);
                seconds(31).await;
                assert_eq!(bench.server.probes.load(Relaxed), 2);
            })
            .await;
    }
}
