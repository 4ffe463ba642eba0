//! Two daemons on one PostgreSQL, all of it on this machine: how fast they send what is due at one moment.

use std::time::Duration;

use crate::burst::{at_once, wait_recorded, write_messages};
use crate::mock::Mock;
use crate::program::Place;
use crate::report;
use crate::server::Server;

const POSTS: usize = 20_000;

pub fn replicas() {
    let (mut rates, mut shares) = (vec![], vec![]);
    for _ in 0..3 {
        let (rate, share) = together();
        rates.push(rate);
        shares.push(share);
    }
    report(
        "two replicas on PostgreSQL, 20,000 posts due in one instant",
        "3,000",
        rates,
        "posts/s",
    );
    report("… the part of the one that sent less", "", shares, "");
}

/// Posts a second, and how much of them the idler one sent.
fn together() -> (f64, f64) {
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = server.url(&runtime.block_on(server.database()));
    let mock = Mock::start();
    let places = ["one", "two"].map(|name| {
        Place::new(&format!(
            "[ledger]\nurl = \"{url}\"\nreplica = \"{name}\"\n\n\
             [account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
            mock.url
        ))
    });
    assert!(places[0].run(&["init"]).status.success());
    let times = at_once(POSTS);
    for place in &places {
        write_messages(place, &times);
    }
    let daemons = [places[0].start(), places[1].start()];
    for place in &places {
        place.wait_ready();
    }
    mock.wait(POSTS, Duration::from_mins(2));
    wait_recorded(&places[0], POSTS);
    assert_eq!((mock.count(), mock.posts()), (POSTS, POSTS), "each exactly once");
    let early = mock.arrivals().iter().any(|arrival| arrival.at < times[0]);
    assert!(!early, "one was early");
    drop(daemons);
    #[allow(clippy::cast_precision_loss)]
    let share = places
        .iter()
        .map(|place| place.events("post.sent").len())
        .min()
        .unwrap() as f64
        / POSTS as f64;
    (mock.rate(), share)
}
