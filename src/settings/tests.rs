//! What operators may write, and what they are told when they may not.

use super::*;
use crate::clock::SystemClock;
use crate::platform::Tools;
use crate::platform::http::Http;
use crate::platform::secret::Scrubber;

/// The defaults, a file, and the environment over both.
fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let layers = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment().source(Some(variables.collect())));
    Settings::of(layers).map_err(|SettingsError(problems)| problems)
}

fn read(text: &str) -> Result<Settings, Vec<String>> {
    read_with(text, &[])
}

const MASTODON: &str = "[account.main]\nplatform = 'mastodon'\nbase_url = 'https://m.example'\naccess_token = { env = 'TOKEN' }\n";

/// A password's line, as `steadfast password` prints it.
macro_rules! hash {
    () => {
        "password_hash = '$argon2id$v=19$m=19456,t=2,p=1$c3RlYWRmYXN0c3RlYWRmYXN0$tX0jUwUcNMQ3fH1gXBZYFGOMfQQ5TG3NKxLVMsFNBcQ'"
    };
}

#[test]
fn what_ships_is_what_the_manual_says() {
    let settings = read("").unwrap();
    assert_eq!(settings.messages, Path::new("messages"));
    assert!(matches!(&settings.ledger, LedgerAt::File(path) if path == Path::new("state/steadfast.db")));
    assert_eq!(settings.state_folder(), Path::new("state"));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8910");
    assert_eq!((settings.workers, settings.late), (32, Duration::from_hours(2)));
    assert_eq!(
        settings.log,
        Log {
            format: LogFormat::Auto,
            filter: "info".to_owned()
        }
    );
    assert!(settings.groups.is_empty());
}

#[test]
fn without_accounts_two_stand_ins_take_their_place_and_nothing_leaves_the_machine() {
    let settings = read("").unwrap();
    assert!(settings.only_sandbox());
    let all: Vec<_> = settings
        .accounts
        .iter()
        .map(|a| (a.name.as_str(), a.platform, a.like))
        .collect();
    assert_eq!(
        all,
        [
            ("mastodon", "sandbox", "mastodon"),
            ("bluesky", "sandbox", "bluesky")
        ]
    );
    let limits: Vec<_> = settings
        .roster()
        .accounts
        .iter()
        .map(|a| a.limits.platform)
        .collect();
    assert_eq!(
        limits,
        ["mastodon", "bluesky"],
        "with the limits of what they stand for"
    );
    let real = read(MASTODON).unwrap();
    assert_eq!((real.accounts.len(), real.only_sandbox()), (1, false));
    let rehearsal = read("[account.main]\nplatform = 'sandbox'\nlike = 'bluesky'").unwrap();
    assert_eq!(
        (rehearsal.accounts[0].like, rehearsal.only_sandbox()),
        ("bluesky", true)
    );
}

