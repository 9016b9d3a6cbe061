// The fixes' own part of the page, in the container that upstream leaves empty: what there is to
// say, and who the call is with. Their button stands beside Call.

import type { Message } from "../../phone/messages.ts";
import { element } from "./upstream.ts";

const made = (tag: string, id: string): HTMLElement => Object.assign(document.createElement(tag), { id });

const message = made("p", "message");
const text = made("span", "message-text");
const link = made("a", "message-link") as HTMLAnchorElement;
const close = made("button", "message-close");
const who = made("p", "who");
/** Who the call is with. */
export const peer = made("strong", "peer");
/** How far the call is. */
export const about = made("span", "about");
/** What there is to do in a call. */
export const controls = made("p", "controls");
/** Decline or Cancel. */
export const decline = made("input", "decline") as HTMLInputElement;

/** Say this in place of what was said before; null takes it away. */
export function say(told: Message | null): void {
  text.textContent = told?.text ?? "";
  link.textContent = told?.link?.label ?? "";
  link.href = told?.link?.href ?? "";
  message.hidden = !told;
}

export function buildPanel(): void {
  message.setAttribute("role", "alert");
  who.setAttribute("aria-live", "polite");
  link.target = "_blank";
  link.rel = "noopener";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this message");
  close.addEventListener("click", () => say(null));
  decline.type = "button";
  decline.hidden = true;
  say(null);
  controls.hidden = true;
  message.append(text, " ", link, " ", close);
  who.append(peer, " ", about);
  (element("calling") ?? document.body).append(message, who, controls);
  element("call")?.after(" ", decline);
}
