//! `steadfast login ACCOUNT`: a person is walked through a platform's sign-in, and what comes of it is sealed.

use std::sync::Arc;

use async_trait::async_trait;
use clap::Args;

use crate::daemon::{granted_key, identity_key, tokens::LedgerKeeper};
use crate::desk::accounts;
use crate::ledger::token::Step;
use crate::ledger::{BY_DAEMON, Ledger, Scope};
use crate::platform::http::Http;
use crate::platform::oauth::{Client, Grant};
use crate::platform::secret::Scrubber;
use crate::platform::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Way};
use crate::platform::token::{self, Keeper, Stored, Turn};
use crate::platform::video::{Films, NoFilms};
use crate::platform::{self, Entry, Granted, Tools};
use crate::post::identity::AccountName;
use crate::post::outcome::Failure;
use crate::settings::AccountSettings;

use super::say::meant;
use super::{Exit, Failed, Office, print_line, table};

mod redirect;
pub(super) mod terminal;

/// What the command is told.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// The account's name in the config
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// On a machine without a browser: paste what the browser shows elsewhere
    #[arg(long)]
    pub paste: bool,
    /// Enter a token that you got on the platform's site
    #[arg(long, conflicts_with_all = ["paste", "redirect"])]
    pub token: bool,
    /// Ask only for the permissions without which nothing can be posted
    #[arg(long, conflicts_with = "token")]
    pub least: bool,
    /// The https address that your app has registered, where its platform takes none on this machine
    #[arg(long, value_name = "URL")]
    pub redirect: Option<String>,
}

/// The redirect of servers that show the code on a page of their own (Mastodon).
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";

pub(super) async fn login(office: &Office, args: &LoginArgs) -> Result<Exit, Failed> {
    let (account, entry, sign_in) = find(office, &args.account)?;
    let ledger = office.ledger().await?;
    let keeper = office.keeper(Arc::clone(&ledger))?;
    let scrubber = Scrubber::new();
    let contact = &office.settings.contact;
    let http = Http::new(contact, Arc::clone(&office.clock)).map_err(Failed::Wrong)?;
    let vault = office.settings.state_folder();
    let nobody: Arc<dyn Keeper> = Arc::new(token::NoKeeper);
    let no_films: Arc<dyn Films> = Arc::new(NoFilms);
    let tools = Tools {
        account: &account.name,
        http: &http,
        vault: &vault,
        scrubber: &scrubber,
        keeper: &nobody,
        films: &no_films,
    };
    let grant = match sign_in.way {
        Way::Code(oauth) if !args.token => {
            let client = |redirect| client_of(account, oauth, sign_in, &tools, redirect);
            by_browser(args, sign_in, oauth, &http, client).await?
        }
        Way::Code(_) | Way::Copied => by_hand(office, sign_in)?,
    };
    all_is_granted(sign_in, &grant)?;

    // The adapter itself says whose it is, with this token and no other.
    let fresh: Arc<dyn Keeper> = Arc::new(Fresh(grant.clone()));
    let tools = Tools {
        keeper: &fresh,
        ..tools
    };
    let adapter = entry.open(account.keys.clone(), &tools).map_err(Failed::Wrong)?;
    let identity = adapter
        .identity()
        .await
        .map_err(|e| failed("the token is not taken", &e))?;
    is_the_same(&*ledger, &account.name, identity.as_deref()).await?;
    let granted = adapter
        .granted()
        .await
        .map_err(|e| failed("what it may do can't be asked", &e))?;
    let grant = may_post(grant, granted.as_ref())?;
    // How doubt ends there is known before the first post.
    if let Err(e) = adapter.learn().await {
        print_line(&format!(
            "The server does not say yet what it is ({e}); it is asked again before the first post."
        ));
    }

    store(&*ledger, &keeper, account, &grant, identity.clone(), office).await?;
    if let Some(granted) = &granted {
        let words = serde_json::json!(granted).to_string();
        ledger.note(&granted_key(&account.name), &words).await?;
    }
    say(office, &*ledger, account, sign_in, &grant, identity.as_deref()).await?;
    Ok(Exit::Done)
}

fn failed(what: &str, failure: &Failure) -> Failed {
    Failed::Wrong(format!("{what}: {}; nothing was stored", failure.words))
}

