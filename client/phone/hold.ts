// Putting a call on hold, and taking it up again. JsSIP takes no such wish while another change of
// the call is under way, its own or the other side's.

/** Milliseconds until a wish that was not taken is made again. */
const AGAIN = 100;

interface Session {
  isEnded(): boolean;
  isOnHold(): { local: boolean };
  /** Whether it was begun. */
  hold(): boolean;
  unhold(): boolean;
}

const wishes = new WeakMap<Session, boolean>();

/** Hold `session`, or take it up: the other way round than was last wished, as soon as can be. */
export function toggleHold(session: Session): void {
  wishes.set(session, !wishes.get(session));
  carryOut(session);
}

function carryOut(session: Session): void {
  const wish = wishes.get(session) ?? false;
  if (session.isEnded() || wish === session.isOnHold().local) return;
  if (!session[wish ? "hold" : "unhold"]()) setTimeout(() => carryOut(session), AGAIN);
}
