// What comes in from the other side, sorted into pictures. The browser's transceivers are the
// only account of it that is right in every browser: streams and their events are not told
// alike when somebody leaves, and a track may come without any stream.

export type Direction = RTCRtpTransceiver["currentDirection"];

export interface Track {
  readonly id: string;
  readonly kind: string;
  readonly readyState: MediaStreamTrackState;
}

export interface Transceiver<T extends Track> {
  readonly currentDirection: Direction;
  readonly receiver: { readonly track: T };
}

/** Whether its track may come in, as far as was agreed. */
export const isReceived = ({ currentDirection, receiver }: Transceiver<Track>): boolean =>
  receiver.track.readyState === "live" && (currentDirection === "sendrecv" || currentDirection === "recvonly");

/** The tracks that belong into one picture, under a key that stays while they do. */
export type Sorted<T extends Track> = Map<string, T[]>;

/**
 * The tracks that are being received, by the stream that `streamOf` knows them to be in. A track
 * without one stands alone. Where there is one sound and one picture, they belong together
 * whatever their streams: Asterisk sends the two ends of a call differently.
 */
export function sort<T extends Track>(
  transceivers: Iterable<Transceiver<T>>,
  streamOf: (track: T) => string | undefined,
): Sorted<T> {
  const sorted: Sorted<T> = new Map();
  for (const transceiver of transceivers) {
    const { track } = transceiver.receiver;
    if (!isReceived(transceiver)) continue;
    const key = streamOf(track) ?? track.id;
    const tracks = sorted.get(key);
    if (tracks) tracks.push(track);
    else sorted.set(key, [track]);
  }
  const sounds = [...sorted].filter(([, tracks]) => !tracks.some(isPicture));
  const pictures = [...sorted].filter(([, tracks]) => tracks.every(isPicture));
  const [sound] = sounds;
  const [picture] = pictures;
  if (sound && picture && sorted.size === 2) {
    sorted.delete(sound[0]);
    picture[1].push(...sound[1]);
  }
  return sorted;
}

export const isPicture = ({ kind }: Track): boolean => kind === "video";
