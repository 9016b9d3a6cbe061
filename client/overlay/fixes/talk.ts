// The call that is going on: with whom, and how far it is.

import type { Phase } from "../../phone/call.ts";
import { on, onArriving, onConnection } from "./hooks.ts";
import { input, type Session } from "./upstream.ts";

export interface Talk {
  session: Session;
  /** What to call the other side: a name, or else a number. */
  name: string;
  number: string;
  phase: Phase;
  /** The other side sends its own ringing tone. */
  early: boolean;
  /** Media once got through. */
  reached: boolean;
}

let talk: Talk | null = null;
const watching: ((talk: Talk | null) => void)[] = [];

export const talking = (): Talk | null => talk;
/** Called at every change, and when the call is over. */
export const onTalk = (does: (talk: Talk | null) => void): unknown => watching.push(does);

export function changed(phase?: Phase): void {
  if (talk && phase) talk.phase = phase;
  for (const does of watching) does(talk);
}

/** Keep account of the calls that the phone hears of. */
export function follow(): void {
  onArriving((session) => {
    // A second call is not this one's end.
    if (talk && !talk.session.isEnded()) return;
    const { display_name, uri } = session.remote_identity;
    const mine = session.direction === "outgoing";
    const number = mine ? input("extension").value.trim() : (uri.user ?? "");
    talk = { session, name: (!mine && display_name) || number, number, phase: mine ? "calling" : "incoming", early: false, reached: false };
    const become = (phase: Phase) => (): void => {
      if (talk?.session === session) changed(phase);
    };
    session.on("progress", ({ originator, response }: { originator: string; response?: { body?: string } | null }) => {
      if (originator !== "remote" || talk?.session !== session) return;
      talk.early = Boolean(response?.body);
      changed("ringing");
    });
    session.on("accepted", become(mine ? "talking" : "answering"));
    session.on("confirmed", become("talking"));
    session.on("hold", become("talking"));
    session.on("unhold", become("talking"));
    changed();
  });
  onConnection((connection, session) => {
    connection.addEventListener("iceconnectionstatechange", () => {
      if (talk?.session === session && /^(connected|completed)$/.test(connection.iceConnectionState)) talk.reached = true;
    });
  });
}

/** To be called after everybody else: what they have to say about a call needs to know of it. */
export function forget(): void {
  for (const end of ["failed", "ended"]) {
    on(end, () => {
      talk = null;
      changed();
    });
  }
}
