// The WebSocket that a phone connects to.

import type { Server } from "./settings.ts";

/** The part of a page's address that this needs. */
export type Place = Pick<Location, "hostname" | "port" | "pathname">;

/**
 * Its address.
 *
 * `typed` is what stands in the host field: nothing, a name or address, `host:port`, or a whole
 * `wss://` URL. What it leaves out comes from `server`, and what that leaves out from `place`:
 * Asterisk serves page and socket on one port, the socket beside `/static`, under its prefix.
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
