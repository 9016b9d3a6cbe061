// The microphone and the camera: asked for when a call needs them, let go when it ends.

import { noCamera, noMicrophone, type Message } from "./messages.ts";

/** Which devices to take; an empty string leaves it to the browser. */
export interface Choice {
  microphone: string;
  camera: string;
  speaker: string;
}

/** What stands for "no camera" in a choice. */
export const OFF = "off";

/** What a call gets: sound, a picture where there is one, and what to say where there is none. */
export interface Capture {
  stream: MediaStream;
  note: Message | null;
}

export class MediaProblem extends Error {
  constructor(readonly problem: Message) {
    super(problem.text);
  }
}

/** Browsers hide the whole interface from pages that did not come over TLS. */
export const available = (): boolean => navigator.mediaDevices !== undefined;

// No `exact`: a device that was unplugged since it was chosen must not stop a call.
const device = (id: string): MediaTrackConstraints | true => (id ? { deviceId: id } : true);

/** How a page asks its browser for devices. */
export type Ask = (wanted: MediaStreamConstraints) => Promise<MediaStream>;
const asking: Ask = (wanted) => navigator.mediaDevices.getUserMedia(wanted);

/** Sound, and a picture if `video`. Raises MediaProblem where there is no microphone. */
export async function capture(choice: Choice, video: boolean, ask = asking): Promise<Capture> {
  const audio = device(choice.microphone);
  let note: Message | null = null;
  if (video && choice.camera !== OFF) {
    try {
      const both = { audio, video: device(choice.camera) };
      return { stream: await ask(both), note };
    } catch (error) {
      // It may have failed for either device. Sound alone tells which, and is worth a call.
      note = noCamera((error as Error).name);
    }
  }
  try {
    return { stream: await ask({ audio }), note };
  } catch (error) {
    throw new MediaProblem(noMicrophone((error as Error).name));
  }
}

/** Another device in the middle of a call. Raises MediaProblem. */
export async function captureOne(kind: "audio" | "video", id: string, ask = asking): Promise<MediaStreamTrack> {
  try {
    const stream = await ask({ [kind]: device(id) });
    return stream.getTracks()[0] as MediaStreamTrack;
  } catch (error) {
    const { name } = error as Error;
    throw new MediaProblem(kind === "audio" ? noMicrophone(name) : noCamera(name));
  }
}

export function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
