// Whether anything still comes from the other side. Asterisk keeps a call when a phone vanishes
// without a word (seen in 16 and 22), and goes on answering for it: the picture only stands still.

/** How often to look, and for how long nothing may come, in milliseconds. */
const LOOK = 2_000;
const LONG = 10_000;

/** How many packets of media came in so far, of sounds, of pictures or of both. */
export async function packetsReceived(connection: RTCPeerConnection, kind?: "audio" | "video"): Promise<number> {
  // Not the connection's own: an old adapter may have put something else in its place.
  const stats = await RTCPeerConnection.prototype.getStats.call(connection);
  let count = 0;
  for (const row of stats.values()) {
    if (row.type === "inbound-rtp" && (kind === undefined || row.kind === kind)) count += row.packetsReceived;
  }
  return count;
}

/**
 * Call `changed` with true when what came before has stopped for a while, and with false when it
 * comes again, until `connection` is closed. Who sends nothing from the start is not missed: an
 * announcement may have ended.
 */
export function watchSilence(connection: RTCPeerConnection, changed: (silent: boolean) => void): void {
  let packets = 0;
  let last = 0;
  let silent = false;
  const timer = setInterval(() => {
    if (connection.signalingState === "closed") clearInterval(timer);
    else void look();
  }, LOOK);
  const look = async (): Promise<void> => {
    const count = await packetsReceived(connection);
    const now = performance.now();
    if (count !== packets) last = now;
    packets = count;
    const stopped = packets > 0 && now - last > LONG;
    if (stopped === silent || connection.signalingState === "closed") return;
    silent = stopped;
    changed(silent);
  };
}
