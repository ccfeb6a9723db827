// Runs a bundled program with the code that V8 made of it when it was built: the daemon and the manager start in two thirds of the time so.
// Without that code, or under another Node.js than the build's, it is compiled anew.
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const DIST = join(__dirname, "../dist");

/** @param {string} name - Of the bundle, which is all ASCII. @returns {Script} Its result takes what a CommonJS module is given. */
function compile(name, directory = DIST) {
  const file = join(directory, `${name}.cjs`);
  return new Script(Module.wrap(readFileSync(file, "latin1")), { filename: file, cachedData: cached(`${file}.code`) });
}

function cached(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** @param {Script} script - Of `compile`. */
function run(script, name, directory = DIST) {
  const file = join(directory, `${name}.cjs`);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, Module.createRequire(file), module, file, directory);
}

module.exports = { compile, run, start: name => run(compile(name), name) };
