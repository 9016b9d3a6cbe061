// Pages of other sites that show this one inside themselves could lay their own over it, and have
// people press what they do not see. A page can be kept out of frames by a header alone, and
// Asterisk sends none; so the overlay does nothing there.

/** Whether any page around this one, near or far, is of another origin. */
export function framedByStranger(): boolean {
  try {
    // Pages of this origin may: they could do all that this one can without a frame.
    let inner: Window = window;
    while (inner !== inner.parent) {
      inner = inner.parent;
      if (!inner.document) return true; // another origin's throws
    }
    return false;
  } catch {
    return true;
  }
}
