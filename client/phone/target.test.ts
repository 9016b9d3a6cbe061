import assert from "node:assert/strict";
import { test } from "node:test";
import { sipTarget } from "./target.ts";

const cases: [typed: string, target: string | null][] = [
  ["246", "sip:246@pbx"],
  ["  bob ", "sip:bob@pbx"],
  ["+49 (30) 123-456", "sip:%2B4930123456@pbx"],
  ["*98#", "sip:*98%23@pbx"],
  ["jean-luc", "sip:jean-luc@pbx"],
  ["Bob Smith", "sip:Bob%20Smith@pbx"],
  ["zoë", "sip:zo%C3%AB@pbx"],
  ["bob@example.org", "sip:bob@example.org"],
  ["sip:bob@example.org", "sip:bob@example.org"],
  ["SIPS:bob@example.org;transport=ws", "sip:bob@example.org;transport=ws"],
  ["sip:300", "sip:300@pbx"],
  ["sip:a%20b@example.org", "sip:a%20b@example.org"],
  ["a@b@example.org", "sip:a%40b@example.org"],
  ["", null],
  ["   ", null],
  ["sip:", null],
  ["@example.org", null],
  ["bob@", null],
];

for (const [typed, target] of cases) {
  test(`what is called when somebody types “${typed}”`, () => assert.equal(sipTarget(typed, "pbx"), target));
}
