import assert from "node:assert/strict";
import { canonical, compareOutcomes, type Outcome, sortDifferences } from "../../oracle/compare.ts";
import { FIELD_RULES } from "../../oracle/machine-own.ts";
import { Normalizer } from "../../oracle/normalize.ts";

const ID = "0123456789ab".padEnd(64, "c");
const OTHER_ID = "fedcba987654".padEnd(64, "d");

function outcome(changes: Partial<Outcome> = {}): Outcome {
  return { exitCode: 0, stdout: "", stderr: "", ...changes };
}

function differences(real: Outcome, ours: Outcome): number {
  const normalized = (each: Outcome, defaultRuntime: string): Outcome => {
    const normalizer = new Normalizer();
    const stdout = normalizer.normalize(canonical("1 command: stdout", each.stdout, { defaultRuntime }));
    return { exitCode: each.exitCode, stdout, stderr: normalizer.normalize(each.stderr) };
  };
  return compareOutcomes("1 command", normalized(real, "runc"), normalized(ours, "crun")).length;
}

describe("the comparer", () => {
  const inspect = (changes: object = {}): Outcome =>
    outcome({
      stdout: JSON.stringify([
        {
          Id: ID,
          Created: "2026-01-02T03:04:05.6Z",
          State: { Status: "exited", ExitCode: 3, Pid: 7 },
          Config: { Env: ["A=1"], Cmd: null },
          NetworkSettings: { IPAddress: "172.17.0.2" },
          ...changes,
        },
      ]),
    });

  const planted: readonly { readonly what: string; readonly real: Outcome; readonly ours: Outcome }[] = [
    { what: "another exit code", real: outcome({ exitCode: 125 }), ours: outcome({ exitCode: 1 }) },
    {
      what: "another word in an error",
      real: outcome({ stderr: "No such container: x" }),
      ours: outcome({ stderr: "no such container: x" }),
    },
    { what: "a missing line", real: outcome({ stdout: "a\nb\n" }), ours: outcome({ stdout: "a\n" }) },
    { what: "a line too many", real: outcome({ stdout: "a\n" }), ours: outcome({ stdout: "a\n\nb\n" }) },
    { what: "lines in another order", real: outcome({ stdout: "a\nb\n" }), ours: outcome({ stdout: "b\na\n" }) },
    { what: "output on the other stream", real: outcome({ stdout: "a\n" }), ours: outcome({ stderr: "a\n" }) },
    { what: "a missing JSON field", real: inspect({ Path: "sh" }), ours: inspect() },
    { what: "a JSON field too many", real: inspect(), ours: inspect({ Extra: 1 }) },
    { what: "null instead of an empty list", real: inspect({ Args: [] }), ours: inspect({ Args: null }) },
    { what: "a number as text", real: inspect({ RestartCount: 0 }), ours: inspect({ RestartCount: "0" }) },
    {
      what: "another state",
      real: inspect({ State: { Status: "exited", ExitCode: 0 } }),
      ours: inspect({ State: { Status: "dead", ExitCode: 0 } }),
    },
    {
      what: "a list in another order",
      real: inspect({ Config: { Cmd: ["echo", "hi"] } }),
      ours: inspect({ Config: { Cmd: ["hi", "echo"] } }),
    },
    {
      what: "another variable",
      real: inspect({ Config: { Env: ["A=1", "B=2"] } }),
      ours: inspect({ Config: { Env: ["B=3", "A=1"] } }),
    },
    {
      what: "a zero time that is none",
      real: outcome({ stdout: "0001-01-01T00:00:00Z" }),
      ours: outcome({ stdout: "2026-01-01T00:00:00Z" }),
    },
    {
      what: "two ids where one stands twice",
      real: outcome({ stdout: `${ID}\n${ID}\n` }),
      ours: outcome({ stdout: `${ID}\n${OTHER_ID}\n` }),
    },
    { what: "no id where one should be", real: outcome({ stdout: `${ID}\n` }), ours: outcome({ stdout: "\n" }) },
    {
      what: "no process where one should be",
      real: inspect(),
      ours: inspect({ State: { Status: "exited", ExitCode: 3, Pid: 0 } }),
    },
    {
      what: "another runtime than the default",
      real: inspect({ HostConfig: { Runtime: "runc" } }),
      ours: inspect({ HostConfig: { Runtime: "runc" } }),
    },
    { what: "no path of a file", real: inspect({ LogPath: "/a/x.log" }), ours: inspect() },
    { what: "no namespace", real: inspect({ SandboxKey: "/run/a" }), ours: inspect({ SandboxKey: "" }) },
    {
      what: "a folder of layers too few",
      real: inspect({ GraphDriver: { Data: { LowerDir: "/a", UpperDir: "/b" } } }),
      ours: inspect({ GraphDriver: { Data: { LowerDir: "/a" } } }),
    },
    { what: "an index that is none", real: inspect({ Version: { Index: 7 } }), ours: inspect({ Version: { Index: 0 } }) },
    { what: "a version that is none", real: inspect({ EngineVersion: "1" }), ours: inspect({ EngineVersion: "" }) },
    { what: "a missing column", real: outcome({ stdout: "ID   NAME   STATUS\n" }), ours: outcome({ stdout: "ID   STATUS\n" }) },
  ];
  for (const { what, real, ours } of planted) it(`finds ${what}`, () => assert.ok(differences(real, ours) > 0));

  const same: readonly { readonly what: string; readonly real: Outcome; readonly ours: Outcome }[] = [
    {
      what: "swarm ids, with digits or without",
      real: outcome({ stdout: "jialfacxygeijvmpzxfzhcgci" }),
      ours: outcome({ stdout: "ss0gfulvqfvo76maaol7q52wf" }),
    },
    { what: "other ids", real: outcome({ stdout: `${ID}\n` }), ours: outcome({ stdout: `${OTHER_ID}\n` }) },
    {
      what: "a short id of a long one",
      real: outcome({ stdout: `${ID} ${ID.slice(0, 12)}` }),
      ours: outcome({ stdout: `${OTHER_ID} ${OTHER_ID.slice(0, 12)}` }),
    },
    {
      what: "another time and age",
      real: outcome({ stdout: "2026-01-02T03:04:05Z Up 2 seconds" }),
      ours: outcome({ stdout: "2026-01-02T03:04:06Z Up Less than a second" }),
    },
    { what: "another address", real: inspect(), ours: inspect({ NetworkSettings: { IPAddress: "172.18.0.9" } }) },
    {
      what: "another order of keys, with ids in them",
      real: outcome({ stdout: JSON.stringify({ A: ID, B: OTHER_ID, C: ID }) }),
      ours: outcome({ stdout: JSON.stringify({ B: OTHER_ID, C: ID, A: ID }) }),
    },
    { what: "another column width", real: outcome({ stdout: "ID      NAME\n" }), ours: outcome({ stdout: "ID   NAME\n" }) },
    { what: "another process id", real: inspect({ State: { Status: "exited", ExitCode: 3, Pid: 8 } }), ours: inspect() },
    {
      what: "each engine's own runtime, and its files",
      real: inspect({ HostConfig: { Runtime: "runc" }, LogPath: "/a/x.log", GraphDriver: { Data: { LowerDir: "/a" } } }),
      ours: inspect({ HostConfig: { Runtime: "crun" }, LogPath: "/b/log", GraphDriver: { Data: { LowerDir: "/b" } } }),
    },
  ];
  for (const { what, real, ours } of same) it(`lets ${what} pass`, () => assert.equal(differences(real, ours), 0));

  it("takes a short id of letters alone for one where it stands alone on its line", () => {
    const ids = (...each: readonly string[]) => outcome({ stdout: `${each.join("\n")}\n` });
    assert.equal(differences(ids("csmmsxyhrbvx", "8xk2m1q0z7ab"), ids("1zmmsxyhrbvx", "qwertyuiopas")), 0);
    assert.equal(differences(ids("csmmsxyhrbvx", "csmmsxyhrbvx"), ids("1zmmsxyhrbvx", "qwertyuiopas")), 1);
    assert.equal(differences(ids("unauthorized: a"), ids("unanswerable: a")), 1);
  });

  it("says of each field that is the machine's own why it is", () => {
    assert.deepEqual(
      FIELD_RULES.filter(({ because }) => because === ""),
      [],
    );
  });

  it("tells what is explained from what is not", () => {
    const explanation = { scenario: /^x$/, where: /stdout line 1$/, reason: "more on purpose", because: "of a reason" } as const;
    const all = compareOutcomes("1 c", outcome({ stdout: "a\nb\n" }), outcome({ stdout: "x\ny\n" }));
    const { unexplained, explained } = sortDifferences(all, [explanation]);
    assert.deepEqual(unexplained, [{ where: "1 c: stdout line 2", real: "b", ours: "y" }]);
    assert.deepEqual(explained, [{ where: "1 c: stdout line 1", real: "a", ours: "x", explanation }]);
  });
});
