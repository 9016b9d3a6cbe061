// One call, from the press of a button or the first ring to its end.

import { C } from "jssip";
import type { IncomingRequest, IncomingResponse } from "jssip/lib/SIPMessage";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { CallOptions } from "jssip/lib/UA";
import { iceServers } from "../person.ts";
import { toggleHold } from "./hold.ts";
import { MediaProblem, captureOne, release, type Capture } from "./media.ts";
import { callEnded, gone, notCallable, stopped, type Message } from "./messages.ts";
import { watchSilence } from "./silence.ts";

/** preparing: the browser may be asking for the microphone; nothing has been sent yet. */
export type Phase = "preparing" | "calling" | "ringing" | "incoming" | "answering" | "talking";

export interface Peer {
  /** What to call them: their name, or else their number. */
  name: string;
  number: string;
}

export interface CallEvents {
  changed(): void;
  /** The browser's end of the media is there, and may be watched. */
  connected(connection: RTCPeerConnection): void;
  /** Something to tell; null where what was told is over. */
  say(message: Message | null): void;
  over(message: Message | null): void;
}

/** How long to look for ways to this browser. What is found later is rarely the one that works. */
const GATHERING = 2_000;

/** How long media may stay away before a call is given up. Chromium alone takes over 45 seconds. */
const SILENCE = 12_000;

/** JsSIP's types say neither that a message may be missing, nor which of the two it is. */
interface Ended {
  originator: string;
  cause: string;
  message: (Partial<IncomingRequest> & Partial<IncomingResponse>) | null;
}

export class Call {
  phase: Phase;
  held = false;
  /** The other side sends its own ringing tone, or an announcement. */
  early = false;
  readonly muted = { audio: false, video: false };
  stream: MediaStream | null = null;
  private session: RTCSession | null;
  private isOver = false;
  /** Media once got through. */
  private reached = false;

  constructor(
    readonly peer: Peer,
    private readonly events: CallEvents,
    ringing: RTCSession | null = null,
    /** Whether pictures are sent, if there is a camera: not where the caller offered none. */
    private readonly pictures = true,
  ) {
    this.phase = ringing ? "incoming" : "preparing";
    this.session = ringing;
    if (ringing) this.follow(ringing);
  }

  /** Call somebody, with the media that `capture` brings. */
  async place(capture: (video: boolean) => Promise<Capture>, start: (options: CallOptions) => RTCSession): Promise<void> {
    const stream = await this.take(capture);
    if (!stream) return;
    try {
      const session = start({ mediaStream: stream, pcConfig: { iceServers: iceServers() } });
      this.session = session;
      this.follow(session);
      // Whoever has no camera can still look on.
      if (this.tracks("video").length === 0) {
        session.on("connecting", () => session.connection.addTransceiver("video", { direction: "recvonly" }));
      }
    } catch {
      // JsSIP could make no SIP address of what was typed.
      this.end(notCallable);
      return;
    }
    this.become("calling");
  }

  async answer(capture: (video: boolean) => Promise<Capture>): Promise<void> {
    if (this.phase !== "incoming") return;
    this.become("answering");
    const stream = await this.take(capture);
    if (stream) this.session?.answer({ mediaStream: stream, pcConfig: { iceServers: iceServers() } });
    // Nobody can be heard here: the caller should not wait for it.
    else if (!this.isOver) this.hangUp();
  }

  /** Cancel, decline or hang up, whichever it is now. */
  hangUp(): void {
    if (this.isOver) return;
    if (!this.session) this.end(null);
    else if (this.phase === "incoming") this.session.terminate({ status_code: 486 });
    else this.session.terminate();
  }

  press(key: string): void {
    if (this.phase !== "talking") return;
    this.session?.sendDTMF(key, { transportType: C.DTMF_TRANSPORT.RFC2833, interToneGap: 70 });
  }

  /** Whether this side put the other on hold. */
  get holding(): boolean {
    return this.session?.isOnHold().local ?? false;
  }

  /** Put the other side on hold, or take the call up again. */
  toggleHold(): void {
    if (this.phase === "talking" && this.session) toggleHold(this.session);
  }

  mute(kind: "audio" | "video", muted: boolean): void {
    this.muted[kind] = muted;
    // JsSIP sets the tracks, and again after a hold.
    this.session?.[muted ? "mute" : "unmute"]({ [kind]: true });
    this.events.changed();
  }

