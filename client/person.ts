// What the overlay knows of the person and no form has a field for; the phone asks when it needs it.

import { settings } from "./page.ts";
import type { IceServer } from "./settings.ts";

export interface Person {
  displayName: string;
  ice: IceServer[];
}

declare global {
  /** Nothing in a page without overlay. */
  var cmpBundle: Person | undefined;
}

/** The STUN and TURN servers for a call, as browsers want them. */
export function iceServers(): RTCIceServer[] {
  return (globalThis.cmpBundle?.ice ?? settings.ice).map(({ url, ...login }) => ({ urls: url, ...login }));
}
