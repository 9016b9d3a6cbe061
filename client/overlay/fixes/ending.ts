// The end of a call: upstream leaves its pictures, and stumbles where there is nothing to end.

import { gone } from "../../phone/messages.ts";
import { watchSilence } from "../../phone/silence.ts";
import { on, onConnection, replace } from "./hooks.ts";
import { say } from "./panel.ts";
import { talking } from "./talk.ts";
import type { Phone, PhoneClass } from "./upstream.ts";

/** How long media may stay away before a call is given up, in milliseconds. */
const SILENCE = 12_000;

const clear = ({ _locals, _remotes }: Phone): void => {
  _locals.removeAll();
  _remotes.removeAll();
};

/** D8: when a call is over, its pictures go, whoever ended it; and one that is dead is told of, or ended. */
export function clearPictures(): void {
  for (const end of ["failed", "ended"]) on(end, clear);
  onConnection((connection, session) => {
    watchSilence(connection, (silent) => {
      const call = talking();
      if (call?.session === session && !session.isOnHold().local) say(silent ? gone(call.name) : null);
    });
    let silence = 0;
    connection.addEventListener("iceconnectionstatechange", () => {
      clearTimeout(silence);
      if (connection.iceConnectionState !== "disconnected") return;
      silence = window.setTimeout(() => {
        if (talking()?.session === session) session.terminate({ cause: "RTP Timeout" });
      }, SILENCE);
    });
  });
}

/** D12: hanging up a call that is over does nothing but clear its pictures. */
export function hangUpOnce({ prototype }: PhoneClass): void {
  replace(prototype, "terminate", (original) => function (this: Phone) {
    if (this._rtc && !this._rtc.isEnded()) original.call(this);
    else clear(this);
  });
}
