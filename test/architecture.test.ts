import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

/** Which folders a folder may import besides itself and `lib`. The same table is in ARCHITECTURE.md. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  lib: [],
  model: [],
  ports: ["model"],
  gen: [],
  raft: [],
  scheduler: ["model"],
  compose: ["model"],
  codec: ["model", "gen"],
  system: ["model", "ports"],
  manager: ["model", "ports", "codec", "raft", "scheduler"],
  engine: ["model", "ports"],
  network: ["model", "ports", "engine/networks"],
  worker: ["model", "ports", "codec"],
  rpc: ["model", "ports", "codec", "gen"],
  api: ["model", "ports"],
  cli: ["model", "api/client", "api/wire", "compose"],
  web: ["model", "api/client", "api/wire"],
};
const FILE_MAY_IMPORT: Record<string, readonly string[]> = {
  "raft/driver.ts": ["model", "ports"],
  "raft/driver-setup.ts": ["ports"],
  "raft/storage.ts": ["model", "ports"],
  "raft/wal.ts": ["ports"],
  "raft/snapshot-files.ts": ["ports"],
  "raft/applied-state.ts": ["ports"],
  "raft/snapshot-exchange.ts": ["ports"],
  "raft/membership-work.ts": ["ports"],
  "raft/disk-watch.ts": ["ports"],
  "cli/commands/container/bundle.ts": ["model", "api/client", "api/wire", "system"],
  "worker/engine-executor.ts": ["model", "ports", "codec", "engine", "network"],
};
/** Packages that one folder alone may know. */
const PACKAGE_OWNER: Record<string, readonly string[]> = {
  koffi: ["system"],
  "node:child_process": ["system"],
  "@peculiar/x509": ["system"],
  "@grpc/grpc-js": ["rpc", "gen"],
  "@bufbuild/protobuf": ["gen", "codec"],
  "dns-packet": ["engine"],
  ws: ["api"],
};
const LINES_MAX = 400;

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(name => name.endsWith(".ts"));

describe("architecture", () => {
  for (const file of files) {
    const [folder = ""] = file.split("/");
    if (folder === "daemon" || folder === "gen") continue;
    const source = readFileSync(`src/${file}`, "utf8");
    it(`${file} imports only what its folder may`, () => {
      const allowed = FILE_MAY_IMPORT[file] ?? MAY_IMPORT[folder];
      assert.ok(allowed, `${folder}/ has no row in the table`);
      for (const [, target = ""] of source.matchAll(/(?:from|import\(|import)\s*"([^"]+)"/g)) {
        if (!target.startsWith(".")) {
          const owners = PACKAGE_OWNER[target];
          assert.ok(owners === undefined || owners.includes(folder), `${folder}/ may not import ${target}`);
          continue;
        }
        const path = posix.join(posix.dirname(file), target);
        const [imported = ""] = path.split("/");
        const isAllowed = imported === folder || imported === "lib" || allowed.some(name => path.startsWith(`${name}/`));
        assert.ok(isAllowed, `${file} may not import ${path}`);
        assert.ok(existsSync(`src/${path}`), `${file} imports ${path}, which does not exist`);
      }
    });
  }

  it(`has no source file over ${LINES_MAX} lines`, () => {
    const long = files.filter(
      file => !file.startsWith("gen/") && readFileSync(`src/${file}`, "utf8").split("\n").length > LINES_MAX,
    );
    assert.deepEqual(long, []);
  });
});
