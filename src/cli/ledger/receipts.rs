//! `steadfast ledger receipts FILE`: answers that the ledger could not take, from the log that kept them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use crate::cli::{Exit, Failed, Office, complain, print_line, speaker};
use crate::ledger::{Conclusion, Ledger};
use crate::post::identity::PostId;
use crate::post::outcome::Receipt;
use crate::post::step::{Action, Event, Word, step};
use crate::text::limits::Doubt;

/// A line of the log.
#[derive(Deserialize)]
struct Line {
    event: String,
    post: PostId,
    part: u16,
    id: String,
    url: String,
    pin: String,
}

pub(super) async fn receipts(office: &Office, path: &Path) -> Result<Exit, Failed> {
    let file = File::open(path).map_err(|e| Failed::Wrong(format!("{}: {e}", path.display())))?;
    let ledger = office.ledger().await?;
    let mut exit = Exit::Done;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|e| Failed::Wrong(format!("{}: {e}", path.display())))?;
        // A log has other lines, too, and what a journal puts before them.
        let json = line.find('{').and_then(|at| line.get(at..)).unwrap_or_default();
        let Ok(line) = serde_json::from_str::<Line>(json) else {
            continue;
        };
        if line.event != "ledger.receipt" {
            continue;
        }
        match take(office, &*ledger, &line).await? {
            Ok(said) => print_line(&said),
            Err(why) => {
                exit = Exit::Wrong;
                complain(&why);
            }
        }
    }
    ledger.ring().await?;
    Ok(exit)
}

/// One receipt; `Err` if the ledger says something else.
async fn take(office: &Office, ledger: &dyn Ledger, line: &Line) -> Result<Result<String, String>, Failed> {
    let (id, part) = (line.post, line.part.saturating_add(1));
    let Some(post) = ledger.post(id).await? else {
        return Ok(Err(format!("post {id} is not in this ledger")));
    };
    let (message, account) = (&post.message, &post.account);
    let what = format!("{message} to {account}, part {part} (post {id})");
    let parts = ledger.parts(id).await?;
    let known = parts.iter().find(|known| known.index == line.part);
    if let Some(receipt) = known.and_then(|known| known.receipt.as_ref()) {
        let same = receipt.id == line.id;
        let said = format!("{what}: {} is recorded already", receipt.id);
        return Ok(if same {
            Ok(said)
        } else {
            Err(format!("{said}, and the log has {}", line.id))
        });
    }
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let receipt = Receipt {
        pin: some(&line.pin),
        ..Receipt::named(line.id.as_str(), some(&line.url))
    };
    let terms = crate::daemon::deliver::terms_of(&post, Doubt::Ask);
    let word = Event::Told(Word::WasSent {
        url: receipt.url.clone(),
    });
    let now = office.clock.now();
    let next = (post.standing.part == line.part)
        .then(|| step(&post.standing, &terms, word, now, office.clock.dice()));
    let Some(Ok(next)) = next else {
        let state = post.standing.state;
        return Ok(Err(format!(
            "{what}: it is {state}, and not in doubt about that part; start the daemon first, so that it looks at what it left behind"
        )));
    };
    let Action::Rest(mut rest) = next.action else {
        return Ok(Err(format!("{what}: that makes no sense")));
    };
    rest.receipt = Some(receipt);
    let conclusion = Conclusion::of(&post, next.standing, rest, now).said("sent", &speaker());
    Ok(if ledger.conclude(conclusion).await? {
        Ok(format!("{what}: {} is recorded", line.id))
    } else {
        Err(format!(
            "{what}: it moved on meanwhile; look with `steadfast history`"
        ))
    })
}
