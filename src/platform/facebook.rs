//! Facebook, as a Page. <https://developers.facebook.com/docs/pages-api>
//!
//! It keeps no key and no id of ours: after a lost answer the Page's own posts are read. There are no threads; what
//! answers an earlier post is a comment of the Page under it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, json};
use tokio::sync::OnceCell;

use super::graph::list::{List, Listed};
use super::graph::{Graph, Made, Me, is_id, number, refusal, said};
use super::http::{Answer, BaseUrl, Field, Request};
use super::sign_in::{ClientIs, Exchange, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::{
    Among, Deletion, Edit, ImageBytes, Outgoing, Platform, Prepared, Sealed, Tools, answers, file_name,
    settings,
};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::{FACEBOOK, Limits};

mod edit;
mod video;

pub use video::{read as read_video, request as request_video};

pub const NAME: &str = "facebook";

pub fn limits() -> Limits {
    FACEBOOK
}

/// `[account.NAME]` with `platform = "facebook"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The Page's number.
    page_id: String,
    /// Another server; else Meta's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// A token of the Page itself, with the scopes of [`SIGN_IN`]. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

impl Config {
    /// Whether the keys belong together.
    pub(super) fn together(self) -> Result<(), String> {
        number("page_id", Some(self.page_id)).map(drop)
    }
}

const HOME: &str = "https://graph.facebook.com";
/// Where videos are sent.
const VIDEOS: &str = "https://graph-video.facebook.com";
/// One lives for two years; after that its requests go to the oldest that lives.
const VERSION: &str = "/v25.0";

/// <https://developers.facebook.com/docs/pages-api/getting-started>. The token of a Page that is made of a person's
/// long-lived token has no end.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At developers.facebook.com, make an app with the use case to manage Pages, and allow it these permissions: {scopes}",
        "Under Facebook Login, enter {redirect} as a valid OAuth redirect URI. It begins with https; a page need not be there.",
        "Set the app live: what an app in development posts is seen by its own people alone.",
        "Write the app's id and its secret as `client_id` and `client_secret`.",
        "In the browser that opens, sign in as a person who manages the Page, and choose that Page.",
    ],
    way: Way::Code(&OAuth {
        authorize: "https://www.facebook.com/v25.0/dialog/oauth",
        token: "https://graph.facebook.com/v25.0/oauth/access_token",
        scopes: &["pages_show_list", "pages_manage_posts", "pages_read_engagement"],
        extras: &[
            ("pages_manage_engagement", "nothing is answered by a comment"),
            (
                "pages_read_user_engagement",
                "a comment in doubt is not looked for",
            ),
        ],
        between: ",",
        pkce: false,
        also: &[],
        client: ClientIs::Form,
        redirect: Redirect::Pasted,
        then: Then::Page {
            exchange: Exchange {
                at: "https://graph.facebook.com/v25.0/oauth/access_token",
                grant_type: "fb_exchange_token",
                token: "fb_exchange_token",
                names_client: true,
            },
            pages: "https://graph.facebook.com/v25.0/me/accounts",
            key: "page_id",
        },
        renewal: Renewal::Never,
    }),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    number("page_id", Some(config.page_id.clone()))?;
    let base = config.base_url.as_ref();
    let token = config.token.open(&SIGN_IN, base, Some(&config.page_id), tools)?;
    Ok(Box::new(Account {
        limits: FACEBOOK,
        videos: base.cloned().map_or_else(|| BaseUrl::parse(VIDEOS), Ok)?,
        graph: Graph::open((HOME, VERSION), config.base_url, token, tools)?,
        page: config.page_id,
        known: OnceCell::new(),
    }))
}

struct Account {
    limits: Limits,
    graph: Graph,
    videos: BaseUrl,
    page: String,
    /// That the token is the Page's, once that was asked.
    known: OnceCell<Me>,
}

// The wire.

/// With the fields that are asked for.
#[derive(Deserialize)]
struct Posted {
    id: String,
    permalink_url: Option<String>,
}

/// Of the frozen request: a post, or a comment.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    message: String,
    #[serde(default)]
    attached_media: Vec<Attached>,
    /// Of a comment.
    attachment_id: Option<String>,
}

#[derive(Deserialize)]
struct Attached {
    media_fbid: String,
}

// What is said, and what the answer means.

const SHOWN: &str = "id,permalink_url";

