//! One relay: what it is told, what it answers, and what that means.
//!
//! <https://github.com/nostr-protocol/nips/blob/master/01.md#communication-between-clients-and-relays>, and
//! `42.md` for relays that want to know who speaks.

use serde_json::{Value, json};

use super::super::harmless;
use super::super::http::{BaseUrl, Http, Talk};
use super::event::{Event, Signer};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};

/// How we call our one question of a conversation.
const LOOK: &str = "look";

/// Who speaks to a relay.
pub(super) struct Caller<'a> {
    pub http: &'a Http,
    pub signer: &'a Signer,
    pub relay: &'a BaseUrl,
}

/// What a relay says.
#[derive(Debug, PartialEq)]
enum Word {
    /// Of an event that it was sent.
    Ok { id: String, yes: bool, words: String },
    /// It wants to know who speaks, who must sign this.
    Auth(String),
    /// An event that it was asked for.
    Event(Box<Event>),
    /// That was all that it has.
    End,
    /// It does not answer the question.
    Closed(String),
    /// For people.
    Notice(String),
    /// What we do not know, or did not ask for.
    Other,
}

impl Word {
    fn read(text: &str) -> Self {
        let Ok(Value::Array(said)) = serde_json::from_str(text) else {
            return Self::Other;
        };
        let word = |place: usize| said.get(place).and_then(Value::as_str);
        let words = |place| word(place).unwrap_or_default().to_owned();
        match (word(0), word(1)) {
            (Some("OK"), Some(id)) => match said.get(2).and_then(Value::as_bool) {
                Some(yes) => Self::Ok {
                    id: id.to_owned(),
                    yes,
                    words: words(3),
                },
                None => Self::Other,
            },
            (Some("AUTH"), Some(challenge)) => Self::Auth(challenge.to_owned()),
            (Some("NOTICE"), Some(words)) => Self::Notice(words.to_owned()),
            (Some("EOSE"), Some(LOOK)) => Self::End,
            (Some("CLOSED"), Some(LOOK)) => Self::Closed(words(2)),
            (Some("EVENT"), Some(LOOK)) => {
                let event = said.get(2).cloned().map(serde_json::from_value);
                event.and_then(Result::ok).map_or(Self::Other, Self::Event)
            }
            _ => Self::Other,
        }
    }
}

/// What a relay's answer to an event means. The word before the colon is for machines.
pub fn read(yes: bool, words: &str) -> Result<(), Failure> {
    let refused = |class| {
        let said = if words.trim().is_empty() {
            "it says no, and not why"
        } else {
            words
        };
        Err(Failure::new(class, said))
    };
    match words.split_once(':').map(|(prefix, _)| prefix.trim()) {
        _ if yes => Ok(()),
        // Some say it with a no.
        Some("duplicate") => Ok(()),
        // Of an event that its author has deleted (strfry).
        Some("deleted") => refused(Class::Gone),
        Some("rate-limited") => refused(Class::RateLimited { until: None }),
        Some("auth-required" | "restricted") => refused(Class::Auth),
        Some("error" | "mute") => refused(Class::Transient),
        // `invalid`, `blocked`, `pow`, `unsupported`, and what is no word of the manual's.
        _ => refused(Class::Rejected),
    }
}

/// A conversation that may have to say who speaks.
struct Conversation<'a> {
    talk: Talk,
    caller: &'a Caller<'a>,
    /// What is to be signed, if the relay said so.
    challenge: Option<String>,
    /// Its last word for people.
    notice: Option<String>,
}

impl<'a> Conversation<'a> {
    async fn open(caller: &'a Caller<'a>) -> Result<Self, Failure> {
        Ok(Self {
            talk: caller.http.talk(caller.relay).await?,
            caller,
            challenge: None,
            notice: None,
        })
    }

    async fn say(&mut self, said: String) -> Result<(), Failure> {
        Ok(self.talk.say(said).await?)
    }

    /// The next word that is an answer.
    async fn hear(&mut self) -> Result<Word, Failure> {
        loop {
            let heard = self.talk.hear().await.map_err(Failure::from);
            let told = |failure: Failure| match &self.notice {
                Some(notice) => Failure::new(failure.class, format!("{}; it said: {notice}", failure.words)),
                None => failure,
            };
            match Word::read(&heard.map_err(told)?) {
                Word::Auth(challenge) => self.challenge = Some(challenge),
                Word::Notice(words) => self.notice = Some(words),
                Word::Other => {}
                answer => return Ok(answer),
            }
        }
    }

    /// The answer to the event of that id.
    async fn answer_to(&mut self, event: Digest) -> Result<(bool, String), Failure> {
        let event = event.to_string();
        loop {
            if let Word::Ok { id, yes, words } = self.hear().await?
                && id == event
            {
                return Ok((yes, words));
            }
        }
    }

