// What upstream does for browsers that are long gone, and so to browsers of today.

declare global {
  // Upstream's own, declared at the top of its script.
  var isUnifiedPlanDefault: (() => boolean) | undefined;
  var SdpInterop: { InteropChrome: new () => object } | undefined;
  interface RTCPeerConnection {
    addStream?(stream: MediaStream): void;
    getLocalStreams?(): MediaStream[];
  }
}
declare let isFirefox: boolean;
declare let isChrome: boolean;

/** D18: no browser is treated by its name. */
export function stopSniffing(): void {
  if (typeof isFirefox !== "undefined") isFirefox = false;
  if (typeof isChrome !== "undefined") isChrome = false;
}

/** D19: every browser has unified plan: none is tried out at each Connect, nothing is converted. */
export function leavePlanB(): void {
  globalThis.isUnifiedPlanDefault &&= () => true;
  // The build leaves the converter out; upstream makes one for each call all the same.
  globalThis.SdpInterop ??= { InteropChrome: class {} };
}

/** D20: adds tracks where a browser can no longer add streams. */
export function addTracks(): void {
  RTCPeerConnection.prototype.addStream ??= function (stream) {
    for (const track of stream.getTracks()) this.addTrack(track, stream);
  };
}

/** D21: shows what is sent where a browser no longer tells its streams. */
export function knowStreams(): void {
  RTCPeerConnection.prototype.getLocalStreams ??= function () {
    const tracks = this.getSenders().flatMap(({ track }) => track ?? []);
    return tracks.length ? [new MediaStream(tracks)] : [];
  };
}
