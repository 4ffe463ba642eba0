//! Each platform's exact text, parts and lengths.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::campaign::message::Message;
use crate::campaign::render::{Renderer, words_for};
use crate::campaign::{Account, Campaign, Roster, variants};
use crate::post::content::Part;
use crate::text::count::measure;
use crate::text::limits::Measure;

/// A message on an account, in one of its variants.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Preview")]
pub struct Row {
    pub message: String,
    pub account: String,
    pub platform: String,
    pub language: String,
    /// Which of its message's variants it is, counted from 1; absent where there is one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<u16>,
    pub parts: Vec<PartRow>,
    pub problems: Vec<String>,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "PreviewPart")]
pub struct PartRow {
    pub text: String,
    pub length: usize,
    pub limit: Option<usize>,
    pub unit: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<String>,
    /// The part as it will be handed over.
    #[serde(skip)]
    pub part: Part,
    /// A link that is shown as a card below the text.
    #[serde(skip)]
    pub card: Option<String>,
    /// It shares another's post, and has no words of its own to be measured.
    #[serde(skip)]
    pub share: bool,
}

impl PartRow {
    /// As a reader will see it, and as `check` measures it: with the link, where the platform shows none.
    fn new(part: &Part, measured: Measure, text: &str) -> Self {
        let link = part.link.as_ref().map(|link| link.url.clone());
        Self {
            card: link.filter(|url| !text.contains(url.as_str())),
            text: text.to_owned(),
            length: measured.length,
            limit: measured.limit,
            unit: measured.unit.into_owned(),
            images: part
                .images
                .iter()
                .map(|image| match image.card {
                    Some(_) => format!("card: {}", image.alt),
                    None => format!("{}: {}", image.file, image.alt),
                })
                .collect(),
            video: part
                .video
                .as_ref()
                .map(|video| format!("{}: {}", video.file, video.alt)),
            part: part.clone(),
            share: false,
        }
    }

    fn share(url: &str) -> Self {
        Self {
            text: format!("shares {url}"),
            length: 0,
            limit: None,
            unit: "characters".to_owned(),
            images: Vec::new(),
            video: None,
            card: None,
            part: Part::default(),
            share: true,
        }
    }
}

/// The rows of `messages`, in order.
pub fn rows(
    campaign: &Campaign,
    roster: &Roster,
    messages: &[&Arc<Message>],
    renderer: &mut Renderer<'_>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for message in messages {
        let accounts = roster.target_indexes(&message.to).into_iter();
        for account in accounts.filter_map(|index| roster.accounts.get(index)) {
            let variants = words_for(campaign, message, account).texts.len().max(1);
            rows.extend((0..variants).map(|nth| row(campaign, renderer, message, account, nth)));
        }
    }
    rows
}

fn row(
    campaign: &Campaign,
    renderer: &mut Renderer<'_>,
    message: &Message,
    account: &Account,
    nth: usize,
) -> Row {
    let mut row = Row {
        message: message.id.to_string(),
        account: account.name.to_string(),
        platform: account.platform.to_owned(),
        language: account
            .language
            .clone()
            .unwrap_or_else(|| campaign.settings.language.clone()),
        variant: variants::said(campaign, message, account, nth).map(|said| said.nth.saturating_add(1)),
        parts: Vec::new(),
        problems: campaign.blocked.get(&message.id).cloned().into_iter().collect(),
    };
    match renderer.render(message, account, nth) {
        Err(problem) => row.problems.push(problem.to_string()),
        Ok(content) => {
            row.language.clone_from(&content.language);
            if let Some(url) = &content.share {
                row.parts.push(PartRow::share(url));
                return row;
            }
            let warn = content.warn.as_deref().unwrap_or_default();
            for (index, part) in content.parts.iter().enumerate() {
                let limits = account.limits.answering(content.reply_to.is_some());
                let text = part.shown_text(limits.abilities);
                let measured = measure(limits.rule(index, part.pictured()), &text, warn);
                let objection = measured.objection();
                let objection = objection.map(|objection| format!("part {} {objection}", index + 1));
                row.problems.extend(objection);
                row.parts.push(PartRow::new(part, measured, &text));
            }
        }
    }
    row
}
