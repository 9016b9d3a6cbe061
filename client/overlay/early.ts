// Stands first in the page, before anything of the phone: a page that was opened by a link is
// loaded again without it (aside.ts says why), before there is anything to see.

import { linked, loadAgain } from "./aside.ts";

/** Where this page really lies: the address bar is soon shown another way to it, which redirects. */
const address = location.pathname + location.search;

if (linked()) {
  // What follows in the page is text from here on: nothing of it runs or shows.
  document.write("<plaintext hidden>");
  loadAgain(address);
}

// A link that is opened where the page is already: browsers then change the fragment alone.
addEventListener("hashchange", () => {
  if (linked()) loadAgain(address);
});
