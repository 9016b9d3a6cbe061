// The sealed profile behind a link: found and opened by the token in its fragment alone.
// docs/links.md describes the format; cmp_bundle/accounts/{token,profile}.py is the other side.

import type { Profile } from "../settings.ts";

/** A link that opens nothing: there is no profile (any more), or it cannot be opened. */
export class LinkProblem extends Error {
  constructor(readonly kind: "gone" | "damaged") {
    super(kind);
  }
}

/** A token as it stands in a link: 128 bits in base64url. */
const TOKEN = /^#([A-Za-z0-9_-]{21}[AQgw])$/;

/** The token in a fragment such as `location.hash`; empty where there is none. */
export function tokenIn(fragment: string): string {
  return TOKEN.exec(fragment)?.[1] ?? "";
}

/** Whether a fragment looks like a link's, be it whole, cut off, or with something behind it. */
export function looksLinked(fragment: string): boolean {
  return /^#[\w-]{10,}/.test(fragment);
}

const VERSION = 1;
const NONCE = 12;

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

async function derived(token: string, purpose: string, length: number): Promise<ArrayBuffer> {
  const text = atob(token.replaceAll("-", "+").replaceAll("_", "/"));
  const value = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const secret = await crypto.subtle.importKey("raw", value, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes(purpose) };
  return crypto.subtle.deriveBits(how, secret, length * 8);
}

/** The name of a token's profile file: 32 hexadecimal digits. */
export async function nameOf(token: string): Promise<string> {
  const name = await derived(token, "cmp-bundle profile name 1", 16);
  return [...new Uint8Array(name)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The profile in a sealed file. Raises LinkProblem. */
export async function opened(sealed: ArrayBuffer, token: string): Promise<Profile> {
  const file = new Uint8Array(sealed);
  try {
    if (file[0] !== VERSION) throw new Error(`version ${file[0]}`);
    const raw = await derived(token, "cmp-bundle profile key 1", 32);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    const how = { name: "AES-GCM", iv: file.slice(1, 1 + NONCE), additionalData: file.slice(0, 1) };
    const plain = await crypto.subtle.decrypt(how, key, file.slice(1 + NONCE));
    return JSON.parse(new TextDecoder().decode(plain)) as Profile;
  } catch {
    throw new LinkProblem("damaged");
  }
}

/** The profile of `token` on the server whose page lies in `folder`. Raises LinkProblem. */
export async function fetchProfile(token: string, folder: URL): Promise<Profile> {
  // Never from a cache: a password that was changed on the server is changed here at once.
  const answer = await fetch(new URL(`p/${await nameOf(token)}.bin`, folder), { cache: "no-store" });
  if (answer.status === 404) throw new LinkProblem("gone");
  if (!answer.ok) throw new Error(`${answer.status}`);
  return opened(await answer.arrayBuffer(), token);
}
