// This page: where it came from, and what it was built with. Each script reads both once, before
// anything changes what the address bar shows.

import type { Settings } from "./settings.ts";
import type { Place } from "./socket.ts";

export const place: Place = { hostname: location.hostname, port: location.port, pathname: location.pathname };

const NOTHING: Settings = {
  server: { host: "", port: 0, path: "" },
  account: { id: "", name: "", register: true, extension: "" },
  ice: [],
  visit: "",
  without: [],
};

const text = document.getElementById("cmp-bundle-settings")?.textContent;
/** Nothing where the page was not built by cmp-bundle. */
export const settings: Settings = text ? { ...NOTHING, ...(JSON.parse(text) as Partial<Settings>) } : NOTHING;

/** This page over https, where it has none, with the link that its address may still hold. */
export function overTls(): string {
  const { server, visit } = settings;
  return `https://${place.hostname}:${server.port || 8089}${visit || place.pathname}${location.hash}`;
}

/** Whether a WebSocket is on the host and port that the page came from. */
export const isOwn = (socket: string): boolean => new URL(socket).host === location.host;
