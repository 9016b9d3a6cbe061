// What a build puts into a page for its phone: inert JSON in an element of its own.

import type { Profile } from "./overlay/profile.ts";

/** Where the phone connects to. Empty values stand for "where this page came from". */
export interface Server {
  host: string;
  port: number;
  path: string;
}

/** What the account form is filled with; an empty string leaves a field alone. */
export interface Account {
  id: string;
  name: string;
  register: boolean;
  extension: string;
}

/** A STUN or TURN server. */
export interface IceServer {
  url: string;
  username?: string;
  credential?: string;
}

export interface Settings {
  server: Server;
  account: Account;
  ice: IceServer[];
  /** The redirect that leads to this page, such as "/cmp2k"; empty where there is none. */
  visit: string;
  /** One account's profile, where everybody may read it. */
  profile?: Profile;
  /** The fixes to leave out, by their ids. */
  without: string[];
}

export const NOTHING: Settings = {
  server: { host: "", port: 0, path: "" },
  account: { id: "", name: "", register: true, extension: "" },
  ice: [],
  visit: "",
  without: [],
};

/** The id of the element that holds the JSON. */
export const ELEMENT = "cmp-bundle-settings";

/** The settings in `page`; NOTHING where it was not built by cmp-bundle. */
export function readSettings(page: Document): Settings {
  const text = page.getElementById(ELEMENT)?.textContent;
  return text ? { ...NOTHING, ...(JSON.parse(text) as Partial<Settings>) } : NOTHING;
}

/** The part of a page's address that this needs. */
export type Place = Pick<Location, "hostname" | "port" | "pathname">;

/** This page over https, where `place` has none, with the link that its address may still hold. */
export function overTls({ server, visit }: Settings, place: Place): string {
  return `https://${place.hostname}:${server.port || 8089}${visit || place.pathname}${location.hash}`;
}

/**
 * The WebSocket that a phone connects to.
 *
 * `typed` is what stands in the host field: nothing, a name or address, `host:port`, or a whole
 * `wss://` URL. What it leaves out comes from `server`, and what that leaves out from `place`:
 * Asterisk serves page and socket on one port, the socket beside `/static`, under its prefix.
 * `place` has to be read before the page changes its own address.
 */
export function socketUrl(typed: string, server: Server, place: Place): string {
  const text = typed.trim();
  if (/^wss?:\/\//i.test(text)) return text;
  const colons = text.split(":").length - 1;
  const [, named = "", digits = ""] =
    (colons > 1 && !text.startsWith("[") ? [text, `[${text}]`] : /^(.*?)(?::(\d+))?$/.exec(text)) ?? [];
  const host = named || server.host || place.hostname;
  const port = digits || String(server.port || place.port);
  const path = server.path || `${place.pathname.split("/static/")[0] ?? ""}/ws`;
  return `wss://${host}${port && port !== "443" ? `:${port}` : ""}${path}`;
}

/** The name or address alone of what stands in the host field: the domain of SIP addresses. */
export function sipDomain(typed: string, server: Server, place: Place): string {
  return new URL(socketUrl(typed, server, place).replace(/^ws/i, "http")).hostname;
}

/**
 * What the overlay knows of the person and no form has a field for; the phone asks when it needs
 * it. Nothing is there in a page without overlay.
 */
export interface Person {
  displayName: string;
  ice: IceServer[];
}

declare global {
  var cmpBundle: Person | undefined;
}

/** The STUN and TURN servers for a call, as browsers want them. */
export function iceServers(settings: Settings): RTCIceServer[] {
  return (globalThis.cmpBundle?.ice ?? settings.ice).map(({ url, ...login }) => ({ urls: url, ...login }));
}

/** What JsSIP authenticates with: a password, or HA1 with its realm. */
export type Credentials = { password: string } | { ha1: string; realm: string };

/** HA1 as it stands in a password field: `ha1:REALM:HEX`. It is good for one account at one realm. */
const HA1 = /^ha1:(.*):([0-9a-f]{32})$/;

export function credentials(typed: string): Credentials {
  const [, realm, ha1] = HA1.exec(typed) ?? [];
  return ha1 === undefined ? { password: typed } : { ha1, realm: realm ?? "" };
}
