// What somebody types to call: a number, a name, user@host, or a whole SIP address.

/** The SIP address to call, within `domain` unless another is typed; null where there is none. */
export function sipTarget(typed: string, domain: string): string | null {
  const text = typed.trim().replace(/^sips?:/i, "");
  const at = text.lastIndexOf("@");
  const user = at < 0 ? text : text.slice(0, at);
  const host = at < 0 ? domain : text.slice(at + 1);
  if (!user || !host) return null;
  // People group digits in many ways; a dialplan matches them without.
  const dialled = /^[+\d*#][\d*# ()./-]*$/.test(user) ? user.replace(/[ ()./-]/g, "") : user;
  // A percent sign is an escape that somebody copied along with the address.
  return `sip:${dialled.includes("%") ? dialled : encodeURIComponent(dialled)}@${host}`;
}
