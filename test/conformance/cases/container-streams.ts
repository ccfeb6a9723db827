import { type Case, GONE, shows } from "../case.ts";
import { anArchive } from "../archive.ts";
import { frameFaults } from "../frames.ts";

const UPGRADE = { Connection: "Upgrade", Upgrade: "tcp" };
const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "c2FtcGxlIG5vbmNlIG9rIQ==",
  Origin: "http://docker",
};
const LIVE = { stream: "1", stdout: "1", stderr: "1" };
const PAST = { logs: "1", stdout: "1", stderr: "1" };
/** Again and again: whoever comes late hears it too, where one that has ended would be waited for. */
const SPEAKS = { Cmd: ["sh", "-c", "while :; do echo out; echo err >&2; sleep 0.2; done"] };
const hasBoth = (body: Buffer): boolean => body.includes("out") && body.includes("err");
const hasBothWhole = (body: Buffer): boolean => hasBoth(body) && frameFaults(body).length === 0;
const TAR = { "Content-Type": "application/x-tar" };

/** Operations on connections that turn into streams, and on archives that are sent. */
export const CONTAINER_STREAM_CASES: readonly Case[] = [
  shows("ContainerAttach", 101, "an upgrade is asked for", async s =>
    s.call({ id: await s.running(SPEAKS) }, { query: LIVE, headers: UPGRADE, isEnough: hasBothWhole }),
  ),
  shows("ContainerAttach", 101, "it has a terminal", async s =>
    s.call({ id: await s.running({ ...SPEAKS, Tty: true }) }, { query: LIVE, headers: UPGRADE, isEnough: hasBoth }),
  ),
  shows("ContainerAttach", 200, "no upgrade is asked for", async s =>
    s.call({ id: await s.running(SPEAKS) }, { query: LIVE, isEnough: hasBothWhole }),
  ),
  shows("ContainerAttach", 200, "the past is asked for", async s => s.call({ id: await s.common.ended() }, { query: PAST })),
  shows("ContainerAttach", 400, "the keys to detach are none", async s =>
    s.call({ id: await s.common.running() }, { query: { ...LIVE, detachKeys: "ctrl-nothing" } }),
  ),
  shows("ContainerAttach", 404, "there is no such container", s => s.call(GONE, { query: LIVE })),

  shows("ContainerAttachWebsocket", 101, "hands are shaken", async s =>
    s.call({ id: await s.running(SPEAKS) }, { query: LIVE, headers: HANDSHAKE, isEnough: body => body.byteLength > 0 }),
  ),
  shows("ContainerAttachWebsocket", 400, "the keys to detach are none", async s =>
    s.call({ id: await s.common.running() }, { query: { ...LIVE, detachKeys: "ctrl-nothing" }, headers: HANDSHAKE }),
  ),
  shows("ContainerAttachWebsocket", 404, "there is no such container", s => s.call(GONE, { query: LIVE, headers: HANDSHAKE })),

  shows("PutContainerArchive", 200, "the folder is there", async s =>
    s.call({ id: await s.created() }, { query: { path: "/tmp" }, headers: TAR, body: anArchive() }),
  ),
  shows("PutContainerArchive", 400, "no path is said", async s =>
    s.call({ id: await s.created() }, { headers: TAR, body: anArchive() }),
  ),
  shows("PutContainerArchive", 400, "its root is read-only", async s =>
    s.call(
      { id: await s.created({ HostConfig: { ReadonlyRootfs: true } }) },
      { query: { path: "/tmp" }, headers: TAR, body: anArchive() },
    ),
  ),
  shows("PutContainerArchive", 404, "there is no such folder", async s =>
    s.call({ id: await s.created() }, { query: { path: "/nothing" }, headers: TAR, body: anArchive() }),
  ),
  shows("PutContainerArchive", 404, "there is no such container", s =>
    s.call(GONE, { query: { path: "/" }, headers: TAR, body: anArchive() }),
  ),
];
