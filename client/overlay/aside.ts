// What a link's address held, set aside while the page is loaded again without it. Its first load
// is known by that address for good: to the browser's own accounts of the load, to the traces of
// its errors, to workers of other pages of the server. Of the second nobody was ever told.

import { looksLinked } from "./profile.ts";

/** Of this tab and this site alone; where the page lies, not what the address bar shows later. */
const KEY = `cmp-bundle opens ${new URL(".", location.href).pathname}`;

/** Whether the address bar shows a link's fragment, be it a broken one's, and it could be opened. */
export function linked(): boolean {
  // Without TLS browsers open no profile: then a link stays where it is, for the page over https.
  return isSecureContext && looksLinked(location.hash);
}

/** Set the fragment aside and take it out of the address bar; `false` in a browser that keeps nothing. */
export function setAside(): boolean {
  try {
    sessionStorage.setItem(KEY, location.hash);
  } catch {
    return false;
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

/** The fragment that was set aside, once; empty where none was. */
export function taken(): string {
  try {
    const fragment = sessionStorage.getItem(KEY) ?? "";
    sessionStorage.removeItem(KEY);
    return fragment;
  } catch {
    return "";
  }
}