    /// Says who speaks, if that is what `words` ask for and the relay said how: once. Returns whether it did.
    async fn introduced(&mut self, words: &str) -> Result<bool, Failure> {
        if !words.starts_with("auth-required:") {
            return Ok(false);
        }
        let Some(challenge) = self.challenge.take() else {
            return Ok(false);
        };
        let Caller { http, signer, relay } = self.caller;
        let tags = vec![
            vec!["relay".to_owned(), relay.as_socket()],
            vec!["challenge".to_owned(), challenge],
        ];
        let event = signer.sign(http.now().as_second(), 22242, tags, String::new());
        // Nothing visible was accepted yet.
        self.say(json!(["AUTH", event]).to_string())
            .await
            .map_err(harmless)?;
        match self.answer_to(event.id).await.map_err(harmless)? {
            (true, _) => Ok(true),
            (false, words) => Err(Failure::new(Class::Auth, words)),
        }
    }
}

impl Caller<'_> {
    /// Sends one event, whose JSON is `body`.
    pub(super) async fn publish(&self, id: Digest, body: &str) -> Result<(), Failure> {
        let said = format!("[\"EVENT\",{body}]");
        let mut conversation = Conversation::open(self).await?;
        conversation.say(said.clone()).await?;
        let (mut yes, mut words) = conversation.answer_to(id).await?;
        if !yes && conversation.introduced(&words).await? {
            conversation.say(said).await?;
            (yes, words) = conversation.answer_to(id).await?;
        }
        read(yes, &words)
    }

    /// The event of that id, if the relay has it.
    pub(super) async fn look(&self, id: Digest) -> Result<Option<Event>, Failure> {
        let filters = [json!({ "ids": [id], "limit": 1 })];
        let mut found = None;
        self.ask(&filters, |event| {
            found = (event.id == id).then_some(event);
            found.is_some()
        })
        .await?;
        Ok(found)
    }

    /// Asks one question in a conversation of its own. `enough` is given each genuine event as it comes, and says
    /// whether the rest need not be heard.
    pub(super) async fn ask(
        &self,
        filters: &[Value],
        enough: impl FnMut(Event) -> bool + Send,
    ) -> Result<(), Failure> {
        self.hear_out(filters, enough).await.map_err(harmless)
    }

    async fn hear_out(
        &self,
        filters: &[Value],
        mut enough: impl FnMut(Event) -> bool + Send,
    ) -> Result<(), Failure> {
        let mut said = vec![json!("REQ"), json!(LOOK)];
        said.extend_from_slice(filters);
        let said = Value::Array(said).to_string();
        let mut conversation = Conversation::open(self).await?;
        conversation.say(said.clone()).await?;
        let mut done = false;
        while !done {
            match conversation.hear().await? {
                Word::Event(event) => done = event.is_genuine() && enough(*event),
                Word::End => done = true,
                Word::Closed(words) if conversation.introduced(&words).await? => {
                    conversation.say(said.clone()).await?;
                }
                Word::Closed(words) => {
                    return Err(read(false, &words)
                        .err()
                        .unwrap_or_else(|| Failure::new(Class::Transient, words)));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_the_manual_has_its_class() {
        let class = |words: &str| read(false, words).err().map(|failure| failure.class);
        for (words, expected) in [
            ("duplicate: already have this event", None),
            ("blocked: you are banned from posting here", Some(Class::Rejected)),
            (
                "rate-limited: slow down there chief",
                Some(Class::RateLimited { until: None }),
            ),
            (
                "invalid: event creation date is too far off",
                Some(Class::Rejected),
            ),
            ("pow: difficulty 26 is less than 30", Some(Class::Rejected)),
            ("unsupported: kind 1", Some(Class::Rejected)),
            ("error: could not connect to the database", Some(Class::Transient)),
            (
                "auth-required: we only accept registered users",
                Some(Class::Auth),
            ),
            ("restricted: not on the list", Some(Class::Auth)),
            ("deleted: user requested deletion", Some(Class::Gone)),
            ("no", Some(Class::Rejected)),
            ("", Some(Class::Rejected)),
        ] {
            assert_eq!(class(words), expected, "{words}");
            assert_eq!(read(true, words), Ok(()), "{words}");
        }
        assert_eq!(read(false, "").unwrap_err().words, "it says no, and not why");
        assert_eq!(read(false, "blocked: x\ny").unwrap_err().words, "blocked: x y");
    }

    #[test]
    fn only_words_of_the_manuals_shape_are_answers() {
        let ok = |yes, words: &str| Word::Ok {
            id: "ab".into(),
            yes,
            words: words.into(),
        };
        for (text, expected) in [
            (r#"["OK","ab",true,""]"#, ok(true, "")),
            (r#"["OK","ab",true]"#, ok(true, "")),
            (r#"["OK","ab",false,"pow: x"]"#, ok(false, "pow: x")),
            (r#"["OK","ab","true",""]"#, Word::Other),
            (r#"["OK","ab",null,""]"#, Word::Other),
            (r#"["OK",7,true,""]"#, Word::Other),
            (r#"["EOSE","look"]"#, Word::End),
            (r#"["EOSE","another"]"#, Word::Other),
            (r#"["CLOSED","look","error: x"]"#, Word::Closed("error: x".into())),
            (r#"["AUTH","c"]"#, Word::Auth("c".into())),
            (r#"["NOTICE","n"]"#, Word::Notice("n".into())),
            (r#"["EVENT","look",{"id":"ab"}]"#, Word::Other),
            (r#"{"OK":true}"#, Word::Other),
            ("<html>", Word::Other),
            ("[]", Word::Other),
        ] {
            assert_eq!(Word::read(text), expected, "{text}");
        }
    }
}
