// The account form: what is in it when Connect is pressed, and what is wrong with it.

import type { Server } from "../settings.ts";
import { socketUrl, type Place } from "../socket.ts";
import type { Account } from "./line.ts";

/** What is wrong with a field, and which. */
export class FieldProblem extends Error {
  constructor(
    readonly field: "accountId" | "accountHost",
    text: string,
  ) {
    super(text);
  }
}

/** What stands in the form. */
export interface Typed {
  id: string;
  name: string;
  password: string;
  host: string;
  register: boolean;
}

/** The account that the form describes. Raises FieldProblem. */
export function accountFrom(typed: Typed, server: Server, place: Place, secure: boolean): Account {
  const id = typed.id.trim();
  if (!id) throw new FieldProblem("accountId", "Fill in the ID of your account.");
  if (/[\s@<>%]/.test(id)) throw new FieldProblem("accountId", "An ID is a single word, such as alice or 1001.");
  const socket = socketUrl(typed.host, server, place);
  const domain = domainOf(socket);
  if (!domain) {
    throw new FieldProblem("accountHost", "This is not a server: fill in a name, name:port, or a wss:// address.");
  }
  // Browsers refuse it too, but say so only in the console.
  if (secure && /^ws:/i.test(socket)) {
    throw new FieldProblem("accountHost", "From an https page only wss:// addresses can be reached.");
  }
  return { id, name: typed.name.trim(), password: typed.password, register: typed.register, socket, domain };
}

/** The name or address in a URL; empty where it is none. */
function domainOf(url: string): string {
  try {
    const { hostname } = new URL(url.replace(/^ws/i, "http"));
    // Chromium makes %20 of a space where others refuse it.
    return hostname.includes("%") ? "" : hostname;
  } catch {
    return "";
  }
}