fn find<'o>(
    office: &'o Office,
    name: &str,
) -> Result<(&'o AccountSettings, &'static Entry, &'static SignIn), Failed> {
    let accounts = &office.settings.accounts;
    let Some(account) = accounts.iter().find(|account| account.name.as_str() == name) else {
        let known = accounts.iter().map(|account| account.name.as_str());
        return Err(Failed::Usage(format!(
            "there is no account `{name}`{}",
            meant(name, known)
        )));
    };
    let sign_in = |entry: &'static Entry| Some((entry, (entry.sign_in)(&account.keys)?));
    let found = platform::find(account.platform).and_then(sign_in);
    let Some((entry, sign_in)) = found else {
        return Err(Failed::Usage(format!(
            "nobody signs in on {}: its accounts are set up by their keys in the config",
            account.platform
        )));
    };
    if !account.signs_in() {
        return Err(Failed::Usage(format!(
            "[account.{name}] has its token from the config: write `login = true` in place of `{}`",
            match sign_in.way {
                Way::Copied => "bot_token",
                Way::Code(_) => "access_token",
            }
        )));
    }
    Ok((account, entry, sign_in))
}

/// The operators' app, or one that is registered now.
async fn client_of(
    account: &AccountSettings,
    oauth: &'static OAuth,
    sign_in: &'static SignIn,
    tools: &Tools<'_>,
    redirect: String,
) -> Result<Client, Failed> {
    let wrong = |why: String| Failed::Usage(format!("[account.{}]: {why}", account.name));
    let base = token::base_of(&account.keys).map_err(wrong)?;
    if let ClientIs::Registered(_) = oauth.client {
        let base = base.ok_or_else(|| wrong("`base_url` is missing".to_owned()))?;
        let registered = Client::register(tools.http, oauth, base, &redirect).await;
        return registered.map_err(|e| failed("the server would not register steadfast", &e));
    }
    let client = token::client_of(&account.keys, sign_in, tools).map_err(wrong)?;
    client.ok_or_else(|| wrong("`client_id` is missing".to_owned()))
}

/// A person allows it in a browser, here or elsewhere.
async fn by_browser<C: Future<Output = Result<Client, Failed>>>(
    args: &LoginArgs,
    sign_in: &SignIn,
    oauth: &'static OAuth,
    http: &Http,
    client: impl FnOnce(String) -> C,
) -> Result<Grant, Failed> {
    let registered = matches!(oauth.client, ClientIs::Registered(_));
    let mut listener = None;
    let to = match (oauth.redirect, &args.redirect) {
        (_, Some(url)) => url.clone(),
        (Redirect::Pasted, None) => {
            return Err(Failed::Usage(
                "this platform sends the browser to an https address that your app has registered: name it with `--redirect URL`; its page need not exist".to_owned(),
            ));
        }
        (Redirect::Loopback { .. }, None) if args.paste && registered => OUT_OF_BAND.to_owned(),
        (Redirect::Loopback { port }, None) if args.paste => redirect::address(port),
        (Redirect::Loopback { port }, None) => {
            let bound = redirect::Listener::bind(port).await?;
            let address = bound.address();
            listener = Some(bound);
            address
        }
    };
    let scopes = if args.least {
        oauth.scopes.to_vec()
    } else {
        oauth.asked()
    };
    steps(sign_in, &to, &scopes.join(oauth.between));
    let client = client(to.clone()).await?;
    let asked = client
        .ask_for(scopes, &to)
        .map_err(|e| failed("signing in can't begin", &e))?;
    print_line(&format!("\nOpen this address in a browser:\n\n  {}\n", asked.url));
    let code = match listener {
        Some(listener) => {
            print_line("Waiting for the browser …");
            listener.code(asked.state.expose()).await?
        }
        None if to == OUT_OF_BAND => terminal::line("The code that the page shows: ")?,
        None => {
            let pasted = terminal::line("The address that the browser ends at, all of it: ")?;
            redirect::code_in(&pasted, asked.state.expose())?
        }
    };
    let traded = client.trade(http, asked, &code).await;
    traded.map_err(|e| failed("the platform gave no token", &e))
}

fn by_hand(office: &Office, sign_in: &SignIn) -> Result<Grant, Failed> {
    let scopes: Vec<String> = match sign_in.way {
        Way::Code(oauth) => oauth.asked().into_iter().map(str::to_owned).collect(),
        Way::Copied => Vec::new(),
    };
    match sign_in.way {
        Way::Copied => steps(sign_in, "", ""),
        Way::Code(_) => print_line(&format!(
            "Make a token on the platform's site, with these permissions: {}",
            scopes.join(" ")
        )),
    }
    Ok(Grant {
        access: terminal::secret("The token (it is not shown): ")?,
        refresh: None,
        issued: office.clock.now(),
        expires: None,
        refresh_expires: None,
        scopes,
    })
}

fn steps(sign_in: &SignIn, redirect: &str, scopes: &str) {
    for (n, step) in sign_in.steps.iter().enumerate() {
        let step = step.replace("{redirect}", redirect).replace("{scopes}", scopes);
        print_line(&format!("{}. {step}", n.saturating_add(1)));
    }
}

