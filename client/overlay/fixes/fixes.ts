// The fixes of upstream's phone, by the ids of fixes.json: each looks whether its defect is there,
// and stays out where a later upstream has fixed it. The build leaves some out (`--without`).

import { settings } from "../../page.ts";
import { authenticate, connectAnywhere, hidePassword, refuseEmpty, usePerson } from "./account.ts";
import { addTracks, knowStreams, leavePlanB, stopSniffing } from "./browsers.ts";
import { comfort } from "./comfort.ts";
import { connectOnce, leave, tryAgain } from "./connection.ts";
import { clearPictures, hangUpOnce } from "./ending.ts";
import { takeHold } from "./hooks.ts";
import { answer, cancel, ringIncoming, showDecline, tellBusy } from "./incoming.ts";
import { askAlike, doWithoutCamera, limitGathering } from "./media.ts";
import { buildPanel } from "./panel.ts";
import { pairTracks, showLate, stopTimers, styleWords, takeAwayWhoLeft } from "./pictures.ts";
import { follow, forget } from "./talk.ts";
import { askForTls, tellFailures, tellUnregistered } from "./told.ts";
import type { PhoneClass, Sip } from "./upstream.ts";

const wanted = (id: string): boolean => !settings.without.includes(id);

/** In the order in which they have to take hold. */
function fixesOf(sip: Sip, phones: PhoneClass, source: string): Record<string, () => void> {
  return {
    D7: askForTls,
    D14: refuseEmpty,
    D1() {
      tellBusy();
      ringIncoming(source);
    },
    D2: answer,
    D9: cancel,
    D3: authenticate,
    D4: () => connectAnywhere(sip, phones),
    D5() {
      tellFailures();
      doWithoutCamera();
    },
    D6: () => connectOnce(phones),
    D8: clearPictures,
    D10: () => askAlike(phones),
    D11: takeAwayWhoLeft,
    D12: () => hangUpOnce(phones),
    D13: hidePassword,
    D15: () => stopTimers(phones),
    D16: styleWords,
    D18: stopSniffing,
    D19: leavePlanB,
    D20: addTracks,
    D21: knowStreams,
    D22: pairTracks,
    D23: showLate,
    D24: leave,
    D25: comfort,
    D26: limitGathering,
    D28: tellUnregistered,
    D29: () => tryAgain(phones),
  };
}

const { JsSIP: sip, CyberMegaPhone: phones } = globalThis;
// Another phone than upstream's has other defects.
if (sip && phones) {
  // As upstream wrote it, before anybody takes hold of it.
  const source = String(phones.prototype.connect);
  buildPanel();
  takeHold(sip, phones);
  usePerson(sip);
  const fixes = Object.entries(fixesOf(sip, phones, source)).filter(([id]) => wanted(id));
  follow();
  for (const [, fix] of fixes) fix();
  showDecline(wanted("D2"), wanted("D9"));
  forget();
}
