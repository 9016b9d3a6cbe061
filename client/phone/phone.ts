// The page: what its buttons do, and what it shows when something changes.

import { overTls, place, settings } from "../page.ts";
import { sipDomain } from "../socket.ts";
import { FieldProblem, accountFrom } from "./account.ts";
import { Call, type CallEvents, type Peer } from "./call.ts";
import { Devices, type Kind } from "./devices.ts";
import { AccountForm } from "./form.ts";
import { icon, type Icon } from "./icons.ts";
import { buildKeypad, struck } from "./keypad.ts";
import { Line, type Incoming } from "./line.ts";
import { MediaProblem, OFF, available, capture, type Capture } from "./media.ts";
import { busyMeanwhile, connectFirst, insecure, notCallable, type Message } from "./messages.ts";
import { Pictures } from "./pictures.ts";
import { RING, RINGBACK, Ringer } from "./ring.ts";
import { sipTarget } from "./target.ts";
import { Title } from "./title.ts";
import { clockText, view } from "./view.ts";

const home = sipDomain("", settings.server, place);

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const input = (id: string): HTMLInputElement => element(id) as HTMLInputElement;
const devicesDialog = element("devices-modal") as HTMLDialogElement;

/** How long a page that is left in a call waits for the server to notice, in milliseconds. */
const GOODBYE = 100;

let call: Call | null = null;
/** When the other side was first heard; 0 while nobody is. */
let since = 0;
/** Whether everybody else is muted. */
let silent = false;

const ringer = new Ringer();
const title = new Title();
const line = new Line({ changed: render, say, incoming });
const form = new AccountForm(connect);
const devices = new Devices((kind) => void changeDevice(kind));
const pictures = new Pictures(element("media-views"), (position, count) =>
  count === 1 && call ? call.peer.name : `Picture ${position + 1}`,
);

function say(message: Message | null): void {
  element("message-text").textContent = message?.text ?? "";
  const link = element("message-link") as HTMLAnchorElement;
  link.textContent = message?.link?.label ?? "";
  link.href = message?.link?.href ?? "";
  link.hidden = !message?.link;
  element("message-close").hidden = !message;
  element("message").classList.toggle("shown", message !== null);
}

function connect(): void {
  if (line.state !== "offline") {
    line.close();
    return;
  }
  say(null);
  form.complain(null);
  if (!available()) {
    say(insecure(overTls()));
    form.close();
    return;
  }
  ringer.unlock();
  try {
    line.open(accountFrom(form.read(), settings.server, place, location.protocol === "https:"));
    form.close();
  } catch (error) {
    // JsSIP takes fewer characters than browsers do: no quotation marks, for one.
    const unusable = new FieldProblem("accountId", "No SIP address can be made of this account: use plain letters and digits.");
    form.complain(error instanceof FieldProblem ? error : unusable);
  }
}

const events: CallEvents = {
  changed: render,
  connected: (connection) => pictures.watch(connection),
  say,
  over(message) {
    call = null;
    silent = false;
    pictures.clear();
    if (message) say(message);
    render();
  },
};

function dial(): void {
  if (call) return;
  if (line.state !== "online" || !line.account) {
    say(connectFirst);
    return;
  }
  const typed = input("extension").value.trim().replace(/^sips?:/i, "");
  const target = sipTarget(typed, line.account.domain);
  if (!target) {
    say(notCallable);
    input("extension").focus();
    return;
  }
  say(null);
  ringer.unlock();
  call = new Call({ name: typed, number: typed }, events);
  render();
  void call.place(captured, (options) => line.call(target, options));
}

function incoming({ session, name, number, video }: Incoming): void {
  const peer: Peer = { name: name || number, number };
  if (call) {
    session.terminate({ status_code: 486 });
    say(busyMeanwhile(peer.name));
    return;
  }
  say(null);
  // Answer is out of reach behind a dialog.
  form.close();
  devicesDialog.close();
  call = new Call(peer, events, session, video);
  render();
}

async function captured(video: boolean): Promise<Capture> {
  const media = await capture(devices.choice, video);
  // Not before now does the browser tell what the devices are called.
  void devices.list();
  return media;
}

async function changeDevice(kind: Kind): Promise<void> {
  const id = devices.choice[kind];
  try {
    if (kind === "speaker") pictures.speak(id);
    else if (kind === "microphone") await call?.change("audio", id);
    else if (id === OFF) call?.mute("video", true);
    else await call?.change("video", id);
  } catch (error) {
    if (!(error instanceof MediaProblem)) throw error;
    say(error.problem);
  }
}

function press(key: string): void {
  if (call) call.press(key);
  else input("extension").value += key;
}

