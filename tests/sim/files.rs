//! The message files of a seed, and what staff do to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use steadfast::calendar::civil;
use steadfast::campaign::assemble::assemble;
use steadfast::campaign::outside::{Media, MediaProblem, Outside};
use steadfast::campaign::read::read;
use steadfast::campaign::{Campaign, Roster};
use tokio::time::Instant;

use crate::dice::Dice;
use crate::plan::Profile;

/// One message, as a person thinks of it.
#[derive(Debug, Clone)]
pub struct Draft {
    pub number: u64,
    /// How often it was given another id.
    renamed: u32,
    words: String,
    version: u32,
    parts: u16,
    when: When,
    to: Vec<usize>,
    expires: Option<Timestamp>,
    late: Option<&'static str>,
    reply_to: Option<u64>,
    unfinished: bool,
    deleted: bool,
    broken: bool,
}

#[derive(Debug, Clone)]
enum When {
    At(Timestamp),
    Cron(String),
    After(u64, u64),
    Queue,
    Breaking,
    Evergreen,
}

/// All of a campaign's files.
pub struct Files {
    zone: &'static str,
    /// As they stand in the files.
    quiet: Option<String>,
    blackout: Option<(String, String)>,
    hold: Option<String>,
    after_hold: &'static str,
    pub messages: Vec<Draft>,
    pub changed: Instant,
    /// When a message got another rule: what that would have said before is not planned, and missed at once.
    pub ruled: BTreeMap<String, Timestamp>,
    accounts: Vec<&'static str>,
}

struct Nothing;

impl Outside for Nothing {
    fn media(&self, _: &str) -> Result<Media, MediaProblem> {
        Err(MediaProblem {
            message: "there is none".to_owned(),
            help: String::new(),
        })
    }

    fn card(&self, _: &steadfast::post::card::Card) -> Result<(), MediaProblem> {
        Ok(())
    }

    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let at = at + SignedDuration::try_from(by).unwrap();
    Timestamp::from_second(at.as_second()).unwrap()
}

