//! The languages of the pages, as a table: one row for each thing that is said, one column for each language. What
//! people wrote, and what the ledger and the platforms said, is shown as it is.

use axum::http::{HeaderMap, header};
use jiff::civil::Weekday;

use crate::post::state::State;

use super::visit::cookie;

macro_rules! words {
    ($($name:ident: $en:literal, $es:literal;)*) => {
        /// All that is said in one language.
        #[derive(Debug)]
        pub(super) struct Words {
            /// BCP 47.
            pub code: &'static str,
            /// The language's own name.
            pub language: &'static str,
            $(pub $name: &'static str,)*
        }

        pub(super) static ENGLISH: Words = Words { code: "en", language: "English", $($name: $en,)* };
        pub(super) static SPANISH: Words = Words { code: "es", language: "Español", $($name: $es,)* };
    };
}

/// Every language, the first where nobody asks for another.
pub(super) static LANGUAGES: [&Words; 2] = [&ENGLISH, &SPANISH];

words! {
    // Pages.
    now: "Now", "Ahora";
    calendar: "Calendar", "Calendario";
    messages: "Messages", "Mensajes";
    history: "History", "Historial";
    facts: "Facts", "Hechos";
    insights: "Insights", "Resultados";
    problems: "Problems", "Problemas";
    sandbox: "Sandbox", "Ensayo";
    skip_to_content: "Skip to the content", "Ir al contenido";
    pages: "Pages", "Páginas";
    language_word: "Language", "Idioma";
    sign_in: "Sign in", "Entrar";
    sign_out: "Sign out", "Salir";
    user: "Name", "Nombre";
    password: "Password", "Contraseña";
    wrong_password: "That is not the name and password of anybody here.", "Ese nombre y esa contraseña no son de nadie aquí.";
    unnamed_text: "Say who you are: a name and password of the dashboard's, by HTTP Basic.", "Diga quién es: un nombre y contraseña del panel, por HTTP Basic.";
    not_json: "The body must be JSON, with `Content-Type: application/json`.", "El cuerpo debe ser JSON, con `Content-Type: application/json`.";
    one_scope: "Name an account or a message, not both.", "Nombre una cuenta o un mensaje, no ambos.";
    fact_or_message: "Ask for a fact or for a message: `?fact=NAME` or `?message=ID`.", "Pregunte por un hecho o por un mensaje: `?fact=NOMBRE` o `?message=ID`.";
    wait_then_sign_in: "Too many wrong guesses. Try again in {} seconds.", "Demasiados intentos. Pruebe de nuevo en {} segundos.";
    as_of: "As of", "Visto";
    look_again: "Look again", "Mirar de nuevo";
    more: "More", "Más";
    older: "Older", "Anteriores";
    newest: "Newest", "Más recientes";

    // Times.
    today: "today", "hoy";
    tomorrow: "tomorrow", "mañana";
    yesterday: "yesterday", "ayer";
    in_time: "in {}", "en {}";
    ago: "{} ago", "hace {}";
    one_day: "1 day", "1 día";
    days: "{} days", "{} días";

    // Now.
    all_is_well: "All is well", "Todo va bien";
    something_needs_you: "Something needs you", "Algo le necesita";
    everything_is_held: "Everything is held", "Todo está detenido";
    nothing_goes_out: "Nothing goes out until it is released.", "Nada sale hasta que se libere.";
    starting: "The daemon is starting.", "El servicio está arrancando.";
    one_post_waits: "1 post waits for a person", "1 publicación espera a una persona";
    posts_wait: "{} posts wait for a person", "{} publicaciones esperan a una persona";
    one_error: "1 error in the message files", "1 error en los archivos de mensajes";
    errors: "{} errors in the message files", "{} errores en los archivos de mensajes";
    one_warning: "1 warning", "1 aviso";
    warnings: "{} warnings", "{} avisos";
    one_pending: "1 message waits for approval", "1 mensaje espera aprobación";
    pending: "{} messages wait for approval", "{} mensajes esperan aprobación";
    one_account_unwell: "1 account has a problem", "1 cuenta tiene un problema";
    accounts_unwell: "{} accounts have a problem", "{} cuentas tienen un problema";
    stop: "Stop", "Detener";
    hold_everything: "Hold everything", "Detener todo";
    hold_text: "No further post leaves, on any platform, until somebody releases it.", "Ninguna publicación más sale, en ninguna plataforma, hasta que alguien lo libere.";
    why: "Why?", "¿Por qué?";
    why_example: "The court has ruled, texts are being checked", "El tribunal ha fallado, se revisan los textos";
    your_name: "Your name", "Su nombre";
    release: "Release", "Liberar";
    release_everything: "Release everything", "Liberar todo";
    reason_optional: "Reason, for the record (optional)", "Motivo, para el registro (opcional)";
    held_by: "Held by", "Detenido por";
    since: "since", "desde";
    on_their_way: "on their way: sent before the hold", "en camino: enviadas antes de detener";
    also_held: "Also held", "También detenido";
    next_posts: "Next", "Próximas";
    nothing_next: "Nothing is planned for the next weeks.", "No hay nada previsto para las próximas semanas.";
    needs_you: "Needs you", "Le necesita";
    last_sent: "Last sent", "Últimas enviadas";
    nothing_sent: "Nothing was sent yet.", "Aún no se ha enviado nada.";
    accounts: "Accounts", "Cuentas";
    next_due: "next", "próxima";
    as_whom: "as", "como";
    hold_account: "Hold this account", "Detener esta cuenta";
    waits_until: "the platform has asked it to wait until {}", "la plataforma ha pedido esperar hasta {}";
    ok: "well", "bien";
    held: "held", "detenida";
    waiting: "waiting", "esperando";
    planned: "planned", "prevista";
    blocked: "blocked", "bloqueada";

    // Posts.
    due: "due", "pendiente";
    sending: "being sent", "enviándose";
    retrying: "trying again", "reintentando";
    in_doubt: "in doubt", "en duda";
    sent: "sent", "enviada";
    rejected: "refused", "rechazada";
    skipped: "skipped", "omitida";
    see_it: "See it there", "Verla allí";
    part_n: "Part {}", "Parte {}";
    shares: "shares {}", "comparte {}";
    deletion: "deletion", "borrado";
    correction: "correction", "corrección";
    edit: "edit", "cambio";
    advice_doubt: "Nobody knows whether it is out. Look on the platform, then say so here.", "No se sabe si salió. Mire en la plataforma y dígalo aquí.";
    advice_held: "It waits for you: send it, or skip it.", "Le espera: envíela u omítala.";
    advice_rejected: "The platform refused it. Mend what it says, then send it again.", "La plataforma la rechazó. Corrija lo que dice y envíela de nuevo.";
    advice_retrying: "It is tried again by itself.", "Se reintenta por sí sola.";
    send_now: "Send now", "Enviar ahora";
    skip: "Skip", "Omitir";
    it_is_there: "It is there", "Está allí";
    it_is_not_there: "It is not there: send again", "No está: enviar de nuevo";
    its_address: "Its address, if you have it", "Su dirección, si la tiene";
    details: "Details", "Detalles";

    // History.
    message: "Message", "Mensaje";
    account: "Account", "Cuenta";
    state_of: "State", "Estado";
    all: "all", "todos";
    from_day: "From", "Desde";
    to_day: "To", "Hasta";
    show: "Show", "Mostrar";
    nothing_found: "Nothing was posted yet, or nothing like that.", "No se ha publicado nada aún, o nada así.";
    times_are: "Times are those of", "Las horas son las de";

    // One post.
    parts: "Parts", "Partes";
    attempts: "Requests", "Peticiones";
    spoken: "Who decided", "Quién decidió";
    act_post: "send now", "enviar ahora";
    act_retry: "send again", "enviar de nuevo";
    act_skip: "never send", "no enviar nunca";
    act_sent: "it is there", "está publicada";
    act_not_sent: "it is not there", "no está publicada";
    act_recall: "take back or correct", "retirar o corregir";
    no_attempts: "No request was made yet.", "Aún no se ha hecho ninguna petición.";
    attempts_text: "Every request that may have left, and what the platform said to it.", "Cada petición que pudo salir, y lo que dijo la plataforma.";
    accepted: "accepted", "aceptada";
    no_answer: "no answer yet", "sin respuesta aún";
    not_left: "did not leave", "no salió";
    transient: "not accepted, tried again", "no aceptada, se reintenta";
    rate_limited: "asked to wait", "pide esperar";
    auth: "credentials refused", "credenciales rechazadas";
    duplicate: "it has it already", "ya la tiene";
    gone: "deleted there since", "borrada allí después";
    looked_at_again: "Looked at again", "Se mira de nuevo";
    recalls: "What was done about it", "Lo que se hizo con ella";
    recalls_of: "It is about the post", "Trata de la publicación";
    facts_used: "Facts it used", "Hechos que usó";
    id: "Id", "Id";
    part: "part", "parte";

    // Calendar.
    week: "Week", "Semana";
    month_view: "Month", "Mes";
    earlier: "Earlier", "Antes";
    later: "Later", "Después";
    quiet_hours: "Quiet hours", "Horas de silencio";
    blackout: "blackout", "apagón";
    nothing_that_day: "nothing", "nada";
    beyond_plan: "The plan reaches 45 days ahead; later days are not worked out yet.", "El plan llega a 45 días; los posteriores aún no se calculan.";
    cut: "Not everything that was posted in these days is shown; the history has it all.", "No se muestra todo lo publicado en estos días; el historial lo tiene todo.";
    without_time: "Without a time", "Sin hora";
    to_change: "To change something, edit the file and line that stands there.", "Para cambiar algo, edite el archivo y la línea que se indican.";
    n_more: "more", "más";

    // Messages.
    find: "Find", "Buscar";
    which: "Which", "Cuáles";
    waiting_for_approval: "waiting for approval", "esperando aprobación";
    that_cant_go: "that can't go out", "que no pueden salir";
    no_messages: "There are none.", "No hay ninguno.";
    draft: "draft", "borrador";
    next_on: "next", "próxima";
    again_and_again: "again and again: {}", "una y otra vez: {}";
    after_message: "after {}", "después de {}";
    evergreen: "evergreen: when the queue is empty", "perenne: cuando la cola está vacía";
    breaking: "breaking: at once", "urgente: enseguida";
    queued: "queued: the next free slot", "en cola: el próximo hueco";
    written_in: "Written in", "Escrito en";
    cant_go_out: "It can't go out as it stands", "No puede salir tal como está";
    how_it_looks: "How it looks", "Cómo se ve";
    variant: "variant", "variante";
    of_limit: "of", "de";
    no_limit: "no limit", "sin límite";
    link_card: "Link card", "Tarjeta del enlace";
    others_not_shown: "other versions are not shown: steadfast preview", "otras versiones no se muestran: steadfast preview";
    approve: "Approve", "Aprobar";
    approve_text: "You approve exactly what is below. Whatever changes later takes the approval back.", "Usted aprueba exactamente lo de abajo. Lo que cambie después retira la aprobación.";
    what_changed: "What changed since it was approved", "Lo que cambió desde que se aprobó";
    what_it_says: "What it says", "Lo que dice";
    approved_by: "Approved by", "Aprobado por";
    is_approved: "Approved as it stands", "Aprobado tal como está";
    withdraw: "Withdraw approval", "Retirar la aprobación";
    hold_message: "Hold this message", "Detener este mensaje";
    post_now: "Post now", "Publicar ahora";
    post_now_text: "On all its accounts, again if it was posted before. Holds, quiet hours and spacing still stop it.", "En todas sus cuentas, otra vez si ya se publicó. Las detenciones, el silencio y los intervalos aún la frenan.";
    really: "Yes, post it now", "Sí, publicar ahora";
    its_posts: "Its posts", "Sus publicaciones";
    planned_posts: "Planned", "Previstas";

    // Facts.
    no_facts: "There are no facts. Write [fact.NAME] in any message file.", "No hay hechos. Escriba [fact.NOMBRE] en cualquier archivo de mensajes.";
    source: "Source", "Fuente";
    review_by: "Check again by", "Revisar antes del";
    said_on: "As of", "A fecha de";
    used_in: "Used in", "Usado en";
    nowhere: "nowhere", "ningún sitio";
    posts_planned: "planned posts", "publicaciones previstas";
    confirmed: "confirmed", "confirmado";
    review_soon: "check soon", "revisar pronto";
    overdue: "overdue", "vencido";
    disputed: "disputed", "disputado";
    retracted: "retracted", "retirado";
    missing: "missing", "ausente";
    claims: "Who says so", "Quién lo dice";

    // Recalls.
    recall: "Recall what was published with it", "Retirar lo publicado con él";
    recall_of: "Recall of {}", "Retirada de {}";
    recall_text: "What was published with it stands as it was said then; what is planned follows the files.", "Lo publicado con él queda como se dijo entonces; lo previsto sigue a los archivos.";
    it_says_now: "It says now", "Ahora dice";
    nothing_out: "Nothing that was published used it.", "Nada de lo publicado lo usó.";
    that_said: "Those that said", "Las que decían";
    what_is_to_be_done: "What is to be done", "Qué se hace";
    delete_them: "Delete each, on its platform", "Borrar cada una, en su plataforma";
    correct_them: "Answer each with a correction", "Responder a cada una con una corrección";
    edit_them: "Change the words of each to what the files say now, where its platform can", "Cambiar el texto de cada una por lo que dicen ahora los archivos, donde su plataforma lo permite";
    correction_text: "The correction, word for word", "La corrección, palabra por palabra";
    show_what_it_does: "Show what that would do", "Mostrar qué haría";
    what_is_out: "What is out", "Lo publicado";
    to_be_deleted: "would be deleted", "se borraría";
    to_be_corrected: "would be corrected", "se corregiría";
    to_be_edited: "would be edited", "se cambiaría";
    asked_before: "asked for already", "ya pedido";
    nothing_left: "nothing is left to do", "no queda nada por hacer";
    ask_again: "nobody knows yet whether all of it is out: ask again when that is settled", "aún no se sabe si salió entera: repítalo cuando se aclare";
    by_hand: "cannot: {}; do it by hand", "no se puede: {}; hágalo a mano";
    not_edited: "cannot: {}; delete it or answer it instead", "no se puede: {}; bórrela o responda a ella";
    n_not_edited: "Cannot be edited, as the list says:", "No se pueden cambiar, según la lista:";
    n_by_hand: "To be done by hand, as the list says:", "Por hacer a mano, según la lista:";
    waits_for_hold: "It waits for a release:", "Espera a que se libere:";
    during_hold: "Delete in spite of what is held now", "Borrar a pesar de lo detenido ahora";
    nothing_to_do: "There is nothing that it would do.", "No haría nada.";
    delete_n: "Delete these posts: {}", "Borrar estas publicaciones: {}";
    correct_n: "Correct these posts: {}", "Corregir estas publicaciones: {}";
    edit_n: "Edit these posts: {}", "Cambiar estas publicaciones: {}";
    exactly_this: "Exactly what is listed is done, and nothing else. If the list changes meanwhile, nothing is.", "Se hace exactamente lo de la lista, y nada más. Si la lista cambia entretanto, no se hace nada.";
    list_changed: "What is out has changed since you looked. Go back, look at the list again, and repeat it.", "Lo publicado ha cambiado desde que miró. Vuelva, mire la lista de nuevo y repítalo.";
    recall_reason_needed: "Say why: it stays in the record.", "Diga por qué: queda en el registro.";

    // Insights.
    decimal_point: ".", ",";
    period: "Period", "Período";
    past_days: "the past {} days", "los últimos {} días";
    only_of: "Only of", "Solo de";
    nothing_counted: "Nothing was counted in these days. Platforms are asked an hour after a post went out; the sandbox has no public.", "No se ha contado nada en estos días. Se pregunta a las plataformas una hora después de publicar; el ensayo no tiene público.";
    posts_word: "Posts", "Publicaciones";
    posts_counted: "Posts counted", "Publicaciones contadas";
    posted_n: "Posted", "Publicadas";
    not_posted_n: "Did not go out", "No salieron";
    engagement: "Engagement", "Interacciones";
    for_each_post: "For each post", "Por publicación";
    views: "Views", "Vistas";
    likes: "Likes", "Me gusta";
    shared: "Shares", "Compartidas";
    replies: "Replies", "Respuestas";
    quotes: "Quotes", "Citas";
    not_counted: "not counted there", "no se cuenta allí";
    platform: "Platform", "Plataforma";
    by_platform: "By platform", "Por plataforma";
    engagement_over_time: "Engagement over time", "Interacciones con el tiempo";
    engagement_text: "Likes, shares, replies and quotes of the posts of these days, added up, as far as each platform counts them.", "Me gusta, compartidas, respuestas y citas de las publicaciones de estos días, sumadas, según lo que cuenta cada plataforma.";
    until_end_of: "To the end of", "Hasta el final de";
    reach: "Reach", "Alcance";
    reach_text: "How often the posts of these days were shown, added up, on the platforms that say so.", "Cuántas veces se mostraron las publicaciones de estos días, sumadas, en las plataformas que lo dicen.";
    no_reach: "None of these platforms says how often a post was shown.", "Ninguna de estas plataformas dice cuántas veces se mostró una publicación.";
    which_messages: "Which messages worked", "Qué mensajes funcionaron";
    how_it_grew: "How it grew", "Cómo creció";
    more_in_csv: "more are in the CSV file.", "más están en el archivo CSV.";
    which_hours: "Which hours worked", "Qué horas funcionaron";
    hours_text: "Engagement in the first day, compared with what the same account usually gets: 1 is as usual, 2 twice that.", "Interacciones del primer día, comparadas con las habituales de la misma cuenta: 1 es lo habitual, 2 el doble.";
    which_weekdays: "Which days worked", "Qué días funcionaron";
    hour: "Hour", "Hora";
    day_word: "Day", "Día";
    compared: "Compared", "Comparación";
    as_csv: "As CSV, post by post", "Como CSV, publicación a publicación";
    report: "Report", "Informe";
    how_the_public_answered: "How the public answered", "Cómo respondió el público";
    what_was_posted: "What was posted", "Lo publicado";
    what_failed: "What did not go out", "Lo que no salió";
    what_was_held: "What was held", "Lo que se detuvo";
    facts_to_check: "Facts to check", "Hechos por revisar";
    the_coming_week: "The coming week", "La semana que viene";
    nothing_at_all: "Nothing.", "Nada.";
    when_word: "When", "Cuándo";
    what_word: "What", "Qué";
    until_word: "until", "hasta";
    still: "still", "sigue";
    by_whom: "by", "por";
    weekly_report: "The past week as one file", "La última semana en un archivo";

    // Problems.
    no_problems: "No problems.", "Sin problemas.";
    error: "error", "error";
    warning: "warning", "aviso";
    help: "Help", "Ayuda";

    // Sandbox.
    sandbox_text: "A stand-in for the platforms, with their limits. Nothing here has left this machine.", "Un sustituto de las plataformas, con sus límites. Nada de esto ha salido de esta máquina.";
    limits_of: "with the limits of", "con los límites de";
    nothing_posted: "Nothing was posted yet.", "Aún no se ha publicado nada.";
    deleted_on: "deleted", "borrada";

    // What was done.
    done_held: "Held. Nothing new leaves.", "Detenido. Nada nuevo sale.";
    done_released: "Released.", "Liberado.";
    done_nothing: "It was not held any more.", "Ya no estaba detenido.";
    done_retried: "It is sent again now.", "Se envía de nuevo ahora.";
    done_skipped: "Skipped: it is never sent.", "Omitida: no se enviará.";
    done_resolved: "Noted.", "Anotado.";
    done_approved: "Your word is recorded.", "Su palabra queda registrada.";
    done_withdrawn: "No longer approved.", "Ya no está aprobado.";
    done_posted: "It goes out now.", "Sale ahora.";
    done_recalled: "It is being done; the list says how far it is.", "Se está haciendo; la lista dice por dónde va.";

    // Troubles.
    not_done: "That was not done", "No se ha hecho";
    cannot_read: "This can't be shown now", "Esto no puede mostrarse ahora";
    nothing_here: "There is nothing here", "Aquí no hay nada";
    nothing_here_text: "The address is mistyped, or what it named is gone.", "La dirección está mal escrita, o lo que nombraba ya no existe.";
    wrong_host: "This is not the host you asked for", "Este no es el servidor que pidió";
    wrong_host_text: "The dashboard answers only to its own names. Operators add others with web.names.", "El panel responde solo a sus propios nombres. Los operadores añaden otros con web.names.";
    by_proxy: "Somebody must sign in first", "Alguien debe entrar primero";
    by_proxy_text: "This came through a proxy, and no users are set, so anybody could do anything. Set [user.NAME] first.", "Esto vino por un proxy y no hay usuarios, así que cualquiera podría hacer cualquier cosa. Defina antes [user.NOMBRE].";
    not_from_here: "That came from another site", "Eso vino de otro sitio";
    not_from_here_text: "Nothing was changed. Open the dashboard itself and do it there.", "No se ha cambiado nada. Abra el propio panel y hágalo allí.";
    stale_form: "That page was too old", "Esa página era demasiado vieja";
    stale_form_text: "Nothing was changed. Go back, look again, and repeat it.", "No se ha cambiado nada. Vuelva, mire de nuevo y repítalo.";
    wrong_method_text: "A page can't be asked that way.", "A una página no se le puede pedir así.";
    too_large_text: "That was too much text.", "Era demasiado texto.";
    slow_text: "It took too long. Look whether it was done, then try again.", "Tardó demasiado. Mire si se hizo e inténtelo de nuevo.";
    not_yours: "You may not do that", "Usted no puede hacer eso";
    not_yours_text: "It takes another role. Whoever runs steadfast sets it in the config.", "Hace falta otro papel. Lo define en la configuración quien opera steadfast.";
    back_to_now: "To the first page", "A la primera página";
    bad_name: "A name is one line of at most 60 characters, and none that steadfast uses itself.", "Un nombre es una línea de 60 caracteres como máximo, y ninguno que use el propio steadfast.";
    bad_reason: "A reason is one line of at most 500 characters.", "Un motivo es una línea de 500 caracteres como máximo.";
    reason_needed: "Say why: whoever releases it needs to know.", "Diga por qué: quien lo libere debe saberlo.";
    name_needed: "Write your name: this is somebody's word.", "Escriba su nombre: es la palabra de alguien.";
    bad_address: "An address begins with https:// or http://.", "Una dirección empieza por https:// o http://.";
    goes_nowhere: "it would go to no account: see its `to`", "no iría a ninguna cuenta: vea su `to`";
    held_by_file: "Everything is held by {}. Remove that file, and its hold ends by itself.", "Todo está detenido por {}. Quite ese archivo y la detención acaba sola.";

    weekdays: "Mon Tue Wed Thu Fri Sat Sun", "lun mar mié jue vie sáb dom";
    months_short: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "ene feb mar abr may jun jul ago sep oct nov dic";
    months: "January February March April May June July August September October November December",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";
}

impl Words {
    /// The language that a browser asks for: the one that was chosen, else the first that it would like.
    pub fn asked(headers: &HeaderMap) -> &'static Words {
        let known = |code: &str| LANGUAGES.iter().find(|words| words.code == code).copied();
        let chosen = cookie(headers, "language").and_then(known);
        let liked = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut liked = liked.split(',').map(|one| one.split(';').next().unwrap_or(one));
        let liked = liked.find_map(|tag| known(tag.trim().split('-').next().unwrap_or_default()));
        chosen.or(liked).unwrap_or(&ENGLISH)
    }

    pub fn state(&self, state: State) -> &'static str {
        match state {
            State::Due => self.due,
            State::Sending => self.sending,
            State::Retrying => self.retrying,
            State::InDoubt => self.in_doubt,
            State::Held => self.held,
            State::Sent => self.sent,
            State::Rejected => self.rejected,
            State::Skipped => self.skipped,
        }
    }

    /// How a post that is planned stands.
    pub fn fate(&self, state: &str) -> &'static str {
        match state {
            "held" => self.held,
            "blocked" => self.blocked,
            _ => self.planned,
        }
    }

    /// What came of a request.
    pub fn class(&self, class: Option<&str>, answered: bool) -> &'static str {
        match class {
            Some("accepted") => self.accepted,
            Some("transient") => self.transient,
            Some("rate_limited") => self.rate_limited,
            Some("auth") => self.auth,
            Some("rejected") => self.rejected,
            Some("duplicate") => self.duplicate,
            Some("gone") => self.gone,
            Some(_) => self.in_doubt,
            None if answered => self.not_left,
            None => self.no_answer,
        }
    }

    /// What a person said of a post.
    pub fn act(&self, act: &str) -> &'static str {
        match act {
            "retry" => self.act_retry,
            "skip" => self.act_skip,
            "sent" => self.act_sent,
            "not_sent" => self.act_not_sent,
            "recall" => self.act_recall,
            _ => self.act_post,
        }
    }

    /// How a fact stands.
    pub fn standing(&self, state: &str) -> &'static str {
        match state {
            "confirmed" => self.confirmed,
            "review_soon" => self.review_soon,
            "overdue" => self.overdue,
            "disputed" => self.disputed,
            "retracted" => self.retracted,
            _ => self.missing,
        }
    }

    /// What was done, by its code in an address. Nobody can put words of their own there.
    pub fn done(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "held" => self.done_held,
            "released" => self.done_released,
            "nothing" => self.done_nothing,
            "retried" => self.done_retried,
            "skipped" => self.done_skipped,
            "resolved" => self.done_resolved,
            "approved" => self.done_approved,
            "withdrawn" => self.done_withdrawn,
            "posted" => self.done_posted,
            "recalled" => self.done_recalled,
            _ => return None,
        })
    }

    pub fn weekday(&self, day: Weekday) -> &'static str {
        nth(self.weekdays, i32::from(day.to_monday_zero_offset()))
    }

    /// The weekday, counted from Monday.
    pub fn nth_weekday(&self, day: usize) -> &'static str {
        self.weekdays.split(' ').nth(day).unwrap_or_default()
    }

    pub fn month(&self, month: i8) -> &'static str {
        nth(self.months, i32::from(month) - 1)
    }

    pub fn month_short(&self, month: i8) -> &'static str {
        nth(self.months_short, i32::from(month) - 1)
    }
}

