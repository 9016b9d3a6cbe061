import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkProblem, looksLinked, nameOf, opened, tokenIn } from "./profile.ts";
// The same vectors stand in docs/links.md and in the tests of the other side.
import vectors from "../../docs/links.json" with { type: "json" };

const buffer = (hex: string): ArrayBuffer => Uint8Array.from(hex.match(/../g) ?? [], (b) => parseInt(b, 16)).buffer;

test("the vectors open", async () => {
  for (const { token, name, sealed, profile } of vectors) {
    assert.equal(tokenIn(`#${token}`), token);
    assert.equal(await nameOf(token), name);
    assert.deepEqual(await opened(buffer(sealed), token), profile);
  }
});

test("another token opens nothing, nor does a damaged file", async () => {
  const [one, two] = vectors;
  assert.ok(one && two);
  const damaged = [...one.sealed].map((c, i) => (i === 40 ? (c === "0" ? "1" : "0") : c)).join("");
  for (const [sealed, token] of [[one.sealed, two.token], [damaged, one.token], ["02", one.token], ["", one.token]] as const) {
    await assert.rejects(opened(buffer(sealed), token), (error) => error instanceof LinkProblem && error.kind === "damaged");
  }
});

test("only a token is a token", () => {
  for (const fragment of ["", "#", "#main", "#" + "a".repeat(21), "#" + "a".repeat(23), "#" + "a".repeat(21) + "!", "#" + "a".repeat(21) + "b"]) {
    assert.equal(tokenIn(fragment), "");
  }
  assert.equal(tokenIn("#" + "a".repeat(21) + "A"), "a".repeat(21) + "A");
});

test("a link that was cut off is told from other fragments", () => {
  for (const broken of ["#VcVmUEw9JUF3Tfqm", "#VcVmUEw9JUF3Tfqmn9xWlw.", "#VcVmUEw9JUF3Tfqmn9xWlwx", "#VcVmUEw9JUF3Tfqmn9xWlx"]) {
    assert.ok(looksLinked(broken) && !tokenIn(broken), broken);
  }
  for (const fragment of ["", "#", "#main", "#/calls/1"]) assert.ok(!looksLinked(fragment), fragment);
  for (const { token } of vectors) assert.ok(looksLinked(`#${token}`), token);
});
