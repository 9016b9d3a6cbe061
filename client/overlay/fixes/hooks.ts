// Where the fixes take hold: of JsSIP's user agents and their calls, of upstream's phone and its
// events, and of what people click. Nothing changes as long as nobody takes hold.

import type { Arrival, CallOptions, Configuration, Outcome, Phone, PhoneClass, Session, Sip } from "./upstream.ts";

/** Who is asked when a call begins; `false` keeps it from the phone. */
type Arriving = (session: Session, arrival: Arrival, phone: Phone) => boolean | void;
type Heard = (phone: Phone, data: never) => void;

const configuring: ((configuration: Configuration) => void)[] = [];
const arriving: Arriving[] = [];
const arrived: Arriving[] = [];
const connecting: ((connection: RTCPeerConnection, session: Session, phone: Phone) => void)[] = [];
const optioning: ((options: CallOptions) => void)[] = [];
const heard: Record<string, Heard[]> = {};

/** The phone that the page uses: the last one that was told to connect. */
let current: Phone | null = null;
export const phone = (): Phone | null => current;

/** What a user agent is made of, before it is made. */
export const onConfigure = (does: (configuration: Configuration) => void): unknown => configuring.push(does);
/** A call that begins, before the phone hears of it. */
export const onArriving = (does: Arriving): unknown => arriving.push(does);
/** A call that has begun, after the phone has heard of it. */
export const onArrived = (does: Arriving): unknown => arrived.push(does);
/** The media of a call: the connection is made and has its own tracks, but no descriptions yet. */
export const onConnection = (does: (typeof connecting)[number]): unknown => connecting.push(does);
/** What a call is placed or answered with. */
export const onOptions = (does: (options: CallOptions) => void): unknown => optioning.push(does);

/** An event of the phone's, after its page has heard it. */
export function on(event: "streamAdded" | "streamRemoved", does: (phone: Phone, stream: MediaStream) => void): void;
export function on(event: string, does: (phone: Phone, outcome: Outcome) => void): void;
export function on(event: string, does: Heard): void {
  (heard[event] ??= []).push(does);
}

/** A click on an element of the page's, before its own listeners hear of it; `false` ends it there. */
export function onClick(id: string, does: (button: HTMLInputElement) => boolean | void): void {
  document.addEventListener("click", (event) => {
    const button = event.target as HTMLInputElement;
    if (button.id === id && !button.disabled && does(button) === false) event.stopImmediatePropagation();
  }, true);
}

/** After the page has done what it does about a click. */
export function afterClick(id: string, does: (button: HTMLInputElement, said: string) => void): void {
  let said = "";
  onClick(id, ({ value }) => void (said = value));
  document.addEventListener("click", ({ target }) => {
    if ((target as HTMLElement).id === id) does(target as HTMLInputElement, said);
  });
}

/** Put `made` in the place of a method of `owner`; it is given the one that was there. */
export function replace<T extends object, K extends keyof T>(owner: T, name: K, made: (original: T[K]) => T[K]): void {
  owner[name] = made(owner[name]);
}

export function takeHold(sip: Sip, phones: PhoneClass): void {
  sip.UA = class extends sip.UA {
    private readonly owner = current as Phone;

    constructor(configuration: Configuration) {
      for (const does of configuring) does(configuration);
      super(configuration);
    }

    override emit(event: string, ...data: unknown[]): boolean {
      if (event !== "newRTCSession") return super.emit(event, ...data);
      const arrival = data[0] as Arrival;
      const { session } = arrival;
      if (arriving.some((does) => does(session, arrival, this.owner) === false)) return true;
      session.on("peerconnection", () => {
        for (const does of connecting) does(session.connection as RTCPeerConnection, session, this.owner);
      });
      replace(session, "answer", (original) => (options = {}) => original.call(session, dressed(options)));
      super.emit(event, ...data);
      for (const does of arrived) does(session, arrival, this.owner);
      return true;
    }

    override call(target: string, options: CallOptions = {}): Session {
      return super.call(target, dressed(options));
    }
  };
  const { prototype } = phones;
  replace(prototype, "raise", (original) => function (this: Phone, event, data) {
    original.call(this, event, data);
    for (const does of heard[event] ?? []) does(this, data as never);
  });
  replace(prototype, "connect", (original) => function (this: Phone) {
    current = this;
    original.call(this);
  });
}

function dressed(options: CallOptions): CallOptions {
  for (const does of optioning) does(options);
  return options;
}
