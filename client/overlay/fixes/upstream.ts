// What the fixes know of upstream's page and of the JsSIP that comes with it: no more than they use.

import type { Socket } from "../../phone/again.ts";

export interface Request {
  body: string | null;
  getHeader(name: string): string | undefined;
}

/** What ended a call, or an attempt to register. */
export interface Outcome {
  originator: string;
  cause: string;
  message?: (Partial<Request> & { status_code?: number }) | null;
  response?: { status_code: number } | null;
}

export interface CallOptions {
  mediaConstraints?: { audio: boolean; video: boolean };
  pcConfig?: RTCConfiguration;
}

export interface Session {
  connection: RTCPeerConnection | null;
  direction: "incoming" | "outgoing";
  localMediaStream: MediaStream | null;
  remote_identity: { display_name: string | null; uri: { user: string | null } };
  on(event: string, heard: (event: never) => void): void;
  answer(options?: CallOptions): void;
  terminate(options?: { status_code?: number; cause?: string }): void;
  hold(): boolean;
  unhold(): boolean;
  isEnded(): boolean;
  isInProgress(): boolean;
  isOnHold(): { local: boolean };
}

export interface Configuration {
  username?: string;
  authorization_user?: string;
  password?: string;
  ha1?: string;
  realm?: string;
  display_name?: string;
}

export interface Agent {
  status: number;
  transport: { socket: Socket };
  emit(event: string, ...data: unknown[]): boolean;
  call(target: string, options?: CallOptions): Session;
  stop(): void;
}

/** What comes with "newRTCSession". */
export interface Arrival {
  originator: string;
  session: Session;
  request: Request;
}

export interface Streams {
  _streams: MediaStream[];
  remove(stream: MediaStream): void;
  removeAll(): void;
}

export interface Phone {
  id: string;
  host: string;
  audio: boolean;
  video: boolean;
  register: boolean;
  _ua?: Agent;
  _rtc?: Session;
  _locals: Streams;
  _remotes: Streams;
  _events: Record<string, unknown>;
  raise(event: string, data?: unknown): void;
  connect(): void;
  disconnect(): void;
  answer?(): void;
  call(extension: string): void;
  terminate(): void;
}

export interface PhoneClass {
  new (...account: unknown[]): Phone;
  prototype: Phone;
}

export interface Sip {
  UA: new (configuration: Configuration) => Agent;
  WebSocketInterface: new (url: string) => object;
  Grammar?: { parse(text: string, rule: string): unknown };
}

declare global {
  var JsSIP: Sip | undefined;
  var CyberMegaPhone: PhoneClass | undefined;
  var accountShow: (() => void) | undefined;
  var accountClose: (() => void) | undefined;
}

export const element = (id: string): HTMLElement | null => document.getElementById(id);
export const input = (id: string): HTMLInputElement => element(id) as HTMLInputElement;

/** Let Call be pressed, whatever its page thinks, and say `value` if there is one. */
export function offer(value = ""): void {
  const call = input("call");
  call.disabled = false;
  if (value) call.value = value;
}
