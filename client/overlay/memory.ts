// Remembering a link on this device, which is off until somebody asks for it.

/** Beside other phones of this server: one key for each site. */
const key = (folder: URL): string => `cmp-bundle link of ${folder.pathname}`;

export function remembered(folder: URL): string {
  try {
    return localStorage.getItem(key(folder)) ?? "";
  } catch {
    return ""; // a browser that keeps nothing
  }
}

export function remember(folder: URL, token: string): void {
  try {
    if (token) localStorage.setItem(key(folder), token);
    else localStorage.removeItem(key(folder));
  } catch {
    // As above: then the link is needed again the next time.
  }
}
