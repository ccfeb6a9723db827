import assert from "node:assert/strict";
import type { DaemonConfig } from "../../../src/daemon/config.ts";
import { RuntimeCatalog } from "../../../src/daemon/runtime-catalog.ts";
import type { ProbedRuntimes } from "../../../src/engine/runtime/probe.ts";

describe("what users are told of weak runtimes", () => {
  const runtime = (kind: "crun" | "runc") =>
    ({ name: kind, path: `/usr/bin/${kind}`, kind, args: [], rootPath: `/run/${kind}` }) as const;
  const probed: ProbedRuntimes = {
    ...{ conmonPath: "", conmonVersion: "", seccompFilterRuntimes: new Set(), refused: new Map() },
    runtimes: new Map([runtime("crun"), runtime("runc")].map(each => [each.name, each])),
    defaultRuntime: "crun",
    versions: new Map([
      ["crun", { program: "crun", version: "1.8.1", commit: "" }],
      ["runc", { program: "runc", version: "1.1.5", commit: "" }],
    ]),
  };
  const catalog = (config: Partial<DaemonConfig>) =>
    new RuntimeCatalog(probed, { config: { runtimes: {}, ...config } as DaemonConfig, runDirectory: "/run", noted: [] });

  it("is all of it at the start", () => assert.deepEqual([...catalog({}).weaknesses.keys()], ["runc"]));

  it("is in `info` what concerns containers that name no runtime", async () => {
    assert.deepEqual(catalog({}).warnings, []);
    const weak = catalog({ defaultRuntime: "runc" });
    assert.match(weak.warnings.join("\n"), /^WARNING: runc 1\.1\.5 is known to be weak/);
    await weak.reconfigure({ runtimes: {}, defaultRuntime: "crun" } as unknown as DaemonConfig);
    assert.deepEqual(weak.warnings, []);
  });
});
