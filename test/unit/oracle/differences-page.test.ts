import assert from "node:assert/strict";
import { differencesPage, scenariosOn } from "../../oracle/differences-page.ts";
import type { ScenarioResult } from "../../oracle/run-scenario.ts";

const explanation = {
  scenario: /x/,
  where: /y/,
  reason: "a bug of Docker's",
  because: "of that",
  link: "https://x.example/1",
} as const;
const result = (name: string, explained: ScenarioResult["explained"]): ScenarioResult => ({
  scenario: { name, steps: [] },
  differences: [],
  explained,
  tookMs: 0,
  real: [],
  ours: { outcomes: [], aftermath: {}, tookMs: 0 },
});

describe("the page of differences", () => {
  const page = differencesPage(
    [result("one (a, b)", [{ where: "1 c: exit code", real: 500, ours: undefined, explanation }]), result("two", [])],
    [{ scenario: "three", because: "it is not there yet" }],
  );

  it("shows both outputs, with the reason and its link", () => {
    assert.match(page, /A bug of Docker's: of that\n\n<https:\/\/x.example\/1>/);
    assert.match(page, /\*\*one \(a, b\)\*\*, `1 c: exit code`\n {2}- Docker: `500`\n {2}- Shoal: nothing\n/);
  });

  it("names what is not yet the same", () => assert.match(page, /- `three`: it is not there yet/));

  it("knows which scenarios it tells of", () => assert.deepEqual(scenariosOn(page), new Set(["one (a, b)"])));
});
