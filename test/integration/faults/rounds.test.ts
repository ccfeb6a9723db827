import assert from "node:assert/strict";
import type { ArmedFailpoint } from "../../../src/daemon/failpoints.ts";
import { defined } from "../../../src/lib/assert.ts";
import type { FailpointName } from "../../../src/ports/failpoint.ts";
import { FaultRun } from "../../faults/fault-run.ts";
import { OPERATIONS } from "../../faults/operations.ts";
import type { Fault } from "../../faults/round.ts";

type Case = readonly [operation: string, at: FailpointName, moment: ArmedFailpoint["moment"], action: ArmedFailpoint["action"]];

/** Each of these once left something or lost something. `npm run faults` plays all failpoints, and chance. */
const CASES: readonly Case[] = [
  ["network create", "state/network.sync", "before", "kill"],
  ["network create", "networks/bridge.raise", "after", "kill"],
  ["network remove", "networks/bridge.remove", "before", "kill"],
  ["network remove", "state/network.sync", "before", "kill"],
  ["network connect", "networks/route.apply", "before", "kill"],
  ["network disconnect", "networks/link.lower", "before", "kill"],
  ["network disconnect", "networks/link.lower", "after", "kill"],
  ["start on a network", "networks/sandbox-record.rename", "before", "kill"],
  ["load", "images/image-record.rename", "before", "kill"],
  ["tag", "images/repositories.rename", "before", "kill"],
  ["commit", "images/config.rename", "before", "kill"],
  ["build", "build/containers.sync", "after", "kill"],
  ["build", "runtime/start.spawn", "after", "kill"],
  ["build", "images/rootfs.mount", "after", "kill"],
  ["build", "images/image-record.rename", "before", "ENOSPC"],
  ["pause", "runtime/pause.spawn", "after", "kill"],
  ["unpause", "runtime/resume.spawn", "after", "kill"],
  ["exec with a terminal", "runtime/exec-terminal.spawn", "after", "kill"],
  ["run --rm", "containers/files.write", "after", "kill"],
  ["stop with a mounted volume", "volumes/umount.spawn", "before", "kill"],
  ["restart of the daemon", "runtime/probe.spawn", "before", "kill"],
  ["restart of the daemon", "runtime/probe.spawn", "before", "EMFILE"],
  ["create", "containers/volume-copy.spawn", "before", "EIO"],
  ["start", "state/container.sync", "before", "ENOSPC"],
  ["volume remove", "state/volume.sync", "before", "EMFILE"],
  ["run --rm", "volumes/removal-mark.write", "before", "EIO"],
  ["volume create", "state/volume.sync", "before", "ENOSPC"],
  ["restart", "runtime/delete.spawn", "before", "ENOSPC"],
  ["kill", "networks/firewall.apply", "before", "EIO"],
  ["exec with a terminal", "runtime/exec-terminal.spawn", "before", "EMFILE"],
  ["commit", "runtime/resume.spawn", "before", "EIO"],
  ["commit", "images/image-record.sync-folder", "before", "EMFILE"],
  ["tag", "images/repositories.rename", "before", "ENOSPC"],
  ["image remove", "images/repositories.sync-folder", "before", "EIO"],
  ["network prune", "state/network.sync", "before", "EIO"],
  ["restart", "networks/namespace.delete", "before", "ENOSPC"],
];

describe("an engine that fails amid its work", function () {
  this.timeout(60_000);
  let run: FaultRun;

  before(async () => {
    run = await FaultRun.begin();
  });
  after(async () => run?.[Symbol.asyncDispose]());

  for (const [name, at, moment, action] of CASES) {
    it(`is as it should be after ${action} ${moment} ${at} of ${name}`, async () => {
      const armed = { name: at, moment, action };
      await holds(name, action === "kill" ? { kind: "failpoint", armed } : { kind: "error", armed });
    });
  }

  it("is as it should be after a power loss while a container starts", () => holds("start", { kind: "crash", afterMs: 40 }));

  it("is as it should be after a power loss while a container is paused", () => holds("unpause", { kind: "crash", afterMs: 0 }));

  it("is as it should be after it was told to stop while a container starts", () =>
    holds("start", { kind: "stop", afterMs: 20 }));

  async function holds(name: string, fault: Fault): Promise<void> {
    const operation = defined(
      OPERATIONS.find(other => other.name === name),
      name,
    );
    const { problems, isHit } = await run.play({ operation, fault });
    assert.deepEqual(problems, []);
    assert.ok(isHit, "the failpoint was not passed");
  }
});