/// Without one of them a post would fail one day.
fn all_is_granted(sign_in: &SignIn, grant: &Grant) -> Result<(), Failed> {
    let Way::Code(oauth) = sign_in.way else {
        return Ok(());
    };
    let missing = oauth.missing(&grant.scopes);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failed::Wrong(format!(
        "it was allowed without {}: sign in again and allow all that is asked for; nothing was stored",
        missing.join(", ")
    )))
}

/// With what it may do, in the platform's words; refused if it may not post where the config says.
fn may_post(grant: Grant, granted: Option<&Granted>) -> Result<Grant, Failed> {
    let Some(granted) = granted else {
        return Ok(grant);
    };
    if !granted.missing.is_empty() {
        return Err(Failed::Wrong(format!(
            "{}; mend that, and sign in again; nothing was stored",
            granted.missing.join("; ")
        )));
    }
    Ok(Grant {
        // The ledger keeps them with spaces between.
        scopes: granted
            .permissions
            .iter()
            .map(|permission| permission.replace(' ', "-"))
            .collect(),
        ..grant
    })
}

/// The posts of one account never go to another (reliability P38).
async fn is_the_same(ledger: &dyn Ledger, account: &AccountName, is: Option<&str>) -> Result<(), Failed> {
    let was = ledger.noted(&identity_key(account)).await?;
    match (was, is) {
        (Some(was), Some(is)) if was != is => Err(Failed::Wrong(format!(
            "you signed in as {is}, and `{account}` is {was}: sign out in the browser and sign in to that one, or give the other account a name of its own in the config; nothing was stored"
        ))),
        _ => Ok(()),
    }
}

async fn store(
    ledger: &dyn Ledger,
    keeper: &LedgerKeeper,
    account: &AccountSettings,
    grant: &Grant,
    identity: Option<String>,
    office: &Office,
) -> Result<(), Failed> {
    let name = &account.name;
    if let Some(identity) = &identity {
        ledger.note(&identity_key(name), identity).await?;
    }
    let words = keeper
        .sealed(name, grant, identity)
        .map_err(|e| failed("it can't be sealed", &e))?;
    ledger
        .step_token(name, Step::SignedIn(words), office.clock.now())
        .await?;
    ledger.ring().await?;
    Ok(())
}

async fn say(
    office: &Office,
    ledger: &dyn Ledger,
    account: &AccountSettings,
    sign_in: &SignIn,
    grant: &Grant,
    identity: Option<&str>,
) -> Result<(), Failed> {
    let name = &account.name;
    let whose = identity.unwrap_or("an account that the platform does not name");
    let renewal = match sign_in.way {
        Way::Code(oauth) => oauth.renewal,
        Way::Copied => Renewal::Never,
    };
    let until = token::ends(renewal, grant).map_or_else(
        || "until it is revoked".to_owned(),
        |ends| format!("until {}", table::local(ends, &jiff::tz::TimeZone::UTC)),
    );
    print_line(&format!("{name} is signed in as {whose}, {until}."));
    if let Way::Code(oauth) = sign_in.way {
        for lack in oauth.lacks(&grant.scopes) {
            print_line(&format!("But {lack}."));
        }
    }
    let granted = accounts::granted(ledger, name).await?;
    print_line(&format!(
        "Doubts: {}.",
        accounts::promise_of(office, account, granted.as_ref()).words()
    ));
    let scope = Scope::Account(name.clone());
    let holds = ledger.holds().await?;
    if holds
        .iter()
        .any(|hold| hold.scope == scope && hold.by == BY_DAEMON && hold.released.is_none())
    {
        print_line(&format!(
            "The account is still held: `steadfast release --account {name}`"
        ));
    }
    Ok(())
}

/// A token that is not stored yet.
struct Fresh(Grant);

#[async_trait]
impl Keeper for Fresh {
    async fn stored(&self, _: &AccountName) -> Result<Option<Stored>, Failure> {
        Ok(Some(Stored {
            version: 0,
            grant: self.0.clone(),
            refused: None,
        }))
    }
    async fn begin(&self, _: &AccountName, _: i64) -> Result<Turn, Failure> {
        Ok(Turn::NotNow)
    }
    async fn renewed(&self, _: &AccountName, _: i64, _: &Grant) -> Result<(), Failure> {
        Ok(())
    }
    async fn not_renewed(&self, _: &AccountName, _: i64, _: bool) -> Result<(), Failure> {
        Ok(())
    }
    async fn refused(&self, _: &AccountName, _: i64, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}
