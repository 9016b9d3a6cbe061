// The developer's page: its lists are made by the server; here they are kept fresh.

const RETRY = 1000;
const state = document.getElementById("state") as HTMLElement;

/** Which details are open, so that fresh lists open the same. */
function opened(): Set<string> {
  const calls = [...state.querySelectorAll<HTMLDetailsElement>("details.call")];
  const keys = calls.flatMap((call) => [
    ...(call.open ? [call.id] : []),
    ...[...call.querySelectorAll<HTMLDetailsElement>("li > details")]
      .map((message, index) => (message.open ? `${call.id}/${index}` : ""))
      .filter(Boolean),
  ]);
  return new Set(keys);
}

function open(keys: Set<string>): void {
  for (const call of state.querySelectorAll<HTMLDetailsElement>("details.call")) {
    call.open = keys.has(call.id);
    call.querySelectorAll<HTMLDetailsElement>("li > details").forEach((message, index) => {
      message.open = keys.has(`${call.id}/${index}`);
    });
  }
}

async function refresh(): Promise<void> {
  const answer = await fetch("/__cmp/state");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const keys = opened();
  state.replaceChildren(...fresh.body.childNodes);
  open(keys);
}

state.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("button.copy");
  const text = button?.previousElementSibling?.textContent;
  if (!button || !text) return;
  void navigator.clipboard.writeText(text).then(() => {
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), RETRY);
  });
});

function listen(): void {
  const socket = new WebSocket(`wss://${location.host}/__cmp/events`);
  socket.onmessage = () => void refresh();
  socket.onclose = () => setTimeout(listen, RETRY);
}

listen();

export {}; // a module, with names of its own
