import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phase } from "./call.ts";
import { clockText, view, type Situation } from "./view.ts";

const bob = { name: "Bob", number: "1002" };
const seen = (change: Partial<Situation>) =>
  view({ line: "online", registered: true, id: "alice", server: "pbx", call: null, ...change });
const inCall = (phase: Phase) => seen({ call: { phase, peer: bob, held: false } });

test("the Connect button tells how far the connection is", () => {
  const states = ["offline", "connecting", "registering", "online", "closing"] as const;
  const values = states.map((line) => seen({ line }).connect.value);
  assert.deepEqual(values, ["Connect", "Connecting", "Registering", "Disconnect", "Disconnecting"]);
});

test("nobody can be called without a connection, but a call can always be ended", () => {
  for (const line of ["offline", "connecting", "registering", "closing"] as const) {
    assert.equal(seen({ line }).call.enabled, false);
  }
  assert.deepEqual(seen({}).call, { value: "Call", enabled: true });
  const lost = seen({ line: "connecting", call: { phase: "talking", peer: bob, held: false } });
  assert.deepEqual(lost.call, { value: "Hangup", enabled: true });
});

test("the Call button and the one beside it tell what a press does", () => {
  const phases = ["preparing", "calling", "ringing", "incoming", "answering", "talking"] as const;
  const buttons = phases.map((phase) => [inCall(phase).call.value, inCall(phase).decline]);
  assert.deepEqual(buttons, [
    ["Ringing", "Cancel"],
    ["Ringing", "Cancel"],
    ["Ringing", "Cancel"],
    ["Answer", "Decline"],
    ["Hangup", ""],
    ["Hangup", ""],
  ]);
});

test("a caller is shown with name and number", () => {
  assert.deepEqual([inCall("incoming").peer, inCall("incoming").about], ["Bob", "1002 is calling"]);
  const nameless = seen({ call: { phase: "incoming", peer: { name: "1002", number: "1002" }, held: false } });
  assert.deepEqual([nameless.peer, nameless.about], ["1002", "is calling"]);
});

test("a held call says so", () => {
  assert.equal(seen({ call: { phase: "talking", peer: bob, held: true } }).about, "On hold");
});

test("whoever is not registered is told what that means", () => {
  assert.equal(seen({}).line, "alice is ready");
  assert.match(seen({ registered: false }).line, /cannot be called/);
});

test("a duration", () => {
  const texts = [0, 999, 7_000, 61_000, 3_723_000].map(clockText);
  assert.deepEqual(texts, ["0:00", "0:00", "0:07", "1:01", "1:02:03"]);
});
