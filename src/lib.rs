//! The map of the house, from the ground up. Lower floors never import higher ones (`tests/house.rs`).

// Ground: no input or output, no clock, no randomness, no async.
pub mod alert; // WHAT TO TELL those who look after it, and what of it is news
pub mod calendar; // WHEN: from rules and local times to instants, and from a campaign to a plan
pub mod campaign; // WHAT: the message files, read, checked and rendered
pub mod post; // ONE DELIVERY: who a post is, its states, and what comes next
pub mod text; // HOW LONG: counting, links, tags and mentions, threads

// First floor: each talks to one thing; neither knows the other.
pub mod card; // texts drawn as images; the only reader of fonts
pub mod clock; // the only reader of the clocks and of randomness
pub mod folder; // the only reader of the messages folder
pub mod ledger; // WHAT HAPPENED: every post, intent, answer and hold
pub mod platform; // WHERE: one trait, one file per platform, one door to the network
pub mod seal; // the key that seals tokens in the ledger
pub mod settings; // the config, typed

// Second floor: the shell. It decides nothing, it asks the ground floor.
pub mod daemon; // plan, send, listen

// Third floor: what the rooms of the roof share.
pub mod desk; // what a person can look at, and the words by which they change something

// Roof: they see all below and change the world only through the ledger.
pub mod cli; // one file per command
pub mod web; // one file per page