  tracks(kind: "audio" | "video"): MediaStreamTrack[] {
    return this.stream?.getTracks().filter((track) => track.kind === kind) ?? [];
  }

  /** Take another microphone or camera while talking. Raises MediaProblem. */
  async change(kind: "audio" | "video", id: string): Promise<void> {
    const [old] = this.tracks(kind);
    const sender = this.session?.connection?.getSenders().find(({ track }) => track !== null && track === old);
    if (!old || !sender || !this.stream) return;
    const track = await captureOne(kind, id);
    track.enabled = old.enabled;
    await sender.replaceTrack(track);
    old.stop();
    this.stream.removeTrack(old);
    this.stream.addTrack(track);
    this.miss(track);
    if (this.isOver) release(this.stream);
    this.events.changed();
  }

  /** Tell when its device goes away; a track that is let go does not end so. */
  private miss(track: MediaStreamTrack): void {
    track.addEventListener("ended", () => {
      this.events.say(stopped(track.kind));
      this.events.changed();
    });
  }

  /** What `capture` brings; null where it brings nothing, or too late. */
  private async take(capture: (video: boolean) => Promise<Capture>): Promise<MediaStream | null> {
    try {
      const { stream, note } = await capture(this.pictures);
      if (this.isOver) {
        release(stream);
        return null;
      }
      this.stream = stream;
      for (const track of stream.getTracks()) this.miss(track);
      if (note) this.events.say(note);
      this.events.changed();
      return stream;
    } catch (error) {
      if (!(error instanceof MediaProblem)) throw error;
      if (this.session) this.events.say(error.problem);
      else this.end(error.problem);
      return null;
    }
  }

  private follow(session: RTCSession): void {
    // An outgoing session has its connection by now; an incoming one gets it when it is answered.
    if (session.connection) this.watch(session, session.connection);
    else session.on("peerconnection", ({ peerconnection }) => this.watch(session, peerconnection));
    let gathering = 0;
    session.on("icecandidate", ({ ready }) => {
      // JsSIP waits for the last candidate, which with many interfaces takes up to 40 seconds.
      if (!gathering) gathering = window.setTimeout(ready, GATHERING);
    });
    session.on("sdp", ({ originator }) => {
      if (originator === "local") {
        clearTimeout(gathering);
        gathering = 0;
      }
    });
    session.on("progress", (event: { originator: string; response?: { body?: string } | null }) => {
      if (event.originator !== "remote") return;
      this.early = Boolean(event.response?.body);
      this.become("ringing");
    });
    session.on("confirmed", () => this.become("talking"));
    for (const event of ["hold", "unhold"] as const) session.on(event, () => this.hold(session));
    session.on("failed", (event) => this.finish(event));
    session.on("ended", (event) => this.finish(event));
  }

  private watch(session: RTCSession, connection: RTCPeerConnection): void {
    this.events.connected(connection);
    watchSilence(connection, (silent) => {
      if (!this.isOver && !session.isOnHold().local) this.events.say(silent ? gone(this.peer.name) : null);
    });
    let silence = 0;
    connection.addEventListener("iceconnectionstatechange", () => {
      const state = connection.iceConnectionState;
      this.reached ||= state === "connected" || state === "completed";
      clearTimeout(silence);
      if (state !== "disconnected") return;
      silence = window.setTimeout(() => {
        if (!this.isOver) session.terminate({ cause: C.causes.RTP_TIMEOUT });
      }, SILENCE);
    });
  }

  private hold(session: RTCSession): void {
    // Either side may do so, and the other one too.
    const { local, remote } = session.isOnHold();
    this.held = local || remote;
    this.events.changed();
  }

  private finish({ originator, cause, message }: Ended): void {
    const elsewhere = /cause=(200|26)\b/.test(message?.getHeader?.("Reason") ?? "");
    const status = message?.status_code ?? 0;
    const missed = this.phase === "incoming";
    const ending = { originator, cause, status, missed, elsewhere, reached: this.reached };
    this.end(callEnded(ending, this.peer.name));
  }

  private end(message: Message | null): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.stream) release(this.stream);
    this.events.over(message);
  }

  private become(phase: Phase): void {
    if (this.isOver) return;
    this.phase = phase;
    this.events.changed();
  }
}
