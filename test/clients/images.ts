import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Image } from "./suite.ts";

const run = promisify(execFile);
const PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What each is made of, by `images.sh`; names of a hub's images stand for them, since no hub is asked. */
const KINDS = {
  busybox: { names: ["busybox:latest", "alpine:latest", "alpine:3.10"], changes: ['CMD ["sh"]', PATH] },
  ubuntu: { names: ["ubuntu:latest"], changes: ['CMD ["/bin/bash"]', PATH] },
  hello: { names: ["hello-world:latest"], changes: ['CMD ["/hello"]', PATH] },
  testcontainer: {
    names: ["cristianrgreco/testcontainer:1.1.14"],
    changes: ['ENTRYPOINT ["/usr/bin/dumb-init","--"]', 'CMD ["node","index.js"]', "EXPOSE 8080", PATH],
  },
  "udp-listener": { names: ["mendhak/udp-listener:latest"], changes: ['CMD ["node","/udp.js"]', "EXPOSE 5005/udp", PATH] },
} as const;

export type ImageKind = keyof typeof KINDS;

/** Makes those that are not there yet, in a folder. @param sources - Where the checkouts are that some are made of. */
export async function makeImages(folder: string, kinds: readonly ImageKind[], sources = ""): Promise<readonly Image[]> {
  const archives = new Map<ImageKind, string>();
  for (const kind of kinds) {
    await run("bash", ["test/clients/images.sh", folder, kind, sources]);
    archives.set(kind, join(folder, `${kind}.tar`));
  }
  return [...archives].flatMap(([kind, archive]) =>
    KINDS[kind].names.map(name => ({ name, archive, changes: KINDS[kind].changes })),
  );
}

/** @throws Error when the engine does not take it. */
export async function loadImage(dockerHost: string, { name, archive, changes }: Image): Promise<void> {
  const args = changes.flatMap(change => ["--change", change]);
  await run("docker", ["import", ...args, archive, name], { env: { ...process.env, DOCKER_HOST: dockerHost } });
}