#[test]
fn each_mistake_is_told_once_with_what_to_write() {
    for (text, told) in [
        // unknown keys
        (
            "massages = 'x'",
            "unknown key `massages`, did you mean `messages`?",
        ),
        (
            "[delivrey]\nlate = '1h'",
            "unknown key `delivrey`, did you mean `delivery`?",
        ),
        (
            "[delivery]\nlatte = '1h'",
            "unknown key `delivery.latte`, did you mean `late`?",
        ),
        ("[log]\ncolour = 'red'", "unknown key `log.colour`"),
        // types
        ("messages = 3", "`messages` is text, in quotes"),
        ("delivery = 'fast'", "`delivery` is a table: write [delivery]"),
        ("[delivery]\nlate = 7200", "`delivery.late` is text, in quotes"),
        (
            "[delivery]\nlate = 'soon'",
            "`delivery.late` is a length of time, as in \"90s\"",
        ),
        (
            "[delivery]\nworkers = 'many'",
            "`delivery.workers` is a whole number",
        ),
        ("[delivery]\nworkers = -1", "`delivery.workers` is a whole number"),
        (
            "[delivery]\nworkers = 0",
            "`delivery.workers` is a number from 1 to 1024",
        ),
        (
            "[delivery]\nworkers = 1025",
            "`delivery.workers` is a number from 1 to 1024",
        ),
        (
            "[log]\nformat = 'xml'",
            "`log.format` is one of auto, pretty, json, not \"xml\"",
        ),
        (
            "[delivery]\napproval = 'no'",
            "`delivery.approval` is one of off, required, not \"no\"",
        ),
        ("[delivery]\napprovals = 3", "`delivery.approvals` is 1 or 2"),
        // not yet
        (
            "[ledger]\nurl = 'postgres://u:c4nary@h/d'",
            "`ledger.url` has a password in it, and a secret is never written in a config file",
        ),
        (
            "[ledger]\nurl = 'postgres://h/d?password=c4nary'",
            "`ledger.url` has a password in it",
        ),
        (
            "[ledger]\nurl = 'postgres://h/d'\npassword = 'c4nary'",
            "`ledger.password` is { env = \"NAME\" }",
        ),
        (
            "[ledger]\nurl = 'postgres://h/d?ssl=on'",
            "`ledger.url` has an unknown parameter `ssl`",
        ),
        (
            "[ledger]\nurl = 'postgres://h/d'\nreplica = 'one two'",
            "`ledger.replica` is a name",
        ),
        (
            "[ledger]\nurl = 'state/x.db'",
            "`ledger.url` is \"sqlite://PATH\"",
        ),
        ("[ledger]\nurl = 'sqlite://'", "`ledger.url` is \"sqlite://PATH\""),
        (
            "[ledger]\nurl = 'postgres://h/d'\nlease = '4s'",
            "`ledger.lease` is from \"5s\" to \"10m\"",
        ),
        (
            "[ledger]\nurl = 'postgres://h/d'\nlease = '11m'",
            "`ledger.lease` is from \"5s\" to \"10m\"",
        ),
        (
            "[ledger]\nlease = '60s'",
            "`ledger.replica`, `ledger.lease` and `ledger.password` are for PostgreSQL",
        ),
        (
            "[ledger]\nreplica = 'one'",
            "`ledger.replica`, `ledger.lease` and `ledger.password` are for PostgreSQL",
        ),
        ("[web]\ntoken_file = 'x'", "unknown key `web.token_file`"),
        ("[web]\nnames = ['posts.example.org']", "nobody has to sign in"),
        (
            "[web]\nnames = ['posts.example.org:443']",
            "`web.names` is a list",
        ),
        (
            concat!("[user.Ann]\nrole = 'viewer'\n", hash!()),
            "a user's name has a-z",
        ),
        (concat!("[user.ann]\n", hash!()), "[user.ann] needs `role"),
        (
            concat!("[user.ann]\nrole = 'boss'\n", hash!()),
            "viewer, editor, approver, operator, not \"boss\"",
        ),
        (
            "[user.ann]\nrole = 'editor'\npassword_hash = 'hunter2'",
            "[user.ann] needs `password_hash",
        ),
        // D8: nobody else is let in
        ("[web]\nlisten = '0.0.0.0:8910'", "would let others in"),
        ("[web]\nlisten = '192.168.1.2:8910'", "would let others in"),
        ("[web]\nlisten = '[::]:8910'", "would let others in"),
        ("[web]\nlisten = '8910'", "`web.listen` is an address and a port"),
        (
            "[web]\nlisten = 'example.org:80'",
            "`web.listen` is an address and a port",
        ),
        (
            "[log]\nfilter = 'verbose'",
            "`log.filter`: \"verbose\" is no level",
        ),
        // accounts
        (
            "[account.main]\nlanguage = 'en'",
            "[account.main] needs `platform = \"…\"`: one of mastodon, bluesky",
        ),
        (
            "[account.main]\nplatform = 'mastodno'",
            "this version has no platform \"mastodno\", did you mean \"mastodon\"?",
        ),
        (
            "[account.main]\nplatform = 'myspace'",
            "this version has no platform \"myspace\"",
        ),
        (
            "[account.main]\nplatform = 'discord'\nbot_token = { env = 'T' }",
            "[account.main]: write `webhook_url`, or `bot_token` and `channel`",
        ),
        (
            "[account.main]\nplatform = 'slack'\nbot_token = { env = 'T' }\nchannel = '#general'",
            "[account.main]: `channel` is the channel's id",
        ),
        (
            "[account.main]\nplatform = 'telegram'\nbot_token = { env = 'T' }",
            "[account.main]: `chat` is missing",
        ),
        (
            "[account.'Main Brand']\nplatform = 'sandbox'",
            "[account.Main Brand]: the name can't be used: it has the character 'M'",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'myspace'",
            "`like = \"myspace\"`: there is no such platform",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'sandbox'",
            "there are mastodon, bluesky, x, threads",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nin_doubt = 'guess'",
            "`account.main.in_doubt` is one of auto, hold, resend, not \"guess\"",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nmin_gap = '20'",
            "`account.main.min_gap` is a length of time",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nmax_per_day = 0",
            "`max_per_day = 0` would never post",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nmax_per_day = 1.5",
            "`account.main.max_per_day` is a whole number",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'x'\nbudget = '20 USD'",
            "`budget` is an amount for each month, as in \"20 USD/month\", not \"20 USD\"",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'mastodon'\nbudget = '20 USD/month'",
            "`budget` would stop nothing, because nothing is charged there",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'x'\nprices = { post = '0.02' }",
            "`account.main.prices.post` can't be \"0.02\": write it like `20 USD`",
        ),
        (
            "[account.main]\nplatform = 'sandbox'\nlike = 'x'\nprices = { posts = '0.02 USD' }",
            "unknown key `account.main.prices.posts`, did you mean `post`?",
        ),
        ("account = 3", "`account` is a table"),
        // groups
        (
            "[group]\nshort = 'mastodon'",
            "[group] `short` is a list of account names",
        ),
        (
            "[group]\nshort = ['mastodno']",
            "[group] `short`: there is no account \"mastodno\", did you mean \"mastodon\"?",
        ),
        (
            "[group]\nmastodon = ['bluesky']",
            "[group] `mastodon`: there is an account of this name too",
        ),
    ] {
        let problems = read(text).expect_err(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:#?}");
        assert!(
            problems[0].contains(told),
            "{text}:\n{}\nand not\n{told}",
            problems[0]
        );
    }
}

#[test]
fn an_accounts_own_keys_are_checked_all_at_once_whatever_else_is_wrong_with_it() {
    let text = "[account.'Main Brand']\nplatform = 'mastodon'\nbase_url = 'http://m.example'\nacces_token = 'c4nary'\nmin_gpa = '3m'\nmin_gap = '3'\n\
                [account.b]\nplatform = 'bluesky'\nidentifier = 5\napp_password = { env = 12345 }\n\
                [account.c]\nplatform = 'myspace'\nmin_gap = 'soon'\n[account.d]\nplatform = 'webhook'\nurl = 'https://d.example/path?key=1'\nsecret = { file = 'x' }\n\
                [group]\nall = ['b', 'c', 'd']";
    let problems = read(text).unwrap_err();
    let told = problems.join("\n");
    for part in [
        "write [account.main-brand]",
        "[account.Main Brand]: `base_url`: `http://` is for this machine alone",
        "unknown key `account.Main Brand.acces_token`, did you mean `access_token`?",
        "[account.Main Brand]: `access_token` is missing",
        "unknown key `account.Main Brand.min_gpa`, did you mean `min_gap`?",
        "`account.Main Brand.min_gap` is a length of time",
        "[account.b]: `identifier`: invalid type",
        "[account.b]: `app_password`: a secret is never written here",
        "[account.c]: this version has no platform \"myspace\"",
        "`account.c.min_gap` is a length of time",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
    assert_eq!(problems.len(), 10, "{told}");
    assert!(!told.contains("c4nary") && !told.contains("12345"), "{told}");
}

#[test]
fn every_problem_is_told_at_once() {
    let text = "massages = 'x'\n[delivery]\nlate = 'soon'\n[account.main]\nplatform = 'myspace'\n[web]\nlisten = '0.0.0.0:1'";
    let problems = read(text).unwrap_err();
    for part in ["massages", "delivery.late", "\"myspace\"", "web.listen"] {
        assert!(
            problems.iter().any(|problem| problem.contains(part)),
            "{part}: {problems:#?}"
        );
    }
}

#[test]
fn an_account_that_has_a_wrong_name_is_told_a_right_one() {
    let problems = read("[account.'Main Brand']\nplatform = 'sandbox'").unwrap_err();
    assert!(
        problems[0].ends_with("write [account.main-brand]"),
        "{problems:?}"
    );
}

#[test]
fn an_account_has_its_own_pace_language_and_way_with_doubt() {
    let own = "language = 'es'\nmin_gap = '20m'\nmax_per_day = 12\nin_doubt = 'hold'\n";
    let settings = read(&format!("{MASTODON}{own}[group]\nall = ['main']")).unwrap();
    let account = &settings.accounts[0];
    assert_eq!((account.platform, account.like), ("mastodon", "mastodon"));
    assert_eq!(
        (account.min_gap, account.max_per_day),
        (Duration::from_mins(20), Some(12))
    );
    assert_eq!(account.in_doubt, InDoubt::Hold);
    let keys: Vec<_> = account.keys.keys().map(String::as_str).collect();
    assert_eq!(keys, ["access_token", "base_url"], "the rest is the platform's");
    let roster = settings.roster();
    assert_eq!(roster.accounts[0].language.as_deref(), Some("es"));
    for (word, meant) in [
        ("warn", Untranslated::Warn),
        ("fallback", Untranslated::Fallback),
        ("skip", Untranslated::Skip),
    ] {
        let settings = read(&format!("{MASTODON}untranslated = '{word}'")).unwrap();
        assert_eq!(settings.roster().accounts[0].untranslated, meant);
    }
    assert!(read(&format!("{MASTODON}untranslated = 'no'")).is_err());
    assert_eq!(roster.accounts[0].spacing().max_per_day, Some(12));
    assert_eq!(roster.target_indexes(&["all".into()]), [0]);
    let plain = &read(MASTODON).unwrap().accounts[0];
    assert_eq!(
        (plain.min_gap, plain.max_per_day, plain.in_doubt),
        (Duration::ZERO, None, InDoubt::Auto)
    );
    let many = read(&format!("{MASTODON}max_per_day = 5000000000")).unwrap();
    assert_eq!(many.accounts[0].max_per_day, Some(u32::MAX));
}

#[test]
fn what_an_account_charges_is_its_platforms_way_unless_the_account_says_otherwise() {
    let x = "[account.main]\nplatform = 'sandbox'\nlike = 'x'\n";
    let charge = |more: &str| read(&format!("{x}{more}")).unwrap().roster().accounts[0].charge;
    let usual = crate::text::limits::X.prices.unwrap();
    let plain = charge("").unwrap();
    assert_eq!((plain.prices, plain.budget), (usual, None));
    let own = charge("budget = '20 USD / month'\nprices = { post = '0.02 USD' }").unwrap();
    assert_eq!(own.budget.unwrap().0.to_string(), "20.00 USD");
    assert_eq!(own.prices.post.to_string(), "0.02 USD");
    assert_eq!(own.prices.with_link, usual.with_link, "what is not said stays");
    assert_eq!(read(MASTODON).unwrap().roster().accounts[0].charge, None);
}

#[test]
fn how_a_doubt_ends_is_the_platforms_way_unless_the_account_says_otherwise() {
    let window = Some(Duration::from_mins(50));
    for platform in [Doubt::OwnId, Doubt::Ask, Doubt::Key { window, then: None }] {
        assert_eq!(InDoubt::Auto.heard(platform), platform);
        assert_eq!(InDoubt::Hold.heard(platform), Doubt::Ask);
        assert_eq!(
            InDoubt::Resend.heard(platform),
            Doubt::Key {
                window: None,
                then: None
            }
        );
    }
}

#[test]
fn with_users_others_are_let_in_and_names_are_answered() {
    let text = concat!(
        "[web]\nlisten = '0.0.0.0:8910'\nnames = ['posts.example.org']\n[user.ann]\nrole = 'approver'\n",
        hash!()
    );
    let settings = read(text).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:8910");
    assert_eq!(settings.web.names, ["posts.example.org"]);
    let [ann] = &settings.web.users[..] else {
        panic!("{:?}", settings.web);
    };
    assert_eq!((ann.name.as_str(), ann.role), ("ann", Role::Approver));
    assert!(ann.role > Role::Editor && ann.role < Role::Operator);
}

#[test]
fn loopback_has_several_names() {
    for listen in ["127.0.0.1:0", "localhost:8910", "[::1]:8910", "127.8.9.10:1"] {
        let settings = read(&format!("[web]\nlisten = '{listen}'")).unwrap();
        assert!(settings.listen.ip().is_loopback(), "{listen}");
    }
}

#[test]
fn the_environment_has_the_last_word() {
    let text = "[delivery]\nlate = '1h'\nworkers = 4";
    let variables = [
        ("STEADFAST__DELIVERY__LATE", "3h"),
        ("STEADFAST__DELIVERY__WORKERS", "8"),
        ("STEADFAST__MESSAGES", "elsewhere"),
        ("STEADFAST__LEDGER__URL", "sqlite:///var/lib/x.db"),
        ("STEADFAST__ACCOUNT__MAIN__PLATFORM", "sandbox"),
        ("STEADFASTNESS", "no setting of ours"),
    ];
    let settings = read_with(text, &variables).unwrap();
    assert_eq!((settings.late, settings.workers), (Duration::from_hours(3), 8));
    assert_eq!(settings.messages, Path::new("elsewhere"));
    assert!(matches!(&settings.ledger, LedgerAt::File(path) if path == Path::new("/var/lib/x.db")));
    assert_eq!(settings.accounts[0].name.as_str(), "main");
    let problems = read_with("", &[("STEADFAST__DELIVERY__LATTE", "3h")]).unwrap_err();
    assert!(
        problems[0].contains("unknown key `delivery.latte`, did you mean `late`?"),
        "{problems:?}"
    );
}

/// What the accounts of a config say when they are opened, as the daemon does at its start.
fn opened(settings: &Settings) -> Vec<String> {
    // Tests share a process, and one of them is the first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let http = Http::new("https://campaign.example", Arc::new(SystemClock)).unwrap();
    let keeper: Arc<dyn crate::platform::token::Keeper> = Arc::new(crate::platform::token::NoKeeper);
    let films: Arc<dyn crate::platform::video::Films> = Arc::new(crate::platform::video::NoFilms);
    let open = |account: &AccountSettings| {
        let tools = Tools {
            account: &account.name,
            http: &http,
            vault: folder.path(),
            scrubber: &Scrubber::new(),
            keeper: &keeper,
            films: &films,
        };
        platform::find(account.platform)
            .unwrap()
            .open(account.keys.clone(), &tools)
            .err()
    };
    settings.accounts.iter().filter_map(open).collect()
}

#[test]
fn d9_a_secret_in_the_config_is_refused_and_not_repeated() {
    const CANARY: &str = "c4nary-s3cret";
    for text in [
        format!(
            "[account.a]\nplatform = 'mastodon'\nbase_url = 'https://m.example'\naccess_token = '{CANARY}'"
        ),
        format!("[account.a]\nplatform = 'bluesky'\nidentifier = 'a.example'\napp_password = '{CANARY}'"),
        format!("[account.a]\nplatform = 'webhook'\nurl = 'https://w.example'\nsecret = '{CANARY}'"),
        format!(
            "[account.a]\nplatform = 'webhook'\nurl = 'https://w.example'\nsecret = {{ {CANARY} = '{CANARY}' }}"
        ),
    ] {
        let told = read(&text).unwrap_err();
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(
            told[0].contains("a secret is never written here: write { env = \"NAME\" }"),
            "{told:?}"
        );
        assert!(!told[0].contains(CANARY), "{told:?}");
    }
    let variables = [("STEADFAST__ACCOUNT__MAIN__ACCESS_TOKEN", CANARY)];
    let text = "[account.main]\nplatform = 'mastodon'\nbase_url = 'https://m.example'";
    let told = read_with(text, &variables).unwrap_err();
    assert!(
        told[0].contains("a secret is never written here") && !told[0].contains(CANARY),
        "{told:?}"
    );
}

#[test]
fn an_unencrypted_server_is_accepted_on_this_machine_alone() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    platform::secret::write_private(&token, b"t0ken-of-the-test").unwrap();
    let at = |url: &str| {
        let text = format!(
            "[account.a]\nplatform = 'mastodon'\nbase_url = '{url}'\naccess_token = {{ file = '{}' }}",
            token.display()
        );
        read(&text).map_or_else(|told| told, |settings| opened(&settings))
    };
    for url in [
        "http://m.example",
        "http://192.168.1.2",
        "http://127.0.0.1.example.org",
        "ftp://m.example",
    ] {
        let told = at(url);
        assert!(told.len() == 1 && told[0].contains("https"), "{url}: {told:?}");
    }
    for url in [
        "https://m.example",
        "http://127.0.0.1:3000",
        "http://localhost:3000",
        "http://[::1]:3000",
    ] {
        assert_eq!(at(url), [] as [&str; 0], "{url}");
    }
}

fn server(settings: &Settings) -> (&str, &str) {
    match &settings.ledger {
        LedgerAt::Server { url, replica, .. } => (url.expose(), replica),
        LedgerAt::File(path) => panic!("{}", path.display()),
    }
}

#[test]
fn a_database_elsewhere_must_prove_who_it_is_unless_the_url_says_otherwise() {
    let checked = "postgres://u@db.example/d?sslmode=verify-full";
    for (written, read_as) in [
        ("postgres://u@db.example/d", checked),
        (
            "postgres://u@db.example/d?sslmode=require",
            "postgres://u@db.example/d?sslmode=require",
        ),
        ("postgres://u@localhost/d", "postgres://u@localhost/d"),
        ("postgres://u@127.0.0.1:99/d", "postgres://u@127.0.0.1:99/d"),
        ("postgres://u@[::1]/d", "postgres://u@[::1]/d"),
        ("postgres://u@%2Frun%2Fpg/d", "postgres://u@%2Frun%2Fpg/d"),
        ("postgres:///d?host=/run/pg", "postgres:///d?host=/run/pg"),
    ] {
        let settings = read(&format!("[ledger]\nurl = '{written}'\nreplica = 'One.1'")).unwrap();
        assert_eq!(server(&settings), (read_as, "One.1"));
        assert_eq!(settings.state_folder(), Path::new("state"));
    }
    let settings = read("[ledger]\nurl = 'postgres:///d'").unwrap();
    assert!(!server(&settings).1.is_empty(), "the host's name");
}

#[test]
fn a_request_ends_before_the_lease_of_whoever_sends_it() {
    let seconds = |lease: &str| {
        let settings = read(&format!("[ledger]\nurl = 'postgres://h/d'\n{lease}"));
        settings.unwrap().deadline().as_secs()
    };
    assert_eq!(read("").unwrap().deadline(), DEADLINE);
    assert_eq!((seconds(""), seconds("lease = '10m'")), (30, 30));
    assert_eq!((seconds("lease = '30s'"), seconds("lease = '5s'")), (15, 2));
}

#[test]
fn d9_the_password_of_a_database_is_never_printed() {
    let variables = [("STEADFAST__LEDGER__URL", "postgres://u:c4nary@localhost/d")];
    let settings = read_with("", &variables).unwrap();
    assert!(
        server(&settings).0.contains("c4nary"),
        "from the environment it may come"
    );
    assert!(!format!("{settings:?}").contains("c4nary"));
    let problems = read("[ledger]\nurl = 'postgres://u:c4nary@h/d'\npassword = 'c4nary'").unwrap_err();
    assert!(!problems.join(" ").contains("c4nary"), "{problems:?}");
}

#[test]
fn who_is_told_is_read_with_the_keys_of_its_way() {
    let settings = read(
        "[alert.phone]\nby = 'telegram'\nbot_token = { env = 'TOKEN' }\nchat = 5\nonly = ['account', 'fact']\n\
         [alert.office]\nby = 'email'\nserver = 'smtp.example.org'\nfrom = 'a@example.org'\nto = ['b@example.org']\nsolved_after = '1h'\n",
    )
    .unwrap();
    let said: Vec<_> = settings
        .alerts
        .iter()
        .map(|alert| {
            (
                alert.name.as_str(),
                alert.by,
                alert.terms.only.len(),
                alert.terms.calm,
            )
        })
        .collect();
    let minutes = Duration::from_mins;
    assert_eq!(
        said,
        [
            ("office", "email", 0, minutes(60)),
            ("phone", "telegram", 2, minutes(10))
        ]
    );
}

#[test]
fn what_is_wrong_with_an_alert_is_said_without_what_may_be_secret() {
    for (text, said) in [
        (
            "[alert.a]\n",
            "[alert.a] needs `by = \"…\"`: one of webhook, slack, telegram, email",
        ),
        (
            "[alert.a]\nby = 'mail'\n",
            "[alert.a]: nobody can be told by \"mail\", did you mean \"email\"?",
        ),
        (
            "[alert.a]\nby = 'slack'\nwebhook_url = { env = 'A' }\nonly = ['acount']\n",
            "[alert.a]: `only` is a list of some of account, post, fact, queue, token, hold, ledger, clock",
        ),
        (
            "[alert.a]\nby = 'slack'\nwebhook_url = 'https://hooks.slack.com/c4nary'\n",
            "[alert.a]: `webhook_url`: a secret is never written here",
        ),
        (
            "[alert.a]\nby = 'slack'\nwebhook_url = { env = 'A' }\nurl = 'x'\n",
            "unknown key `alert.a.url`",
        ),
    ] {
        let problems = read(text).unwrap_err();
        assert!(
            problems.iter().any(|problem| problem.starts_with(said)),
            "{problems:#?}"
        );
        assert!(!problems.join("").contains("c4nary"), "{problems:#?}");
    }
}
