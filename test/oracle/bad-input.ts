import { BAD_INPUT_CASES } from "../api/bad-input.cases.ts";
import type { Scenario, Step } from "./scenario.ts";

/** Every request that the API's own tests refuse, asked of a real engine too; neither may hold more afterwards. */
export const BAD_INPUT_SCENARIOS: readonly (Scenario & { readonly needsSwarm: boolean })[] = BAD_INPUT_CASES.map(
  ({ when, method = "POST", path, body, headers, onManager = false }) => {
    const request: Step = {
      kind: "http",
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    };
    const steps: readonly Step[] = [{ kind: "listing" }, request, { kind: "listing" }];
    return { name: `refused, as ${when} (${method} ${path})`, steps, changesNothing: true, needsSwarm: onManager };
  },
);
