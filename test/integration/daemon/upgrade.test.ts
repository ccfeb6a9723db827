import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { VERSION } from "../../../src/daemon/version.ts";
import { FORMAT_VERSION } from "../../../src/engine/state/database.ts";
import { importBusybox, ok } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

interface ContainerJson {
  readonly State: { readonly Status: string; readonly Pid: number };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

describe("an upgrade", function () {
  this.timeout(60_000);

  it("takes up containers and networks of the format before, and a downgrade is refused while they run on", async () => {
    await using daemon = new OwnDaemon();
    await daemon.start();
    await importBusybox([daemon.host]);
    const body = { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { NetworkMode: "own" } };
    const network = await ok<{ Id: string }>(daemon.host, "POST", "/networks/create", { Name: "own" });
    const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", body);
    await ok(daemon.host, "POST", `/containers/${Id}/start`);
    const before = await ok<ContainerJson>(daemon.host, "GET", `/containers/${Id}/json`);
    const { networkNamespace } = await daemon.holdNetwork();

    await daemon.stop();
    await toFirstFormat(daemon.dataRoot);
    await daemon.start({ networkNamespace });
    assert.deepEqual(JSON.parse(daemon.file("data/format.json")), { format: FORMAT_VERSION, writtenBy: VERSION });
    const after = await ok<ContainerJson>(daemon.host, "GET", `/containers/${Id}/json`);
    const address = ({ NetworkSettings }: ContainerJson) => NetworkSettings.Networks["own"]?.IPAddress;
    assert.deepEqual([after.State.Status, after.State.Pid, address(after)], ["running", before.State.Pid, address(before)]);
    assert.equal((await ok<{ Id: string }>(daemon.host, "GET", "/networks/own")).Id, network.Id);

    await daemon.stop();
    const path = join(daemon.dataRoot, "format.json");
    writeFileSync(path, `{"format": ${FORMAT_VERSION + 1}, "writtenBy": "0.2.0"}`);
    assert.equal(await daemon.launch({ networkNamespace }), 1);
    const refusal = `was written by version 0\\.2\\.0 in data format ${FORMAT_VERSION + 1}, and this version, `;
    assert.match(daemon.output, new RegExp(`^shoald: the data root \\S+ ${refusal}`, "m"));
    assert.match(readFileSync(`/proc/${before.State.Pid}/cmdline`, "utf8"), /^sleep\0/);
    rmSync(path);
    await daemon.start({ networkNamespace }); // So that it can be taken down.
  });
});

/** What the first version would have left. */
async function toFirstFormat(dataRoot: string): Promise<void> {
  rmSync(join(dataRoot, "format.json"));
  const level = new ClassicLevel(join(dataRoot, "engine", "state"));
  for await (const [key, text] of level.iterator()) {
    const { value } = JSON.parse(text) as { value: unknown };
    await level.del(key);
    const [collection = "", id = ""] = key.split("/");
    if (collection === "rootfs") {
      writeFileSync(join(dataRoot, "images", "containers", id, "record.json"), JSON.stringify(value));
      continue;
    }
    await level.put(key.replace(/^network\//, "networks/"), JSON.stringify({ format: 1, value }));
  }
  await level.close();
}
