import assert from "node:assert/strict";
import { serviceSpec } from "../../../src/api/wire/service-spec.ts";
import { serviceSpec as stored } from "../../../src/codec/service.ts";

const CONTAINER = { Image: "app:1" };

/** As clients send them: with little said, and with zeros that mean the same. */
const SPECS: Readonly<Record<string, object>> = {
  "an image alone": {},
  "a restart policy without attempts": { RestartPolicy: { Condition: "any", Delay: 1e9 } },
  "a restart policy with none": { RestartPolicy: { Condition: "on-failure", MaxAttempts: 0 } },
  "a restart policy with three": { RestartPolicy: { Condition: "on-failure", MaxAttempts: 3, Window: 5e9 } },
  "empty parts": { Placement: {}, Resources: {}, RestartPolicy: {} },
  "limits and constraints": {
    Placement: { Constraints: ["node.role==worker"], MaxReplicas: 2 },
    Resources: { Limits: { MemoryBytes: 1e8 }, Reservations: { NanoCPUs: 1e9 } },
  },
};

describe("a service's spec that is read and sent back", () => {
  for (const [what, task] of Object.entries(SPECS)) {
    it(`is the same, so that no task is replaced: ${what}`, () => {
      const first = keep(serviceSpec.read({ Name: "web", TaskTemplate: { ContainerSpec: CONTAINER, ...task } }));
      const again = keep(serviceSpec.read(JSON.parse(JSON.stringify(serviceSpec.write(first)))));
      assert.deepEqual(again, first);
    });
  }
});

function keep(spec: ReturnType<typeof serviceSpec.read>) {
  return stored.fromWire(stored.toWire(spec));
}
