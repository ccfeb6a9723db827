import assert from "node:assert/strict";
import { ExecStartError, lastRuntimeError, translateRuntimeError } from "../../../../src/engine/runtime/start-error.ts";

const CREATE = "failed to create task for container: failed to create shim task: OCI runtime create failed: ";
const PROGRAM = `${CREATE}runc create failed: unable to start container process: `;

describe("translateRuntimeError", () => {
  // What crun 1.8 and runc 1.1 were seen to say.
  const cases = [
    {
      said: "executable file `nope` not found in $PATH: No such file or directory",
      is: `${PROGRAM}exec: "nope": executable file not found in $PATH`,
      exitCode: 127,
    },
    {
      said: "executable file `/x` not found in $PATH: No such file or directory",
      is: `${PROGRAM}exec: "/x": stat /x: no such file or directory`,
      exitCode: 127,
    },
    { said: "open executable: Permission denied", is: `${PROGRAM}exec: "prog": permission denied`, exitCode: 126 },
    { said: "open executable: Operation not permitted", is: `${PROGRAM}exec: "prog": permission denied`, exitCode: 126 },
    {
      said: 'runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      is: `${PROGRAM}exec: "nope": executable file not found in $PATH`,
      exitCode: 127,
    },
    {
      said: 'runc create failed: unable to start container process: exec: "/x": stat /x: no such file or directory',
      is: `${PROGRAM}exec: "/x": stat /x: no such file or directory`,
      exitCode: 127,
    },
    {
      said: 'runc create failed: unable to start container process: exec: "/etc": permission denied',
      is: `${PROGRAM}exec: "/etc": permission denied`,
      exitCode: 126,
    },
  ] as const;
  for (const { said, is, exitCode } of cases) {
    it(`gives ${exitCode} for: ${said}`, () => {
      const error = translateRuntimeError(said, { phase: "create", program: "prog" });
      assert.ok(error instanceof ExecStartError);
      assert.deepEqual([error.kind, error.message, error.exitCode], ["invalid", is, exitCode]);
    });
  }

  it("hints at the kind of file when a mount does not fit", () => {
    const error = translateRuntimeError("mount `/x` to `y`: Not a directory", { phase: "create", program: "sh" });
    assert.ok(error instanceof ExecStartError);
    assert.match(error.message, /Are you trying to mount a directory onto a file \(or vice-versa\)\?/);
  });

  it("passes on what it does not know, as an internal failure", () => {
    const error = translateRuntimeError("cgroups are gone", { phase: "exec", program: "sh" });
    assert.deepEqual([error.kind, error.message], ["internal", "OCI runtime exec failed: cgroups are gone"]);
    assert.ok(!(error instanceof ExecStartError));
  });
});

describe("lastRuntimeError", () => {
  it("takes the last error among other lines", () => {
    const log = [
      '{"level":"error","msg":"first"}',
      '{"level":"warning","msg":"a warning"}',
      '{"level":"error","msg":"last"}',
      "",
    ].join("\n");
    assert.equal(lastRuntimeError(log), "last");
  });
  it("takes a line that is not JSON as it is", () => assert.equal(lastRuntimeError("oh no\n"), "oh no"));
  it("finds nothing in nothing", () => assert.equal(lastRuntimeError(""), ""));
});
