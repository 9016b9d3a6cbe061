// All the pictures of a call: one's own, and one for each that is received.

import { helpToStart } from "./keyframe.ts";
import { sort } from "./received.ts";
import { Tile } from "./tile.ts";

export class Pictures {
  private readonly tiles = new Map<string, Tile>();
  private own: Tile | null = null;
  private connection: RTCPeerConnection | null = null;
  private streams = new Map<MediaStreamTrack, string>();
  private speaker = "";
  private silent = false;

  /** `nameOf` names the picture at a position, from 0, among as many as `count`. */
  constructor(
    private readonly place: HTMLElement,
    private readonly nameOf: (position: number, count: number) => string,
  ) {}

  /** Show one's own picture; nothing where there is only sound. */
  showOwn(stream: MediaStream | null): void {
    const tracks = stream?.getVideoTracks().filter(({ readyState }) => readyState === "live") ?? [];
    if (tracks.length === 0) {
      this.own?.remove();
      this.own = null;
    } else {
      if (!this.own) {
        this.own = new Tile(true, () => null);
        this.place.prepend(this.own.element);
      }
      this.own.show(tracks);
      this.own.name("You");
    }
    this.layOut();
  }

  /** Show whatever `connection` receives, from now on until `clear`. */
  watch(connection: RTCPeerConnection): void {
    this.connection = connection;
    this.streams = new Map();
    const look = (): void => {
      if (this.connection === connection) this.look(connection);
    };
    connection.addEventListener("track", ({ track, streams }) => {
      const [stream] = streams;
      if (stream) this.streams.set(track, stream.id);
      track.addEventListener("ended", look);
    });
    // Tracks are told of before the new directions count; both are settled when this comes.
    connection.addEventListener("signalingstatechange", () => {
      look();
      if (connection.signalingState !== "stable") return;
      helpToStart(connection, () => this.connection === connection && this.isMissing());
    });
  }

  /** Let the sound come from another speaker; an empty string is the usual one. */
  speak(speaker: string): void {
    this.speaker = speaker;
    for (const tile of this.tiles.values()) tile.speak(speaker);
  }

  /** Hear nobody, or everybody who is not muted in their picture. */
  silence(silent: boolean): void {
    this.silent = silent;
    for (const tile of this.tiles.values()) tile.silence(silent);
  }

  clear(): void {
    this.connection = null;
    this.silent = false;
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    this.showOwn(null);
  }

  private isMissing(): boolean {
    return [...this.tiles.values()].some((tile) => tile.isWaiting);
  }

  private look(connection: RTCPeerConnection): void {
    const sorted = sort(connection.getTransceivers(), (track) => this.streams.get(track));
    for (const [key, tile] of this.tiles) {
      if (sorted.has(key)) continue;
      tile.remove();
      this.tiles.delete(key);
    }
    for (const [key, tracks] of sorted) {
      let tile = this.tiles.get(key);
      if (!tile) {
        tile = new Tile(false, () => this.layOut());
        tile.speak(this.speaker);
        tile.silence(this.silent);
        this.tiles.set(key, tile);
        this.place.append(tile.element);
      }
      tile.show(tracks);
    }
    this.layOut();
  }

  /**
   * Show the tiles that have a picture, or else one that stands for the sound: a conference sends
   * its sound with a picture that never comes. How many stand side by side depends on how many
   * there are; the style sheet does the rest.
   */
  private layOut(): void {
    const tiles = [...this.tiles.values()];
    const pictures = tiles.filter((tile) => tile.hasPicture);
    const shown = pictures.length > 0 ? pictures : tiles.slice(0, 1);
    for (const tile of tiles) tile.isShown = shown.includes(tile);
    shown.forEach((tile, position) => tile.name(this.nameOf(position, shown.length)));
    // Beside a single picture one's own is an inset.
    const count = Math.max(shown.length + (this.own && shown.length !== 1 ? 1 : 0), 1);
    const across = Math.ceil(Math.sqrt(count));
    this.place.dataset["shown"] = String(shown.length);
    this.place.style.setProperty("--across", String(across));
    this.place.style.setProperty("--across-portrait", String(Math.ceil(count / across)));
  }
}
