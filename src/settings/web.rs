//! `[web]` and `[user.NAME]`: where the dashboard is, under which names, and who may do what.

use std::net::SocketAddr;

use argon2::password_hash::PasswordHash;

use super::keys::Keys;
use crate::post::identity::AccountName;

/// What a user may do: each all that those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Stops: anybody who sees that something is wrong.
    Editor,
    /// Approves what messages say.
    Approver,
    /// Lets go on, sends, and decides what becomes of posts.
    Operator,
}

impl Role {
    /// Each, by its word in the config.
    pub const ALL: [(&'static str, Role); 4] = [
        ("viewer", Role::Viewer),
        ("editor", Role::Editor),
        ("approver", Role::Approver),
        ("operator", Role::Operator),
    ];

    /// Its word in the config.
    pub fn as_str(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, role)| *role == self);
        known.map_or("", |(word, _)| word)
    }
}

/// `[user.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// As `steadfast password` prints it: argon2id with its salt and costs.
    pub password: String,
}

/// What else the dashboard has to know.
#[derive(Debug, Clone, Default)]
pub struct Web {
    /// Names under which it is asked for, beside this machine's own.
    pub names: Vec<String>,
    /// None: whoever is on this machine may do everything.
    pub users: Vec<User>,
}

/// `[web]` without `listen`.
pub(super) fn names(web: &mut Keys, problems: &mut Vec<String>) -> Vec<String> {
    let Some(value) = web.take("names") else {
        return Vec::new();
    };
    let names = value.into_array().unwrap_or_default();
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    if names.is_empty() || !names.iter().all(is_name) {
        problems.push(
            "`web.names` is a list of host names without ports, as in [\"posts.example.org\"]".to_owned(),
        );
        return Vec::new();
    }
    names
}

/// The users, by name.
pub(super) fn users(mut at: Keys, problems: &mut Vec<String>) -> Vec<User> {
    let mut users = Vec::new();
    for name in at.names() {
        let mut keys = at.section(&name, problems);
        if name.parse::<AccountName>().is_err() {
            problems.push(format!(
                "[user.{name}]: a user's name has a-z, 0-9, `.`, `_` and `-`"
            ));
        }
        let words: Vec<&str> = Role::ALL.iter().map(|(word, _)| *word).collect();
        let said = keys.given("role");
        let role = keys.one_of("role", &words, problems);
        if !said {
            problems.push(format!(
                "[user.{name}] needs `role = \"…\"`: one of {}",
                words.join(", ")
            ));
        }
        let role = Role::ALL
            .iter()
            .find(|(word, _)| Some(*word) == role.as_deref())
            .map(|(_, role)| *role);
        let password = keys.text("password_hash", problems);
        let is_hash = |text: &String| text.starts_with("$argon2id$") && PasswordHash::new(text).is_ok();
        if !password.as_ref().is_some_and(is_hash) {
            // Not with its value: it may be a password that should not be there.
            problems.push(format!(
                "[user.{name}] needs `password_hash = \"$argon2id$…\"`: `steadfast password` asks for a password and prints it"
            ));
        }
        keys.finish(problems);
        if let (Some(role), Some(password)) = (role, password) {
            users.push(User { name, role, password });
        }
    }
    users
}

/// Where it listens. Elsewhere than on loopback somebody must sign in.
pub(super) fn listen(text: &str, web: &Web, problems: &mut Vec<String>) -> Option<SocketAddr> {
    let Ok(address) = text.replace("localhost", "127.0.0.1").parse::<SocketAddr>() else {
        problems.push(format!(
            "`web.listen` is an address and a port, as in \"127.0.0.1:8910\", not \"{text}\""
        ));
        return None;
    };
    if web.users.is_empty() && !address.ip().is_loopback() {
        problems.push(format!(
            "`web.listen = \"{text}\"` would let others in, and nobody has to sign in: write [user.NAME] for those who may, or listen on 127.0.0.1"
        ));
        return None;
    }
    if web.users.is_empty() && !web.names.is_empty() {
        problems.push(
            "`web.names` would let others in, and nobody has to sign in: write [user.NAME] for those who may"
                .to_owned(),
        );
    }
    Some(address)
}
