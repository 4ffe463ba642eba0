// What makes the pages better; without it they do all they must.
(() => {
  const language = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(language, { style: "short" });

  // "in 5 min" goes on counting.
  const away = (at) => {
    const seconds = Math.round((at - Date.now()) / 1000);
    const size = Math.abs(seconds);
    if (size < 60) return relative.format(seconds, "second");
    if (size < 3600) return relative.format(Math.trunc(seconds / 60), "minute");
    if (size < 86400) return relative.format(Math.trunc(seconds / 3600), "hour");
    return relative.format(Math.trunc(seconds / 86400), "day");
  };
  const count = () => {
    for (const time of document.querySelectorAll("time[data-away]")) {
      const at = Date.parse(time.dateTime);
      // Beyond an hour the server has said it better.
      if (at - Date.now() < 3600000) time.textContent = away(at);
    }
  };
  setInterval(count, 1000);

  // A form is sent once.
  addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // News: the page is read again, unless somebody is just writing or choosing in it.
  if (!document.body.hasAttribute("data-live")) return;
  const main = () => document.getElementById("content");
  const busy = () => {
    const here = document.activeElement;
    const writes = here && here.matches("input, select, textarea") && main().contains(here);
    const changed = [...main().querySelectorAll("input:not([type=hidden]), textarea")].some((of) => of.value !== of.defaultValue || of.checked !== of.defaultChecked);
    return writes || changed || main().querySelector("details[open], video:not([paused])") || String(getSelection());
  };
  let due = false;
  const refresh = async () => {
    if (document.hidden || busy()) { due = true; return; }
    due = false;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = next.getElementById("content");
    if (!fresh || busy()) return;
    const focused = document.activeElement?.getAttribute("href");
    main().replaceChildren(...fresh.childNodes);
    if (focused) main().querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    count();
  };
  const soon = () => { clearTimeout(soon.timer); soon.timer = setTimeout(refresh, 400); };
  new EventSource("/events").onmessage = soon;
  document.addEventListener("visibilitychange", () => { if (due) soon(); });
  document.addEventListener("focusout", () => { if (due) soon(); });
  // What was done is said once.
  if (location.search.includes("done=")) {
    const address = new URL(location.href);
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
})();
