// The developer's page: its lists are made by the server; here they are kept fresh. All addresses
// are relative: the secret stands in this page's own, and nowhere else.

const RETRY = 1000;
const COPIED = 1500;
const state = document.getElementById("state") as HTMLElement;
const live = document.getElementById("live") as HTMLElement;

/** Every <details> on the page by a name that lasts: its own id, or its place in one that has. */
function named(): Map<string, HTMLDetailsElement> {
  const found = new Map<string, HTMLDetailsElement>();
  for (const one of state.querySelectorAll<HTMLDetailsElement>("details[id]")) {
    found.set(one.id, one);
    one.querySelectorAll<HTMLDetailsElement>("li > details").forEach((message, index) => {
      found.set(`${one.id}/${index}`, message);
    });
  }
  return found;
}

/** Those that somebody opened or closed; the others are as the server has them. */
const turned = new Set<string>();

state.addEventListener("click", (event) => {
  const summary = (event.target as Element).closest("summary");
  for (const [name, one] of named()) if (one === summary?.parentElement) turned.add(name);
});

/** How many buttons say for a moment what became of being pressed. */
let saying = 0;

/** Whether a fresh list would take something from somebody: that, or what they select to copy. */
function held(): boolean {
  const selection = getSelection();
  return saying > 0 || (selection?.isCollapsed === false && state.contains(selection.anchorNode));
}

async function refresh(): Promise<void> {
  const answer = await fetch("state");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (held()) {
    again = true;
    return;
  }
  const before = named();
  const focused = [...before].find(([, one]) => one.firstElementChild === document.activeElement)?.[0];
  state.replaceChildren(...fresh.body.childNodes);
  for (const [name, one] of named()) {
    const old = before.get(name);
    if (old && turned.has(name)) one.open = old.open;
    if (name === focused) (one.firstElementChild as HTMLElement).focus({ preventScroll: true });
  }
}

let busy = false;
let again = false;

function catchUp(): void {
  if (again) void news();
}

/** Refresh one at a time, and once more where there was news meanwhile. */
async function news(): Promise<void> {
  again = true;
  if (busy) return;
  busy = true;
  try {
    while (again && !held()) {
      again = false;
      await refresh();
    }
  } finally {
    busy = false;
  }
}

document.addEventListener("selectionchange", catchUp);

state.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("button.copy");
  if (!button) return;
  const all = button.dataset.copies === "all";
  const from = all ? button.closest(".ladder") : button.parentElement;
  const texts = [...(from?.querySelectorAll("pre") ?? [])].map((pre) => pre.textContent.trimEnd());
  const say = (text: string) => {
    button.textContent = text;
    saying += 1;
    setTimeout(() => {
      // Not what it said before: pressed twice, it would have said "Copied" already.
      button.textContent = all ? "Copy all" : "Copy";
      saying -= 1;
      catchUp();
    }, COPIED);
  };
  void navigator.clipboard.writeText(`${texts.join("\n\n")}\n`).then(
    () => say("Copied"),
    () => say("Not allowed: copy it by hand"),
  );
});

function listen(): void {
  const socket = new WebSocket(new URL("news", location.href).href.replace("https:", "wss:"));
  socket.onopen = () => {
    live.textContent = "connected";
    live.className = "";
  };
  socket.onmessage = () => void news();
  socket.onclose = () => {
    live.textContent = "the server has stopped; the next start prints a new address";
    live.className = "gone";
    setTimeout(listen, RETRY);
  };
}

listen();

export {}; // a module, with names of its own
