//! What a recall does with a published post: delete it, answer it with a correction, or change its words in place.
//!
//! Each is a post of its own, of the same message on the same account, with an occurrence that names the post and
//! the act. So it goes the way of every post, and the same recall asked for twice is nothing new.

use serde::{Deserialize, Serialize};

use super::content::{Content, Part};
use super::identity::PostId;
use super::outcome::Receipt;

/// The recall of one published post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// The post that is recalled.
    pub post: PostId,
    /// That post answers an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_answer: bool,
    pub act: Act,
    /// The reason, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What is done with the published post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Its parts are deleted, one for each part of the recall, in this order: the last comes first, so that no
    /// reader finds a thread without its beginning.
    Delete { receipts: Vec<Receipt> },
    /// The text of the recall answers this part of it.
    Correct { answers: Receipt },
    /// Its parts say in place what the parts of the recall say, one after the other. `was` are the texts that they went
    /// out with.
    Edit {
        receipts: Vec<Receipt>,
        was: Vec<String>,
    },
}

impl Act {
    /// As commands show it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Act::Delete { .. } => "delete",
            Act::Correct { .. } => "correct",
            Act::Edit { .. } => "edit",
        }
    }
}

impl Content {
    /// Deletes the post with these receipts, which are in the order of its parts.
    pub fn deletion(of: &Content, post: PostId, receipts: Vec<Receipt>, why: Option<String>) -> Self {
        let receipts: Vec<Receipt> = receipts.into_iter().rev().collect();
        Self {
            parts: vec![Part::default(); receipts.len()],
            recall: Some(Recall {
                post,
                of_answer: of.reply_to.is_some(),
                act: Act::Delete { receipts },
                why,
            }),
            ..Self::plain(&of.language)
        }
    }

    /// Answers the post whose first part this is the receipt of.
    pub fn correction(of: &Content, post: PostId, answers: Receipt, text: &str, why: Option<String>) -> Self {
        Self {
            parts: vec![Part {
                text: text.to_owned(),
                ..Part::default()
            }],
            recall: Some(Recall {
                post,
                of_answer: of.reply_to.is_some(),
                act: Act::Correct { answers },
                why,
            }),
            ..Self::plain(&of.language)
        }
    }

    /// Gives the post with these receipts, which are in the order of its parts, the words of `now`.
    pub fn edit(
        of: &Content,
        now: Content,
        post: PostId,
        receipts: Vec<Receipt>,
        why: Option<String>,
    ) -> Self {
        let was = of.parts.iter().map(|part| part.text.clone()).collect();
        Self {
            recall: Some(Recall {
                post,
                of_answer: of.reply_to.is_some(),
                act: Act::Edit { receipts, was },
                why,
            }),
            ..now
        }
    }

    /// The receipts that it deletes, in their order; `None`: it says something.
    pub fn deletes(&self) -> Option<&[Receipt]> {
        match &self.recall.as_ref()?.act {
            Act::Delete { receipts } => Some(receipts),
            Act::Correct { .. } | Act::Edit { .. } => None,
        }
    }

    /// Whether it gives a published post other words.
    pub fn is_edit(&self) -> bool {
        let recall = self.recall.as_ref();
        recall.is_some_and(|recall| matches!(recall.act, Act::Edit { .. }))
    }

    /// The receipt of the part that its part `index`, counted from 0, gives other words, and the text that it went out
    /// with; `None`: it edits nothing.
    pub fn edits(&self, index: usize) -> Option<(&Receipt, &str)> {
        match &self.recall.as_ref()?.act {
            Act::Edit { receipts, was } => {
                Some((receipts.get(index)?, was.get(index).map_or("", String::as_str)))
            }
            Act::Delete { .. } | Act::Correct { .. } => None,
        }
    }

    /// Whether what its part `index`, counted from 0, deletes or edits stands below another post: as an answer to an
    /// earlier one, or as a later part of a thread.
    pub fn is_below(&self, index: usize) -> bool {
        let Some(recall) = &self.recall else {
            return false;
        };
        let later = match &recall.act {
            Act::Edit { .. } => index > 0,
            Act::Delete { receipts } => index.saturating_add(1) < receipts.len(),
            Act::Correct { .. } => false,
        };
        later || recall.of_answer
    }

