import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenForConsole } from "../../../src/system/console-socket.ts";
import { descriptorControl, messageOf, MSG_NOSIGNAL, sendMessage } from "../../../src/system/message-header.ts";

describe("a socket that a runtime hands a terminal over", () => {
  let directory = "";
  before(() => (directory = mkdtempSync(join(tmpdir(), "console-"))));
  after(() => rmSync(directory, { recursive: true }));

  it("takes one that was sent before the runtime's end was heard of, though nobody has looked yet", async () => {
    const path = join(directory, "quick");
    const listener = await listenForConsole(path);
    const runtime = connect(path); // The kernel has it at once; the event loop hears of it in its next turn.
    const { _handle: handle } = runtime as unknown as { readonly _handle: { readonly fd: number } };
    const fd = openSync("/dev/ptmx", "r+");
    sendMessage(handle.fd, messageOf(Buffer.from("/dev/ptmx"), descriptorControl(fd)), MSG_NOSIGNAL);
    closeSync(fd);
    runtime.destroy();
    listener.close();
    const terminal = await listener.console;
    assert.ok(terminal !== undefined);
    terminal.stream.destroy();
  });

  it("has none when nobody came", async () => {
    const listener = await listenForConsole(join(directory, "nobody"));
    listener.close();
    assert.equal(await listener.console, undefined);
  });

  it("has none when the runtime came and sent nothing", async () => {
    const path = join(directory, "empty");
    const listener = await listenForConsole(path);
    connect(path).destroy();
    listener.close();
    assert.equal(await listener.console, undefined);
  });
});
