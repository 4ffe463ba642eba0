//! What a bot may do in its channel: its roles' permissions on the server, and what the channel says against them.
//!
//! <https://docs.discord.com/developers/topics/permissions#permission-overwrites>

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::http::Answer;
use super::super::{Granted, harmless};
use super::{API, Discord, Way, refused};
use crate::post::outcome::{Class, Failure};

/// Those that matter here, as Discord's own site calls them.
const ALL: u64 = 1 << 3;
const VIEW: (u64, &str) = (1 << 10, "View Channel");
const SEND: (u64, &str) = (1 << 11, "Send Messages");
const ATTACH: (u64, &str) = (1 << 15, "Attach Files");
const READ: (u64, &str) = (1 << 16, "Read Message History");

#[derive(Deserialize)]
struct Role {
    id: String,
    /// A number of 64 bits, as text.
    permissions: String,
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<String>,
}

#[derive(Deserialize)]
struct Channel {
    #[serde(default)]
    permission_overwrites: Vec<Overwrite>,
}

#[derive(Deserialize)]
struct Overwrite {
    /// Of a role, or of a member.
    id: String,
    allow: String,
    deny: String,
}

fn bits(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

/// In the order in which Discord reckons: everyone's, those of all roles together, the member's own.
fn reckon(guild: &str, bot: &str, roles: &[Role], member: &Member, channel: &Channel) -> u64 {
    let has = |role: &&Role| role.id == guild || member.roles.contains(&role.id);
    let base = roles
        .iter()
        .filter(has)
        .fold(0, |all, role| all | bits(&role.permissions));
    if base & ALL != 0 {
        return u64::MAX;
    }
    let laid = |rights: u64, of: &dyn Fn(&str) -> bool| {
        let those = channel
            .permission_overwrites
            .iter()
            .filter(|overwrite| of(&overwrite.id));
        let (allow, deny) = those.fold((0, 0), |(allow, deny), overwrite| {
            (allow | bits(&overwrite.allow), deny | bits(&overwrite.deny))
        });
        rights & !deny | allow
    };
    let rights = laid(base, &|id| id == guild);
    let rights = laid(rights, &|id| {
        id != guild && member.roles.iter().any(|role| role == id)
    });
    laid(rights, &|id| id == bot)
}

fn granted(rights: u64) -> Granted {
    let may = |(bit, _): (u64, &str)| rights & bit != 0;
    let named = |(_, name): (u64, &str)| name.to_owned();
    Granted {
        permissions: [VIEW, SEND, ATTACH, READ]
            .into_iter()
            .filter(|right| may(*right))
            .map(named)
            .collect(),
        missing: [VIEW, SEND, ATTACH]
            .into_iter()
            .filter(|right| !may(*right))
            .map(|right| format!("the bot lacks the permission {} in the channel", right.1))
            .collect(),
        reads: may(VIEW) && may(READ),
    }
}

impl Discord {
    /// `None`: a channel without a server.
    pub(super) async fn rights(&self) -> Result<Option<Granted>, Failure> {
        let Way::Bot { channel, .. } = &self.way else {
            return Ok(None);
        };
        let known = self.known().await?;
        let Some(guild) = &known.guild else {
            return Ok(None);
        };
        let channel: Channel = self.said(&format!("{API}/channels/{channel}")).await?;
        let roles: Vec<Role> = self.said(&format!("{API}/guilds/{guild}/roles")).await?;
        let member: Member = self
            .said(&format!("{API}/guilds/{guild}/members/{}", known.id))
            .await?;
        Ok(Some(granted(reckon(guild, &known.id, &roles, &member, &channel))))
    }

    async fn said<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer: Answer = self.get(path, &[]).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let words = "an answer of another shape than the manual's";
        answer
            .json()
            .ok_or_else(|| answer.failure(Class::Transient, Some(words)))
    }
}
