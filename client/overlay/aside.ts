// What a link's address held, set aside while the page is loaded again without it. Its first load
// is known by that address for good: to the browser's own accounts of the load, to the traces of
// its errors, to workers of other pages of the server. Of the second nobody was ever told.

import { looksLinked } from "./profile.ts";

/** Whether the address bar shows a link's fragment, be it a broken one's, and it could be opened. */
export function linked(): boolean {
  // Without TLS browsers open no profile: then a link stays where it is, for the page over https.
  return isSecureContext && looksLinked(location.hash);
}

interface Waiting {
  cmpBundleLink?: string;
  /** When the load began that set it aside. */
  since: number;
}

/** Load the page again without the fragment: it waits in the state of this place in the tab's history.
 * `address` is the page's own path and query; through a redirect, Chromium loses that state. */
export function loadAgain(address: string): void {
  const state: Waiting = { cmpBundleLink: location.hash, since: performance.timeOrigin };
  history.replaceState(state, "", address);
  location.reload();
}

/** The fragment that this load is for, once; empty where there is none. */
export function taken(): string {
  const { cmpBundleLink: fragment = "", since } = (history.state ?? {}) as Waiting;
  // What is left of the load before may still come here.
  if (!fragment || since === performance.timeOrigin) return "";
  history.replaceState(null, "", location.href);
  return fragment;
}
