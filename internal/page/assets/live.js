// Everything here is comfort: without it the pages refresh by themselves and
// every link works.
"use strict";
(() => {
  const root = document.body.dataset.root;

  // Links of Alertmanager's own console keep their page after the hash.
  if (location.hash.startsWith("#/")) {
    const [path, query] = location.hash.slice(2).split("?");
    const page = { alerts: "alerts", silences: "silences", status: "status" }[path.split("/")[0]];
    if (page) {
      location.replace(root + page + (query ? "?" + query : ""));
      return;
    }
  }

  // The pages that move are asked for again, and what has changed is put in
  // place, so that focus, selection and scroll position stay.
  const moving = document.body.dataset.refresh === "true";
  const overview = document.getElementById("hosts") !== null;
  const beat = document.getElementById("beat");
  const stale = document.getElementById("stale");
  const every = overview ? 1000 : 3000;
  let failures = 0;

  async function refresh() {
    try {
      const stop = AbortSignal.timeout(10000);
      const answer = await fetch(overview ? root + "live" : location.href, { signal: stop, credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      if (answer.redirected) {
        // The session is over; the page itself leads to where one signs in.
        location.reload();
        return;
      }
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const now of document.querySelectorAll("[data-live]")) {
        const then = next.getElementById(now.id);
        const selection = document.getSelection();
        const busy = now.contains(document.activeElement) && now !== document.activeElement ||
          (selection && !selection.isCollapsed && now.contains(selection.anchorNode));
        if (!then || busy) continue;
        if (now.className !== then.className) now.className = then.className;
        if (now.innerHTML !== then.innerHTML) now.replaceChildren(...then.childNodes);
      }
      failures = 0;
      stale.hidden = true;
      beat.hidden = false;
    } catch {
      failures++;
      if (failures >= 3) {
        stale.textContent = document.body.dataset.stale;
        stale.hidden = false;
        beat.hidden = true;
      }
    }
    schedule();
  }
  function schedule() {
    setTimeout(() => (document.hidden ? schedule() : refresh()), failures > 2 ? 5000 : every);
  }
  if (moving) schedule();

  // Keys.
  const dialog = document.getElementById("keys");
  let waiting = false;
  if (dialog) document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const typing = e.target.closest("input, textarea, select");
    if (typing) {
      if (e.key === "Enter" && e.target.id === "expr" && !e.shiftKey) {
        e.preventDefault();
        e.target.form.requestSubmit();
      }
      return;
    }
    if (waiting) {
      waiting = false;
      const link = document.querySelector('.rail [data-key="' + CSS.escape(e.key) + '"]');
      if (link) link.click();
      return;
    }
    if (e.key === "g") {
      waiting = true;
      setTimeout(() => { waiting = false; }, 1500);
    } else if (e.key === "/") {
      e.preventDefault();
      (document.getElementById("expr") || document.querySelector(".quick input")).focus();
    } else if (e.key === "?") {
      dialog.open ? dialog.close() : dialog.showModal();
    }
  });
})();
