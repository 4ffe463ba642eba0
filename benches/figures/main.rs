//! The figures that are promised, measured on the real program: `cargo bench --bench figures`.
//!
//! Machines are noisy: each time is the median of several runs, with the least and the most beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "../../tests/program/mod.rs"]
mod program;
#[path = "../../tests/server/mod.rs"]
mod server;

mod bare;
mod burst;
mod ends;
mod mock;
mod pages;
mod quiet;
mod replicas;
mod rows;

use program::Daemon;

/// Each can be called by its name: `cargo bench --bench figures -- two-thousand`.
const FIGURES: [(&str, fn()); 16] = [
    ("size", quiet::binary_size),
    ("idle", quiet::idle_on_the_sample),
    ("check", quiet::ten_thousand_messages),
    ("preview", quiet::preview),
    ("hundred-thousand", quiet::a_hundred_thousand_one_offs),
    ("thousand-at-once", quiet::a_thousand_in_one_second),
    ("bare", bare::bare),
    ("bare-durable", bare::bare_durable),
    ("twenty-thousand", burst::twenty_thousand),
    ("two-thousand", burst::two_thousand),
    ("steady", burst::steady),
    ("rows", rows::rows),
    ("pages", pages::pages),
    ("replicas", replicas::replicas),
    ("restart", ends::restart),
    ("hold-ack", ends::hold_ack),
];

fn main() {
    // `cargo test --benches` runs this too; it wants to know that it starts, not how fast it is.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    for name in &named {
        let known = FIGURES.iter().any(|(figure, _)| figure == name);
        assert!(known, "there is no figure `{name}`");
    }
    for (name, figure) in FIGURES {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            figure();
        }
    }
}

/// The median, the least and the most.
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

pub fn report(what: &str, promised: &str, values: Vec<f64>, unit: &str) {
    let (median, least, most) = spread(values);
    let promised = if promised.is_empty() {
        String::new()
    } else {
        format!("; promised: {promised}")
    };
    println!("{what:<64} {median:>9.1} {unit} ({least:.1} to {most:.1}{promised})");
}

pub fn rss_mb(daemon: &Daemon) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// User and system time so far, in milliseconds.
pub fn cpu_ms(daemon: &Daemon) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.child.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10.0
}
