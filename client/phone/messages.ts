// What went wrong, and what to do about it: every sentence that the phone may have to say.

export interface Message {
  text: string;
  link?: { href: string; label: string };
}

/** How a call ended, as JsSIP tells it. */
export interface Ending {
  /** "local" where this phone ended it. */
  originator: string;
  cause: string;
  /** The status code of the answer that ended it; 0 where there was none. */
  status: number;
  /** True while the call was ringing here, unanswered. */
  missed?: boolean;
  /** True where sound or pictures got through before. */
  reached?: boolean;
  /** True where another phone of the same account took it. */
  elsewhere?: boolean;
}

const NO_COMMON_MEDIA =
  "The server and this browser found no sound or picture format in common. " +
  "In pjsip.conf this account’s endpoint needs webrtc=yes.";

/** What to tell about the end of a call with `who`; null where the end was wanted. */
export function callEnded(ending: Ending, who: string): Message | null {
  const text = ending.missed ? missed(ending, who) : (byStatus(ending, who) ?? byCause(ending, who));
  return text === null ? null : { text };
}

function missed(ending: Ending, who: string): string | null {
  if (ending.originator === "local" && ending.cause === "Rejected") return null;
  if (ending.elsewhere) return `Another phone answered the call from ${who}.`;
  return `Missed call from ${who}.`;
}

function byStatus({ status }: Ending, who: string): string | null {
  switch (status) {
    case 401:
    case 407:
      return "The server did not accept this account for a call. Check the ID and the password under Account.";
    case 403:
      return `The call to ${who} was refused. Either it was declined, or this account may not call there.`;
    case 404:
    case 604:
      return `There is no ${who}, or no phone is connected there. Check the number, or try again later.`;
    case 408:
      return `No answer from ${who}. Try again later.`;
    case 410:
    case 430:
    case 480:
    case 503:
      return `${who} cannot be reached now. Try again later.`;
    case 484:
      return `${who} is not a complete number. Check it, then call again.`;
    case 415:
    case 488:
    case 606:
      return NO_COMMON_MEDIA;
    case 486:
    case 600:
      return `${who} is busy. Try again later.`;
    case 603:
      return `${who} declined the call.`;
  }
  return status >= 300 ? `The server could not place the call to ${who} (answer ${status}). Try again later.` : null;
}

function byCause({ originator, cause, reached }: Ending, who: string): string | null {
  switch (cause) {
    case "Terminated":
      return originator === "local" ? null : `${who} hung up.`;
    case "Canceled":
    case "Rejected":
      return null;
    case "RTP Timeout":
      if (reached) return `The call with ${who} was cut off. Check the network, then call again.`;
      return (
        "No sound gets through between this browser and the server. " +
        "A firewall may block the server’s RTP ports (UDP)."
      );
    case "Request Timeout":
    case "Connection Error":
    case "No ACK":
      return "The server stopped answering. Check the network, then call again.";
    case "Bad Media Description":
    case "Incompatible SDP":
    case "Missing SDP":
    case "WebRTC Error":
      return NO_COMMON_MEDIA;
  }
  return `The call to ${who} failed (${cause}). Try again.`;
}

/** Why the server would not register an account; `status` is 0 where it did not answer at all. */
export function registrationFailed(status: number, id: string): Message {
  switch (status) {
    case 0:
    case 408:
      return { text: "The server takes connections but does not answer. Is PJSIP loaded there?" };
    case 401:
    case 407:
      return { text: "The server does not accept this ID and password. Check both, then connect again." };
    case 403:
      return {
        text:
          `The server refuses to register ${id}. Check the ID and the password. If they are right: in ` +
          "pjsip.conf its endpoint needs aors=, and that AOR a max_contacts that is not used up.",
      };
    case 404:
      return { text: `The server has no AOR for ${id}. In pjsip.conf the endpoint needs aors=${id}.` };
  }
  return { text: `The server could not register ${id} (answer ${status}). Try again later.` };
}

/** Why no connection came about; `own` says that the page came from the same host and port. */
export function unreachable(socket: string, own: boolean): Message {
  const { host, href } = new URL(socket.replace(/^ws/i, "http"));
  return own
    ? {
        text: `${host} does not take phone connections. Is Asterisk running, with res_http_websocket loaded?`,
        link: { href, label: "See what it answers" },
      }
    : {
        text:
          `No connection to ${host}. It may be down, or this browser does not trust its certificate yet: ` +
          "open it once, accept the certificate, then connect again.",
        link: { href, label: `Open ${host}` },
      };
}

/** Why the browser gave no microphone: `name` is that of its error. */
export function noMicrophone(name: string): Message {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return { text: "This page may not use the microphone. Allow it beside the address, then try again." };
    case "NotFoundError":
    case "OverconstrainedError":
      return { text: "There is no microphone. Plug one in, then try again." };
  }
  return { text: "The microphone does not start. Close other programs that use it, then try again." };
}

/** Why a call goes on without the camera that was asked for. */
export function noCamera(name: string): Message {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return { text: "This page may not use the camera: the others hear you, but do not see you." };
    case "NotFoundError":
    case "OverconstrainedError":
      return { text: "There is no camera: the others hear you, but do not see you." };
  }
  return { text: "The camera does not start: the others hear you, but do not see you." };
}

/** A microphone ("audio") or camera that was unplugged, or forbidden, during a call. */
export const stopped = (kind: string): Message => ({
  text: `The ${kind === "audio" ? "microphone has stopped: the others do not hear" : "camera has stopped: the others do not see"} you. Choose one in the list of devices.`,
});

/** A page that did not come over TLS gets no microphone from any browser. */
export function insecure(href: string): Message {
  return {
    text: "Browsers give the microphone to https pages only.",
    link: { href, label: "Open this page over https" },
  };
}

export const gone = (who: string): Message => ({ text: `Nothing has come from ${who} for a while, who may be gone. Hang up, or wait.` });
export const busyMeanwhile = (who: string): Message => ({ text: `${who} called meanwhile, and was told that you are busy.` });
export const connectFirst: Message = { text: "Connect first, then call." };
export const connectionLost: Message = { text: "The connection to the server was lost. Trying again…" };
export const notCallable: Message = { text: "This is not a number or an address that can be called." };
