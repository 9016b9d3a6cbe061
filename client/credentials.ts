// What stands in the password field: a password, or HA1 in the form ha1:REALM:HEX.

import type { Profile } from "./settings.ts";

/** What JsSIP authenticates with. */
export type Credentials = { password: string } | { ha1: string; realm: string };

/** HA1 is good for one account at one realm. */
const HA1 = /^ha1:(.*):([0-9a-f]{32})$/;

export function credentials(typed: string): Credentials {
  const [, realm, ha1] = HA1.exec(typed) ?? [];
  return ha1 === undefined ? { password: typed } : { ha1, realm: realm ?? "" };
}

/** What a profile puts into the field. */
export function typedSecret({ ha1, realm = "", password = "" }: Profile): string {
  return ha1 ? `ha1:${realm}:${ha1}` : password;
}
