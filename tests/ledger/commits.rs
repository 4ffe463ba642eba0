//! A thousand writes of one second cost a few commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast::ledger::{Conclusion, Fence, Intended, Intent};
use steadfast::post::state::State;

use crate::support::*;

pub async fn many_writers_share_commits_and_lose_nothing<E: OnDisk>() {
    const POSTS: usize = 500;
    const TASKS: usize = 32;
    let e = E::make().await;
    let ids = e.record((0..POSTS).map(|n| new(&format!("m{n}")))).await;
    let commits = e.watch_commits().await;
    let queue = Arc::new(std::sync::Mutex::new(ids.clone()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let (ledger, queue) = (e.ledger(), Arc::clone(&queue));
        tasks.spawn(async move {
            loop {
                let Some(id) = queue.lock().unwrap().pop() else {
                    return;
                };
                assert_eq!(
                    ledger
                        .intend(Intent {
                            fence: Fence(0),
                            ..intent(id)
                        })
                        .await
                        .unwrap(),
                    Intended::Durable
                );
                assert!(
                    ledger
                        .conclude(Conclusion {
                            fence: Fence(1),
                            ..accepted(id, &id.to_string())
                        })
                        .await
                        .unwrap()
                );
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let writes = POSTS * 2;
    let commits = commits.so_far();
    assert!(commits > 0, "the commits were not seen");
    assert!(
        commits * 4 <= writes,
        "{commits} commits for {writes} writes: they are not shared"
    );

    let e = e.reopened().await;
    assert_eq!(
        e.ledger().counts().await.unwrap(),
        BTreeMap::from([(State::Sent, POSTS as u64)])
    );
    for id in ids {
        let parts = e.ledger().parts(id).await.unwrap();
        assert_eq!(parts[0].receipt, Some(receipt(&id.to_string())));
        assert_eq!(e.attempts(id).await.len(), 1);
    }
}
