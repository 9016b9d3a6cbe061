// One picture of a call: a video or, where there is only sound, a portrait made of a letter.

import { iconButton, label } from "./icons.ts";

/** Safari before 16.4 knows full screen by another name. */
interface FullScreen {
  webkitRequestFullscreen?: () => void;
}

export class Tile {
  readonly element = document.createElement("figure");
  private readonly caption = document.createElement("figcaption");
  private readonly portrait = document.createElement("span");
  private readonly mute = iconButton("speaker");
  private readonly expand = iconButton("expand");
  private readonly stream = new MediaStream();
  private readonly player = document.createElement("video");
  /** For the sound alone: Chromium plays none of it while a picture is awaited beside it (seen in 156). */
  private readonly voice = document.createElement("audio");
  private isMuted = false;
  private isSilent = false;

  /** `seen` is called when the first picture comes, or pictures stop. */
  constructor(
    private readonly local: boolean,
    private readonly seen: () => void,
  ) {
    this.element.className = local ? "tile local" : "tile";
    this.portrait.className = "portrait";
    this.portrait.setAttribute("aria-hidden", "true");
    this.mute.addEventListener("click", () => {
      this.isMuted = !this.isMuted;
      this.sound();
    });
    this.expand.addEventListener("click", () => this.fill());
    const controls = document.createElement("div");
    controls.className = "tile-controls";
    if (!local) controls.append(this.mute, this.expand);
    this.player.muted = true;
    for (const player of [this.player, this.voice]) {
      player.autoplay = true;
      player.setAttribute("playsinline", "");
    }
    for (const event of ["loadedmetadata", "resize", "emptied"]) {
      this.player.addEventListener(event, () => {
        this.element.dataset["picture"] = String(this.hasPicture);
        this.seen();
      });
    }
    this.element.append(this.player, this.voice, this.portrait, this.caption, controls);
    this.sound();
  }

  /** Play these tracks, and nothing else. */
  show(tracks: readonly MediaStreamTrack[]): void {
    for (const old of this.stream.getTracks()) if (!tracks.includes(old)) this.stream.removeTrack(old);
    for (const track of tracks) this.stream.addTrack(track);
    for (const player of this.players) if (player.srcObject !== this.stream) player.srcObject = this.stream;
    this.start();
    this.mute.hidden = this.stream.getAudioTracks().length === 0;
    this.expand.hidden = this.stream.getVideoTracks().length === 0;
  }

  name(name: string): void {
    this.caption.textContent = name;
    this.portrait.textContent = [...name][0]?.toUpperCase() ?? "";
    this.player.setAttribute("aria-label", this.local ? "Your picture" : name);
    label(this.mute, `Mute the sound of ${name}`);
    label(this.expand, `Show ${name} in full screen`);
  }

  get hasPicture(): boolean {
    return this.player.videoWidth > 0;
  }

  /** Something comes in that ought to be a picture, and is none yet. */
  get isWaiting(): boolean {
    return !this.hasPicture && this.stream.getVideoTracks().some((track) => !track.muted);
  }

  /** A tile that is not shown is still heard. */
  set isShown(shown: boolean) {
    this.element.classList.toggle("unseen", !shown);
  }

  /** Let the sound come from another speaker; an empty string is the usual one. */
  speak(speaker: string): void {
    // If it was unplugged since it was chosen, the usual one plays on.
    void this.voice.setSinkId?.(speaker).catch(() => null);
  }

  /** Mute it for now, whatever its own button says. */
  silence(silent: boolean): void {
    this.isSilent = silent;
    this.sound();
  }

  remove(): void {
    this.element.remove();
    for (const player of this.players) player.srcObject = null;
  }

  /** One's own voice is not played. */
  private get players(): HTMLMediaElement[] {
    return this.local ? [this.player] : [this.player, this.voice];
  }

  private start(): void {
    for (const player of this.players) {
      // "autoplay" alone now and then leaves a stream with sound standing in Firefox (seen in ESR 153).
      player.play().catch(({ name }: DOMException) => {
        // No press of a button came before the sound, as after a reload: the next one starts it.
        if (name === "NotAllowedError") addEventListener("click", () => this.start(), { once: true });
      });
    }
  }

  private sound(): void {
    this.voice.muted = this.isMuted || this.isSilent;
    this.mute.setAttribute("aria-pressed", String(this.isMuted));
  }

  private fill(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (this.element.requestFullscreen) void this.element.requestFullscreen();
    else (this.element as FullScreen).webkitRequestFullscreen?.();
  }
}
