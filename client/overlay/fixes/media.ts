// The microphone and the camera, and how long to look for ways to this browser.

import { iceServers } from "../../person.ts";
import { MediaProblem, capture, type Choice } from "../../phone/media.ts";
import { noCamera, stopped } from "../../phone/messages.ts";
import { sipTarget } from "../../phone/target.ts";
import { onConnection, onOptions, phone, replace } from "./hooks.ts";
import { say } from "./panel.ts";
import type { Phone, PhoneClass } from "./upstream.ts";

/** Which devices people chose. */
export const choice: Choice = { microphone: "", camera: "", speaker: "" };

/** Ask for microphone and camera past all fixes. */
export const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);

/** D5: without a camera a call goes on with sound, and what is missing is told. */
export function doWithoutCamera(): void {
  if (!ask) return;
  replace(navigator.mediaDevices, "getUserMedia", () => async (wanted = {}) => {
    // Where there is no microphone at all, upstream does without, and means to.
    if (!wanted.audio) return ask(wanted);
    try {
      const { stream, note } = await capture(choice, Boolean(wanted.video), ask);
      if (note) say(note);
      // Upstream has looked for a camera before it asks.
      else if (!phone()?.video) say(noCamera("NotFoundError"));
      return stream;
    } catch (error) {
      if (error instanceof MediaProblem) say(error.problem);
      throw error;
    }
  });
  onOptions(({ mediaConstraints: wanted }) => {
    // With neither, JsSIP would offer nothing at all.
    if (wanted && !wanted.audio && !wanted.video) wanted.audio = true;
  });
  onConnection((connection, { direction, localMediaStream }) => {
    // Whoever has no camera can still look on.
    if (direction === "outgoing" && !localMediaStream?.getVideoTracks().length) {
      connection.addTransceiver("video", { direction: "recvonly" });
    }
    for (const track of localMediaStream?.getTracks() ?? []) {
      track.addEventListener("ended", () => say(stopped(track.kind)));
    }
  });
}

/** Whose call is being placed. */
let calling: Phone | null = null;

/** D10: a whole SIP address is called with the same media as a number, and a number without what groups it. */
export function askAlike({ prototype }: PhoneClass): void {
  replace(prototype, "call", (original) => function (this: Phone, extension) {
    calling = this;
    original.call(this, sipTarget(extension, this.host) ?? extension);
    calling = null;
  });
  onOptions((options) => {
    if (calling) options.mediaConstraints ??= { audio: calling.audio, video: calling.video };
  });
}

/** How long to look for ways to this browser. What is found later is rarely the one that works. */
const GATHERING = 2_000;

/** D26: STUN and TURN servers, and an end to looking for ways to this browser. */
export function limitGathering(): void {
  onOptions((options) => {
    options.pcConfig ??= { iceServers: iceServers() };
  });
  onConnection((connection) => {
    let timer = 0;
    /** What was not found the first time is not waited for again. */
    let patience = GATHERING;
    const end = (): void => {
      patience = 0;
      // JsSIP waits for this very event, which with many interfaces takes up to 40 seconds.
      connection.dispatchEvent(new Event("icecandidate"));
    };
    connection.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate) timer ||= window.setTimeout(end, patience);
      else clear();
    });
    connection.addEventListener("signalingstatechange", () => {
      if (connection.iceGatheringState === "gathering") timer ||= window.setTimeout(end, patience);
    });
    const clear = (): void => {
      clearTimeout(timer);
      timer = 0;
    };
  });
}
