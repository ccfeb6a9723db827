import { anArchive, archiveOf } from "../archive.ts";
import { type Case, GONE, shows } from "../case.ts";
import type { Stage } from "../stage.ts";

const TAR = { "Content-Type": "application/x-tar" };
const BUSYBOX = { name: "busybox" };
const NOTHING = { name: "nothing" };

/** An image of one file. @returns its name. */
async function image(s: Stage, changes: readonly string[] = []): Promise<string> {
  const name = s.newName();
  await s.need(
    "ImageCreate",
    {},
    { query: { fromSrc: "-", repo: name, tag: "latest", changes }, headers: TAR, body: anArchive() },
  );
  s.later("ImageDelete", { name }, { query: { force: "1" } });
  return name;
}

const CHANGES = [
  "LABEL one=1",
  "ENV A=1",
  'CMD ["x"]',
  "EXPOSE 80",
  "VOLUME /v",
  "USER root",
  "WORKDIR /w",
  "HEALTHCHECK CMD true",
  "ONBUILD RUN x",
  "STOPSIGNAL TERM",
];

export const IMAGE_CASES: readonly Case[] = [
  shows("ImageList", 200, "there is one with a label", async s => {
    const name = await image(s, ["LABEL one=1"]);
    return s.call({}, { query: { all: "1", filters: JSON.stringify({ reference: [name, "busybox"] }) } });
  }),

  shows("ImageCreate", 200, "a root file system is sent", async s => {
    const name = s.newName();
    s.later("ImageDelete", { name });
    return s.call({}, { query: { fromSrc: "-", repo: name, tag: "latest" }, headers: TAR, body: anArchive() });
  }),

  shows("ImageInspect", 200, "it says much", async s => s.call({ name: await image(s, CHANGES) })),
  shows("ImageInspect", 200, "it says little", async s => s.call({ name: await image(s) })),
  shows("ImageInspect", 404, "there is no such image", s => s.call(NOTHING)),

  shows("ImageHistory", 200, "it was imported", s => s.call(BUSYBOX)),
  shows("ImageHistory", 404, "there is no such image", s => s.call(NOTHING)),

  shows("ImageBuild", 200, "a Dockerfile is sent", async s => {
    const name = s.newName();
    s.later("ImageDelete", { name });
    const body = archiveOf("Dockerfile", "FROM busybox\nLABEL of=its-own\nRUN true\n");
    return s.call({}, { query: { t: name, labels: '{"two":"2"}' }, headers: TAR, body });
  }),
  shows("ImageBuild", 400, "an instruction is unknown", s =>
    s.call({}, { headers: TAR, body: archiveOf("Dockerfile", "FROM busybox\nFOO\n") }),
  ),
  shows("ImageHistory", 200, "it was built", async s => {
    const name = s.newName();
    const body = archiveOf("Dockerfile", "FROM busybox\nLABEL one=1\nCOPY Dockerfile /\n");
    await s.need("ImageBuild", {}, { query: { t: name }, headers: TAR, body });
    s.later("ImageDelete", { name });
    return s.call({ name });
  }),
  shows("ImageInspect", 200, "it was built", async s => {
    const name = s.newName();
    const body = archiveOf("Dockerfile", "FROM busybox\nMAINTAINER me\nLABEL one=1\nCOPY Dockerfile /\n");
    await s.need("ImageBuild", {}, { query: { t: name }, headers: TAR, body });
    s.later("ImageDelete", { name });
    return s.call({ name });
  }),

  shows("ImageTag", 201, "the name is free", async s => {
    const name = s.newName();
    s.later("ImageDelete", { name });
    return s.call(BUSYBOX, { query: { repo: name, tag: "one" } }).finally(() => s.later("ImageDelete", { name: `${name}:one` }));
  }),
  shows("ImageTag", 400, "the name is none", s => s.call(BUSYBOX, { query: { repo: "Bad" } })),
  shows("ImageTag", 404, "there is no such image", s => s.call(NOTHING, { query: { repo: s.newName() } })),

  shows("ImageDelete", 200, "nobody has it", async s => s.call({ name: await image(s) })),
  shows("ImageDelete", 404, "there is no such image", s => s.call(NOTHING)),
  shows("ImageDelete", 409, "a container has it", async s => {
    await s.created();
    return s.call(BUSYBOX);
  }),

  shows(
    "ImagePrune",
    200,
    "one has lost its name",
    async s => {
      const name = await image(s, [`LABEL prune=${s.prefix}`]);
      await s.need("ImageTag", BUSYBOX, { query: { repo: name, tag: "latest" } });
      return s.call({}, { query: { filters: JSON.stringify({ label: [`prune=${s.prefix}`] }) } });
    },
    { isAlone: true },
  ),

  shows("ImageCommit", 201, "the container was changed", async s => {
    const [container, repo] = [await s.ended({ Cmd: ["sh", "-c", "echo 1 >/tmp/new"] }), s.newName()];
    s.later("ImageDelete", { name: repo });
    return s.call({}, { query: { container, repo, tag: "latest", comment: "a comment", author: "someone" }, body: {} });
  }),
  shows("ImageCommit", 404, "there is no such container", s => s.call({}, { query: { container: GONE.id }, body: {} })),

  shows("ImageGet", 200, "it is there", s => s.call(BUSYBOX)),
  shows("ImageGetAll", 200, "two are there", async s => s.call({}, { query: { names: ["busybox", await image(s)] } })),
  shows("ImageLoad", 200, "an archive is sent", async s => {
    const name = await image(s);
    const { body } = await s.ask("ImageGet", { name });
    return s.call({}, { headers: TAR, body });
  }),

  shows("ImageAttestations", 501, "images are kept without their indexes", s => s.call(BUSYBOX), {
    since: "1.54",
    oursAlone: "it came after the real engine's newest version",
  }),

  shows("BuildPrune", 200, "nothing was built", s => s.call(), { isAlone: true }),
];
