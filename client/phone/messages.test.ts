import assert from "node:assert/strict";
import { test } from "node:test";
import * as messages from "./messages.ts";

const ended = (ending: Partial<messages.Ending>): string | undefined =>
  messages.callEnded({ originator: "remote", cause: "SIP Failure Code", status: 0, ...ending }, "Bob")?.text;

test("an end that was wanted needs no words", () => {
  assert.equal(ended({ originator: "local", cause: "Terminated" }), undefined);
  assert.equal(ended({ originator: "local", cause: "Canceled" }), undefined);
  assert.equal(ended({ originator: "local", cause: "Rejected", missed: true }), undefined);
});

test("the other side ended it", () => {
  assert.match(ended({ cause: "Terminated" }) ?? "", /Bob hung up/);
});

const answers: [status: number, words: RegExp][] = [
  [401, /password/],
  [403, /refused/],
  [404, /no Bob/],
  [408, /No answer from Bob/],
  [480, /cannot be reached/],
  [484, /not a complete number/],
  [486, /Bob is busy/],
  [488, /webrtc=yes/],
  [600, /Bob is busy/],
  [603, /Bob declined/],
  [500, /answer 500/],
  [302, /answer 302/],
];
for (const [status, words] of answers) {
  test(`the server answers ${status}`, () => assert.match(ended({ status }) ?? "", words));
}

test("every cause that JsSIP knows has a sentence that says what to do or who did it", () => {
  const causes =
    "Connection Error,Request Timeout,Internal Error,No ACK,Dialog Error,RTP Timeout,WebRTC Error," +
    "Bad Media Description,Missing SDP,Incompatible SDP";
  for (const cause of causes.split(",")) assert.match(ended({ cause }) ?? "", /\w+.*\.$/, cause);
});

test("media that never came is another matter than media that stopped", () => {
  assert.match(ended({ originator: "local", cause: "RTP Timeout" }) ?? "", /firewall/);
  assert.match(ended({ originator: "local", cause: "RTP Timeout", reached: true }) ?? "", /cut off/);
});

test("a call that nobody took here was missed, or taken elsewhere", () => {
  assert.match(ended({ cause: "Canceled", missed: true }) ?? "", /Missed call from Bob/);
  assert.match(ended({ cause: "Canceled", missed: true, elsewhere: true }) ?? "", /Another phone/);
  assert.match(ended({ originator: "local", cause: "No Answer", missed: true }) ?? "", /Missed call from Bob/);
});

test("a device that stops in a call is told by what the others miss", () => {
  assert.match(messages.stopped("audio").text, /microphone .* hear you/);
  assert.match(messages.stopped("video").text, /camera .* see you/);
});

test("why an account was not registered", () => {
  assert.match(messages.registrationFailed(401, "bob").text, /password/);
  assert.match(messages.registrationFailed(403, "bob").text, /password.*max_contacts/);
  assert.match(messages.registrationFailed(404, "bob").text, /aors=bob/);
  assert.match(messages.registrationFailed(0, "bob").text, /does not answer/);
  assert.match(messages.registrationFailed(503, "bob").text, /answer 503/);
});

test("a server that cannot be reached can be opened", () => {
  const own = messages.unreachable("wss://pbx:8089/ws", true);
  assert.equal(own.link?.href, "https://pbx:8089/ws");
  assert.match(own.text, /res_http_websocket/);
  const other = messages.unreachable("wss://pbx/ws", false);
  assert.equal(other.link?.href, "https://pbx/ws");
  assert.match(other.text, /certificate/);
});

test("why there is no microphone or no camera", () => {
  for (const why of [messages.noMicrophone, messages.noCamera]) {
    const texts = ["NotAllowedError", "NotFoundError", "NotReadableError"].map((name) => why(name).text);
    assert.equal(new Set(texts).size, 3);
  }
});
