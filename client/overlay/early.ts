// Stands first in the page, before anything of the phone: a page that was opened by a link is
// loaded again without it (aside.ts says why), before there is anything to see.

import { linked, loadAgain } from "./aside.ts";

if (linked()) {
  // What follows in the page is text from here on: nothing of it runs or shows.
  document.write("<plaintext hidden>");
  loadAgain();
}

// A link that is opened where the page is already: browsers then change the fragment alone.
addEventListener("hashchange", () => {
  if (linked()) loadAgain();
});
