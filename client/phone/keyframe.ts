// A picture that starts in the middle of a stream needs a whole frame to start from. Browsers ask
// for one, but Asterisk's StreamEcho does not pass the question on (seen in 16 and 22): in one
// call of twenty the pictures that it adds would stay black for ever.

/** How long after a change, in milliseconds, to look whether a picture is still missing. */
const LOOKS = [500, 2_000, 5_000];

/** As much as browsers and the WebRTC extensions know of it; the types have nothing. */
type SetParameters = (
  parameters: RTCRtpSendParameters,
  options: { encodingOptions: { keyFrame: boolean }[] },
) => Promise<void>;

/** Send whole frames for as long as pictures are `missing` after a change of `connection`. */
export function helpToStart(connection: RTCPeerConnection, missing: () => boolean): void {
  for (const delay of LOOKS) setTimeout(() => missing() && void sendWholeFrame(connection), delay);
}

async function sendWholeFrame(connection: RTCPeerConnection): Promise<void> {
  for (const sender of connection.getSenders()) {
    if (sender.track?.kind !== "video" || (await isAsked(sender))) continue;
    // What pauses and goes on goes on with a whole frame.
    for (const active of [false, true]) {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) encoding.active = active;
      await sender.setParameters(parameters).catch(() => null);
    }
  }
}

/** Ask for a whole frame; whether the browser knows how to be asked, which Firefox does not. */
async function isAsked(sender: RTCRtpSender): Promise<boolean> {
  const parameters = sender.getParameters();
  let isRead = false;
  const options = {
    get encodingOptions() {
      isRead = true;
      return parameters.encodings.map(() => ({ keyFrame: true }));
    },
  };
  await (sender.setParameters as SetParameters).call(sender, parameters, options).catch(() => null);
  return isRead;
}
