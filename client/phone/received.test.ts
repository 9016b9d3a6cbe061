import assert from "node:assert/strict";
import { test } from "node:test";
import { sort, type Direction, type Track } from "./received.ts";

const track = (id: string, kind = "video", readyState: MediaStreamTrackState = "live"): Track => ({ id, kind, readyState });
const transceiver = (receiver: Track, currentDirection: Direction = "recvonly") => ({
  currentDirection,
  receiver: { track: receiver },
});

/** The sorted ids, where `streams` says which track is in which stream. */
function sorted(transceivers: ReturnType<typeof transceiver>[], streams: Record<string, string> = {}) {
  const found = sort(transceivers, ({ id }) => streams[id]);
  return Object.fromEntries([...found].map(([key, tracks]) => [key, tracks.map(({ id }) => id)]));
}

test("sound and picture of one stream are one picture", () => {
  const both = [transceiver(track("a", "audio"), "sendrecv"), transceiver(track("v"), "sendrecv")];
  assert.deepEqual(sorted(both, { a: "s", v: "s" }), { s: ["a", "v"] });
});

test("one sound and one picture belong together without a common stream", () => {
  const both = [transceiver(track("a", "audio")), transceiver(track("v"))];
  assert.deepEqual(sorted(both, { a: "s1", v: "s2" }), { s2: ["v", "a"] });
  assert.deepEqual(sorted(both), { v: ["v", "a"] });
});

test("further pictures stand for themselves", () => {
  const echo = [transceiver(track("a", "audio")), transceiver(track("v1")), transceiver(track("v2"))];
  assert.deepEqual(sorted(echo, { a: "s", v1: "s" }), { s: ["a", "v1"], v2: ["v2"] });
  assert.deepEqual(sorted(echo), { a: ["a"], v1: ["v1"], v2: ["v2"] });
});

test("what is no longer received is gone", () => {
  for (const direction of ["sendonly", "inactive", "stopped", null] as const) {
    assert.deepEqual(sorted([transceiver(track("v"), direction)]), {});
  }
  assert.deepEqual(sorted([transceiver(track("v", "video", "ended"))]), {});
});
