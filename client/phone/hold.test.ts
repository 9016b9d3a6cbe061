import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { toggleHold } from "./hold.ts";

/** As JsSIP: a change counts at once, and until the server answered no other is taken. */
class Session {
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
