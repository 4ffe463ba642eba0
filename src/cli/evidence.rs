//! `steadfast history --evidence FILE` and `--verify FILE`: the record of all that happened, for others to check.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ledger::evidence::{Event, Head};
use crate::ledger::{Ledger, LedgerError};
use crate::post::identity::{AccountName, CampaignId, Identity, MessageId, Occurrence};

use super::{Exit, Failed, Office, complain, print_line};

/// The layout of these files. A change of it is another number.
const LAYOUT: u32 = 1;
/// How many entries are read at once.
const PAGE: u32 = 1000;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    evidence: u32,
    campaign: String,
    /// Of the program that wrote it.
    version: String,
    at: Timestamp,
}

/// The last line: how far it goes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    entries: u64,
    heads: Vec<Head>,
}

/// The chains as far as they were followed.
#[derive(Default)]
pub(super) struct Chains {
    heads: BTreeMap<String, Head>,
    /// They stand one after the other.
    current: String,
    entries: u64,
    /// Whose posts they must be.
    campaign: Option<CampaignId>,
}

impl Chains {
    pub fn of(campaign: Option<CampaignId>) -> Self {
        Self {
            campaign,
            ..Self::default()
        }
    }

    /// # Errors
    /// What is wrong with the entry, in one sentence.
    pub fn follow(&mut self, event: &Event) -> Result<(), String> {
        if self.current != event.chain && self.heads.contains_key(&event.chain) {
            return Err(format!("chain `{}` goes on after another began", event.chain));
        }
        self.current.clone_from(&event.chain);
        let chain = self.heads.entry(event.chain.clone());
        chain.or_insert_with(|| Head::new(&event.chain)).follow(event)?;
        self.entries = self.entries.saturating_add(1);
        match (&self.campaign, event.kind.as_str()) {
            (Some(campaign), "recorded") => belongs(campaign, event),
            _ => Ok(()),
        }
    }

    fn heads(&self) -> Vec<Head> {
        self.heads.values().cloned().collect()
    }

    /// `1,234 entries; the last of …`: for people to keep.
    pub fn summary(&self) -> String {
        let last = self
            .heads
            .values()
            .map(|head| format!("; chain `{}` ends with {} {}", head.chain, head.seq, head.hash));
        counted(self.entries) + &last.collect::<String>()
    }
}

fn counted(entries: u64) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    }
}

/// A post's id is made of the campaign's, so the record says by itself whose it is.
fn belongs(campaign: &CampaignId, event: &Event) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Recorded {
        message: MessageId,
        account: AccountName,
        occurrence: String,
    }
    let said: Result<Recorded, _> = serde_json::from_str(&event.data);
    let ours = said.is_ok_and(|said| {
        let identity = Identity {
            campaign: campaign.clone(),
            message: said.message,
            account: said.account,
            occurrence: Occurrence::from_stored(&said.occurrence),
        };
        event.post == Some(identity.post_id())
    });
    if ours {
        return Ok(());
    }
    Err(format!(
        "entry {} of chain `{}` records a post that is not of the campaign `{campaign}`",
        event.seq, event.chain
    ))
}

/// Every entry of the ledger's record, in order.
pub(super) async fn each(
    ledger: &dyn Ledger,
    mut visit: impl FnMut(&Event) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut last: Option<(String, i64)> = None;
    loop {
        let after = last.as_ref().map(|(chain, seq)| (chain.as_str(), *seq));
        let events = ledger.events(after, PAGE).await?;
        for event in &events {
            visit(event)?;
        }
        match events.last() {
            Some(event) => last = Some((event.chain.clone(), event.seq)),
            None => return Ok(()),
        }
    }
}

pub(super) async fn export(office: &Office, path: &Path) -> Result<Exit, Failed> {
    let Some(ledger) = office.ledger_if_any().await? else {
        return Err(LedgerError::Missing(office.place()?.to_string()).into());
    };
    let new = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let file = new.map_err(|e| Failed::Wrong(format!("{}: {e}", path.display())))?;
    let written = write(office, &*ledger, file).await;
    match written {
        Err(why) => {
            // Half a record is worth nothing.
            drop(std::fs::remove_file(path));
            Err(Failed::Wrong(format!("{}: {why}", path.display())))
        }
        Ok((chains, broken)) => {
            print_line(&format!("{}: {}", path.display(), chains.summary()));
            let Some(broken) = broken else {
                return Ok(Exit::Done);
            };
            complain(&format!(
                "error: the ledger's own record is not what was written: {broken}"
            ));
            Ok(Exit::Wrong)
        }
    }
}

