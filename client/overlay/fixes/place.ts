// Where the page came from and what it was built with; and a page that did not come over TLS.

import { insecure } from "../../phone/messages.ts";
import { overTls, readSettings, sipDomain, socketUrl, type Place } from "../../settings.ts";
import { onClick } from "./hooks.ts";
import { say } from "./panel.ts";
import { input } from "./upstream.ts";

/** The address this page was loaded from, before anything changes what the address bar shows. */
export const place: Place = { hostname: location.hostname, port: location.port, pathname: location.pathname };
export const settings = readSettings(document);

/** The WebSocket of the server that stands in the form. */
export const socket = (): string => socketUrl(input("accountHost").value, settings.server, place);
/** Its name alone. */
export const domain = (): string => sipDomain(input("accountHost").value, settings.server, place);

/** D7: only a page that came over TLS gets a microphone: said before Connect is pressed, with a link. */
export function askForTls(): void {
  if (isSecureContext) return;
  const tell = (): boolean => {
    say(insecure(overTls(settings, place)));
    return false;
  };
  tell();
  onClick("connect", tell);
}