function render(): void {
  const { account } = line;
  const shown = view({
    line: line.state,
    registered: line.registered,
    id: account?.id ?? "",
    server: account?.domain ?? home,
    call,
  });
  const button = (id: string, value: string, enabled: boolean): void => {
    input(id).value = value;
    input(id).disabled = !enabled;
  };
  button("connect", shown.connect.value, shown.connect.enabled);
  button("call", shown.call.value, shown.call.enabled);
  button("decline", shown.decline, true);
  input("decline").hidden = !shown.decline;
  button("account-submit", "Connect", line.state === "offline");
  element("account-note").hidden = line.state === "offline";
  text("line", shown.line);
  text("server", account && line.state !== "offline" ? account.domain : home);
  text("peer", shown.peer);
  text("about", shown.about);
  const { classList, dataset } = document.body;
  dataset["line"] = line.state;
  dataset["phase"] = call?.phase ?? "idle";
  classList.toggle("in-call", call !== null && call.phase !== "incoming");
  for (const [id, kind] of MUTES) {
    const muted = call?.muted[kind] ?? false;
    element(id).setAttribute("aria-pressed", String(muted));
    element(id).hidden = !call?.tracks(kind).length;
  }
  element("mute-sound").setAttribute("aria-pressed", String(silent));
  element("mute-sound").hidden = call?.phase !== "talking";
  element("hold").setAttribute("aria-pressed", String(call?.holding ?? false));
  element("hold").hidden = call?.phase !== "talking";
  pictures.showOwn(call?.stream ?? null);
  since = call?.phase === "talking" ? since || Date.now() : 0;
  tick();
  keepFocus();
  ringer.play(call?.phase === "incoming" ? RING : call?.phase === "ringing" && !call.early ? RINGBACK : null);
  title.call(call?.phase === "incoming" ? `${call.peer.name} is calling` : "");
}

/** Sets a text only where it differs: what is set is read out again. */
function text(id: string, words: string): void {
  if (element(id).textContent !== words) element(id).textContent = words;
}

/** What had the focus may be hidden now: then the focus stays near, not at the top of the page. */
function keepFocus(): void {
  const panel = element("panel");
  const focused = document.activeElement;
  if (focused && panel.contains(focused) && focused.getClientRects().length === 0) panel.focus();
}

function tick(): void {
  text("clock", since ? clockText(Date.now() - since) : "");
}

function leave(): void {
  const talking = call !== null;
  call?.hangUp();
  line.drop();
  // Asterisk 16 keeps a call for ever if the connection is gone before it has answered the BYE
  // (seen), and nothing but standing still keeps a page that is being left.
  const until = performance.now() + (talking ? GOODBYE : 0);
  while (performance.now() < until);
}

const MUTES = [
  ["mute-microphone", "audio"],
  ["mute-camera", "video"],
] as const;

element("connect").addEventListener("click", ({ detail }) => {
  // The second click of a double click must not end what the first one began. (Call needs no such
  // care: it is in another place once there is a call.)
  if (detail < 2 || line.state === "offline") connect();
});
element("call").addEventListener("click", () => {
  if (!call) dial();
  else if (call.phase === "incoming") void call.answer(captured);
  else call.hangUp();
});
element("decline").addEventListener("click", () => call?.hangUp());
element("hold").addEventListener("click", () => call?.toggleHold());
element("message-close").addEventListener("click", () => say(null));
element("mute-sound").addEventListener("click", () => {
  silent = !silent;
  pictures.silence(silent);
  render();
});
for (const [id, kind] of MUTES) element(id).addEventListener("click", () => call?.mute(kind, !call.muted[kind]));
element("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  dial();
});
element("keypad-toggle").addEventListener("click", () => {
  const keypad = element("keypad");
  keypad.hidden = !keypad.hidden;
  element("keypad-toggle").setAttribute("aria-expanded", String(!keypad.hidden));
});
element("devices").addEventListener("click", () => {
  void devices.list();
  devicesDialog.showModal();
});
for (const dialog of document.querySelectorAll("dialog")) {
  // The dialog itself is what is clicked beside its content.
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || (target as Element).matches(".close")) dialog.close();
  });
}
for (const place of document.querySelectorAll<HTMLElement>("[data-icon]")) {
  place.prepend(icon(place.dataset["icon"] as Icon));
}
buildKeypad(element("keypad"), press);
document.addEventListener("keydown", (event) => {
  const key = call && struck(event);
  if (key) press(key);
});
setInterval(tick, 1000);
// What is sent on "pagehide" never leaves Firefox (seen in ESR 153), and "beforeunload" does not
// come on telephones. A page that comes back from the cache finds itself disconnected.
for (const event of ["beforeunload", "pagehide"]) addEventListener(event, leave);
// Firefox brings back what buttons said before a reload, after this script has run.
addEventListener("load", render);

input("accountHost").placeholder = home;
title.set(`Phone · ${home}`);
render();
if (!available()) connect();
