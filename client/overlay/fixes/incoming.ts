// Calls from others: upstream stumbles over them before they ring, and does not answer them.

import { busyMeanwhile } from "../../phone/messages.ts";
import { afterClick, onArrived, onArriving, onConnection, phone } from "./hooks.ts";
import { decline, say } from "./panel.ts";
import { changed, onTalk, talking } from "./talk.ts";
import { offer, type Session } from "./upstream.ts";

/** What upstream puts on a connection as soon as there is a call. */
const PUT_ON = ["ontrack", "onremovestream"] as const;

/**
 * D1: a call that comes in has no connection before it is answered. It gets one to go on with,
 * unless upstream's code for calls, `source`, waits for the connection itself.
 */
export function ringIncoming(source: string): void {
  if (source.includes("peerconnection")) return;
  const standIns = new WeakMap<Session, Record<string, unknown>>();
  onArriving((session) => {
    if (session.connection) return;
    const standIn: Record<string, unknown> = { close() {} };
    standIns.set(session, standIn);
    session.connection = standIn as unknown as RTCPeerConnection;
  });
  onConnection((connection, session) => {
    const standIn = standIns.get(session);
    for (const name of PUT_ON) {
      const handler = standIn?.[name];
      if (handler) Object.assign(connection, { [name]: handler });
    }
  });
}

/** D1 as well: who calls during a call is told that it is busy. */
export function tellBusy(): void {
  onArriving((session) => {
    const call = talking();
    if (!call || call.session === session) return;
    const { display_name, uri } = session.remote_identity;
    session.terminate({ status_code: 486 });
    say(busyMeanwhile(display_name || uri.user || ""));
    return false;
  });
}

/** D2: Answer answers, and there is a button to decline. */
export function answer(): void {
  onArrived((session, _arrival, owner) => {
    if (session.direction === "incoming") owner._rtc = session;
  });
  afterClick("call", (_button, said) => {
    const call = talking();
    if (said !== "Answer" || call?.phase !== "incoming") return;
    changed("answering");
    offer("Hangup");
    // Unless a later phone has answered already.
    if (call.session.isInProgress()) phone()?.answer?.();
  });
  onTalk((call) => {
    if (call?.phase === "incoming") offer();
  });
  decline.addEventListener("click", () => {
    const call = talking();
    if (call?.phase === "incoming") call.session.terminate({ status_code: 486 });
  });
}

/** D9: a call that has not been answered can be taken back. */
export function cancel(): void {
  afterClick("call", ({ disabled, value }) => {
    if (disabled && value === "Ringing") offer();
  });
  decline.addEventListener("click", () => {
    if (talking()?.session.direction === "outgoing") phone()?.terminate();
  });
}

/** The button beside Call says what it does; `declining` and `cancelling` say whether it does. */
export function showDecline(declining: boolean, cancelling: boolean): void {
  onTalk((call) => {
    const mine = call?.session.direction === "outgoing";
    decline.value = mine ? "Cancel" : "Decline";
    decline.hidden = !(declining && call?.phase === "incoming") && !(cancelling && mine && call?.phase !== "talking");
  });
}
