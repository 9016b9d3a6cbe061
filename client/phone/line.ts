// The connection to the server: one user agent at a time, registered or not.

import { UA, URI, WebSocketInterface } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { CallOptions } from "jssip/lib/UA";
import { credentials } from "../credentials.ts";
import { isOwn } from "../page.ts";
import { connectAgain } from "./again.ts";
import { connectionLost, registrationFailed, unreachable, type Message } from "./messages.ts";

export type LineState = "offline" | "connecting" | "registering" | "online" | "closing";

export interface Account {
  id: string;
  /** The name to authenticate with; empty where it is the id. */
  name: string;
  password: string;
  register: boolean;
  socket: string;
  domain: string;
}

export interface LineEvents {
  changed(): void;
  /** Something to tell; null where what was told is over. */
  say(message: Message | null): void;
  incoming(call: Incoming): void;
}

/** Somebody calls. */
export interface Incoming {
  session: RTCSession;
  /** Empty where the caller has none, or hides it. */
  name: string;
  number: string;
  /** Whether the caller offers pictures. */
  video: boolean;
}

/** How long a server that was never reached may stay silent. Browsers wait for minutes. */
const PATIENCE = 10_000;

/** JsSIP's types leave out that there may have been no answer at all. */
interface Refusal {
  response: { status_code: number } | null;
  cause?: string;
}

/** Its event for both directions is a union of functions, which nothing can be called with. */
interface Arrival {
  originator: string;
  session: RTCSession;
  request: { body: string | null };
}

export class Line {
  state: LineState = "offline";
  registered = false;
  account: Account | null = null;
  private agent: UA | null = null;
  private silence = 0;

  constructor(private readonly events: LineEvents) {
    // After a sleep or in another network nobody may be at the other end any more: asked, not believed.
    addEventListener("online", () => {
      if (this.registered) this.agent?.register();
    });
  }

  /** Connect. Raises an error of JsSIP's if the account makes no SIP address. */
  open(account: Account): void {
    if (this.agent) return;
    const socket = new WebSocketInterface(account.socket);
    const agent = new UA({
      sockets: socket,
      uri: new URI("sip", account.id, account.domain).toString(),
      authorization_user: account.name || account.id,
      ...credentials(account.password),
      display_name: globalThis.cmpBundle?.displayName ?? "",
      register: account.register,
      register_expires: 300,
      // Asterisk and the browser both notice a dead call by its media.
      session_timers: false,
      connection_recovery_max_interval: 10,
    });
    this.agent = agent;
    this.account = account;
    this.listen(agent, account, socket);
    this.silence = window.setTimeout(() => this.fail(unreachable(account.socket, isOwn(account.socket))), PATIENCE);
    this.become("connecting");
    agent.start();
  }

  private listen(agent: UA, account: Account, socket: WebSocketInterface): void {
    let reached = false;
    // An agent that was stopped still has things to say for a while; nobody listens any more.
    const mine = (): boolean => this.agent === agent;
    const online = (): void => {
      clearTimeout(this.silence);
      if (reached) this.events.say(null);
      reached = true;
      this.become("online");
    };
    agent.on("connected", () => {
      if (!mine()) return;
      if (account.register) this.become("registering");
      else online();
    });
    agent.on("registered", () => {
      if (!mine() || this.state === "closing") return;
      this.registered = true;
      online();
    });
    agent.on("registrationFailed", (event) => {
      const { response, cause } = event as Refusal;
      // Without a connection "disconnected" follows, and knows better.
      if (!mine() || cause === "Connection Error") return;
      if (reached && !response) {
        // A connection may be dead for minutes before the browser knows.
        connectAgain(socket);
        return;
      }
      this.fail(registrationFailed(response?.status_code ?? 0, account.id));
    });
    agent.on("unregistered", () => {
      if (!mine()) return;
      this.registered = false;
      if (this.state === "closing") this.forget();
      else this.events.changed();
    });
    agent.on("disconnected", () => {
      if (!mine()) return;
      this.registered = false;
      if (this.state === "closing") this.forget();
      else if (!reached) this.fail(unreachable(account.socket, isOwn(account.socket)));
      else if (this.state !== "connecting") {
        this.become("connecting");
        this.events.say(connectionLost);
      }
    });
    agent.on("newRTCSession", ({ originator, session, request }: Arrival) => {
      if (!mine() || originator !== "remote") return;
      const { display_name: name, uri } = session.remote_identity;
      // An invitation without an offer may turn out to be for anything.
      const video = !request.body || /^m=video [1-9]/m.test(request.body);
      this.events.incoming({ session, name: name ?? "", number: uri.user ?? "", video });
    });
  }

  call(target: string, options: CallOptions): RTCSession {
    if (!this.agent) throw new Error("no line");
    return this.agent.call(target, options);
  }

  /** Unregister and disconnect, which ends every call. */
  close(): void {
    if (!this.agent || this.state === "closing") return;
    // Without a registration nothing is left to wait for.
    if (this.registered) {
      this.become("closing");
      this.agent.stop();
    } else {
      this.drop();
    }
  }

  /** Without waiting for the server: for a page that goes away. */
  drop(): void {
    const agent = this.agent;
    // First, so that what the agent says while it stops is nobody's any more.
    this.forget();
    agent?.stop();
  }

  private fail(message: Message): void {
    this.drop();
    this.events.say(message);
  }

  private forget(): void {
    clearTimeout(this.silence);
    this.agent = null;
    this.registered = false;
    this.become("offline");
  }

  private become(state: LineState): void {
    this.state = state;
    this.events.changed();
  }
}
