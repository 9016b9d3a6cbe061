// One connection at a time, and its end.

import { connectAgain } from "../../phone/again.ts";
import { on, phone, replace } from "./hooks.ts";
import { talking } from "./talk.ts";
import { offer, type Agent, type Outcome, type Phone, type PhoneClass } from "./upstream.ts";

/** How long a server that was never reached may stay silent, in milliseconds. Browsers wait for minutes. */
const PATIENCE = 10_000;

/** D6: a user agent that cannot connect is given up, and never are there two. */
export function connectOnce({ prototype }: PhoneClass): void {
  let reached = false;
  let silence = 0;
  let before: Phone | null = null;
  const giveUp = (failed: Phone): void => failed._ua?.stop();
  replace(prototype, "connect", (original) => function (this: Phone) {
    const old = before;
    before = this;
    if (old && old !== this) {
      // What it still has to say is nobody's any more.
      old._events = {};
      giveUp(old);
    }
    reached = false;
    clearTimeout(silence);
    silence = window.setTimeout(() => {
      if (reached || phone() !== this) return;
      this.raise("disconnected", {});
      giveUp(this);
    }, PATIENCE);
    original.call(this);
  });
  on("connected", () => {
    reached = true;
    clearTimeout(silence);
  });
  on("disconnected", (owner) => {
    clearTimeout(silence);
    // Stopping says it again.
    if (!reached && owner === before) giveUp(owner);
  });
  // A call outlives a connection that is lost and comes back.
  for (const event of ["connected", "registered"]) {
    on(event, () => {
      if (talking()?.phase === "talking") offer("Hangup");
    });
  }
}

/**
 * D29: a server that is still starting may take a request to register and never answer it; in the
 * end one of the two gives the connection up.
 */
export function tryAgain({ prototype }: PhoneClass): void {
  let registered: Phone | null = null;
  replace(prototype, "raise", (original) => function (this: Phone, event, data) {
    if (event === "registered") registered = this;
    const { response, cause } = (data ?? {}) as Partial<Outcome>;
    if (event === "registrationFailed" && registered === this && !response) {
      // Where the connection is lost, JsSIP makes another by itself.
      if (cause !== "Connection Error") connectAgain((this._ua as Agent).transport.socket);
      return;
    }
    original.call(this, event, data);
  });
}

/** How long a page that is left in a call waits for the server to notice, in milliseconds. */
const GOODBYE = 100;

/** D24: whoever leaves the page hangs up and unregisters. */
export function leave(): void {
  const bye = (): void => {
    const busy = talking() !== null;
    phone()?.disconnect();
    // Asterisk 16 keeps a call for ever if the connection is gone before it has answered the BYE
    // (seen), and nothing but standing still keeps a page that is being left.
    const until = performance.now() + (busy ? GOODBYE : 0);
    while (performance.now() < until);
  };
  // What is sent on "pagehide" never leaves Firefox (seen in ESR 153), and "beforeunload" does not
  // come on telephones.
  for (const event of ["beforeunload", "pagehide"]) addEventListener(event, bye);
}