impl Files {
    pub fn draw(dice: &mut Dice, profile: &Profile, base: Timestamp) -> Self {
        let zone = *dice.pick(&["UTC", "America/Chicago", "Europe/Berlin", "Asia/Kolkata"]);
        let mut files = Self {
            zone,
            quiet: None,
            blackout: None,
            hold: None,
            after_hold: *dice.pick(&["review", "send", "skip"]),
            messages: Vec::new(),
            changed: Instant::now(),
            ruled: BTreeMap::new(),
            accounts: profile.kinds.iter().map(|kind| kind.name()).collect(),
        };
        let tz = civil::zone(zone).unwrap();
        let local = |at: Timestamp| civil::local(&tz, at);
        if profile.windows {
            let from = later(base, dice.mins(3, 40));
            let until = later(from, dice.mins(2, 60));
            if dice.chance(0.5) {
                let (from, until) = (local(from).strftime("%H:%M"), local(until).strftime("%H:%M"));
                files.quiet = Some(format!("{from}-{until}"));
            } else {
                let shown = |at: Timestamp| local(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
                // Not over a change of the clocks, by which it would end before it begins.
                files.blackout = (shown(from) < shown(until)).then(|| (shown(from), shown(until)));
            }
        }
        for number in 0..profile.messages {
            let draft = files.new_message(dice, profile, number, base);
            files.messages.push(draft);
        }
        files
    }

    fn new_message(&self, dice: &mut Dice, profile: &Profile, number: u64, now: Timestamp) -> Draft {
        let when = match dice.below(20) {
            0..=9 => When::At(later(now, dice.between(Duration::from_secs(3), profile.span))),
            10..=12 => When::Cron(match dice.below(3) {
                0 => format!("{} * * * *", dice.below(60)),
                1 => format!("*/{} * * * *", 10 + dice.below(20)),
                _ => format!("{}/30 * * * *", dice.below(30)),
            }),
            13 | 14 if number > 0 => When::After(dice.below(number), 1 + dice.below(10)),
            15 => When::Breaking,
            16 => When::Evergreen,
            _ => When::Queue,
        };
        let mut to: Vec<usize> = (0..self.accounts.len()).filter(|_| dice.chance(0.6)).collect();
        if to.is_empty() {
            to.push(usize::try_from(dice.below(self.accounts.len() as u64)).unwrap());
        }
        let once = !matches!(when, When::Cron(_) | When::Evergreen);
        let twin = profile.twins && number > 0 && dice.chance(0.5);
        let words = if twin {
            "the same words".to_owned()
        } else {
            format!("message {number}")
        };
        let parts = if dice.chance(0.15) {
            2 + u16::try_from(dice.below(2)).unwrap()
        } else {
            1
        };
        let expires = (profile.expiries && dice.chance(0.4))
            .then(|| later(now, dice.between(Duration::from_mins(1), profile.span * 2)));
        Draft {
            number,
            renamed: 0,
            words,
            version: 0,
            parts,
            late: if profile.strict {
                None
            } else {
                *dice.pick(&[None, None, Some("10m"), Some("30m")])
            },
            reply_to: (once && number > 0 && dice.chance(0.1)).then(|| dice.below(number)),
            when,
            to,
            expires,
            unfinished: false,
            deleted: false,
            broken: false,
        }
    }

    /// Somebody changes something. Returns what, in words.
    pub fn edit(&mut self, dice: &mut Dice, profile: &Profile, now: Timestamp) -> String {
        self.changed = Instant::now();
        let number = self.messages.len() as u64;
        if dice.chance(0.15) {
            let draft = self.new_message(dice, profile, number, now);
            self.messages.push(draft);
            return format!("m{number} is new");
        }
        if !profile.strict && dice.chance(0.1) {
            self.hold = match self.hold {
                None => Some("wait".to_owned()),
                Some(_) => None,
            };
            return format!("the file says hold: {:?}", self.hold);
        }
        let accounts = self.accounts.len() as u64;
        let at = usize::try_from(dice.below(number)).unwrap();
        let message = &mut self.messages[at];
        let soon = later(now, dice.secs(5, 1800));
        let what = match dice.below(if profile.strict { 4 } else { 10 }) {
            0 | 1 => {
                message.version += 1;
                "has other words"
            }
            2 | 3 => match &mut message.when {
                When::At(at) => {
                    *at = soon;
                    "has another time"
                }
                When::Cron(rule) => {
                    *rule = format!("{} * * * *", dice.below(60));
                    self.ruled.insert(format!("m{at}"), now);
                    "has another rule"
                }
                _ => {
                    message.renamed += 1;
                    "has another id"
                }
            },
            4 => {
                message.deleted = !message.deleted;
                "is deleted, or restored"
            }
            5 => {
                message.unfinished = !message.unfinished;
                "is a draft, or no more"
            }
            6 => {
                message.broken = !message.broken;
                "is broken, or mended"
            }
            7 => {
                message.expires = dice.chance(0.7).then_some(soon);
                "expires at another time"
            }
            8 => {
                message.renamed += 1;
                "has another id"
            }
            _ => {
                let account = usize::try_from(dice.below(accounts)).unwrap();
                if message.to.contains(&account) && message.to.len() > 1 {
                    message.to.retain(|known| *known != account);
                } else if !message.to.contains(&account) {
                    message.to.push(account);
                }
                "goes elsewhere"
            }
        };
        format!("m{at} {what}")
    }

    /// Nothing in the files keeps anything back any more.
    pub fn mend(&mut self) {
        self.hold = None;
        for message in &mut self.messages {
            message.broken = false;
        }
        self.changed = Instant::now();
    }

    fn toml(&self) -> String {
        let mut out = format!(
            "[campaign]\nid = \"campaign\"\nname = \"Campaign\"\ntimezone = \"{}\"\nlanguage = \"en\"\n\
             slots = [\"*/15 * * * *\"]\nafter_hold = \"{}\"\n",
            self.zone, self.after_hold
        );
        if let Some(quiet) = &self.quiet {
            writeln!(out, "quiet_hours = [\"{quiet}\"]").unwrap();
        }
        if let Some(why) = &self.hold {
            writeln!(out, "hold = \"{why}\"").unwrap();
        }
        if let Some((from, until)) = &self.blackout {
            write!(out, "\n[[blackout]]\nfrom = {from}\nuntil = {until}\n").unwrap();
        }
        for message in self.messages.iter().filter(|message| !message.deleted) {
            message.write(&mut out, &self.accounts, |number| self.id(number));
        }
        out
    }

    /// The id that this message has now.
    pub fn id(&self, number: u64) -> String {
        let message = self.messages.iter().find(|message| message.number == number);
        message.map_or_else(|| format!("m{number}"), Draft::id)
    }

    pub fn campaign(&self, roster: &Roster, now: Timestamp) -> Arc<Campaign> {
        let file = Arc::new(read("all.toml", self.toml().as_bytes()));
        let assembled = assemble(&[file], roster, now, &Nothing);
        Arc::new(assembled.campaign.unwrap())
    }

    /// Messages that have one date, and where they go: each must come to something, under any id that it has had.
    pub fn dated(&self) -> impl Iterator<Item = (Vec<String>, Timestamp, &[usize])> {
        let whole = self.messages.iter().filter(|m| {
            !m.deleted && !m.unfinished && !m.broken && m.expires.is_none() && m.reply_to.is_none()
        });
        whole.filter_map(|message| match message.when {
            When::At(at) => Some((message.ids().collect(), at, &*message.to)),
            _ => None,
        })
    }
}

impl Draft {
    fn id(&self) -> String {
        self.id_after(self.renamed)
    }

