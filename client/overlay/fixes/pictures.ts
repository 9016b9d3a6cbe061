// The pictures of a call: those of people who leave, those that come late, and their frames.

import { helpToStart } from "../../phone/keyframe.ts";
import { sort } from "../../phone/received.ts";
import { on, onConnection, replace } from "./hooks.ts";
import { talking } from "./talk.ts";
import { element, type Phone } from "./upstream.ts";

const view = ({ id }: MediaStream): HTMLElement | null => element(id);
const videos = (): NodeListOf<HTMLVideoElement> => document.querySelectorAll("#media-views video");

/** D11: people who leave a conference take their picture with them, in every browser. */
export function takeAwayWhoLeft(): void {
  onConnection((connection, session, { _remotes }) => {
    connection.addEventListener("signalingstatechange", () => {
      // Whoever holds a call receives nothing, and still has it.
      if (connection.signalingState !== "stable" || session.isOnHold().local) return;
      const received = new Set([...sort(connection.getTransceivers(), ({ id }) => id).values()].flat());
      for (const stream of [..._remotes._streams]) {
        if (!stream.getTracks().some((track) => received.has(track))) _remotes.remove(stream);
      }
    });
  });
}

/** D15: the timer that looks after a picture ends with it. */
export function stopTimers(phones: { prototype: Phone }): void {
  const timers = new Map<MediaStream, number[]>();
  replace(phones.prototype, "raise", (original) => function (this: Phone, event, data) {
    const { setInterval } = window;
    const started: number[] = [];
    if (event === "streamAdded") {
      timers.set(data as MediaStream, started);
      window.setInterval = ((...wanted: Parameters<typeof setInterval>) => {
        const timer = setInterval(...wanted);
        started.push(timer);
        return timer;
      }) as typeof setInterval;
    }
    try {
      original.call(this, event, data);
    } finally {
      window.setInterval = setInterval;
    }
    if (event === "streamRemoved") timers.get(data as MediaStream)?.forEach(clearInterval);
  });
}

/** D16: the words over a picture get the style that they were meant to have. */
export function styleWords(): void {
  on("streamAdded", (_phone, stream) => {
    for (const words of view(stream)?.children ?? []) {
      const { classname } = words as Element & { classname?: string };
      if (classname && !words.className) words.className = classname;
    }
  });
}

/**
 * D22: sound and picture are shown whatever streams they come in: in none, or each in one of its
 * own, as Asterisk sends those of a call between two.
 */
export function pairTracks(): void {
  onConnection((connection, session, { _remotes }) => {
    const show = connection.ontrack;
    if (!show) return;
    const shown = (track: MediaStreamTrack, stream: MediaStream): void => {
      show.call(connection, { track, streams: [stream] } as unknown as RTCTrackEvent);
    };
    const pair = new MediaStream();
    connection.ontrack = (event) => {
      const { track, streams } = event;
      if (connection.getTransceivers().length > 2 && !pair.getTrackById(track.id)) {
        if (streams.length) show.call(connection, event);
        else shown(track, new MediaStream([track]));
        return;
      }
      pair.addTrack(track);
      // The other one comes at once, if it comes.
      setTimeout(() => {
        if (talking()?.session === session && !_remotes._streams.includes(pair)) shown(track, pair);
      });
    };
  });
}

/**
 * D23: a picture that joins a stream later, or starts in the middle of one, is shown; and sound
 * does not wait for a picture, as it does in Chromium (seen in 156), for ever if none comes.
 */
export function showLate(): void {
  on("streamAdded", (_phone, stream) => {
    const video = view(stream)?.querySelector("video");
    if (!video || video.muted) return;
    const voice = Object.assign(document.createElement("audio"), { autoplay: true, srcObject: stream });
    video.muted = true;
    video.after(voice);
  });
  onConnection((connection) => {
    connection.addEventListener("track", ({ track }) => {
      // Upstream switches each off, and on again when its stream begins to play, which it may have done.
      track.addEventListener("unmute", () => (track.enabled = true));
    });
    connection.addEventListener("signalingstatechange", () => {
      if (connection.signalingState !== "stable") return;
      helpToStart(connection, () => [...videos()].some(isWaiting));
    });
  });
}

function isWaiting({ videoWidth, srcObject }: HTMLVideoElement): boolean {
  // In place of a picture that is switched off, Chromium shows a black one of two by two.
  return videoWidth <= 2 && (srcObject as MediaStream | null)?.getVideoTracks().some(({ muted }) => !muted) === true;
}
