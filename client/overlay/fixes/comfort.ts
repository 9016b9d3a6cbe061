// D25: what a phone has and upstream lacks: who calls, a ring, a keypad, hold, a choice of devices.

import { Devices } from "../../phone/devices.ts";
import { toggleHold } from "../../phone/hold.ts";
import { buildKeypad, struck } from "../../phone/keypad.ts";
import { MediaProblem, OFF, captureOne } from "../../phone/media.ts";
import { RING, RINGBACK, Ringer } from "../../phone/ring.ts";
import { Title } from "../../phone/title.ts";
import { aboutText } from "../../phone/view.ts";
import { on, onClick } from "./hooks.ts";
import { ask, choice } from "./media.ts";
import { about, controls, peer, say } from "./panel.ts";
import { onTalk, talking } from "./talk.ts";
import { element, input } from "./upstream.ts";

const button = (id: string, value: string, does: () => void): HTMLInputElement => {
  const made = Object.assign(document.createElement("input"), { type: "button", id, value });
  made.addEventListener("click", does);
  controls.append(made, " ");
  return made;
};

export function comfort(): void {
  showCaller();
  ring();
  keypad();
  holdButton();
  chooseDevices();
  on("streamAdded", (_phone, { id }) => {
    element(id)?.querySelector("video")?.setAttribute("playsinline", "");
  });
}

function showCaller(): void {
  onTalk((call) => {
    peer.textContent = call?.name ?? "";
    about.textContent = call ? aboutText(call.phase, call, call.session.isOnHold().local) : "";
    controls.hidden = call?.phase !== "talking";
    // Answer is out of reach behind the account.
    if (call?.phase === "incoming") globalThis.accountClose?.();
  });
}

function ring(): void {
  const ringer = new Ringer();
  const title = new Title();
  for (const id of ["connect", "call"]) onClick(id, () => ringer.unlock());
  onTalk((call) => {
    const { phase, early, name } = call ?? {};
    ringer.play(phase === "incoming" ? RING : phase === "ringing" && !early ? RINGBACK : null);
    title.call(phase === "incoming" ? `${name} is calling` : "");
  });
}

function press(key: string): void {
  const call = talking();
  if (call?.phase !== "talking") return;
  for (const { dtmf } of call.session.connection?.getSenders() ?? []) {
    if (dtmf?.canInsertDTMF) dtmf.insertDTMF(dtmf.toneBuffer + key);
  }
}

function keypad(): void {
  const place = Object.assign(document.createElement("div"), { id: "keypad", hidden: true });
  button("keypad-toggle", "Keypad", () => (place.hidden = !place.hidden));
  controls.after(place);
  buildKeypad(place, press);
  onTalk((call) => {
    if (!call) place.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    const key = struck(event);
    if (key) press(key);
  });
}

function holdButton(): void {
  const hold = button("hold", "Hold", () => {
    const call = talking();
    if (call?.phase === "talking") toggleHold(call.session);
  });
  onTalk((call) => {
    hold.value = call?.session.isOnHold().local ? "Resume" : "Hold";
  });
}

function chooseDevices(): void {
  const form = input("extension").parentElement;
  if (!form || !isSecureContext) return;
  const lists = document.createElement("div");
  for (const kind of ["Microphone", "Camera", "Speaker"]) {
    const label = document.createElement("label");
    label.append(`${kind}:`, Object.assign(document.createElement("select"), { id: kind.toLowerCase() }));
    lists.append(label);
  }
  input("extension").after(lists);
  const devices = new Devices((kind) => void change(kind));
  Object.assign(choice, devices.choice);
  const speak = (): void => {
    for (const player of document.querySelectorAll<HTMLMediaElement>("#media-views :is(audio, video)")) {
      // If it was unplugged since it was chosen, the usual one plays on.
      void player.setSinkId?.(choice.speaker).catch(() => null);
    }
  };
  async function change(kind: keyof typeof choice): Promise<void> {
    choice[kind] = devices.choice[kind];
    if (kind === "speaker") speak();
    else await swap(kind === "camera" ? "video" : "audio", choice[kind]);
  }
  void devices.list();
  onClick("account", () => void devices.list());
  on("streamAdded", () => {
    speak();
    // Not before now does the browser tell what the devices are called.
    void devices.list();
  });
}

/** Take another microphone or camera in the middle of a call. */
async function swap(kind: "audio" | "video", id: string): Promise<void> {
  const { connection, localMediaStream: stream } = talking()?.session ?? {};
  const old = stream?.getTracks().find((track) => track.kind === kind);
  const sender = connection?.getSenders().find(({ track }) => track !== null && track === old);
  if (!stream || !old || !sender || !ask) return;
  if (id === OFF) {
    old.enabled = false;
    return;
  }
  try {
    const track = await captureOne(kind, id, ask);
    await sender.replaceTrack(track);
    old.stop();
    stream.removeTrack(old);
    stream.addTrack(track);
  } catch (error) {
    if (!(error instanceof MediaProblem)) throw error;
    say(error.problem);
  }
}
