import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { TestAuthority } from "../../api/tls-certificates.ts";
import { hasDocker } from "../cli/programs.ts";
import { call, importBusybox } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";
import { skip } from "../../skip.ts";

const run = promisify(execFile);
const LIMIT_MS = 30_000;

describe("one docker CLI with contexts on two daemons", function () {
  this.timeout(60_000);
  let first: OwnDaemon;
  let second: OwnDaemon;
  let authority: TestAuthority;
  let environment: NodeJS.ProcessEnv;

  before(async function () {
    if (!hasDocker()) skip(this, "there is no docker CLI");
    first = new OwnDaemon();
    second = new OwnDaemon();
    authority = await TestAuthority.create("ours");
    const tls = join(first.directory, "tls");
    const { certificatePem, keyPem } = await authority.issue("localhost", { use: "server" });
    writeFiles(tls, { "ca.pem": authority.certificatePem, "cert.pem": certificatePem, "key.pem": keyPem });
    const files = ["--tlscacert", "ca.pem", "--tlscert", "cert.pem", "--tlskey", "key.pem"].map(word =>
      word.startsWith("--") ? word : join(tls, word),
    );
    const hosts = [`unix://${first.host.socket}`, "tcp://127.0.0.1:2376"];
    const exposed = { hosts: [`unix://${second.host.socket}`, "tcp://127.0.0.1:2376"], flags: ["--tls", ...files] };
    await Promise.all([first.start({ hosts, flags: ["--tlsverify", ...files] }), second.start(exposed)]);
    await Promise.all([importBusybox([first.host]), importBusybox([second.host])]);
    environment = await clientEnvironment();
    await docker("context", "create", "over-tls", "--docker", await tlsEndpoint(authority, "good"));
    await docker("context", "create", "over-ssh", "--docker", "host=ssh://second");
  });
  after(async () => {
    await first?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
  });

  /** An ssh that reaches one host: this one, where `docker` is a program of ours. */
  async function clientEnvironment(): Promise<NodeJS.ProcessEnv> {
    const bin = join(first.directory, "bin");
    const script = `#!/bin/sh
while [ "$1" != second ]; do shift || exit 255; done
shift; [ "$1 $2 $3" = "docker system dial-stdio" ] || { echo "asked for: $*" >&2; exit 1; }
DOCKER_HOST=unix://${second.host.socket} exec ${process.execPath} ${resolve("bin/shoal")} system dial-stdio
`;
    writeFiles(bin, { ssh: script });
    chmodSync(join(bin, "ssh"), 0o755);
    const { DOCKER_HOST: _, ...rest } = process.env;
    return { ...rest, PATH: `${bin}:${process.env["PATH"]}`, DOCKER_CONFIG: join(first.directory, "client") };
  }

  async function tlsEndpoint(signer: TestAuthority, name: string): Promise<string> {
    const { certificatePem, keyPem } = await signer.issue("alice", { use: "client" });
    const directory = join(first.directory, `client-${name}`);
    writeFiles(directory, { "ca.pem": authority.certificatePem, "cert.pem": certificatePem, "key.pem": keyPem });
    const at = (file: string) => join(directory, file);
    return `host=tcp://127.0.0.1:2376,ca=${at("ca.pem")},cert=${at("cert.pem")},key=${at("key.pem")}`;
  }

  function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(directory, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  }

  /** The CLI, where the first daemon's loopback is. */
  async function docker(...args: readonly string[]): Promise<string> {
    const command = [`--net=/proc/${first.pid}/ns/net`, "docker", ...args];
    const { stdout } = await run("nsenter", command, { env: environment, timeout: LIMIT_MS });
    return stdout;
  }
  it("warns of an address that serves anyone, and of no other", async () => {
    const warningsOf = async ({ host }: OwnDaemon): Promise<readonly string[]> => {
      const { body } = await call(host, "GET", "/info");
      return (body as { readonly Warnings: readonly string[] | null }).Warnings ?? [];
    };
    assert.match(second.output, /Binding to IP address without --tlsverify is insecure/);
    assert.match(
      (await warningsOf(second)).join("\n"),
      /API is accessible on https:\/\/127\.0\.0\.1:2376 without TLS client verification/,
    );
    assert.doesNotMatch(first.output, /Binding to/);
    assert.doesNotMatch((await warningsOf(first)).join("\n"), /API is accessible/);
  });

  /** A shell line; `tls` and `ssh` stand for the CLI in either context. */
  async function shell(line: string): Promise<string> {
    const script = `set -eo pipefail; tls() { docker --context over-tls "$@"; }; ssh_() { docker --context over-ssh "$@"; }; ${line}`;
    const command = [`--net=/proc/${first.pid}/ns/net`, "bash", "-c", script];
    const { stdout } = await run("nsenter", command, { env: environment, timeout: LIMIT_MS });
    return stdout;
  }

  it("reaches each by its context, at the same time", async () => {
    const [overTls, overSsh] = await Promise.all([
      shell("tls info --format '{{.ID}}'; for i in 1 2 3; do tls run --rm --network none busybox echo one; done"),
      shell("ssh_ info --format '{{.ID}}'; for i in 1 2 3; do ssh_ run --rm --network none busybox echo two; done"),
    ]);
    const [firstId, ...ones] = overTls.trim().split("\n");
    const [secondId, ...twos] = overSsh.trim().split("\n");
    assert.notEqual(firstId, secondId);
    assert.deepEqual([ones, twos], [Array(3).fill("one"), Array(3).fill("two")]);
  });

  it("is one of two: ours reads the same contexts", async () => {
    const id = await shell("tls info --format '{{.ID}}'");
    assert.equal(await shell(`${process.execPath} bin/shoal --context over-tls info --format '{{.ID}}'`), id);
    assert.equal(await shell(`${process.execPath} bin/shoal --context over-tls run --rm --network none busybox echo hi`), "hi\n");
  });

  it("passes input, its end, output and exit codes through both", async () => {
    for (const context of ["tls", "ssh_"]) {
      const line = `head -c 300000 /dev/zero | ${context} run --rm -i --network none busybox sh -c 'wc -c; echo err >&2; exit 3' 2>/dev/null || echo "exit $?"`;
      assert.deepEqual((await shell(line)).trim().split("\n"), ["300000", "exit 3"]);
    }
  });

  it("is refused with a certificate of another authority", async () => {
    const foreign = await TestAuthority.create("ours");
    await docker("context", "create", "foreign", "--docker", await tlsEndpoint(foreign, "foreign"));
    await assert.rejects(docker("--context", "foreign", "version"), /error during connect|Cannot connect|EOF|tls/i);
  });

  it("moves a container by commit, save and load, with its files and its config", async () => {
    const make =
      "mkdir -p /data/deep; echo kept > /data/deep/file; ln -s deep/file /data/link; chown 7:8 /data/deep/file; chmod 4750 /data/deep/file; rm /etc/passwd";
    await shell(`tls run --name made --network none busybox sh -c '${make}'`);
    await shell(
      `tls commit -c 'ENV A="b c"' -c 'CMD ["cat","/data/link"]' -c 'LABEL x=y' -c 'EXPOSE 80' -c 'WORKDIR /data' made moved >/dev/null; tls save moved | ssh_ load -q`,
    );
    const config = (context: string) =>
      shell(`${context} image inspect moved --format '{{.Id}} {{json .Config}} {{json .RootFS}}'`);
    assert.equal(await config("tls"), await config("ssh_"));
    assert.equal(await shell("ssh_ run --rm --network none moved"), "kept\n");
    const files = (context: string) =>
      shell(
        `${context} create --name c-moved --network none moved >/dev/null; ${context} export c-moved | tar --numeric-owner -tvf - | awk '!/ data/ { $4 = $5 = "" } 1' | sort; ${context} rm c-moved >/dev/null`,
      );
    const before = await files("tls");
    assert.match(before, /-rwsr-x--- 7\/8\s+5 .* data\/deep\/file\n/);
    assert.ok(!before.includes("etc/passwd"));
    const after = await files("ssh_");
    const [left, right] = [before, after].map(text => new Set(text.split("\n")));
    assert.deepEqual(
      [...(left ?? [])].filter(line => right?.has(line) === false),
      [],
    );
    assert.deepEqual(
      [...(right ?? [])].filter(line => left?.has(line) === false),
      [],
    );
  });

  it("moves a container's files by export and import", async () => {
    await shell(
      "tls run --name flat --network none busybox sh -c 'echo flat > /only'; tls export flat | ssh_ import -c 'CMD [\"cat\",\"/only\"]' - flat",
    );
    assert.equal(await shell("ssh_ run --rm --network none flat"), "flat\n");
  });
});
