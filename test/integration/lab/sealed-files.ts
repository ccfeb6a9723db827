import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyFile, openKeyFile, parseKeyFile } from "../../../src/daemon/swarm/key-file.ts";
import type { NodeKeys } from "../../../src/daemon/swarm/node-keys.ts";
import { parseUnlockKey } from "../../../src/model/unlock-key.ts";
import { scanFrames } from "../../../src/raft/frames.ts";
import { DataCipher } from "../../../src/system/data-cipher.ts";
import { systemRandom } from "../../../src/system/random.ts";

export function keyFileOf(swarmFolder: string): KeyFile {
  return parseKeyFile(readFileSync(join(swarmFolder, "identity.json"), "utf8"));
}

/** A node's keys, with the unlock key where they are locked. `undefined`: it is not the key. */
export function keysOf(swarmFolder: string, unlockKey?: string): NodeKeys | undefined {
  const file = keyFileOf(swarmFolder);
  if (file.kind === "open") return file.keys;
  return unlockKey === undefined ? undefined : openKeyFile(file, parseUnlockKey(unlockKey), systemRandom);
}

/** What is in a manager's log and snapshots, for who has the keys. */
export function unsealedRaftData(swarmFolder: string, { dataKeys }: NodeKeys): Buffer {
  const cipher = new DataCipher(dataKeys, systemRandom);
  const directory = join(swarmFolder, "manager", "raft");
  const names = readdirSync(directory).filter(name => !name.endsWith(".manifest"));
  const frames = names.flatMap(name => scanFrames(readFileSync(join(directory, name)), name.startsWith("log-") ? 8 : 0).frames);
  return Buffer.concat(frames.map(({ payload }) => cipher.open(payload)));
}

/** Files below a folder that hold one of the texts, as they are on disk. */
export function filesWith(folder: string, texts: readonly string[]): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => {
      const content = readFileSync(path);
      return texts.some(text => content.includes(text));
    });
}
