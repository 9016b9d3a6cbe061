// The overlay's own line on the page: what a link did, or why it did nothing.

let bar: HTMLElement | null = null;

/** Show `parts` in place of what was shown before; `alert` for what went wrong. */
export function notice(alert: boolean, ...parts: (string | Node)[]): void {
  hideNotice();
  bar = document.createElement("div");
  bar.className = alert ? "cmp-notice cmp-alert" : "cmp-notice";
  bar.setAttribute("role", alert ? "alert" : "status");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this message");
  close.addEventListener("click", hideNotice);
  const text = document.createElement("span");
  text.append(...parts);
  bar.append(text, close);
  document.body.append(bar);
  if (!alert) addEventListener("pointerdown", goAside);
}

/** Good news makes room as soon as somebody turns to the phone: its buttons may lie below. */
function goAside({ target }: Event): void {
  if (!bar?.contains(target as Node)) hideNotice();
}

export function hideNotice(): void {
  bar?.remove();
  removeEventListener("pointerdown", goAside);
  bar = null;
}

/** A box to tick, with its label. */
export function checkbox(label: string, checked: boolean, changed: (checked: boolean) => void): Node {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = checked;
  box.addEventListener("change", () => changed(box.checked));
  const element = document.createElement("label");
  element.append(box, ` ${label}`);
  return element;
}
