// Twelve keys: in a call they send tones, before one they write the number.

const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];

/** Fill `place` with the keys. */
export function buildKeypad(place: HTMLElement, pressed: (key: string) => void): void {
  for (const [index, key] of [..."123456789*0#"].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = key;
    const letters = document.createElement("small");
    letters.textContent = LETTERS[index] ?? "";
    letters.setAttribute("aria-hidden", "true");
    button.append(letters);
    button.addEventListener("click", () => pressed(key));
    place.append(button);
  }
}

/** The key that was struck on a keyboard, if a phone has one like it and nobody is writing. */
export function struck(event: KeyboardEvent): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null;
  if (event.target instanceof HTMLInputElement && /^(text|password)$/.test(event.target.type)) return null;
  return /^[\d*#]$/.test(event.key) ? event.key : null;
}