    /// The same request again changes nothing more: what is gone stays gone, and what says so already goes on saying it.
    pub fn may_be_repeated(&self) -> bool {
        self.deletes().is_some() || self.is_edit()
    }

    /// What a correction answers.
    pub fn answers(&self) -> Option<&Receipt> {
        match &self.recall.as_ref()?.act {
            Act::Correct { answers } => Some(answers),
            Act::Delete { .. } | Act::Edit { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_deleted_from_its_end() {
        let thread = Content {
            parts: vec![Part::default(); 3],
            ..Content::plain("en")
        };
        let receipts = ["1", "2", "3"].map(|id| Receipt::named(id, None)).to_vec();
        let deletion = Content::deletion(&thread, PostId::default(), receipts, None);
        let ids: Vec<&str> = deletion.deletes().unwrap().iter().map(|gone| &*gone.id).collect();
        assert_eq!(ids, ["3", "2", "1"]);
        assert_eq!(deletion.parts.len(), 3, "a request for each part");
        assert_eq!(deletion.answers(), None);
    }

    #[test]
    fn an_edit_knows_of_each_part_where_it_is_and_what_it_said() {
        let said = |text: &str| Content {
            parts: vec![Part {
                text: text.into(),
                ..Part::default()
            }],
            ..Content::plain("en")
        };
        let receipt = Receipt::named("1", None);
        let edit = Content::edit(
            &said("10-2"),
            said("11-1"),
            PostId::default(),
            vec![receipt.clone()],
            None,
        );
        assert_eq!(edit.edits(0), Some((&receipt, "10-2")));
        assert_eq!(
            (edit.edits(1), edit.deletes(), edit.answers()),
            (None, None, None)
        );
        assert_eq!(edit.parts[0].text, "11-1");
        assert!(edit.may_be_repeated() && !said("10-2").may_be_repeated());
    }

    #[test]
    fn later_parts_stand_below_the_first_which_is_deleted_last() {
        let thread = Content {
            parts: vec![Part::default(); 3],
            ..Content::plain("en")
        };
        let (id, receipts) = (
            PostId::default(),
            ["1", "2", "3"].map(|id| Receipt::named(id, None)),
        );
        let deletion = Content::deletion(&thread, id, receipts.to_vec(), None);
        assert_eq!(
            [0, 1, 2].map(|index| deletion.is_below(index)),
            [true, true, false]
        );
        let edit = Content::edit(&thread, thread.clone(), id, receipts.to_vec(), None);
        assert_eq!([0, 1, 2].map(|index| edit.is_below(index)), [false, true, true]);
    }

    #[test]
    fn an_act_knows_whether_what_is_recalled_is_an_answer() {
        let post = Content::plain("en");
        let answer = Content {
            reply_to: Some("ten-to-two".parse().unwrap()),
            ..Content::plain("en")
        };
        for (of, is_one) in [(&post, false), (&answer, true)] {
            let (id, receipts) = (PostId::default(), vec![Receipt::named("1", None)]);
            let deletion = Content::deletion(of, id, receipts.clone(), None);
            // Whatever its message answers by now.
            for now in [&post, &answer] {
                let edit = Content::edit(of, now.clone(), id, receipts.clone(), None);
                assert_eq!(edit.is_below(0), is_one);
            }
            assert_eq!(deletion.is_below(0), is_one);
            let kept = serde_json::to_string(&deletion).unwrap();
            assert_eq!(serde_json::from_str::<Content>(&kept).unwrap(), deletion);
        }
        assert!(!answer.is_below(0), "it recalls nothing");
    }

    #[test]
    fn rows_from_before_there_were_recalls_are_read() {
        let old: Content = serde_json::from_str(r#"{"parts":[{"text":"a"}],"language":"en"}"#).unwrap();
        assert_eq!(
            (old.facts.len(), old.recall.is_none(), old.deletes()),
            (0, true, None)
        );
    }
}