    fn id_after(&self, renames: u32) -> String {
        match renames {
            0 => format!("m{}", self.number),
            renames => format!("m{}-{renames}", self.number),
        }
    }

    /// The one that it has now, and those that it had before, the last one first.
    fn ids(&self) -> impl Iterator<Item = String> {
        (0..=self.renamed).rev().map(|renames| self.id_after(renames))
    }

    /// `id`: what another message is called.
    fn write(&self, out: &mut String, accounts: &[&str], id: impl Fn(u64) -> String) {
        let parts: Vec<String> = (0..self.parts)
            .map(|part| match (part, self.version) {
                (0, 0) => self.words.clone(),
                (0, version) => format!("{} in version {version}", self.words),
                (part, version) => format!("{} part {part} version {version}", self.words),
            })
            .collect();
        let broken = if self.broken { " {{ nothing }}" } else { "" };
        let to: Vec<String> = self
            .to
            .iter()
            .map(|to| format!("\"{}\"", accounts[*to]))
            .collect();
        write!(
            out,
            "\n[[message]]\nid = \"{}\"\ntext = \"\"\"\n{}{broken}\n\"\"\"\nto = [{}]\n",
            self.id(),
            parts.join("\n---\n"),
            to.join(", ")
        )
        .unwrap();
        match &self.when {
            When::At(at) => writeln!(out, "at = {at}"),
            When::Cron(rule) => writeln!(out, "cron = \"{rule}\""),
            When::After(number, minutes) => {
                writeln!(
                    out,
                    "after = {{ message = \"{}\", wait = \"{minutes}m\" }}",
                    id(*number)
                )
            }
            When::Breaking => writeln!(out, "priority = \"breaking\""),
            When::Evergreen => writeln!(out, "evergreen = true"),
            When::Queue => Ok(()),
        }
        .unwrap();
        if let Some(expires) = self.expires {
            writeln!(out, "expires = {expires}").unwrap();
        }
        if let Some(late) = self.late {
            writeln!(out, "late = \"{late}\"").unwrap();
        }
        if let Some(number) = self.reply_to {
            writeln!(out, "reply_to = \"{}\"", id(number)).unwrap();
        }
        if self.renamed > 0 {
            let was: Vec<String> = self.ids().skip(1).map(|id| format!("\"{id}\"")).collect();
            writeln!(out, "was = [{}]", was.join(", ")).unwrap();
        }
        if self.unfinished {
            writeln!(out, "draft = true").unwrap();
        }
    }
}
