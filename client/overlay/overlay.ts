// Goes into any phone that keeps the page contract: fills the account form with what the build
// was told, or with the profile that a link opens.

import { typedSecret } from "../credentials.ts";
import { place, settings } from "../page.ts";
import type { Profile, Server } from "../settings.ts";
import { sipDomain, socketUrl } from "../socket.ts";
import { taken } from "./aside.ts";
import { framedByStranger } from "./framing.ts";
import { remember, remembered } from "./memory.ts";
import { checkbox, notice } from "./notice.ts";
import { LinkProblem, fetchProfile, tokenIn } from "./profile.ts";

/** The folder that the page lies in, on its server. */
const folder = new URL(".", location.href);
const stranger = framedByStranger();
/** What the link held that opened this page; the first load of the page has set it aside. */
const opened = taken();
const broken = opened !== "" && !tokenIn(opened);
const token = tokenIn(opened) || remembered(folder);

// What is bookmarked or reloaded is then the visit that always finds the current release; and
// nobody who looks at the address bar sees the token.
if (opened || (settings.visit && /[?&]v=/.test(location.search))) {
  history.replaceState(history.state, "", (settings.visit || location.pathname) + location.hash);
}

globalThis.cmpBundle = { displayName: "", ice: settings.ice };

const field = (id: string): HTMLInputElement => document.getElementById(id) as HTMLInputElement;

/** `server` as it is typed into the host field. */
function typedHost({ host, port, path }: Partial<Server>): string {
  if (path) return socketUrl(host ?? "", { host: "", port: port ?? 0, path }, place);
  return port ? `${host || place.hostname}:${port}` : (host ?? "");
}

function fillForm(): void {
  const { account, server } = settings;
  if (account.id) field("accountId").value = account.id;
  if (account.name) field("accountName").value = account.name;
  if (account.extension) field("extension").value = account.extension;
  if (server.host) field("accountHost").value = server.host;
  field("accountHost").placeholder = sipDomain("", server, place);
  field("accountRegister").checked = account.register;
}

function fillProfile(profile: Profile): void {
  field("accountId").value = profile.id;
  field("accountName").value = profile.name ?? "";
  field("accountPassword").value = typedSecret(profile);
  if (profile.extension) field("extension").value = profile.extension;
  if (profile.server) field("accountHost").value = typedHost(profile.server);
  if (profile.register !== undefined) field("accountRegister").checked = profile.register;
  globalThis.cmpBundle = { displayName: profile.displayName ?? "", ice: profile.ice ?? settings.ice };
}

const TROUBLE = {
  gone: "This link is no longer valid. Ask whoever gave it to you for a new one.",
  damaged: "Your account on this server is damaged. Tell whoever gave you the link.",
  cut: "This link is broken. Open it again exactly as you were given it, or ask for a new one.",
  unreachable: "Your account could not be fetched from this server. Check the connection, then open the link again.",
};

async function useLink(): Promise<void> {
  try {
    const profile = await fetchProfile(token, folder);
    fillProfile(profile);
    welcome(profile);
  } catch (error) {
    if (error instanceof LinkProblem) {
      // Another link, which still works, may be remembered here.
      if (remembered(folder) === token) remember(folder, "");
      notice(true, TROUBLE[error.kind]);
    } else notice(true, TROUBLE.unreachable);
  }
}

function welcome(profile: Profile): void {
  const keep = (checked: boolean): void => remember(folder, checked ? token : "");
  const box = checkbox("Remember on this device", remembered(folder) === token, keep);
  const name = profile.displayName || profile.id;
  if (!profile.ha1 && !profile.password) {
    notice(false, `This is the phone of ${name}. Fill in your password, then press Connect.`, box);
    return;
  }
  notice(false, `This is the phone of ${name}.`, box);
  const connect = field("connect");
  if (connect.value === "Connect") connect.click();
}

/** Nothing is there to be pressed, and the way out leads to a window that nobody else covers. */
function refuseFrame(): void {
  document.documentElement.classList.add("cmp-framed");
  const out = document.createElement("a");
  out.href = settings.visit || location.pathname;
  out.target = "_blank";
  out.rel = "noopener";
  out.textContent = "Open this phone in its own window.";
  notice(true, "This phone opens no account inside a page of another site. ", out);
}

if (stranger) refuseFrame();
// A phone fills its own form with its own defaults when the page has loaded; this comes after.
else addEventListener("load", () => {
  fillForm();
  if (broken) notice(true, TROUBLE.cut);
  else if (token) void useLink();
  // Somebody may look before anything connects: there is no link that asked for it.
  else if (settings.profile) fillProfile(settings.profile);
}, { once: true });
