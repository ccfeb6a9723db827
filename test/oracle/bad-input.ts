import { BAD_INPUT_CASES } from "../api/bad-input.cases.ts";
import { BAD_REQUESTS, type BadRequest } from "./bad-requests.ts";
import { docker, type Scenario, type Step } from "./scenario.ts";

const ONE = docker("run -d --name one busybox sleep 300", { isSetUp: true });
const NET = docker("network create net", { isSetUp: true });
const WEB = docker("service create -d --name web --replicas 0 busybox sleep 300", { isSetUp: true });

/** What the request is about is there, so that it is not refused for that. */
function setUp(path: string): readonly Step[] {
  if (/\/(?:containers|networks)\/(?:one|net)\//.test(path)) return [ONE, NET];
  if (/\/services\/web\//.test(path)) return [WEB];
  return [];
}

/** A real engine looks for an unknown driver for 15 s; one scenario waits for that. */
const IS_SLOW = /log driver is unknown/;
const REQUESTS: readonly BadRequest[] = [...BAD_INPUT_CASES.filter(({ when }) => !IS_SLOW.test(when)), ...BAD_REQUESTS];

/** Every request that the API's own tests refuse, asked of a real engine too; neither may hold more afterwards. */
export const BAD_INPUT_SCENARIOS: readonly (Scenario & { readonly needsSwarm: boolean })[] = REQUESTS.map(
  ({ when, method = "POST", path, body, headers, onManager = false }) => {
    const request: Step = {
      kind: "http",
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    };
    const steps: readonly Step[] = [...setUp(path), { kind: "listing" }, request, { kind: "listing" }];
    return { name: `refused, as ${when} (${method} ${path})`, steps, needsSwarm: onManager };
  },
);