/// The chains, and the first thing that is wrong with them.
async fn write(office: &Office, ledger: &dyn Ledger, file: File) -> Result<(Chains, Option<String>), Failed> {
    let mut out = BufWriter::new(file);
    let campaign = ledger.noted("campaign").await?.unwrap_or_default();
    let first = First {
        evidence: LAYOUT,
        campaign: campaign.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: office.clock.now(),
    };
    line(&mut out, &first)?;
    let (mut chains, mut broken) = (Chains::of(campaign.parse().ok()), None);
    each(ledger, |event| {
        line(&mut out, event)?;
        if broken.is_none() {
            broken = chains.follow(event).err();
        }
        Ok(())
    })
    .await?;
    let last = Last {
        entries: chains.entries,
        heads: chains.heads(),
    };
    line(&mut out, &last)?;
    let file = out.into_inner().map_err(|e| wrong(&e.into_error()))?;
    file.sync_all().map_err(|e| wrong(&e))?;
    Ok((chains, broken))
}

fn wrong(e: &std::io::Error) -> Failed {
    Failed::Wrong(e.to_string())
}

fn line(out: &mut impl Write, what: &impl Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string(what).map_err(|e| Failed::Wrong(e.to_string()))?;
    writeln!(out, "{text}").map_err(|e| wrong(&e))
}

/// Needs no ledger, no config and no campaign.
pub(super) fn verify(path: &Path) -> Result<Exit, Failed> {
    let file = File::open(path).map_err(|e| Failed::Wrong(format!("{}: {e}", path.display())))?;
    let (first, chains) =
        read(BufReader::new(file)).map_err(|e| Failed::Wrong(format!("{}: {e}", path.display())))?;
    print_line(&format!(
        "{}: the record of `{}`, written {} by steadfast {}, is whole: {}",
        path.display(),
        first.campaign,
        first.at,
        first.version,
        chains.summary()
    ));
    Ok(Exit::Done)
}

/// Follows every line.
///
/// # Errors
/// The first line that is not what was written, and why.
fn read(file: impl BufRead) -> Result<(First, Chains), String> {
    let mut lines = file.lines().zip(1_u64..).peekable();
    let mut next = || -> Result<Option<(String, u64, bool)>, String> {
        match lines.next() {
            None => Ok(None),
            Some((line, number)) => {
                let line = line.map_err(|e| format!("line {number}: {e}"))?;
                Ok(Some((line, number, lines.peek().is_none())))
            }
        }
    };
    let Some((line, ..)) = next()? else {
        return Err("it is empty".to_owned());
    };
    let first: First = exactly(&line, 1)?;
    if first.evidence != LAYOUT {
        return Err(format!(
            "its layout is {}, and this version knows {LAYOUT}",
            first.evidence
        ));
    }
    let campaign = first
        .campaign
        .parse()
        .map_err(|e| format!("line 1: the campaign: {e}"))?;
    let mut chains = Chains::of(Some(campaign));
    while let Some((line, number, last)) = next()? {
        if !last {
            let event: Event = exactly(&line, number)?;
            chains.follow(&event).map_err(|e| format!("line {number}: {e}"))?;
            continue;
        }
        let last: Last = exactly(&line, number)
            .map_err(|_| "its last line is not there: entries may be missing at its end".to_owned())?;
        if last.entries != chains.entries || last.heads != chains.heads() {
            return Err(format!(
                "line {number}: it should end with {}, and ends with {}",
                counted(last.entries),
                chains.summary()
            ));
        }
        return Ok((first, chains));
    }
    Err("its last line is not there: entries may be missing at its end".to_owned())
}

