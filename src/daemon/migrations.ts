import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../engine/images/durable.ts";
import type { RecordChange, StateDatabase } from "../engine/state/database.ts";
import { errnoCode } from "../lib/errors.ts";

/** From one format of the data root to the next. */
export interface Migration {
  readonly to: number;
  /** For the log. */
  readonly what: string;
  /** In one write, so that it is done or not; done twice it changes nothing. */
  migrate(database: StateDatabase, place: { readonly dataRoot: string }): Promise<void>;
}

/** In order, without a gap. One that was released is never changed. */
export const MIGRATIONS: readonly Migration[] = [
  {
    to: 2,
    what: "networks are kept under a name like those of containers and volumes",
    async migrate(database) {
      const old = database.collection<unknown>("networks");
      const moved: [id: string, record: unknown][] = [];
      for await (const [id, record] of database.entries("networks/")) if (id !== TOMBSTONE) moved.push([id, record]);
      const network = database.collection<unknown>("network");
      await database.write([
        ...moved.flatMap(([id, record]) => [old.delete(id), network.put(id, record)]),
        // The first version looks there, and knows no format file: it refuses what it reads here, and does not go on without networks.
        old.put(TOMBSTONE, null),
      ]);
    },
  },
  {
    to: 3,
    what: "what containers' file systems stand on is kept with their records",
    async migrate(database, { dataRoot }) {
      const folder = join(dataRoot, "images", "containers");
      const rootfs = database.collection<unknown>("rootfs");
      const changes: RecordChange[] = [];
      for (const id of await namesIn(folder)) {
        const bytes = await readIfThere(join(folder, id, "record.json"));
        // Empty, or zeros: of one that was not acknowledged, or need not outlive a power loss, and did not.
        if (bytes === undefined || bytes.every(byte => byte === 0)) continue;
        changes.push(rootfs.put(id, { id, ...(JSON.parse(bytes.toString("utf8")) as object) }));
      }
      await database.write(changes);
    },
  },
  {
    to: 4,
    what: "what managers keep is encrypted, by themselves as they go on",
    // Nothing moves now: only a version that can read it may start here from now on.
    migrate: async () => {},
  },
];

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  });
}

const TOMBSTONE = "moved";
