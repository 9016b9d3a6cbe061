// Which microphone, camera and speaker to use, remembered for as long as the tab lives.

import { OFF, available, type Choice } from "./media.ts";

const MEMORY = "phone.devices";
const KINDS = { microphone: "audioinput", camera: "videoinput", speaker: "audiooutput" } as const;

export type Kind = keyof Choice;

function remembered(): Choice {
  const none = { microphone: "", camera: "", speaker: "" };
  try {
    return { ...none, ...(JSON.parse(sessionStorage.getItem(MEMORY) ?? "{}") as Partial<Choice>) };
  } catch {
    // Browsers may refuse to keep anything; then nothing was kept.
    return none;
  }
}

function remember(choice: Choice): void {
  try {
    sessionStorage.setItem(MEMORY, JSON.stringify(choice));
  } catch {
    // As above: the choice holds until the page is left.
  }
}

export class Devices {
  readonly choice = remembered();
  private readonly kinds = Object.keys(KINDS) as Kind[];

  constructor(private readonly changed: (kind: Kind) => void) {
    for (const kind of this.kinds) {
      this.select(kind).addEventListener("change", ({ target }) => {
        this.choice[kind] = (target as HTMLSelectElement).value;
        remember(this.choice);
        this.changed(kind);
      });
    }
    if (available()) navigator.mediaDevices.addEventListener("devicechange", () => void this.list());
  }

  /** Bring the lists up to date. Names are told once the browser has allowed a microphone. */
  async list(): Promise<void> {
    const devices = available() ? await navigator.mediaDevices.enumerateDevices() : [];
    for (const kind of this.kinds) {
      const select = this.select(kind);
      const found = devices.filter((device) => device.kind === KINDS[kind] && device.deviceId);
      const options = found.map(
        ({ label, deviceId }, index) => new Option(label || `${kind} ${index + 1}`, deviceId),
      );
      // Chromium lists the usual device itself, by the name "default".
      if (!found.some(({ deviceId }) => deviceId === "default")) options.unshift(new Option("Default", ""));
      if (kind === "camera") options.push(new Option("No camera", OFF));
      select.textContent = "";
      select.append(...options);
      select.value = this.choice[kind];
      if (select.selectedIndex < 0) select.selectedIndex = 0;
    }
    const directed = "setSinkId" in HTMLMediaElement.prototype;
    const speakers = devices.some((device) => device.kind === KINDS.speaker);
    (this.select("speaker").parentElement as HTMLElement).hidden = !directed || !speakers;
  }

  private select(kind: Kind): HTMLSelectElement {
    return document.getElementById(kind) as HTMLSelectElement;
  }
}
