//! S22: a million posts that wait. By hand and on a machine with nothing else to do, because it measures:
//! `cargo test --release --test ledger million -- --ignored`.

use std::time::{Duration, Instant};

use crate::support::*;

/// So many rows like the first.
const ROWS: u32 = 1_000_000;

async fn a_claim_is_quick_and_memory_small<E: OnDisk>(numbers: &str, id: &str) {
    let e = E::make().await;
    e.one(new_at("template", 1_000_000)).await;
    let copies = format!(
        "{numbers} INSERT INTO post (id, message, account, platform, occurrence, due, late, recurring, breaking, file, \
         parts, content, recorded, state, not_before, changed) \
         SELECT {id}, 'm' || i, account, platform, occurrence, due + i, late, recurring, breaking, file, \
         parts, content, recorded, state, not_before + i, changed FROM n, post WHERE message = 'template'"
    );
    e.meddle(&copies.replace("ROWS", &ROWS.to_string())).await;
    // As the server does by itself after a while.
    e.meddle("ANALYZE post").await;
    let mut took = Vec::new();
    for n in 0..200 {
        e.one(new(&format!("due{n}"))).await;
        let start = Instant::now();
        let posts = e.ledger().claim(&mastodon(), at(1), &[], 256).await.unwrap();
        took.push(start.elapsed());
        let one = posts.last().unwrap().id;
        e.intends(intent(one)).await;
        assert!(e.concludes(accepted(one, &format!("r{n}"))).await);
    }
    took.sort();
    println!("a claim: half {:?}, 99 of 100 {:?}", took[100], took[198]);
    assert!(took[198] < Duration::from_millis(5), "{:?}", took[198]);
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096;
    println!("memory {} MB", resident >> 20);
    assert!(resident < 300 << 20, "{resident}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute"]
async fn s22_a_million_posts_that_wait_in_a_file() {
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)";
    a_claim_is_quick_and_memory_small::<crate::sqlite::InSqlite>(numbers, "printf('%032x', i)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute"]
async fn s22_a_million_posts_that_wait_in_a_database() {
    let numbers = "WITH n AS (SELECT i FROM generate_series(1, ROWS) AS i)";
    a_claim_is_quick_and_memory_small::<crate::postgres::InPostgres>(numbers, "lpad(to_hex(i), 32, '0')")
        .await;
}
