// In every page that the dev server shows: says on top of it that something went wrong, and makes
// sure that it ends up on the newest build. livereload's own script does the reloading; this one
// notices where that was not connected yet when it was told. What went wrong is for the terminal
// and the developer's page: this page may be a stranger's.

/** What the server says; Hub.state in cmp_bundle/devserver/hub.py. */
interface State {
  shown: number;
  since: number;
  trouble: (keyof typeof TROUBLE)[];
}

const TROUBLE = {
  build: "The last edit does not build. The terminal and the developer's page say where and why.",
  pbx: "Phones cannot be connected. The terminal and the developer's page say why.",
};

/** As much of livereload's script as is asked. */
interface LiveReload {
  connector?: { protocol: number; socket?: WebSocket };
}

/** How long livereload's script may take to do what it was told, in milliseconds. */
const PATIENCE = 300;
const RETRY = 1000;

/** The build that this page shows: it stands in the address of this script. */
let mine = Number(/live-(\d+)/.exec((document.currentScript as HTMLScriptElement).src)?.[1] ?? 0);

const host = document.createElement("div");
const shadow = host.attachShadow({ mode: "open" });

function style(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { position: fixed; inset: 0 0 auto 0; z-index: 2147483647; font: 15px/1.5 system-ui, sans-serif; }
    div { margin: 0; padding: 12px 20px; color: #fff; background: #8f1d1d; }
    div.pbx { background: #5c4500; }
  `);
  shadow.adoptedStyleSheets = [sheet];
}

function line(kind: keyof typeof TROUBLE): HTMLElement {
  const element = document.createElement("div");
  element.className = kind;
  element.setAttribute("role", "alert");
  element.textContent = TROUBLE[kind];
  return element;
}

function show({ trouble }: State): void {
  shadow.replaceChildren(...trouble.map(line));
}

function catchUp({ shown, since }: State): void {
  if (shown === mine) return;
  const { connector } = (globalThis as { LiveReload?: LiveReload }).LiveReload ?? {};
  const told = connector?.socket?.readyState === WebSocket.OPEN && connector.protocol > 0;
  if (told && mine >= since) {
    mine = shown; // swapped in place
    return;
  }
  setTimeout(() => location.reload(), told ? PATIENCE : 0);
}

function listen(): void {
  const socket = new WebSocket(`wss://${location.host}/__cmp/events`);
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const state = JSON.parse(data) as State;
    show(state);
    catchUp(state);
  };
  // The server is restarted now and then; the page finds it again, and its newest build.
  socket.onclose = () => setTimeout(listen, RETRY);
}

addEventListener("DOMContentLoaded", () => {
  style();
  document.documentElement.append(host);
  listen();
}, { once: true });

export {}; // a module, with names of its own
