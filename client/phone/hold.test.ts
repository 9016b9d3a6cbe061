import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { toggleHold } from "./hold.ts";

/** Packets of the other side's picture so far, and how many more come between two looks. */
let packets = 0;
let coming = 0;

globalThis.RTCPeerConnection = class {
  getTransceivers = () => [{ currentDirection: "sendrecv", receiver: { track: { kind: "video", readyState: "live" } } }];
  async getStats() {
    packets += coming;
    return new Map([["one", { type: "inbound-rtp", kind: "video", packetsReceived: packets }]]);
  }
} as never;

/** As JsSIP: a change counts at once, and until the server answered no other is taken. */
class Session {
  connection = new RTCPeerConnection();
  local = false;
  busy = false;
  ended = false;
  changes = 0;

  isEnded = (): boolean => this.ended;
  isOnHold = (): { local: boolean } => ({ local: this.local });
  hold = (): boolean => this.change(true);
  unhold = (): boolean => this.change(false);

  private change(local: boolean): boolean {
    if (this.busy) return false;
    this.local = local;
    this.busy = true;
    this.changes += 1;
    return true;
  }
}

beforeEach(() => {
  packets = 0;
  coming = 1;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("pressed twice before the server answers, it is taken up again once it did", () => {
  const session = new Session();
  toggleHold(session);
  toggleHold(session);
  mock.timers.tick(1000);
  assert.equal(session.local, true);
  session.busy = false;
  mock.timers.tick(100);
  assert.equal(session.local, false);
  session.busy = false;
  toggleHold(session);
  assert.equal(session.local, true);
});

test("pressed three times, only what is wished at last is done", () => {
  const session = new Session();
  for (let press = 0; press < 3; press += 1) toggleHold(session);
  session.busy = false;
  mock.timers.tick(1000);
  assert.deepEqual([session.local, session.changes], [true, 1]);
});

test("a call that ended wants nothing more", () => {
  const session = new Session();
  session.busy = true;
  toggleHold(session);
  session.ended = true;
  session.busy = false;
  mock.timers.tick(1000);
  assert.equal(session.changes, 0);
});

/** Let time pass for a server that answers at once. */
async function pass(session: Session, milliseconds: number): Promise<void> {
  for (let now = 0; now < milliseconds; now += 100) {
    session.busy = false;
    await new Promise((done) => setImmediate(done));
    mock.timers.tick(100);
  }
}

async function holdAndTakeUp(session: Session): Promise<void> {
  toggleHold(session);
  await pass(session, 1000);
  toggleHold(session);
}

test("for a picture that does not come back it is held again, longer each time, and not for ever", async () => {
  const session = new Session();
  await holdAndTakeUp(session);
  // What was under way still came.
  await pass(session, 2500);
  coming = 0;
  for (const [wait, changes] of [[2000, 3], [2000, 4], [4000, 5], [4000, 6], [4000, 7], [6000, 8], [60000, 8]] as const) {
    await pass(session, wait);
    assert.deepEqual([session.local, session.changes], [changes % 2 === 1, changes]);
  }
});

test("a picture that comes back, or never came, is not missed", async () => {
  for (const there of [0, 1]) {
    const session = new Session();
    packets = 0;
    coming = there;
    await holdAndTakeUp(session);
    await pass(session, 60000);
    assert.equal(session.changes, 2);
  }
});

test("what is wished while a picture is missed is done", async () => {
  const session = new Session();
  await holdAndTakeUp(session);
  coming = 0;
  await pass(session, 4500);
  assert.deepEqual([session.local, session.changes], [true, 3]);
  toggleHold(session);
  assert.deepEqual([session.local, session.changes], [false, 4]);
  session.busy = false;
  toggleHold(session);
  await pass(session, 60000);
  assert.deepEqual([session.local, session.changes], [true, 5]);
  toggleHold(session);
  coming = 1;
  await pass(session, 60000);
  assert.deepEqual([session.local, session.changes], [false, 6]);
});