/// What the line says, if it is to the letter what the program would write for it: nothing can be put in
/// beside.
fn exactly<T: DeserializeOwned + Serialize>(line: &str, number: u64) -> Result<T, String> {
    let read: T = serde_json::from_str(line).map_err(|e| format!("line {number} makes no sense: {e}"))?;
    match serde_json::to_string(&read) {
        Ok(again) if again == line => Ok(read),
        _ => Err(format!("line {number} is not as it was written")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::evidence::Entry;

    fn written() -> Vec<String> {
        let campaign: CampaignId = "test".parse().unwrap();
        let identity = |message: &str| Identity {
            campaign: campaign.clone(),
            message: message.parse().unwrap(),
            account: "mastodon".parse().unwrap(),
            occurrence: Occurrence::once(),
        };
        let first = First {
            evidence: LAYOUT,
            campaign: campaign.to_string(),
            version: "1".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let mut lines = vec![serde_json::to_string(&first).unwrap()];
        let mut heads = Vec::new();
        for chain in ["one", "two"] {
            let mut head = Head::new(chain);
            for n in 0..4 {
                let message = format!("m{n}");
                let event = head.append(Entry {
                    at: Timestamp::UNIX_EPOCH,
                    kind: "recorded",
                    post: Some(identity(&message).post_id()),
                    data: format!(
                        "{{\"message\":\"{message}\",\"account\":\"mastodon\",\"occurrence\":\"{}\",\"content\":\"what it says\"}}",
                        Occurrence::once().as_str()
                    ),
                });
                lines.push(serde_json::to_string(&event).unwrap());
            }
            heads.push(head);
        }
        lines.push(serde_json::to_string(&Last { entries: 8, heads }).unwrap());
        lines
    }

    fn verdict(lines: &[String]) -> Result<u64, String> {
        let text = lines.join("\n") + "\n";
        read(text.as_bytes()).map(|(_, chains)| chains.entries)
    }

    #[test]
    fn a_record_as_it_was_written_is_whole() {
        assert_eq!(verdict(&written()), Ok(8));
    }

    #[test]
    fn a_letter_that_was_changed_is_found_wherever_it_stands() {
        let good = written();
        for number in 0..good.len() {
            for (at, letter) in good[number].char_indices() {
                let mut lines = good.clone();
                let other = if letter == 'x' { "y" } else { "x" };
                lines[number].replace_range(at..=at, other);
                // The first line's date and version are said of the file, not of what happened.
                let beside = number == 0 && lines[0].contains("\"campaign\":\"test\"");
                assert!(verdict(&lines).is_err() || beside, "{}", lines[number]);
            }
        }
    }

    #[test]
    fn lines_taken_out_put_in_or_exchanged_are_found_and_named() {
        let good = written();
        for number in 1..good.len() - 2 {
            let mut lines = good.clone();
            lines.remove(number);
            let why = verdict(&lines).unwrap_err();
            assert!(
                why.contains(&format!("line {}", number + 1)) || why.contains("should end"),
                "{why}"
            );

            let mut lines = good.clone();
            lines.swap(number, number + 1);
            let why = verdict(&lines).unwrap_err();
            // Where one chain ends and the next begins, the second of the two is what is out of place.
            let place = if number == 4 { 6 } else { number + 1 };
            assert!(why.starts_with(&format!("line {place}:")), "{why}");

            let mut lines = good.clone();
            lines.insert(number, good[number].clone());
            let why = verdict(&lines).unwrap_err();
            assert!(why.contains(&format!("line {}", number + 2)), "{why}");
        }
    }

    #[test]
    fn an_end_that_is_missing_is_found() {
        let good = written();
        for kept in 0..good.len() {
            assert!(verdict(&good[..kept]).is_err(), "{kept}");
        }
        // Cut at the end, and the last line made to fit the count alone.
        let mut lines = good.clone();
        lines.remove(8);
        lines[8] = lines[8].replace("\"entries\":8", "\"entries\":7");
        assert!(verdict(&lines).unwrap_err().contains("should end"));
    }

    #[test]
    fn another_campaigns_record_is_not_this_ones() {
        let mut lines = written();
        lines[0] = lines[0].replace("\"test\"", "\"best\"");
        assert!(
            verdict(&lines)
                .unwrap_err()
                .contains("not of the campaign `best`")
        );
    }

    #[test]
    fn nothing_can_be_written_beside_an_entry() {
        let mut lines = written();
        lines[3] = lines[3].replacen('{', "{\"note\":\"approved\",", 1);
        assert!(
            verdict(&lines)
                .unwrap_err()
                .contains("line 4 is not as it was written")
        );
    }
}
