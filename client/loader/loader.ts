// The only script that a packed page carries inline: it fetches the phone, all of it in one
// gzipped file, unpacks it, runs its scripts one by one as the classic scripts that they were,
// and lets the page's own load handlers see the events that they missed meanwhile.
//
// Its text is the same in every bundle; which files to fetch stands on its element:
//   data-app    the gzipped scripts, a NUL between them
//   data-plain  the same scripts joined, for browsers without DecompressionStream

(() => {
  const { app = "", plain = "" } = (document.currentScript as HTMLScriptElement).dataset;
  let loaded = false;
  addEventListener("load", () => (loaded = true));
  const parsed = new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));

  const unpacked = async (): Promise<string> => {
    const answer = await fetch(app);
    if (!answer.ok || !answer.body) throw new Error(`${answer.status} for ${app}`);
    return new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const fetched = "DecompressionStream" in window ? unpacked() : Promise.reject();
  fetched.catch(() => null); // it may fail before the page is parsed; it is looked at below

  const element = (): HTMLScriptElement => document.createElement("script");

  const runAll = (code: string): void => {
    for (const text of code.split("\0")) {
      const script = element();
      script.textContent = text;
      document.head.append(script);
    }
  };

  const runPlain = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const script = element();
      script.onload = resolve;
      script.onerror = reject;
      script.src = plain;
      document.head.append(script);
    });

  parsed
    .then(() => fetched)
    .then(runAll, runPlain)
    .then(
      () => {
        document.dispatchEvent(new Event("DOMContentLoaded"));
        if (loaded) dispatchEvent(new Event("load"));
      },
      () => {
        const sorry = document.createElement("p");
        sorry.setAttribute("role", "alert");
        sorry.textContent =
          "The phone could not be loaded from this server. Check the connection, then reload this page.";
        document.body.prepend(sorry);
      },
    );
})();
