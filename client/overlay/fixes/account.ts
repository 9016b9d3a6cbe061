// The account: upstream's form shows the password, fills empty fields with somebody else's
// account, and ignores the name for authentication.

import { credentials } from "../../credentials.ts";
import { place, settings } from "../../page.ts";
import { FieldProblem, accountFrom } from "../../phone/account.ts";
import { sipDomain, socketUrl } from "../../socket.ts";
import { onClick, onConfigure, replace } from "./hooks.ts";
import { say } from "./panel.ts";
import { element, input, type Phone, type PhoneClass, type Sip } from "./upstream.ts";

/** The WebSocket of the server that stands in the form. */
export const socket = (): string => socketUrl(input("accountHost").value, settings.server, place);
/** Its name alone. */
export const domain = (): string => sipDomain(input("accountHost").value, settings.server, place);

/** What a link may bring and no form has a field for: HA1 in place of a password, and a name to show. */
export function usePerson({ Grammar }: Sip): void {
  onConfigure((configuration) => {
    Object.assign(configuration, { password: "" }, credentials(configuration.password ?? ""));
    const name = globalThis.cmpBundle?.displayName;
    // JsSIP refuses an account with a name that it cannot write.
    if (name && Grammar?.parse(`"${name}"`, "display_name") !== -1) configuration.display_name = name;
  });
}

/** D3: the name to authenticate with goes where JsSIP looks for it. */
export function authenticate(): void {
  onConfigure((configuration) => {
    const { username } = configuration;
    if (username) configuration.authorization_user ??= username;
  });
}

/** D4: any port and path, a whole wss:// address, and by default where the page came from. */
export function connectAnywhere(sip: Sip, { prototype }: PhoneClass): void {
  sip.WebSocketInterface = class extends sip.WebSocketInterface {
    constructor(asked: string) {
      // A later phone may have found another place by itself.
      super(asked.endsWith(":8089/ws") ? socket() : asked);
    }
  };
  replace(prototype, "connect", (original) => function (this: Phone) {
    this.host = domain();
    original.call(this);
  });
}

const show = (id: string): void => {
  globalThis.accountShow?.();
  input(id).focus();
};

/** D14: an empty field is empty; and what makes no account is told where it can be fixed. */
export function refuseEmpty(): void {
  addEventListener("load", () => {
    for (const id of ["accountId", "accountPassword", "extension"]) input(id).placeholder = "";
  });
  onClick("connect", ({ value }) => {
    if (value !== "Connect") return;
    const id = input("accountId").value;
    const host = input("accountHost").value;
    try {
      accountFrom({ id, host, name: "", password: "", register: true }, settings.server, place, location.protocol === "https:");
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error;
      say({ text: error.message });
      show(error.field);
      return false;
    }
  });
}

/** D13: the password is hidden, and stands in a form that password managers understand. */
export function hidePassword(): void {
  const password = input("accountPassword");
  if (password.form) return;
  password.type = "password";
  password.autocomplete = "current-password";
  input("accountId").autocomplete = "username";
  for (const id of ["accountName", "accountHost", "extension"]) input(id).autocomplete = "off";
  const place = password.parentElement;
  if (!place) return;
  const form = document.createElement("form");
  form.append(...place.childNodes);
  const submit = document.createElement("input");
  submit.type = "submit";
  submit.value = "Connect";
  submit.id = "account-submit";
  form.append(submit);
  place.append(form);
  for (const label of form.querySelectorAll("label")) {
    const next = label.nextElementSibling;
    if (next?.id && !label.children.length) label.htmlFor = next.id;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    globalThis.accountClose?.();
    if (input("connect").value === "Connect") element("connect")?.click();
  });
}