/// The whole request that will be visible: a post of the Page with photos that were uploaded, or a comment under
/// `parent`. <https://developers.facebook.com/docs/graph-api/reference/page/feed>,
/// <https://developers.facebook.com/docs/graph-api/reference/object/comments>
pub fn request(
    out: &Outgoing<'_>,
    page: &str,
    parent: Option<&str>,
    photos: &[String],
) -> Result<Prepared, Failure> {
    let mut told = Map::new();
    let carded = FACEBOOK.answering(parent.is_some()).abilities;
    let text = out.part.shown_text(carded);
    let link = out.part.link.as_ref().map(|link| link.url.as_str());
    let link = link.filter(|_| carded.card && photos.is_empty());
    // By its words it is known again, so a link that stands alone is among them.
    match (text.is_empty(), link) {
        (false, _) => told.insert("message".into(), json!(text)),
        (true, Some(link)) => told.insert("message".into(), json!(link)),
        (true, None) => None,
    };
    if let Some(link) = link {
        told.insert("link".into(), json!(link));
    }
    let path = match (parent, photos) {
        (None, _) => {
            if !photos.is_empty() {
                let media: Vec<_> = photos.iter().map(|id| json!({ "media_fbid": id })).collect();
                told.insert("attached_media".into(), json!(media));
            }
            format!("{VERSION}/{page}/feed")
        }
        (Some(parent), []) => format!("{VERSION}/{parent}/comments"),
        (Some(parent), [photo]) => {
            told.insert("attachment_id".into(), json!(photo));
            format!("{VERSION}/{parent}/comments")
        }
        (Some(_), _) => {
            let words = "an answer there is a comment, which shows one image and no more";
            return Err(Failure::new(Class::Rejected, words));
        }
    };
    Ok(Prepared {
        path,
        body: json!(told).to_string(),
    })
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    let posted: Option<Posted> = answer.json();
    let posted = posted.filter(|posted| answer.status == 200 && is_id(&posted.id));
    let posted = posted.ok_or_else(|| refusal(answer))?;
    let url = posted
        .permalink_url
        .unwrap_or_else(|| format!("https://www.facebook.com/{}", posted.id));
    Ok(Receipt::named(posted.id, Some(url)))
}

impl Sent {
    fn of(prepared: &Prepared) -> Result<Self, Failure> {
        serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))
    }

    fn photos(&self) -> Vec<&str> {
        let attached = self.attached_media.iter().map(|photo| photo.media_fbid.as_str());
        attached.chain(self.attachment_id.as_deref()).collect()
    }

    /// A photo is known by its number, which only the post that was meant can show.
    fn is(&self, listed: &Listed, page: &str) -> bool {
        let photos = self.photos();
        let by_us = listed.from.as_ref().is_none_or(|from| from.id == page);
        by_us
            && if photos.is_empty() {
                listed.says(&self.message)
            } else {
                listed.shows(&photos)
            }
    }
}

// How the public answered. <https://developers.facebook.com/docs/graph-api/reference/page-post>

const COUNTED: &str = "id,shares,comments.summary(true).limit(0),reactions.summary(total_count).limit(0)";

/// Where nobody shared it, there are no `shares`.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    shares: Shares,
    comments: Summed,
    reactions: Summed,
}

#[derive(Default, Deserialize)]
struct Shares {
    count: u64,
}

#[derive(Deserialize)]
struct Summed {
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    total_count: u64,
}

