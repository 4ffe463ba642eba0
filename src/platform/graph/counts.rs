//! How the public answered: each post is asked for by itself, because of several at once one that is gone spoils all.

use serde::de::DeserializeOwned;

use super::{Graph, Trouble, is_id, said};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

impl Graph {
    /// What is counted of each of these posts: `fields` of what stands `below` it. Nothing of one that is gone, or
    /// that a person entered by its address.
    pub(in super::super) async fn counts<T: DeserializeOwned>(
        &self,
        of: &[Receipt],
        below: &str,
        fields: (&str, &str),
        counted: fn(&T) -> Counts,
    ) -> Result<Vec<Counts>, Failure> {
        let mut all = Vec::new();
        for receipt in of {
            if !is_id(&receipt.id) {
                all.push(Counts::default());
                continue;
            }
            let answer = self.get(&format!("{}{below}", receipt.id), &[fields]).await?;
            let trouble = Trouble::of(&answer).filter(|_| (400..500).contains(&answer.status));
            all.push(match trouble {
                Some(trouble) if trouble.is_unknown() || trouble.has_no_such_field() => Counts::default(),
                _ => counted(&said(&answer)?),
            });
        }
        Ok(all)
    }
}
