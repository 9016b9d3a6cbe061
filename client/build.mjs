// Compiles the browser side into the Python package: what a wheel ships, and what a build from
// a clone uses. Run by hatch_build.py, or by hand: npm run build
import { build } from "esbuild";
import { minify } from "terser";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";

// Whoever looks meanwhile, or after a build that fails, finds the one before.
const finished = new URL("../cmp_bundle/client/", import.meta.url);
const building = new URL("../cmp_bundle/.client-building/", import.meta.url);
const out = new URL(`${process.pid}/`, building);

const common = {
  bundle: true,
  minify: true,
  // Every browser that has WebRTC's unified plan and can be told to keep it.
  target: ["chrome80", "firefox113", "safari15.4"],
  format: "iife",
  // A banner of a licence stays with the code that it covers.
  legalComments: "inline",
  charset: "utf8",
  absWorkingDir: new URL(".", import.meta.url).pathname,
  // JsSIP's log, with a smaller package behind it.
  alias: { debug: new URL("phone/debug.cjs", import.meta.url).pathname },
  define: { "process.env.NODE_ENV": '"production"' },
};

for (const folder of ["phone/", "dev/"]) await mkdir(new URL(folder, out), { recursive: true });
const scripts = {
  "loader.js": "loader/loader.ts",
  "early.js": "overlay/early.ts",
  "overlay.js": "overlay/overlay.ts",
  "fixes.js": "overlay/fixes/fixes.ts",
  "phone/phone.min.js": "phone/phone.ts",
  "dev/page.js": "dev/page.ts",
  "dev/dev.js": "dev/dev.ts",
};
for (const [name, entry] of Object.entries(scripts)) {
  const { outputFiles } = await build({ ...common, entryPoints: [entry], write: false });
  // A second, more thorough look: it takes another 3 kB of every visit to the built-in phone.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2020,
    compress: { passes: 3 },
    format: { comments: /^!/, ascii_only: false },
  });
  await writeFile(new URL(name, out), code + "\n");
}
const styles = { "phone/phone": "phone/phone.css", overlay: "overlay/overlay.css", fixes: "overlay/fixes/fixes.css" };
await build({ ...common, entryPoints: styles, outdir: out.pathname });
// For developers alone, whose browsers are new.
const recent = { ...common, target: ["chrome123", "firefox120", "safari17.5"] };
await build({ ...recent, entryPoints: { "dev/dev": "dev/dev.css" }, outdir: out.pathname });
await cp(new URL("phone/index.html", import.meta.url), new URL("phone/index.html", out));
// What the fixes are, for the command line: one line each.
const fixes = JSON.parse(await readFile(new URL("overlay/fixes/fixes.json", import.meta.url), "utf8"));
await writeFile(new URL("fixes.json", out), `[\n${fixes.map((fix) => JSON.stringify(fix)).join(",\n")}\n]\n`);

// What the built-in phone is made of, and under which licences that may be handed on.
const packages = { jssip: "LICENSE.md", events: "LICENSE", "sdp-transform": "LICENSE" };
let licences = await readFile(new URL("../LICENSE", import.meta.url), "utf8");
for (const [name, file] of Object.entries(packages)) {
  const text = await readFile(new URL(`node_modules/${name}/${file}`, import.meta.url), "utf8");
  licences += `\n---\n\n${name}\n\n${text.trim()}\n`;
}
await writeFile(new URL("phone/LICENSE", out), licences);

await rm(finished, { recursive: true, force: true });
await rename(out, finished);
await rm(building, { recursive: true, force: true });
