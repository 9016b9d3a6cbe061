import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldProblem, accountFrom, type Typed } from "./account.ts";

const place = { hostname: "pbx.example", port: "8089", pathname: "/static/phone/index.html" };
const nowhere = { host: "", port: 0, path: "" };
const typed: Typed = { id: " alice ", name: "", password: " secret ", host: "", register: true };

const account = (change: Partial<Typed>) => accountFrom({ ...typed, ...change }, nowhere, place, true);

test("what is left empty comes from the page's own address", () => {
  assert.deepEqual(account({}), {
    id: "alice",
    name: "",
    // Spaces may be part of a password.
    password: " secret ",
    register: true,
    socket: "wss://pbx.example:8089/ws",
    domain: "pbx.example",
  });
});

test("a server may be a name, a name and a port, or a whole address", () => {
  assert.equal(account({ host: "other" }).socket, "wss://other:8089/ws");
  assert.equal(account({ host: "other:4443" }).socket, "wss://other:4443/ws");
  assert.equal(account({ host: "wss://other/sip" }).socket, "wss://other/sip");
  assert.equal(account({ host: "wss://other:1/sip" }).domain, "other");
});

const wrong: [change: Partial<Typed>, field: string][] = [
  [{ id: "" }, "accountId"],
  [{ id: "  " }, "accountId"],
  [{ id: "alice smith" }, "accountId"],
  [{ id: "alice@pbx" }, "accountId"],
  [{ host: "two words" }, "accountHost"],
  [{ host: "wss://" }, "accountHost"],
  [{ host: "ws://pbx:8088/ws" }, "accountHost"],
];
for (const [change, field] of wrong) {
  test(`nothing is connected with ${JSON.stringify(change)}`, () => {
    assert.throws(
      () => account(change),
      (error) => error instanceof FieldProblem && error.field === field && error.message.endsWith("."),
    );
  });
}
