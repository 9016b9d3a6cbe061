// What went wrong, in a sentence with what to do: upstream says nothing.

import { isOwn, overTls } from "../../page.ts";
import { callEnded, connectionLost, insecure, notCallable, registrationFailed, unreachable } from "../../phone/messages.ts";
import { sipTarget } from "../../phone/target.ts";
import { domain, socket } from "./account.ts";
import { on, onArriving, onClick } from "./hooks.ts";
import { say } from "./panel.ts";
import { talking } from "./talk.ts";
import { input } from "./upstream.ts";

/** D7: only a page that came over TLS gets a microphone: said before Connect is pressed, with a link. */
export function askForTls(): void {
  if (isSecureContext) return;
  const tell = (): boolean => {
    say(insecure(overTls()));
    return false;
  };
  tell();
  onClick("connect", tell);
}

/** D5: what ended a call, or kept it or the phone from beginning. */
export function tellFailures(): void {
  /** Registered or, where that was not wanted, connected. */
  let online = false;
  let told = false;
  onClick("connect", () => {
    online = told = false;
    say(null);
  });
  onClick("call", ({ value }) => {
    if (value !== "Call") return;
    const callable = sipTarget(input("extension").value, domain());
    say(callable ? null : notCallable);
    return callable !== null;
  });
  // What was told was about the call before.
  onArriving(() => say(null));
  for (const event of ["connected", "registered"]) {
    on(event, ({ register }) => {
      if (online) say(null);
      online ||= event === "registered" || !register;
    });
  }
  on("registrationFailed", ({ id }, { response, cause }) => {
    // Without a connection "disconnected" follows, and knows better.
    if (cause === "Connection Error") return;
    told = true;
    say(registrationFailed(response?.status_code ?? 0, id));
  });
  on("disconnected", (_phone, data: unknown) => {
    // Without data it was this phone that wanted it.
    if (!data || told) return;
    const url = socket();
    say(online ? connectionLost : unreachable(url, isOwn(url)));
  });
  for (const end of ["failed", "ended"]) {
    on(end, (_phone, { originator, cause, message }) => {
      const call = talking();
      if (!call || cause === "User Denied Media Access") return;
      const elsewhere = /cause=(200|26)\b/.test(message?.getHeader?.("Reason") ?? "");
      const missed = call.phase === "incoming";
      const ending = { originator, cause, status: message?.status_code ?? 0, missed, elsewhere, reached: call.reached };
      const sentence = callEnded(ending, call.name);
      if (sentence) say(sentence);
    });
  }
}

/** What JsSIP calls an agent that was told to stop. */
const CLOSED = 2;

/** D28: a registration that is lost while the connection stands is told: nobody can call any more. */
export function tellUnregistered(): void {
  on("unregistered", ({ id, _ua }, { response }) => {
    if (!response || response.status_code >= 300 || _ua?.status === CLOSED) return;
    say({ text: `${id} is no longer registered, and cannot be called. Disconnect, then connect again.` });
  });
}