/// `text` with each `{}` filled in turn.
pub(super) fn fill(text: &str, with: &[&str]) -> String {
    let mut with = with.iter();
    let mut pieces = text.split("{}");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        filled.push_str(with.next().copied().unwrap_or_default());
        filled.push_str(piece);
    }
    filled
}

/// One or many.
pub(super) fn many_of(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        one.to_owned()
    } else {
        fill(many, &[&count.to_string()])
    }
}

fn nth(words: &'static str, n: i32) -> &'static str {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    words.split(' ').nth(n).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(liked: &'static str, cookie: &'static str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(liked));
        headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
        Words::asked(&headers).code
    }

    #[test]
    fn the_language_is_the_one_that_was_chosen_else_the_first_that_is_liked() {
        assert_eq!(asked("es-MX,en;q=0.8", ""), "es");
        assert_eq!(asked("de, es;q=0.5", ""), "es");
        assert_eq!(asked("de", ""), "en");
        assert_eq!(asked("es", "session=x; language=en"), "en");
        assert_eq!(asked("es", "language=xx"), "es");
    }

    #[test]
    fn every_language_has_all_days_and_months() {
        for words in LANGUAGES {
            assert_eq!(words.weekdays.split(' ').count(), 7);
            assert_eq!(words.months.split(' ').count(), 12);
            assert_eq!(words.months_short.split(' ').count(), 12);
        }
        assert_eq!(SPANISH.month(12), "diciembre");
        assert_eq!(ENGLISH.weekday(Weekday::Sunday), "Sun");
    }

    #[test]
    fn what_is_filled_in_is_filled_in_in_turn() {
        assert_eq!(fill("a {} b {} {}", &["1", "2{}"]), "a 1 b 2{} ".to_owned());
        assert_eq!(many_of(1, ENGLISH.one_warning, ENGLISH.warnings), "1 warning");
        assert_eq!(many_of(2, ENGLISH.one_warning, ENGLISH.warnings), "2 warnings");
    }
}
