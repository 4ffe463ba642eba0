//! Pinterest, version 5 of its API: pins on one board. <https://developers.pinterest.com/docs/api/v5/>
//!
//! There is no pin without an image or a video, and images travel in the request itself. It keeps no key and no id of ours.
//! After a lost answer the board is read; how soon it shows a new pin is not published, so one that is missing there
//! proves nothing, and after an hour a person looks.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::Secret;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::{
    Among, Deletion, Edit, ImageBytes, Outgoing, Platform, Prepared, Sealed, Tools, answers, card_of,
    harmless, settings,
};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::{Doubt, Limits, PINTEREST};

mod counts;
mod edit;
mod look;
mod video;

pub const NAME: &str = "pinterest";

pub fn limits() -> Limits {
    PINTEREST
}

/// `[account.NAME]` with `platform = "pinterest"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The number of the board. `steadfast login` lists those that there are.
    #[schemars(with = "String")]
    board: Board,
    /// Another server; else Pinterest's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// With the scopes of [`SIGN_IN`]; it lives some 30 days. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

/// The number of a board.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Board(String);

impl TryFrom<String> for Board {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        if is_id(&id) {
            Ok(Self(id))
        } else {
            Err(
                "write the board's number; any will do to begin with: `steadfast login` says which there are"
                    .into(),
            )
        }
    }
}

const HOME: &str = "https://api.pinterest.com";

/// <https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/>. How long both
/// tokens live is told with them.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At developers.pinterest.com, with a business account, make an app, and ask for standard access: with trial access nobody but you sees its pins.",
        "Enter {redirect} there as a redirect URI, to the letter.",
        "Write the App ID and the App secret key as `client_id` and `client_secret`.",
        "In the browser that opens, sign in to the account whose board it is, and allow {scopes}.",
    ],
    way: Way::Code(&OAuth {
        authorize: "https://www.pinterest.com/oauth/",
        token: "https://api.pinterest.com/v5/oauth/token",
        scopes: &["boards:read", "boards:write", "pins:read", "pins:write"],
        extras: &[],
        between: ",",
        pkce: false,
        also: &[],
        client: ClientIs::Basic,
        redirect: Redirect::Loopback { port: 8976 },
        then: Then::Keep,
        renewal: Renewal::RefreshToken { rotates: true },
    }),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let token = config
        .token
        .open(&SIGN_IN, config.base_url.as_ref(), None, tools)?;
    Ok(Box::new(Account {
        limits: PINTEREST,
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        board: config.board.0,
        token,
        is_there: OnceCell::new(),
        http: tools.http.clone(),
    }))
}

struct Account {
    limits: Limits,
    base: BaseUrl,
    board: String,
    token: Token,
    /// Once that was asked.
    is_there: OnceCell<()>,
    http: Http,
}

// The wire. Ids are numbers written as text.

