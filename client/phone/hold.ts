// Putting a call on hold, and taking it up again. JsSIP takes no such wish while another change of
// the call is under way, its own or the other side's.
//
// Asterisk does not tell the other side that a call was taken up where that has not yet answered
// that it was held (seen in 16 and 22): its picture would stay away for ever. So where pictures came
// and do not come back, the call is held once more, for long enough to be answered.

import { isPicture, isReceived } from "./received.ts";
import { packetsReceived } from "./silence.ts";

/** Milliseconds until a wish that was not taken is made again. */
const AGAIN = 100;

/** Milliseconds between two looks at the pictures after a call was taken up; some pass before the first. */
const LOOK = 2_000;
const LOOKS = 4;

/** How often a call is held once more; each time for one LOOK longer. */
const TRIES = 3;

interface Session {
  connection: RTCPeerConnection | null;
  isEnded(): boolean;
  isOnHold(): { local: boolean };
  /** Whether it was begun. */
  hold(): boolean;
  unhold(): boolean;
}

interface Wish {
  held: boolean;
  /** Whether any came before the call was held. */
  pictures: Promise<boolean>;
}

/** The last of each session, the only one that counts. */
const wishes = new WeakMap<Session, Wish>();

/** Hold `session`, or take it up: the other way round than was last wished, as soon as can be. */
export function toggleHold(session: Session): void {
  const last = wishes.get(session);
  const pictures = last && session.isOnHold().local ? last.pictures : packets(session).then((count) => count > 0);
  if (last?.held) takeUp(session, pictures);
  else carryOut(session, { held: true, pictures });
}

function takeUp(session: Session, pictures: Promise<boolean>, tries = 0): void {
  const wish = { held: false, pictures };
  carryOut(session, wish, () => void lookForPictures(session, wish, tries));
}

async function lookForPictures(session: Session, wish: Wish, tries: number): Promise<void> {
  if (tries === TRIES || !(await wish.pictures)) return;
  let before = NaN;
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, LOOK));
    if (!stands(session, wish)) return;
    const count = await packets(session);
    if (!stands(session, wish)) return;
    if (count === before) {
      holdOnceMore(session, wish.pictures, tries + 1);
      return;
    }
    before = count;
  }
}

function holdOnceMore(session: Session, pictures: Promise<boolean>, tries: number): void {
  const wish = { held: true, pictures };
  carryOut(session, wish, () => later(LOOK * tries, session, wish, () => takeUp(session, pictures, tries)));
}

function carryOut(session: Session, wish: Wish, then = (): void => undefined): void {
  wishes.set(session, wish);
  if (session.isEnded() || wish.held === session.isOnHold().local) return;
  if (session[wish.held ? "hold" : "unhold"]()) then();
  else later(AGAIN, session, wish, () => carryOut(session, wish, then));
}

function later(wait: number, session: Session, wish: Wish, does: () => void): void {
  setTimeout(() => stands(session, wish) && does(), wait);
}

const stands = (session: Session, wish: Wish): boolean => wishes.get(session) === wish && !session.isEnded();

/** Packets of pictures received so far; not a number where none may come. */
const packets = async ({ connection }: Session): Promise<number> =>
  connection?.getTransceivers().some((one) => isReceived(one) && isPicture(one.receiver.track))
    ? packetsReceived(connection, "video")
    : NaN;
