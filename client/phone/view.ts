// What the page shows in each situation: words and buttons, as data.

import type { Peer, Phase } from "./call.ts";
import type { LineState } from "./line.ts";

export interface Situation {
  line: LineState;
  registered: boolean;
  /** The account's id, and the server's name. */
  id: string;
  server: string;
  call: { phase: Phase; peer: Peer; held: boolean } | null;
}

export interface View {
  connect: { value: string; enabled: boolean };
  call: { value: string; enabled: boolean };
  /** The second button beside Call: what it says, or nothing where there is none. */
  decline: string;
  line: string;
  /** Who the call is with, and how far it is. */
  peer: string;
  about: string;
}

const CONNECT: Record<LineState, string> = {
  offline: "Connect",
  connecting: "Connecting",
  registering: "Registering",
  online: "Disconnect",
  closing: "Disconnecting",
};

const CALL: Record<Phase, string> = {
  preparing: "Ringing",
  calling: "Ringing",
  ringing: "Ringing",
  incoming: "Answer",
  answering: "Hangup",
  talking: "Hangup",
};

const ABOUT: Record<Phase, string> = {
  preparing: "Waiting for the microphone",
  calling: "Calling",
  ringing: "Ringing",
  incoming: "is calling",
  answering: "Answering",
  talking: "In the call",
};

export function view({ line, registered, id, server, call }: Situation): View {
  return {
    connect: { value: CONNECT[line], enabled: line !== "closing" },
    call: call ? { value: CALL[call.phase], enabled: true } : { value: "Call", enabled: line === "online" },
    decline: call?.phase === "incoming" ? "Decline" : call && CALL[call.phase] === "Ringing" ? "Cancel" : "",
    line: lineText(line, registered, id, server),
    peer: call?.peer.name ?? "",
    about: call ? aboutText(call.phase, call.peer, call.held) : "",
  };
}

function lineText(line: LineState, registered: boolean, id: string, server: string): string {
  switch (line) {
    case "offline":
      return "Not connected";
    case "connecting":
      return `Connecting to ${server}`;
    case "registering":
      return `Registering ${id}`;
    case "closing":
      return "Disconnecting";
    case "online":
      return registered ? `${id} is ready` : `${id} can call, but cannot be called`;
  }
}

export function aboutText(phase: Phase, { name, number }: Peer, held: boolean): string {
  const about = held ? "On hold" : ABOUT[phase];
  return phase === "incoming" && number !== name ? `${number} ${about}` : about;
}

/** A duration in milliseconds as 0:07 or 1:02:03. */
export function clockText(duration: number): string {
  const seconds = Math.floor(duration / 1000);
  const two = (number: number): string => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