/// What a pin says, in the frozen request and in the board's list.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Words {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[derive(Deserialize)]
struct Pin {
    id: String,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    bookmark: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Problem {
    code: i64,
    message: String,
}

impl Problem {
    fn of(answer: &Answer) -> Option<Self> {
        answer.json()
    }
}

// What is said, and what the answer means.

const PINS: &str = "/v5/pins";
/// The longest title, in UTF-16 units, as its unit is not published.
const MAX_TITLE: usize = 100;
/// The longest description of a pin's images, in the same.
const MAX_ALT: usize = 500;

/// The whole request that will be visible; `uploaded` is the id of its video.
/// <https://developers.pinterest.com/docs/api/v5/pins-create>
pub fn request(out: &Outgoing<'_>, board: &str, uploaded: Option<&str>) -> Prepared {
    let text = out.part.shown_text(PINTEREST.abilities);
    let mut told = Map::from_iter([("board_id".to_owned(), json!(board))]);
    if let Value::Object(words) = json!(words(&text, card_of(out.part).map(|(link, _)| link))) {
        told.extend(words);
    }
    let images = out.images.iter().map(|image| image.alt.as_str());
    let alts: Vec<&str> = images
        .chain(out.video.as_ref().map(|video| video.alt.as_str()))
        .collect();
    let all = alts.join(" / ");
    // Those of several images stand with each, too.
    let alt = if is_at_most(&all, MAX_ALT) {
        &*all
    } else {
        alts.first().copied().unwrap_or_default()
    };
    if !alt.is_empty() {
        told.insert("alt_text".into(), json!(alt));
    }
    let media = match (&out.video, uploaded) {
        (Some(video), Some(id)) => video::source(video, id),
        _ => images_of(&out.images),
    };
    told.insert("media_source".into(), media);
    Prepared {
        path: PINS.into(),
        body: Value::Object(told).to_string(),
    }
}

/// A first line that is short enough, with more below it, is the title.
fn words(text: &str, link: Option<String>) -> Words {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let text = text.trim();
    let (title, description) = match text.split_once('\n') {
        Some((first, rest)) if is_at_most(first.trim(), MAX_TITLE) => (first.trim(), rest.trim()),
        _ => ("", text),
    };
    Words {
        title: said(title),
        description: said(description),
        link,
    }
}

fn is_at_most(text: &str, max: usize) -> bool {
    text.encode_utf16().count() <= max
}

fn images_of(images: &[ImageBytes]) -> Value {
    let data = |image: &ImageBytes| STANDARD.encode(&image.bytes);
    if let [image] = images {
        return json!({ "source_type": "image_base64", "content_type": image.mime, "data": data(image) });
    }
    let item = |image: &ImageBytes| json!({ "content_type": image.mime, "data": data(image), "description": image.alt });
    let items: Vec<Value> = images.iter().map(item).collect();
    json!({ "source_type": "multiple_image_base64", "items": items })
}

/// <https://developers.pinterest.com/docs/api/v5/pins-delete>
pub fn deletion(gone: &Deletion<'_>) -> Result<Prepared, Failure> {
    let id = id_of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    Ok(Prepared {
        path: format!("{PINS}/{id}"),
        body: String::new(),
    })
}

fn id_of(receipt: &Receipt) -> Option<String> {
    let by_url = || pin_in(receipt.url.as_deref().unwrap_or(&receipt.id));
    Some(receipt.id.clone()).filter(|id| is_id(id)).or_else(by_url)
}

fn is_id(id: &str) -> bool {
    (1..=24).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// The number in `https://www.pinterest.com/pin/123/`, on the site of any country.
fn pin_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    if !PINTEREST
        .homes
        .iter()
        .any(|home| host == *home || host.ends_with(&format!(".{home}")))
    {
        return None;
    }
    let mut steps = url.path_segments()?;
    steps.find(|step| *step == "pin")?;
    steps.next().filter(|id| is_id(id)).map(str::to_owned)
}

fn receipt(id: &str) -> Receipt {
    Receipt::named(id, Some(format!("https://www.pinterest.com/pin/{id}/")))
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if !matches!(answer.status, 200 | 201) {
        return Err(refused(answer));
    }
    let pin: Option<Pin> = answer.json();
    let pin = pin.filter(|pin| is_id(&pin.id));
    pin.map(|pin| receipt(&pin.id))
        .ok_or_else(|| answer.failure(Class::InDoubt, None))
}

/// 403s that no pin would be taken with.
const ACCOUNT_REFUSED: &[&str] = &["scope", "not permitted to access", "authorization", "trial"];

fn refused(answer: &Answer) -> Failure {
    let problem = Problem::of(answer);
    let says = |sentences: &[&str]| {
        let words = problem
            .as_ref()
            .map(|problem| problem.message.to_lowercase())
            .unwrap_or_default();
        sentences.iter().any(|sentence| words.contains(sentence))
    };
    let class = match answer.status {
        403 if says(ACCOUNT_REFUSED) => Class::Auth,
        // All that is asked for is on the one board.
        404 if problem.is_some() => Class::Auth,
        _ => answer.class(problem.is_some()),
    };
    let words = problem.map(|problem| format!("{} (code {})", problem.message, problem.code));
    answer.failure(class, words.as_deref())
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        204 => Ok(()),
        404 if Problem::of(answer).is_some() => Ok(()),
        _ => Err(refused(answer)),
    }
}

fn odd(answer: &Answer) -> Failure {
    let words = "an answer of another shape than the manual's";
    answer.failure(Class::Transient, Some(words))
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if let Some(video) = &out.video {
            let id = self.upload(video).await?;
            return Ok(request(out, &self.board, Some(&id)));
        }
        if out.images.is_empty() {
            return Err(Failure::new(Class::Rejected, "there is no pin without an image"));
        }
        Ok(request(out, &self.board, None))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let Prepared { path, body } = &sealed.prepared;
        let bearer = self.token.bearer().await?;
        let request = Request::post(&self.base, path).bearer(&bearer).json(body.clone());
        let answer = self.http.publish(request, self.limits.doubt).await?;
        self.token.answered(&bearer, read(&answer)).await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::delete(&self.base, &sealed.prepared.path).bearer(&bearer);
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        edit::request(edit)
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.change(&sealed.prepared).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(&sealed.prepared, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        self.is_there.get_or_try_init(|| self.ask_for_the_board()).await?;
        Ok(Some(format!("board {}", self.board)))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, BOARDS).await)
    }
}

const BOARDS: &str = "/v5/boards";
/// As many as a page may have, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 20;

impl Account {
    /// A request that may be repeated.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let sign = |bearer: &Secret| request.bearer(bearer);
        self.token.ask(&self.http, sign, refused).await
    }

    /// All of a list, or as much as can be turned.
    async fn all<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let (mut all, mut bookmark) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = vec![("page_size", PAGE)];
            query.extend(bookmark.as_deref().map(|bookmark| ("bookmark", bookmark)));
            let answer = self.ask(Request::get(&self.base, path).query(&query)).await?;
            if answer.status != 200 {
                return Err(harmless(refused(&answer)));
            }
            let page: List<T> = answer.json().ok_or_else(|| odd(&answer))?;
            all.extend(page.items);
            bookmark = page.bookmark.filter(|bookmark| !bookmark.is_empty());
            if bookmark.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// The board, if it is one of those of the one who signed in. <https://developers.pinterest.com/docs/api/v5/boards-list>
    async fn ask_for_the_board(&self) -> Result<(), Failure> {
        let boards: Vec<Named> = self.all(BOARDS).await.map_err(|mut failure| {
            // Nothing about a post is in question here.
            if failure.class == Class::Rejected {
                failure.class = Class::Auth;
            }
            failure
        })?;
        if boards.iter().any(|board| board.id == self.board) {
            return Ok(());
        }
        let names: Vec<String> = boards
            .iter()
            .map(|board| format!("{} ({})", board.name, board.id))
            .collect();
        let words = format!(
            "the one who signed in has no board {}, but {}",
            self.board,
            names.join(", ")
        );
        Err(Failure::new(Class::Auth, words))
    }
}
