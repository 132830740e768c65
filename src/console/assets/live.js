// Fetches the page again every few seconds and takes over its parts marked data-live, while somebody looks at it. Nothing
// else depends on this: without it, reload the page.
"use strict";

const EVERY_MS = 5000;

function looking() {
  return document.visibilityState === "visible" && document.hasFocus();
}

// What somebody is in the middle of is left alone.
function busy(part) {
  const chosen = document.getSelection();
  return part.contains(document.activeElement) || (chosen && !chosen.isCollapsed && chosen.containsNode(part, true));
}

async function refresh() {
  const parts = [...document.querySelectorAll("[data-live][id]")];
  if (parts.length === 0 || !looking()) return;
  const answer = await fetch(location.href, { headers: { "x-daybridge-live": "1" }, redirect: "error" });
  if (answer.status === 401) {
    location.reload();
    return;
  }
  // A page that cannot read everything says so, with 503.
  if (!answer.ok && answer.status !== 503) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const now = fresh.getElementById(part.id);
    if (now && part.innerHTML !== now.innerHTML && !busy(part)) {
      part.replaceWith(document.importNode(now, true));
    }
  }
}

async function keep() {
  try {
    await refresh();
  } catch {
    // The console is away for a moment; the next round tries again.
  }
  setTimeout(keep, EVERY_MS);
}

setTimeout(keep, EVERY_MS);
