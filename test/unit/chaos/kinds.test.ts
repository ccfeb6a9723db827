import assert from "node:assert/strict";
import { FAULT_KINDS } from "../../chaos/fault.ts";
import { chooseKinds } from "../../chaos/kinds.ts";

const WITHOUT_CLOCKS = FAULT_KINDS.filter(kind => kind !== "clock step");
const NEEDS = /^clock steps need Debian's libfaketime .*; without them: --only "/;

describe("the kinds of fault of a chaos run", () => {
  const chosen: readonly { readonly when: string; readonly only?: string; readonly clocks?: false; readonly chooses: object }[] =
    [
      { when: "nothing is asked for", chooses: { kinds: FAULT_KINDS, skipped: [] } },
      { when: "some are asked for, in their own order", only: "cut,kill", chooses: { kinds: ["kill", "cut"], skipped: [] } },
      { when: "clocks cannot be set", clocks: false, chooses: { kinds: WITHOUT_CLOCKS, skipped: ["clock step"] } },
      {
        when: "clocks cannot be set and need not",
        only: "kill,pause",
        clocks: false,
        chooses: { kinds: ["kill", "pause"], skipped: [] },
      },
    ];
  for (const { when, only, clocks = true, chooses } of chosen)
    it(`are chosen when ${when}`, () =>
      assert.deepEqual(chooseKinds(only, { hasClocks: clocks, hasReferenceData: false }), chooses));

  const refused: readonly { readonly when: string; readonly only?: string; readonly here?: true; readonly says: RegExp }[] = [
    { when: "it is not known", only: "kill,flood", says: /^no such faults: flood \(there are kill, / },
    { when: "none is named", only: "", says: /^no such faults:/ },
    { when: "clock steps are asked for and cannot be had", only: "kill,clock step", says: NEEDS },
    { when: "nothing may be left out and clocks cannot be set", here: true, says: NEEDS },
  ];
  for (const { when, only, here = false, says } of refused)
    it(`are refused when ${when}`, () => {
      const reason = chooseKinds(only, { hasClocks: false, hasReferenceData: here });
      assert.match(typeof reason === "string" ? reason : "chosen", says);
    });
});
