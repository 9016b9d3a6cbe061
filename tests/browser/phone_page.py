"""What a person does with a phone's page, by the ids that every phone keeps."""

from __future__ import annotations

from tests.testbed.server import ACCOUNTS

from .bidi import Page

#: In every page before anything else runs: keeps the peer connections, so that tests can ask
#: them what really arrives. Firefox's own counters of shown frames stay at 0 without a screen.
#: By their prototype and before anybody else, since upstream's JsSIP wraps the constructor and
#: puts an old form of getStats in the place of the browser's.
WATCH_PEERS = """() => {
  window.testPeers = [];
  const getStats = RTCPeerConnection.prototype.getStats;
  window.testStats = (peer) => getStats.call(peer);
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (...args) {
    if (!window.testPeers.includes(this)) window.testPeers.push(this);
    return original.apply(this, args);
  };
}"""

#: In every page as well: counts the tones that it makes, which nobody hears in a test.
WATCH_TONES = """() => {
  window.testTones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...args) {
    window.testTones++;
    return start.apply(this, args);
  };
}"""


def _of_each_picture(count: str) -> str:
    """A count that browsers keep of each incoming picture, so far."""
    return f"""(async () => {{
  const counts = [];
  for (const peer of window.testPeers) {{
    if (peer.connectionState === "closed") continue;
    for (const row of (await testStats(peer)).values())
      if (row.type === "inbound-rtp" && row.kind === "video") counts.push(row.{count} || 0);
  }}
  return counts;
}})()"""


#: Frames decoded, and those among them that stand for themselves.
FRAMES = _of_each_picture("framesDecoded")
WHOLE_FRAMES = _of_each_picture("keyFramesDecoded")

#: How far each picture on the page has come, in seconds.
TIMES = "[...document.querySelectorAll('#media-views video')].map((v) => v.currentTime)"


def value(name: str) -> str:
    return f"document.getElementById('{name}').value"


def watch(page: Page) -> None:
    page.session.send(
        "script.addPreloadScript", functionDeclaration=WATCH_PEERS, contexts=[page.context]
    )


def watch_tones(page: Page) -> None:
    page.session.send(
        "script.addPreloadScript", functionDeclaration=WATCH_TONES, contexts=[page.context]
    )


def open_phone(page: Page, url: str) -> None:
    """Open the page and wait until its phone can be used."""
    watch(page)
    page.goto(url)
    # Upstream's buttons are there before the code behind them; then it fills in what it suggests.
    page.wait("document.getElementById('accountHost').placeholder !== ''", "the phone to load")
    page.wait(f"{value('connect')} === 'Connect' && !document.getElementById('connect').disabled")


def fill_in(page: Page, account: str = "alice", extension: str = "246", **more: str) -> None:
    fields = {
        "accountId": account,
        "accountPassword": ACCOUNTS.get(account, ""),
        "extension": extension,
        **more,
    }
    for name, text in fields.items():
        page.fill(f"#{name}", text)


def connect(page: Page) -> None:
    page.click("#connect")
    page.wait(f"{value('connect')} === 'Disconnect'", "registering")


def call(page: Page) -> None:
    page.wait("!document.getElementById('call').disabled")
    page.click("#call")
    page.wait(f"{value('call')} === 'Hangup'", "the call to be answered")


def pictures_move(page: Page, at_least: int) -> int:
    """Wait until that many pictures are there, the local one too, and all move; how many."""
    page.wait(f"{TIMES}.length >= {at_least}", f"{at_least} pictures")
    page.wait(f"{TIMES}.every((t) => t > 0)", "every picture to begin")
    before = page.eval(TIMES)
    frames = page.wait(
        f"{FRAMES}.then((f) => f.length >= {at_least - 1} && f.every((n) => n > 0) && f)"
    )
    page.wait(f"{TIMES}.every((t, i) => t > {before}[i] + 0.5)", "every picture to go on")
    page.wait(f"{FRAMES}.then((f) => f.every((n, i) => n > {frames}[i] + 2))", "frames to arrive")
    return len(before)


def hang_up(page: Page) -> None:
    page.click("#call")
    page.wait(f"{value('call')} === 'Call'")
    page.wait("document.querySelectorAll('#media-views video').length === 0", "pictures to go")