fn counted(told: &Answered) -> Counts {
    Counts {
        likes: Some(told.reactions.summary.total_count),
        shares: Some(told.shares.count),
        replies: Some(told.comments.summary.total_count),
        ..Counts::default()
    }
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        let parent = match out.parent {
            Some(parent) => Some(self.id_of(parent).await?.ok_or_else(|| elsewhere(parent))?),
            None => None,
        };
        if let Some(video) = &out.video {
            if parent.is_some() {
                let words = "an answer there is a comment, which shows no video of ours";
                return Err(Failure::new(Class::Rejected, words));
            }
            return Ok(request_video(out, &self.upload_video(video).await?));
        }
        let mut photos = Vec::new();
        for image in &out.images {
            photos.push(self.upload(image).await?);
        }
        request(out, &self.page, parent.as_deref(), &photos)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        if let Some(video) = video::of(&sealed.prepared) {
            return self.publish_video(video, &sealed.prepared).await;
        }
        let Prepared { path, body } = &sealed.prepared;
        let request = Request::post(&self.graph.base, path)
            .query(&[("fields", SHOWN)])
            .json(body.clone());
        self.graph.publish(request, self.limits.doubt, read).await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let id = self.id_of(gone.receipt).await?;
        let id = id.filter(|id| !(gone.below && self.is_post(id)));
        let id = id.ok_or_else(|| gone.unnamed())?;
        Ok(Prepared {
            path: self.graph.at(&id),
            body: String::new(),
        })
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.graph.delete(&sealed.prepared.path).await
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        self.edit_of(edit).await
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.change(&sealed.prepared).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        if let Some(video) = video::of(&sealed.prepared) {
            return self.find_video(video).await;
        }
        let sent = Sent::of(&sealed.prepared)?;
        let path = sealed.prepared.path.strip_prefix(VERSION).unwrap_or_default();
        let path = path.trim_start_matches('/');
        let published = self.published();
        let comments = path.ends_with("/comments");
        let list = if comments {
            self.comments(path)
        } else {
            self.posts(&published)
        };
        let mut by_somebody = false;
        let looked = list.look(among, |listed| {
            let says = sent.is(listed, &self.page);
            let unnamed = comments && listed.from.is_none();
            by_somebody |= says && unnamed;
            says && !unnamed
        });
        Ok(match looked.await?.found() {
            Found::Absent if by_somebody => Found::Unclear(
                "there is a comment with its words, and Facebook does not say whose it is".to_owned(),
            ),
            found => found,
        })
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.graph.counts(of, "", ("fields", COUNTED), counted).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        let me = self
            .known
            .get_or_try_init(|| self.graph.who("me", "id", Some(("page_id", &self.page))));
        Ok(Some(me.await?.id().to_owned()))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.graph.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.graph.http, &self.graph.base, &self.graph.at("me")).await)
    }
}

/// What is asked of posts that are read back, and of comments.
const FIELDS: &str =
    "id,message,created_time,permalink_url,attachments{media_type,target{id},subattachments{target{id}}}";
const COMMENT_FIELDS: &str = "id,message,created_time,permalink_url,from{id},attachment{target{id}}";

fn elsewhere(parent: &Receipt) -> Failure {
    let shown = parent.url.as_deref().unwrap_or(&parent.id);
    Failure::new(
        Class::Rejected,
        format!("what it answers is none of the Page's newest posts: {shown}"),
    )
}

impl Account {
    /// Where nobody sees it; what no post shows is gone in a day.
    /// <https://developers.facebook.com/docs/graph-api/reference/page/photos>
    async fn upload(&self, image: &ImageBytes) -> Result<String, Failure> {
        let text = |name: &'static str, value: &str| Field::Text {
            name: name.into(),
            value: value.to_owned(),
        };
        let mut fields = vec![text("published", "false"), text("temporary", "true")];
        if !image.alt.is_empty() {
            fields.push(text("alt_text_custom", &image.alt));
        }
        fields.push(Field::File {
            name: "source".into(),
            file_name: file_name(image.mime).into(),
            mime: image.mime.into(),
            bytes: image.bytes.clone(),
        });
        let at = self.graph.at(&format!("{}/photos", self.page));
        let answer = self
            .graph
            .ask(Request::post(&self.graph.base, &at).form(fields))
            .await?;
        let made: Made = said(&answer)?;
        if is_id(&made.id) {
            Ok(made.id)
        } else {
            Err(Failure::new(Class::Transient, "it gave a photo a strange id"))
        }
    }

    fn published(&self) -> String {
        format!("{}/published_posts", self.page)
    }

    fn posts<'a>(&'a self, at: &'a str) -> List<'a> {
        List {
            graph: &self.graph,
            at,
            fields: FIELDS,
            also: &[],
            by_time: true,
        }
    }

    fn comments<'a>(&'a self, at: &'a str) -> List<'a> {
        List {
            graph: &self.graph,
            at,
            fields: COMMENT_FIELDS,
            also: &[("filter", "stream"), ("order", "reverse_chronological")],
            by_time: false,
        }
    }

    /// A post's number begins with the Page's, a comment's with its post's.
    fn is_post(&self, id: &str) -> bool {
        let mut numbers = id.split('_');
        numbers.next() == Some(&self.page) && numbers.nth(1).is_none()
    }

    /// Of a post that a person has entered by its address, the Page's list knows the id.
    async fn id_of(&self, receipt: &Receipt) -> Result<Option<String>, Failure> {
        if is_id(&receipt.id) {
            return Ok(Some(receipt.id.clone()));
        }
        let url = receipt.url.as_deref().unwrap_or(&receipt.id);
        self.posts(&self.published()).named(url).await
    }
}
