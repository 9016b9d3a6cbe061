// Stands in for the npm package of this name, through which JsSIP writes its log: the same
// switch (localStorage.debug = "JsSIP:*" in the console, then reload), at a tenth of its size.
// The package would be 2 kB of every visit.

const names = () => {
  try {
    return (localStorage.debug || "").split(/[\s,]+/).filter(Boolean);
  } catch {
    // A browser that keeps nothing for this page has nothing switched on.
    return [];
  }
};
const wanted = names().map((name) => new RegExp(`^${name.replace(/\*/g, ".*")}$`));

// CommonJS, because JsSIP calls what it requires, and its "default" as well.
module.exports = (name) => {
  const on = wanted.some((pattern) => pattern.test(name));
  const write = (format, ...values) => on && write.log(`${name} ${format}`, ...values);
  return write;
};
module.exports.default = module.exports;
